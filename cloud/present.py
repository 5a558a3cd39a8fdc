"""Writes batches of records into Postgres: the present, the stays, the events of the past months.

What the tables say is a function of the set of records, not of their order or number: a record
that comes again changes nothing, one that comes late takes its place. A transaction a batch; a
record that the database refuses is found by bisection and set aside, the others are written.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from cloud import rows, statements
from cloud.record import BadRecord, decode
from cloud.rows import Columns, Incoming

AHEAD = timedelta(days=1)
"""A record that is dated later than this from now is refused: its sender's clock is wrong."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a stream holds at `source`, a place that stays the same when it is read again."""

    source: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that will never be taken."""

    delivered: Delivered
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: `fresh` events had not been seen before."""

    taken: int
    fresh: int
    letters: int
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch, decoded."""

    good: list[tuple[Delivered, Incoming]]
    bad: list[Letter]


def sort(
    batch: Sequence[Delivered], now: datetime, keep: timedelta, default_lot: str | None = None
) -> Sorted:
    """Decode `batch`. Records older than `keep` are not for the present: the lake has them."""
    good, bad = [], []
    for each in batch:
        try:
            record = decode(each.payload, default_lot)
            if record.timestamp > now + AHEAD:
                raise BadRecord("timestamp lies in the future: mend the sender's clock")
            if record.timestamp < now - keep:
                raise BadRecord(f"timestamp is older than the {keep.days} days that are kept")
        except BadRecord as error:
            bad.append(Letter(each, str(error)))
        else:
            good.append((each, Incoming(record, each.payload)))
    return Sorted(good, bad)


class Present:
    """Writes to one database. Not for two threads at once."""

    def __init__(
        self, conn: psycopg.Connection, keep: timedelta, default_lot: str | None = None
    ) -> None:
        self._conn = conn
        self._keep = keep
        self._default_lot = default_lot
        self._months: set[date] = set()

    def write(self, batch: Sequence[Delivered], now: datetime) -> Written:
        """Commit `batch`, its bad records as dead letters. Raises psycopg.OperationalError."""
        found = sort(batch, now, self._keep, self._default_lot)
        fresh, letters = self._write(found.good)
        letters += found.bad
        with self._conn.transaction():
            _put_letters(self._conn, letters)
        times = [incoming.record.timestamp for _, incoming in found.good]
        return Written(len(batch) - len(letters), fresh, len(letters), max(times, default=None))

    def close(self) -> None:
        """Let the connection go."""
        self._conn.close()

    def _write(self, good: list[tuple[Delivered, Incoming]]) -> tuple[int, list[Letter]]:
        """Fresh events, and what the database refused."""
        if not good:
            return 0, []
        try:
            return self._commit([incoming for _, incoming in good]), []
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
            if len(good) == 1:
                return 0, [Letter(good[0][0], str(error).strip())]
        half = len(good) // 2
        fresh, letters = self._write(good[:half])
        more_fresh, more_letters = self._write(good[half:])
        return fresh + more_fresh, letters + more_letters

    def _commit(self, batch: list[Incoming]) -> int:
        self._make_partitions(batch)
        with self._conn.transaction():
            return write(self._conn, batch)

    def _make_partitions(self, batch: list[Incoming]) -> None:
        months = {each.record.timestamp.date().replace(day=1) for each in batch}
        months |= {(month - timedelta(days=1)).replace(day=1) for month in months}
        for month in sorted(months - self._months):  # the one before: a zone's midnight lies there
            with _alone(self._conn):
                self._conn.execute("SELECT make_partitions(%s, %s)", (month, month))
            self._months.add(month)


def write(conn: psycopg.Connection, batch: Sequence[Incoming]) -> int:
    """All that `batch` says, within the caller's transaction; answers the events that are new."""
    _run(conn, statements.LOTS, rows.lots(batch))
    _run(conn, statements.SPOTS, rows.spots(batch))
    _run(conn, statements.STREAMS, rows.streams(batch))
    _run(conn, statements.DEVICES, rows.devices(batch))
    _run(conn, statements.GATEWAYS, rows.gateways(batch))
    _run(conn, statements.WORDS, rows.words(batch))
    _run(conn, statements.ALERTS, rows.alerts(batch))
    fresh = _run(conn, statements.EVENTS, rows.events(batch))
    _run(conn, statements.LEDGER, rows.ledger(batch))
    _reckon_stays(conn, rows.spans(fresh))
    return len(fresh)


def _reckon_stays(conn: psycopg.Connection, spans: Columns) -> None:
    bounds = [list(column) for column in zip(*_run(conn, statements.BOUNDS, spans), strict=True)]
    if bounds:
        _run(conn, statements.FORGET_STAYS, bounds)
        _run(conn, statements.REMEMBER_STAYS, bounds)


def _run(conn: psycopg.Connection, statement: str, columns: Columns) -> list[tuple[Any, ...]]:
    if not columns[0]:
        return []
    cursor = conn.execute(statement.encode(), columns)
    return cursor.fetchall() if cursor.description else []


def _put_letters(conn: psycopg.Connection, letters: Sequence[Letter]) -> None:
    if letters:
        conn.execute(
            statements.LETTERS,
            (
                [each.delivered.source for each in letters],
                [each.reason for each in letters],
                [each.delivered.payload for each in letters],
            ),
        )


@contextmanager
def _alone(conn: psycopg.Connection) -> Iterator[None]:
    """A transaction in which no other process makes partitions."""
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (statements.PARTITIONS_LOCK,))
        yield
