"""The parking log and the usage by the hour, from a file sink's lines and from the spool."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

HOUR = timedelta(hours=1)


def hour_of_now() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, broker, make_site) -> Iterator[Any]:
    """A lot with a file sink: A1 was occupied for 30 minutes of the hour before the last."""
    folder = tmp_path_factory.mktemp("kept")
    sink = f'[[sinks]]\nname = "disk"\nkind = "file"\npath = "{folder}/records"\n'
    site = make_site(folder / "lot", broker[1], "f1", sink)
    site.beat()
    begin = hour_of_now() - 2 * HOUR
    for status, at in (
        ("free", begin - HOUR),
        ("occupied", begin),
        ("free", begin + HOUR / 2),
        ("occupied", begin + HOUR),
    ):
        site.say("A1", status, (datetime.now(UTC) - at).total_seconds())
    yield site
    site.stop()
    site.close()


@pytest.fixture(scope="module")
def over_kept(tmp_path_factory: pytest.TempPathFactory, kept, console_over) -> Iterator[Any]:
    yield from console_over(tmp_path_factory.mktemp("over"), kept)


@retry(
    retry=retry_if_exception_type(AssertionError),
    stop=stop_after_delay(10),
    wait=wait_fixed(0.05),
    reraise=True,
)
def await_spool_forgotten(site) -> None:
    assert site.store.depth("disk").rows == 0


def test_the_log_is_whole_though_the_spool_has_forgotten(over_kept, kept) -> None:
    await_spool_forgotten(kept)
    log = over_kept.read(f"/lots/{kept.lot_id}/log")
    assert log["whole"] is True
    assert [each["event_type"] for each in log["items"]] == [
        "ARRIVAL",
        "DEPARTURE",
        "ARRIVAL",
        "DEPARTURE",
    ]
    assert len({each["event_id"] for each in log["items"]}) == 4
    assert over_kept.read(f"/lots/{kept.lot_id}/log", type="ARRIVAL")["total"] == 2
    assert over_kept.read(f"/lots/{kept.lot_id}/log", spot="A2")["total"] == 0
    begin = (hour_of_now() - HOUR).isoformat()
    assert over_kept.read(f"/lots/{kept.lot_id}/log", begin=begin)["total"] == 1


def test_usage_weighs_time_and_leaves_out_what_was_not_seen(over_kept, kept) -> None:
    """Of three spots one was seen: that is less than half, so an hour has coverage and no value."""
    begin = hour_of_now() - 2 * HOUR
    asked = {"begin": begin.isoformat(), "end": (begin + 2 * HOUR).isoformat()}
    usage = over_kept.read(f"/lots/{kept.lot_id}/usage", **asked)
    assert [(each["occupancy"], each["coverage"]) for each in usage["hours"]] == [
        (None, 0.3333),
        (None, 0.3333),
    ]
    assert [(each["arrivals"], each["departures"]) for each in usage["hours"]] == [(1, 1), (1, 0)]
    kept.say("A2", "free", ((datetime.now(UTC) - begin).total_seconds()) + 60)
    usage = over_kept.read(f"/lots/{kept.lot_id}/usage", **asked)
    assert [each["occupancy"] for each in usage["hours"]] == [0.25, 0.5]


def test_a_gateway_without_a_file_sink_says_that_its_past_is_not_whole(console, site) -> None:
    log = console.read(f"/lots/{site.lot_id}/log")
    assert log["whole"] is False
    assert {each["spot_id"] for each in log["items"]} <= {"A1", "A2"}
    assert log["total"] >= 2


def test_a_line_that_is_being_written_is_left_out(over_kept, kept) -> None:
    await_spool_forgotten(kept)
    before = over_kept.read(f"/lots/{kept.lot_id}/log")["total"]
    (sink,) = kept.settings.sinks
    newest = max(Path(sink.options["path"]).glob("*.jsonl"))
    whole = newest.read_bytes()
    record = json.loads(whole.splitlines()[0])
    with newest.open("ab") as file:
        file.write(json.dumps({**record, "event_id": "torn"}).encode()[:-5])
    try:
        assert over_kept.read(f"/lots/{kept.lot_id}/log")["total"] == before
    finally:
        newest.write_bytes(whole)


@pytest.mark.parametrize(
    "asked",
    [
        {"begin": "2026-03-02T00:00:00Z", "end": "2026-03-01T00:00:00Z"},
        {"begin": "2026-03-01T00:00:00Z", "end": "2026-04-02T00:00:00Z"},
        {"begin": "0001-01-01T00:00:00+14:00"},
        {"begin": "2026-03-01T00:00:00"},
        {"end": "0001-01-01T00:00:00Z"},
        {"begin": "9999-12-31T00:00:00Z", "end": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_a_wrong_period_is_refused(console, site, asked: dict[str, str]) -> None:
    for name in ("log", "usage"):
        assert console.get(f"/lots/{site.lot_id}/{name}", **asked).status_code == 422
