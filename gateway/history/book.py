"""Records into the file: each event once, and every sum as if all had come in order.

What a record changes of a spot's past is reckoned as a difference: the spans around it as they
were are taken off the sums, those that there are with it put to them. So a late record, a silence
that was none, a spot closed afterwards are all the same. Sums reach to a spot's newest event;
what follows is for the reader, who knows until when.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

from contract.words import EventType
from gateway.history.names import Names
from gateway.history.records import Change, Mark
from gateway.history.schema import SHUT, SILENT
from gateway.history.sums import Sums
from gateway.history.timeline import FOREVER_MS, Hole, Said, Span, Stay, spans, stays

CONTEXT = 3
"""So many changes of status on either side of a record bear on a stay that it makes or ends."""
AT_ONCE = 8
CLOCKS_DIFFER_MS = 60_000
"""An agent's birth, by its clock, may seem so much later than the gateway heard of it."""

Row = tuple[int, int, int, int, int]
"""at_ms, stream, seq, status, zone: of two of one moment the later stands."""
_ROWS = "SELECT at_ms, stream, seq, status, zone FROM events WHERE spot = ? AND at_ms "
_BEFORE = f"{_ROWS} < ? ORDER BY at_ms DESC, stream DESC, seq DESC LIMIT ?"
_WITHIN = f"{_ROWS} BETWEEN ? AND ?"
_BEHIND = f"{_ROWS} > ? ORDER BY at_ms, stream, seq LIMIT ?"


class _Holes(NamedTuple):
    """When a spot's agents saw nothing, and when people had closed it."""

    silent: dict[int, list[Hole]]
    closed: list[Hole]


class _Past(NamedTuple):
    """A part of a spot's past: what the sums hold of it."""

    spans: set[Span]
    stays: set[Stay]


class Book:
    """Writes the file, in the owner's transactions; make a new one where one was rolled back."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._sums = Sums()
        self._names = Names(db)
        self._ever_silent = {row[0] for row in db.execute("SELECT agent FROM silences")}
        self._ever_closed = {row[0] for row in db.execute("SELECT spot FROM closures")}
        (self.cut_ms,) = db.execute("SELECT before_ms FROM cut").fetchone()

    def take(self, records: Iterable[Change | Mark]) -> None:
        """Take records in, in their order."""
        changes: list[Change] = []
        for record in records:
            if isinstance(record, Change):
                changes.append(record)
                continue
            self._change(changes)
            changes = []
            self._mark(record)
        self._change(changes)
        self._sums.write(self._db)

    # What agents said of spots ---------------------------------------------------------------

    def _change(self, changes: Sequence[Change]) -> None:
        of_spot: defaultdict[str, list[Change]] = defaultdict(list)
        for change in changes:
            if change.at_ms >= self.cut_ms:
                of_spot[change.spot].append(change)
        for name, group in of_spot.items():
            spot = self._names.of("spots", name)
            times = [change.at_ms for change in group]
            known = self._rows(spot, min(times), max(times))
            entered = [row for change in group if (row := self._enter(spot, change))]
            together = sorted([*known, *entered])
            holes = self._holes(spot, together)
            self._amend(spot, self._past(known, holes), self._past(together, holes))

    def _enter(self, spot: int, change: Change) -> Row | None:
        """Keep it; None where it is kept already."""
        zone = self._names.of("zones", change.zone)
        stream = self._names.stream(change.agent, change.epoch)
        place, what = (stream, change.seq, change.at_ms), (change.type, change.status)
        entered = self._db.execute(
            "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (*place, spot, zone, *what, change.clock),
        )
        if not entered.rowcount:
            return None
        self._names.watch(stream, spot)
        self._sums.move(zone, change.type, change.at_ms)
        return change.at_ms, stream, change.seq, change.status, zone

    def _amend(self, spot: int, before: _Past, after: _Past) -> None:
        self._sums.spans(spot, before.spans - after.spans, -1)
        self._sums.spans(spot, after.spans - before.spans, +1)
        gone, come = before.stays - after.stays, after.stays - before.stays
        self._sums.stays(gone, -1)
        self._sums.stays(come, +1)
        lengths: list[tuple[int | None, int, int]]
        lengths = [(None, spot, stay.left_ms) for stay in gone]
        lengths += [(round(stay.stay_ms / 1000), spot, stay.left_ms) for stay in come]
        if lengths:
            self._db.executemany(
                "UPDATE events SET stay_s = ? WHERE spot = ? AND at_ms = ? AND status = 0", lengths
            )

    def _past(self, rows: Sequence[Row], holes: _Holes) -> _Past:
        """What there is between the first of the rows and the last."""
        if not rows:
            return _Past(set(), set())
        agent_of, last_ms = self._names.agent_of, rows[-1][0]
        said = [Said(at_ms, status, zone, agent_of(n)) for at_ms, n, _, status, zone in rows]
        # The newest is given a moment, so that it ends the stay before it.
        found = spans(said, *holes, last_ms + 1)
        ended = set(stays(found))
        last = found.pop()
        if last.begin_ms < last_ms:
            found.append(last._replace(end_ms=last_ms))
        return _Past(set(found), ended)

    def _rows(self, spot: int, begin_ms: int, end_ms: int) -> list[Row]:
        """What was said of it between the two, and enough on either side."""
        return [
            *reversed(self._beside(_BEFORE, spot, begin_ms)),
            *sorted(self._db.execute(_WITHIN, (spot, begin_ms, end_ms))),
            *self._beside(_BEHIND, spot, end_ms),
        ]

    def _beside(self, query: str, spot: int, at_ms: int) -> list[Row]:
        """The nearest rows, as many as change the status `CONTEXT` times."""
        limit = AT_ONCE
        while True:
            rows = self._db.execute(query, (spot, at_ms, limit)).fetchall()
            changes = sum(a[3] != b[3] for a, b in pairwise(rows))
            if len(rows) < limit or changes >= CONTEXT:
                return rows
            limit *= 4

    def _holes(self, spot: int, rows: Sequence[Row]) -> _Holes:
        if not rows:
            return _Holes({}, [])
        bounds = rows[-1][0] + 1, rows[0][0]
        agents = {self._names.agent_of(row[1]) for row in rows} & self._ever_silent
        silent = {each: self._db.execute(SILENT, (each, *bounds)).fetchall() for each in agents}
        closed = spot in self._ever_closed and self._db.execute(SHUT, (spot, *bounds)).fetchall()
        return _Holes(silent, closed or [])

    # What else bears on what is known --------------------------------------------------------

    def _mark(self, mark: Mark) -> None:
        act = {
            EventType.SPOT_CLOSED: self._close,
            EventType.SPOT_OPENED: self._open,
            EventType.AGENT_SILENT: self._miss,
            EventType.AGENT_HEARD: self._hear,
            EventType.BIRTH: self._bear,
        }[mark.kind]
        of_spot = mark.kind in (EventType.SPOT_CLOSED, EventType.SPOT_OPENED)
        act(self._names.of("spots" if of_spot else "agents", mark.name), mark.at_ms)

    @contextmanager
    def _amending(self, spots: Iterable[int], since_ms: int) -> Iterator[None]:
        """What is done within changes the holes in the past of `spots` since then."""
        rows = {spot: self._rows(spot, since_ms, FOREVER_MS) for spot in spots}
        before = {spot: self._past(each, self._holes(spot, each)) for spot, each in rows.items()}
        yield
        for spot, each in rows.items():
            self._amend(spot, before[spot], self._past(each, self._holes(spot, each)))

    def _close(self, spot: int, at_ms: int) -> None:
        if self._closed_since(spot) is None:
            with self._amending([spot], at_ms):
                self._ever_closed.add(spot)
                self._db.execute(
                    "INSERT OR IGNORE INTO closures VALUES (?, ?, NULL)", (spot, at_ms)
                )

    def _open(self, spot: int, at_ms: int) -> None:
        since_ms = self._closed_since(spot)
        if since_ms is not None:
            with self._amending([spot], since_ms):
                self._db.execute(
                    "UPDATE closures SET end_ms = ? WHERE spot = ? AND begin_ms = ?",
                    (max(at_ms, since_ms), spot, since_ms),
                )

    def _closed_since(self, spot: int) -> int | None:
        query = "SELECT begin_ms FROM closures WHERE spot = ? AND end_ms IS NULL"
        row = self._db.execute(query, (spot,)).fetchone()
        return row and int(row[0])

    def _miss(self, agent: int, at_ms: int) -> None:
        """It is silent; one whose silence is known already goes on being so."""
        if self._silent_since(agent) is None:
            with self._amending(self._names.spots_of(agent), at_ms):
                self._ever_silent.add(agent)
                self._db.execute(
                    "INSERT OR IGNORE INTO silences VALUES (?, ?, NULL, NULL)", (agent, at_ms)
                )

    def _hear(self, agent: int, at_ms: int) -> None:
        """It is heard; unless it was born in its silence, it has seen all the while."""
        since_ms = self._silent_since(agent)
        if since_ms is not None:
            with self._amending(self._names.spots_of(agent), since_ms):
                self._db.execute(
                    "UPDATE silences SET heard_ms = ? WHERE agent = ? AND begin_ms = ?",
                    (max(at_ms, since_ms), agent, since_ms),
                )

    def _bear(self, agent: int, at_ms: int) -> None:
        """It was started; if that was in a silence, it had seen nothing since its last record."""
        row = self._db.execute(
            "SELECT begin_ms FROM silences WHERE agent = ?1 AND begin_ms < ?2 "
            "AND IFNULL(heard_ms + ?3, ?2) >= ?2 ORDER BY begin_ms DESC",
            (agent, at_ms, CLOCKS_DIFFER_MS),
        ).fetchone()
        if row is not None:
            with self._amending(self._names.spots_of(agent), row[0]):
                self._db.execute(
                    "UPDATE OR IGNORE silences SET begin_ms = ?1, "
                    "born_ms = MAX(IFNULL(born_ms, ?2), ?2) WHERE agent = ?3 AND begin_ms = ?4",
                    (max(row[0], self._last_word_ms(agent, at_ms)), at_ms, agent, row[0]),
                )

    def _silent_since(self, agent: int) -> int | None:
        query = "SELECT begin_ms FROM silences WHERE agent = ? AND heard_ms IS NULL"
        row = self._db.execute(query, (agent,)).fetchone()
        return row and int(row[0])

    def _last_word_ms(self, agent: int, before_ms: int) -> int:
        (at_ms,) = self._db.execute(
            "SELECT IFNULL(MAX((SELECT at_ms FROM events WHERE stream = streams.id AND at_ms < ? "
            "ORDER BY seq DESC LIMIT 1)), 0) FROM streams WHERE agent = ?",
            (before_ms, agent),
        ).fetchone()
        return int(at_ms)
