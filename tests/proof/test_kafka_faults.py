"""What networks and Kafka brokers do to Produce requests, done by a proxy before a real broker.

Each test's docstring says how it was seen red.
"""

import base64
import os
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proof.forwarding import events, once
from proof.kafka_proxy import (
    Fault,
    KafkaProxy,
    is_slow,
    never_answers,
    never_passes,
    passes,
    refuses,
    refuses_above,
    refuses_partition,
    refuses_though_taken,
    resets_at_once,
    resets_the_answer,
    throttles,
)
from tests.gateway.sinks.brokers import Broker
from tests.proof.clouds import READ_TIMEOUT_S, KafkaCloud, until
from tests.proof.runs import Road

NOT_TAKEN: dict[str, Fault] = {
    "reset_at_once": resets_at_once,
    "never_passed": never_passes,
    "slow": is_slow(READ_TIMEOUT_S / 4),
    "throttled": throttles(300),
    "UNKNOWN_TOPIC_OR_PARTITION": refuses(3),
    "NOT_LEADER_OR_FOLLOWER": refuses(6),
    "REQUEST_TIMED_OUT": refuses(7),
    "NOT_ENOUGH_REPLICAS": refuses(19),
    "TOPIC_AUTHORIZATION_FAILED": refuses(29),
    "CLUSTER_AUTHORIZATION_FAILED": refuses(31),
    "OUT_OF_ORDER_SEQUENCE_NUMBER": refuses(45),
    "INVALID_PRODUCER_EPOCH": refuses(47),
    "KAFKA_STORAGE_ERROR": refuses(56),
    "UNKNOWN_PRODUCER_ID": refuses(59),
}
TAKEN: dict[str, Fault] = {
    "reset_in_answer": resets_the_answer,
    "never_answered": never_answers,
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND": refuses_though_taken(20),
    "KAFKA_STORAGE_ERROR_but_taken": refuses_though_taken(56),
}


@pytest.fixture(scope="module")
def proxy() -> Iterator[KafkaProxy]:
    pytest.importorskip("confluent_kafka", reason="needs the extra [kafka]")
    proxy = KafkaProxy()
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def broker(proxy: KafkaProxy) -> Iterator[Broker]:
    broker = Broker(proxy)
    yield broker
    broker.stop()


@pytest.fixture
def kafka(broker: Broker, proxy: KafkaProxy) -> Iterator[KafkaCloud]:
    cloud = KafkaCloud(broker, proxy)
    proxy.produced.clear()
    yield cloud
    cloud.close()


class Run(Road):
    """Records on their way to the topic."""

    def __init__(self, cloud: KafkaCloud, folder: Path, **forward: float) -> None:
        super().__init__(cloud, folder, **forward)
        self.cloud = cloud

    def judge(self) -> Counter[str]:
        """Nothing lost, each spot in order; how often what came more than once came."""
        came = self.arrived()
        by_spot = events(came)
        for spot in self.changes.of_spot:
            assert rounds(by_spot[spot]) <= 1 + len(self.cloud.proxy.produced)
        told = Counter(r["event_id"] for r in came if r["event_type"] != "SNAPSHOT")
        return Counter({event_id: times for event_id, times in told.items() if times > 1})


def rounds(seqs: list[int]) -> int:
    """How often the sequence goes back."""
    return sum(later < earlier for earlier, later in pairwise(seqs))


@pytest.fixture
def run(kafka: KafkaCloud, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    made: list[Run] = []

    def make(**forward: float) -> Run:
        made.append(Run(kafka, tmp_path, **forward))
        return made[-1]

    yield make
    for each in made:
        each.lot.close()


MakeRun = Callable[..., Run]


def met(run: Run, fault: Fault) -> None:
    """Requests meet the fault at the beginning and in the midst."""
    again = [] if fault in (never_passes, never_answers) else [fault, passes, fault]
    run.cloud.proxy.script.extend([passes, fault, *again])
    run.take()
    run.lot.forwarder.start()
    run.take()
    run.drain()
    run.take()
    run.drain()
    assert not run.cloud.proxy.script


@pytest.mark.parametrize("fault", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_what_the_broker_did_not_take_comes_once(fault: Fault, run: MakeRun) -> None:
    """Red where all of a batch goes again of which one partition failed: doubled."""
    behind = run()
    met(behind, fault)
    assert not behind.judge()


@pytest.mark.parametrize("fault", TAKEN.values(), ids=TAKEN)
def test_what_it_took_while_the_answer_was_lost_may_come_again(fault: Fault, run: MakeRun) -> None:
    """Red where the cursor moves before the answer."""
    behind = run()
    met(behind, fault)
    behind.judge()


def test_a_broker_that_is_away_for_a_while(run: MakeRun) -> None:
    behind = run()
    behind.take()
    behind.lot.forwarder.start()
    behind.drain()
    behind.cloud.proxy.shut()
    behind.take()
    health = behind.lot.forwarder.health
    until(lambda: health.failing_since_s is not None)
    assert "uplink" in health.hint
    behind.cloud.proxy.mend()
    behind.drain()
    assert not behind.judge()


@pytest.mark.parametrize("code", [19, 29], ids=["NOT_ENOUGH_REPLICAS", "AUTHORIZATION"])
def test_a_partition_in_trouble_holds_up_no_other(code: int, run: MakeRun) -> None:
    """Red where all of a batch goes again of which one partition failed: doubled."""
    behind = run()
    behind.cloud.proxy.otherwise = refuses_partition(1, code)
    behind.take()
    behind.lot.forwarder.start()
    until(lambda: len(told(behind, 1, code)) >= 3)
    behind.cloud.proxy.otherwise = passes
    behind.drain()
    assert not behind.judge()


def told(run: Run, partition: int, code: int) -> list[Any]:
    """The requests for a partition that were answered so."""
    return [p for p in run.cloud.proxy.produced if (p.partition, p.told) == (partition, code)]


def test_a_record_that_the_topic_is_too_narrow_for_is_buried_and_nothing_comes_twice(
    run: MakeRun,
) -> None:
    """Red as long as a set that was refused made the whole batch go again, with the partitions
    that had taken theirs: half of the records came twice."""
    behind = run()
    behind.cloud.proxy.otherwise = refuses_above(200_000)
    behind.take(150)
    too_large = {
        "event_id": "too large",
        "event_type": "STATUS",
        "spot_id": "A3",
        "fill": base64.b64encode(os.urandom(300_000)).decode(),
    }
    store = behind.lot.store
    with store.transaction():
        store.spool.append([store.entry(too_large, "A3", durable=False)])
    behind.take(150)
    behind.lot.forwarder.start()
    behind.drain()
    assert store.letters.counts() == {"sink_rejected": 1}
    came = behind.cloud.records()
    assert {spot: once(seqs) for spot, seqs in events(came).items()} == behind.changes.of_spot
    ids = Counter(r["event_id"] for r in came if r["event_type"] != "SNAPSHOT")
    assert set(ids.values()) == {1}
    refused = [p for p in behind.cloud.proxy.produced if p.told == 10]
    assert len(refused) <= 12
