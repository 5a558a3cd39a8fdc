import json
import resource
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.golden import golden
from gateway.history.schema import STATUSES, reading
from gateway.sinks import ACCEPTED, SNAPSHOT_SEQ, Answer, Outgoing, SinkError, Verdict, check_batch
from gateway.sinks.history import Config, Sink
from gateway.sinks.testing import SinkContract

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def record(seq: int, spot: str = "A1", at: datetime | None = None, **other: Any) -> Outgoing:
    """A change of a spot: every second makes it occupied."""
    body = {
        **json.loads(golden("cloud_arrival")),
        "spot_id": spot,
        "agent_id": f"pi-{spot}",
        "seq": seq,
        "timestamp": (at or NOON + timedelta(seconds=seq)).isoformat(),
        "status": "occupied" if seq % 2 else "vacant",
        "event_type": "ARRIVAL" if seq % 2 else "DEPARTURE",
        **other,
    }
    return Outgoing(seq, f"lot/{spot}", json.dumps(body).encode())


def events(path: Path) -> list[dict[str, Any]]:
    """What the file holds, by spot in order."""
    if not path.exists():
        return []
    with reading(path) as db:
        rows = db.execute(
            "SELECT spots.name, seq, at_ms, status FROM events JOIN spots ON spots.id = spot "
            "ORDER BY spot, at_ms"
        )
        return [
            {"spot_id": spot, "seq": seq, "at_ms": at_ms, "status": STATUSES[status]}
            for spot, seq, at_ms, status in rows
        ]


class Filled(Sink):
    """Completes the contract's bare records, which say nothing of when and what."""

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        check_batch(self, batch)
        return super().send([_filled(each) for each in batch])


def _filled(each: Outgoing) -> Outgoing:
    try:
        told = json.loads(each.payload)
    except ValueError:
        return each
    return record(told["seq"], told["spot_id"])


class HistoryRig:
    poison = Outgoing(2, "lot/A2", b'{"torn": ')

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.sink = Filled(Config(path=path))

    def taken(self) -> list[dict[str, Any]]:
        return events(self._path)

    def break_upstream(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, self._limit[1]))

    def mend_upstream(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limit)


class TestContract(SinkContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[HistoryRig]:
        rig = HistoryRig(tmp_path / "history.db")
        yield rig
        rig.mend_upstream()
        rig.sink.close()

    def test_payload_is_carried_whole(self, rig: HistoryRig) -> None:
        """Of a record it keeps what its columns are for."""
        rig.sink.open()
        rig.sink.send([record(1)])
        at_ms = round((NOON.timestamp() + 1) * 1000)
        assert rig.taken() == [{"spot_id": "A1", "seq": 1, "at_ms": at_ms, "status": "occupied"}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def opened(path: Path, now: datetime = NOON, **options: Any) -> Sink:
    sink = Sink(Config(path=path, **options), now.timestamp)
    sink.open()
    return sink


def test_records_offered_again_are_kept_once(path: Path) -> None:
    sink = opened(path)
    sink.send([record(1), record(2)])
    assert sink.send([record(2), record(3)]) == [ACCEPTED, ACCEPTED]
    sink.close()
    opened(path).send([record(seq) for seq in range(1, 5)])
    assert [each["seq"] for each in events(path)] == [1, 2, 3, 4]


@pytest.mark.parametrize("name", ["cloud_gap", "cloud_snapshot", "ticket_closed", "cloud_minimal"])
def test_what_tells_nothing_of_a_spots_past_is_taken_and_not_kept(path: Path, name: str) -> None:
    assert opened(path).send([Outgoing(1, "lot", golden(name))]) == [ACCEPTED]
    assert opened(path).send([Outgoing(SNAPSHOT_SEQ, "lot", record(1).payload)]) == [ACCEPTED]
    assert events(path) == []


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"timestamp": "2026-03-01T12:00:00"}, "time zone"),
        ({"timestamp": "noon"}, "RFC 3339"),
        ({"epoch": ""}, "epoch"),
        ({"status": "full"}, "full"),
        ({"zone_id": None}, "zone_id"),
        ({"agent_id": 7}, "agent_id"),
    ],
)
def test_a_record_that_cannot_be_kept_is_refused_by_its_field(
    path: Path, fields: dict[str, Any], word: str
) -> None:
    sink = opened(path)
    bad, good = sink.send([record(1, **fields), record(2)])
    assert bad.verdict is Verdict.REJECTED
    assert word in bad.reason
    assert good == ACCEPTED
    assert [each["seq"] for each in events(path)] == [2]


def test_a_failed_call_leaves_nothing_and_the_next_finds_all(path: Path) -> None:
    """A spot and an agent that it met in the failed call are none it knows."""
    sink = opened(path)
    sink.send([record(1)])
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA busy_timeout=0")
        other.execute("BEGIN IMMEDIATE")
        sink._db.execute("PRAGMA busy_timeout=0")
        with pytest.raises(SinkError) as caught:
            sink.send([record(1, "B1"), record(2)])
    assert caught.value.retryable
    assert [each["seq"] for each in events(path)] == [1]
    sink.send([record(1, "B1"), record(2)])
    assert [(each["spot_id"], each["seq"]) for each in events(path)] == [
        ("A1", 1),
        ("A1", 2),
        ("B1", 1),
    ]


def test_a_damaged_file_is_set_aside(path: Path) -> None:
    sink = opened(path)
    sink.send([record(1)])
    sink.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:1500] + b"\xff" * 3000 + whole[4500:])
    opened(path).send([record(2)])
    assert [each["seq"] for each in events(path)] == [2]
    assert len(list(path.parent.glob("*.damaged-*"))) >= 1


def test_a_file_of_a_later_release_is_left_alone(path: Path) -> None:
    opened(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(SinkError, match="schema 99"):
        opened(path)


def test_what_is_too_old_is_forgotten_but_for_how_the_rest_begins(path: Path) -> None:
    sink = opened(path, days=2)
    sink.send([record(seq, at=NOON - (10 - seq) * DAY) for seq in range(1, 11)])
    for _ in range(2):
        sink.send([record(1, "B1")])
    # Kept: the cut is the midnight two days before, and the newest record from before it.
    assert [each["seq"] for each in events(path)] == [7, 8, 9, 10, 1]
    with reading(path) as db:
        (cut_ms,) = db.execute("SELECT before_ms FROM cut").fetchone()
        (oldest,) = db.execute("SELECT MIN(quarter) FROM quarters").fetchone()
    midnight = NOON.replace(hour=0) - 2 * DAY
    assert cut_ms == midnight.timestamp() * 1000
    assert oldest * 900_000 >= cut_ms
    sink.send([record(99, at=NOON - 5 * DAY)])
    assert 99 not in [each["seq"] for each in events(path)]


def test_beyond_its_bytes_the_oldest_days_go(path: Path) -> None:
    """Six days of 3,000 records take more than a megabyte; the newest are kept."""
    now = [0.0]
    sink = Sink(Config(path=path, days=0, max_bytes=1_000_000), lambda: now[0])
    for seq in range(1, 19):
        at = NOON + (seq - 1) // 3 * DAY + timedelta(minutes=seq)
        now[0] = at.timestamp()
        sink.send([record(seq, f"S{n}", at) for n in range(1000)])
    for seq in range(1, 11):
        now[0] += 120
        sink.send([record(seq, "B1", at + timedelta(minutes=seq))])
    assert path.stat().st_size < 2_500_000
    kept = [each["at_ms"] / 1000 for each in events(path)]
    assert sum(at >= (NOON + 5 * DAY).timestamp() for at in kept) == 3010
    assert len(kept) < 12_000
