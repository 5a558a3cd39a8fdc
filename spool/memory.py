"""The spool in memory, for tests: a `Spool` in a list.

It passes the same contract suite (`spool.testing.SpoolContract`) as the spool over SQLite.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from spool.log import THIN_SHARE, Depth, Entry, MakeGap, Row


@dataclass(slots=True)
class _Cursor:
    seq: int
    origin: int
    delivered: int = 0
    dead_lettered: int = 0
    dropped: int = 0


class MemorySpool:
    """A `Spool` in a list: the same calls, the same answers, gone with the process."""

    def __init__(self, limit_bytes: int, make_gap: MakeGap) -> None:
        self.limit_bytes = limit_bytes
        self.in_flight = 0
        self.last_seq = 0
        self._make_gap = make_gap
        self._rows: list[Row] = []
        self._firsts: dict[int, int] = {}
        self._cursors: dict[str, _Cursor] = {}
        self._set_aside: list[Row] = []

    @property
    def bytes(self) -> int:
        """The payloads' bytes in sum."""
        return size_of(self._rows)

    @property
    def rows(self) -> int:
        """How many rows there are, gap rows among them."""
        return len(self._rows)

    def reload(self) -> None:
        """Nothing: the lists are the store, and there is no transaction to roll back."""

    def append(self, entries: Sequence[Entry]) -> range:
        """Append in order and answer the seqs. They are never used twice."""
        size = sum(len(entry.payload) for entry in entries)
        if self.bytes + size > self.limit_bytes:
            self._make_room(size)
        seqs = range(self.last_seq + 1, self.last_seq + 1 + len(entries))
        for seq, entry in zip(seqs, entries, strict=True):
            self._rows.append(Row(seq, entry.key, entry.payload, entry.durable, 0, intact=True))
        self.last_seq += len(entries)
        return seqs

    def read(self, after: int, limit: int, max_bytes: int = 2**31) -> list[Row]:
        """Up to `limit` rows behind seq `after`, of `max_bytes` in sum but at least one."""
        rows = [row for row in self._rows if row.seq > after][:limit]
        while len(rows) > 1 and size_of(rows) > max_bytes:
            rows.pop()
        return rows

    def damage(self, seq: int) -> None:
        """Make the row `seq` read as not intact, as after a flipped bit."""
        self._rows = [replace(row, intact=row.intact and row.seq != seq) for row in self._rows]

    def register(self, name: str) -> None:
        """Make the cursor `name` if it is new; it begins before the oldest row retained."""
        self._cursors.setdefault(name, self._new_cursor())

    def unregister_others(self, names: Iterable[str]) -> list[str]:
        """Remove the cursors that are not in `names`, so that they hold nothing back."""
        gone = sorted(set(self._cursors) - set(names))
        for name in gone:
            del self._cursors[name]
        return gone

    def cursors(self) -> dict[str, int]:
        """Each cursor and the last seq that it has passed."""
        return {name: cursor.seq for name, cursor in self._cursors.items()}

    def advance(self, name: str, seq: int, *, delivered: int, dead_lettered: int = 0) -> None:
        """Move the cursor `name` to `seq`, accounting for the records it passed."""
        cursor = self._cursor(name)
        cursor.seq = max(cursor.seq, seq)
        cursor.delivered += delivered
        cursor.dead_lettered += dead_lettered

    def rewind(self, name: str) -> None:
        """Offer all that is retained again: what was delivered counts as waiting anew."""
        self._cursor(name)
        self._cursors[name] = self._new_cursor()

    def forget(self, keep_bytes: int = 0) -> int:
        """Delete rows that every cursor has passed, oldest first, while over `keep_bytes`."""
        slowest = self._slowest()
        before = len(self._rows)
        while self._rows and self._rows[0].seq <= slowest and self.bytes > keep_bytes:
            self._rows.pop(0)
        return before - len(self._rows)

    def quarantine(self, seq: int) -> None:
        """Set a damaged row aside and leave a gap of one in its place."""
        found = [row for row in self._rows if row.seq == seq]
        self._set_aside += found
        if found:
            self._give_up(found, "corrupt")

    def quarantined(self) -> int:
        """How many rows were set aside as damaged."""
        return len(self._set_aside)

    def records_after(self, seq: int) -> int:
        """How many records (gap rows are none) stand behind `seq`."""
        return sum(row.seq > seq and not row.lost for row in self._rows)

    def depth(self, name: str) -> Depth:
        """The account of the cursor `name`."""
        cursor = self._cursor(name)
        return Depth(
            appended=self.last_seq - cursor.origin,
            waiting=self.records_after(cursor.seq),
            delivered=cursor.delivered,
            dead_lettered=cursor.dead_lettered,
            dropped=cursor.dropped,
            rows=self.rows,
            bytes=self.bytes,
            limit_bytes=self.limit_bytes,
        )

    def _cursor(self, name: str) -> _Cursor:
        if name not in self._cursors:
            raise KeyError(f"no cursor {name!r} in this spool: register it first")
        return self._cursors[name]

    def _new_cursor(self) -> _Cursor:
        oldest = self._rows[0].seq if self._rows else self.last_seq + 1
        return _Cursor(oldest - 1, self.last_seq - self.records_after(0))

    def _slowest(self) -> int:
        return min((cursor.seq for cursor in self._cursors.values()), default=0)

    def _make_room(self, size: int) -> None:
        target = max(self.limit_bytes - max(size, int(self.limit_bytes * THIN_SHARE)), 0)
        self.forget(keep_bytes=target)
        for keep_durable in (True, False):
            while self.bytes + size > self.limit_bytes:
                victims = self._victims(self.bytes - target, keep_durable)
                if not victims:
                    break
                self._give_up(victims, "spool_full")

    def _victims(self, size: int, keep_durable: bool) -> list[Row]:
        newest = {row.key: row.seq for row in self._rows if row.key}
        kept_up_to = max(self.in_flight, self._slowest())
        victims: list[Row] = []
        for row in self._rows:
            if size_of(row for row in victims if not row.lost) >= size:
                break
            kept = row.seq == newest.get(row.key) or (row.durable and keep_durable)
            if row.seq > kept_up_to and not kept:
                victims.append(row)
        return victims if any(not row.lost for row in victims) else []

    def _give_up(self, victims: Sequence[Row], reason: str) -> None:
        count = sum(row.lost or 1 for row in victims)
        last = victims[-1].seq
        first = self._firsts[last] = min(self._firsts.get(row.seq, row.seq) for row in victims)
        for cursor in self._cursors.values():
            cursor.dropped += sum(row.seq > cursor.seq and not row.lost for row in victims)
        gap = Row(last, "", self._make_gap(first, last, count, reason), False, count, intact=True)
        kept = [row for row in self._rows if row not in victims]
        self._rows = sorted([*kept, gap], key=lambda row: row.seq)


def size_of(rows: Iterable[Row]) -> int:
    """The payloads' bytes in sum."""
    return sum(len(row.payload) for row in rows)
