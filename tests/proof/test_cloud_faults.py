"""What networks and clouds do to calls, done by a proxy to the real sinks and the real forwarder.

Each test's docstring says how it was seen red.
"""

import json
import math
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proof.cloud_dialects import (
    answers_each,
    aws_error,
    knows_key,
    knows_token,
    refuses_holding,
    resent_for_nothing,
    takes_parts,
    untold,
)
from proof.fault_proxy import (
    Fault,
    answers_wrongly,
    drips,
    is_slow,
    never_answers,
    never_passes,
    passes,
    refuses,
    resets_at_once,
    resets_the_answer,
    resets_the_request,
)
from tests.proof.clouds import READ_TIMEOUT_S, Cloud, HttpCloud, KinesisCloud, until
from tests.proof.runs import SPOTS, Road

THROTTLED = "ProvisionedThroughputExceededException"

WAITED_OUT = (never_passes, never_answers)
ANYWHERE: dict[str, Fault] = {
    "reset_at_once": resets_at_once,
    "reset_in_request": resets_the_request,
    "reset_in_answer": resets_the_answer,
    "never_passed": never_passes,
    "never_answered": never_answers,
    "slow": is_slow(READ_TIMEOUT_S / 3),
    "dripping": drips(0.0002),
    "500": refuses(500),
    "503": refuses(503, Retry_After="0"),
    "500_but_taken": answers_wrongly(500),
}
OF_KINESIS = {
    **ANYWHERE,
    "throttled": aws_error(THROTTLED),
    "internal": aws_error("InternalFailure", 500),
    "parts": takes_parts(lambda record: record["seq"] % 3 == 0, THROTTLED),
    "parts_internal": takes_parts(lambda record: record["seq"] % 7 < 5, "InternalFailure"),
}
OF_HTTP = {
    **ANYWHERE,
    "throttled": refuses(429),
}


class Run(Road):
    """Records on their way through a cloud."""

    def __init__(self, cloud: Cloud, folder: Path, **forward: float) -> None:
        super().__init__(cloud, folder, **forward)
        self.cloud = cloud

    def judge(self, poison: frozenset[int] = frozenset()) -> None:
        """Nothing lost; each spot in order; again only what the answer of was lost, unchanged."""
        came = self.arrived(poison)
        assert doubled(came) <= untold(self.cloud.dialect, self.cloud.proxy.exchanges)
        assert resent_for_nothing(self.cloud.dialect, self.cloud.proxy.exchanges) == []


def doubled(came: list[dict[str, Any]]) -> set[str]:
    """The event_ids that came twice, each time saying the same."""
    told: dict[str, str] = {}
    found = set()
    for record in came:
        if record["event_type"] == "SNAPSHOT":
            continue
        text = json.dumps({**record, "historical": None}, sort_keys=True)
        if told.setdefault(record["event_id"], text) is not text:
            found.add(record["event_id"])
            assert told[record["event_id"]] == text
    return found


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    made: list[Run] = []

    def make(cloud: Cloud, **forward: float) -> Run:
        made.append(Run(cloud, tmp_path, **forward))
        return made[-1]

    yield make
    for each in made:
        each.lot.close()


MakeRun = Callable[..., Run]


def met(run: Run, fault: Fault) -> None:
    """Calls meet the fault at the beginning and in the midst: three, or one that takes its time."""
    again = [] if fault in WAITED_OUT else [fault, passes, fault]
    run.cloud.proxy.script.extend([passes, fault, *again])
    run.take()
    run.lot.forwarder.start()
    run.take()
    run.drain()
    assert not run.cloud.proxy.script
    run.judge()


@pytest.mark.parametrize("fault", OF_KINESIS.values(), ids=OF_KINESIS)
def test_kinesis_behind(fault: Fault, kinesis: KinesisCloud, run: MakeRun) -> None:
    """Red where the cursor moves before the sink's answer (lost), where all of a call of which
    parts were taken goes again (resent for nothing), and with two records of a spot in a call
    (`parts`: out of order)."""
    met(run(kinesis), fault)


@pytest.mark.parametrize("fault", OF_HTTP.values(), ids=OF_HTTP)
def test_an_http_api_behind(fault: Fault, http: HttpCloud, run: MakeRun) -> None:
    """Red as for Kinesis."""
    met(run(http), fault)


def test_an_http_api_that_answers_record_by_record(http: HttpCloud, run: MakeRun) -> None:
    """Red as long as a call to it held two of a spot: the later was taken before the earlier."""
    http.proxy.otherwise = answers_each(lambda record: False)
    third = answers_each(lambda record: record["seq"] % 3 == 0)
    http.proxy.script.extend([third, third, http.proxy.otherwise, third])
    parts = run(http)
    parts.take()
    parts.lot.forwarder.start()
    parts.drain()
    parts.judge()


@pytest.mark.parametrize("name", ["kinesis", "http"])
def test_a_storm_of_all_of_them(name: str, request: pytest.FixtureRequest, run: MakeRun) -> None:
    """Red as each of the faults alone."""
    cloud = request.getfixturevalue(name)
    known = {"kinesis": OF_KINESIS, "http": OF_HTTP}[name]
    quick = [fault for each, fault in known.items() if not each.startswith("never")]
    rng = random.Random(7)
    cloud.proxy.script.extend(rng.choice([passes, *quick]) for _ in range(60))
    storm = run(cloud)
    storm.lot.forwarder.start()
    while cloud.proxy.script:
        storm.take(100)
        storm.drain()
    storm.judge()


def test_a_failed_record_holds_back_its_spot_and_no_other(
    kinesis: KinesisCloud, run: MakeRun
) -> None:
    """Red with two records of a spot in a call, and with a forwarder that passes a kept record."""
    late = run(kinesis)
    first = 5
    spot = SPOTS[first - 1]
    through: set[int] = set()

    def fails(record: dict[str, Any]) -> bool:
        """The spot's first, until all that changed at the other spots is through."""
        if record["seq"] == first:
            return len(through) < 200 * (len(SPOTS) - 1) // len(SPOTS)
        through.add(record["seq"])
        return False

    kinesis.proxy.otherwise = takes_parts(fails, THROTTLED)
    late.take(200)
    late.lot.forwarder.start()
    late.drain()
    calls = [kinesis.dialect.offered(each.body) for each in kinesis.proxy.exchanges]
    of_spot = [seqs for call in calls if (seqs := [r["seq"] for r in call if r["spot_id"] == spot])]
    assert max(map(len, of_spot)) == 1
    kept = of_spot.count([first])
    assert kept >= 10, "tried beside each change of the others"
    assert of_spot[:kept] == [[first]] * kept, "it alone of its spot, until it is through"
    late.judge()


@pytest.mark.parametrize("at_first", ["FIRST", ""], ids=["expired", "none"])
def test_kinesis_goes_on_by_itself_with_new_credentials(
    at_first: str, kinesis: KinesisCloud, run: MakeRun
) -> None:
    """Red as long as the sink kept its boto3 client, which reads a credentials file once."""
    if not at_first:
        kinesis.credentials.unlink()
    kinesis.proxy.otherwise = knows_key("SECOND")
    expired = run(kinesis)
    expired.take()
    expired.lot.forwarder.start()
    health = expired.lot.forwarder.health
    until(lambda: "credentials" in health.hint)
    kinesis.renew("SECOND")
    expired.drain()
    expired.judge()
    assert health.failing_since_s is None


def test_an_http_api_goes_on_by_itself_with_a_new_token(http: HttpCloud, run: MakeRun) -> None:
    """Red where the token is read once, when the sink is opened."""
    http.proxy.otherwise = knows_token("second")
    expired = run(http)
    expired.take()
    expired.lot.forwarder.start()
    until(lambda: "expired" in expired.lot.forwarder.health.error)
    http.token.write_text("second")
    expired.drain()
    expired.judge()


POISON = frozenset({137})
REFUSALS = {"kinesis": aws_error("ValidationException"), "http": refuses(422, b"bad record")}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_poison_record_is_buried_and_delays_the_others_by_its_batch_alone(
    name: str, request: pytest.FixtureRequest, run: MakeRun
) -> None:
    """Red with a back-off between the halves (60 s a call), and where a refused call is kept as a
    failed one: nothing passes any more."""
    cloud: Cloud = request.getfixturevalue(name)
    cloud.proxy.otherwise = refuses_holding(
        cloud.dialect, lambda record: record["seq"] in POISON, REFUSALS[name]
    )
    poisoned = run(cloud, retry_first_s=60, retry_max_s=60)
    poisoned.take(1000)
    poisoned.lot.forwarder.start()
    poisoned.drain()
    poisoned.judge(POISON)
    assert poisoned.lot.store.letters.counts() == {"sink_rejected": 1}
    calls = [
        (each, [r["seq"] for r in cloud.dialect.offered(each.body)])
        for each in cloud.proxy.exchanges
    ]
    refused = [seqs for each, seqs in calls if each.told and each.told.status >= 400]
    batch = refused[0]
    assert len(refused) <= 2 * math.log2(len(batch)) + 2
    assert all(set(seqs) <= set(range(min(batch), max(batch) + 100)) for seqs in refused)


def test_the_back_off_grows_and_is_not_in_step(http: HttpCloud, run: MakeRun) -> None:
    """Red with a wait that is the same each time; `tests/gateway/test_retries.py` has the rest."""
    http.proxy.script.extend([refuses(503)] * 8)
    late = run(http, retry_first_s=0.05, retry_max_s=0.4)
    late.take(10)
    late.lot.forwarder.start()
    late.drain()
    at = [each.at_s for each in http.proxy.exchanges]
    waits = [later - earlier for earlier, later in pairwise(at)]
    assert min(waits) >= 0.025
    assert sum(waits[4:8]) > sum(waits[:4])
    assert len({round(wait, 3) for wait in waits[4:8]}) > 1


def test_the_pace_that_an_api_asks_for_is_kept(http: HttpCloud, run: MakeRun) -> None:
    """Red where Retry-After is not read."""
    http.proxy.script.append(refuses(429, Retry_After="1"))
    late = run(http)
    late.take(10)
    late.lot.forwarder.start()
    late.drain()
    first, second = (each.at_s for each in http.proxy.exchanges)
    assert second - first >= 1


def test_an_answer_that_drips_is_given_up(http: HttpCloud, run: MakeRun) -> None:
    """Red as long as the time-out was that of one read, which a byte in time begins anew. What
    took so long is offered again by halves."""
    http.proxy.script.append(drips(READ_TIMEOUT_S / 10))
    late = run(http)
    late.take(10)
    late.lot.forwarder.start()
    late.drain()
    assert [each.told is None for each in http.proxy.exchanges] == [True, False, False]
    late.judge()
