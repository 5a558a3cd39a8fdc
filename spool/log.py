"""Append, read from a cursor, advance, forget: the spool over SQLite.

Every row carries a CRC over all that it says, because SQLite's own check saw only 9 of 47
harmful bit flips. When the byte limit is reached, rows that every cursor has passed go first,
then old toggles, oldest first; the last state of each key and what is `durable` (alarms,
births) stay. What is given up is counted in a gap row that takes the place of the last of it.

For each cursor, at every commit: appended = delivered + waiting + dead-lettered + dropped.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from spool.rows import COLUMNS, SCHEMA, Depth, Entry, Row, crc_of, row_of

__all__ = ["SCHEMA", "THIN_SHARE", "Depth", "Entry", "MakeGap", "Row", "Spool"]

THIN_SHARE = 0.05
"""How much of the limit one thinning frees, so that its scan is paid once in many appends."""

MakeGap = Callable[[int, int, int, str], bytes]
"""(first seq, last seq, count, reason) -> the payload of the gap's row."""

_Victim = tuple[int, int, int]
"""A row that goes: its seq; of a gap row also how many records it lost, and the first of them."""


class Spool:
    """The spool in `connection`, whose schema holds `SCHEMA`.

    `append`, `advance`, `register`, `forget` and `quarantine` write inside the owner's
    transaction; after a rollback the owner calls `reload`. Nothing here is thread-safe: the
    owner's lock guards it.
    """

    def __init__(self, connection: sqlite3.Connection, limit_bytes: int, make_gap: MakeGap) -> None:
        self._db = connection
        self.limit_bytes = limit_bytes
        self._make_gap = make_gap
        self.in_flight = 0
        """Rows up to here may be on their way: they are not thinned."""
        self.reload()

    def reload(self) -> None:
        """Take the counts from the database again."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name='spool'").fetchone()
        self.last_seq: int = row[0] if row else 0
        total, rows = self._db.execute(
            "SELECT COALESCE(SUM(LENGTH(payload)), 0), COUNT(*) FROM spool"
        ).fetchone()
        self.bytes: int = total
        self.rows: int = rows

    def has_room(self, entries: Sequence[Entry]) -> bool:
        """Whether they can be appended with nothing given up for them."""
        return self.bytes + _size_of(entries) <= self.limit_bytes

    def append(self, entries: Sequence[Entry]) -> range:
        """Append in order and answer the seqs. They are never used twice."""
        size = _size_of(entries)
        if not self.has_room(entries):
            self._make_room(size)
        seqs = range(self.last_seq + 1, self.last_seq + 1 + len(entries))
        self._db.executemany(
            "INSERT INTO spool (seq, key, durable, lost, first, crc, payload) "
            "VALUES (?, ?, ?, 0, 0, ?, ?)",
            [
                (seq, e.key, e.durable, _crc_of(seq, e), e.payload)
                for seq, e in zip(seqs, entries, strict=True)
            ],
        )
        self.last_seq += len(entries)
        self.bytes += size
        self.rows += len(entries)
        return seqs

    def read(self, after: int, limit: int, max_bytes: int = 2**31) -> list[Row]:
        """Up to `limit` rows behind seq `after`, of `max_bytes` in sum but at least one."""
        rows: list[Row] = []
        size = 0
        found = self._db.execute(
            f"SELECT {COLUMNS} FROM spool WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, limit),
        )
        for row in map(row_of, found.fetchall()):
            size += len(row.payload)
            if rows and size > max_bytes:
                break
            rows.append(row)
        return rows

    def register(self, name: str) -> None:
        """Make the cursor `name` if it is new; it begins before the oldest row retained."""
        origin = self.last_seq - self.records_after(0)
        self._db.execute(
            "INSERT OR IGNORE INTO spool_cursors (name, seq, origin) VALUES (?, ?, ?)",
            (name, self._oldest() - 1, origin),
        )

    def unregister_others(self, names: Iterable[str]) -> list[str]:
        """Remove the cursors that are not in `names`, so that they hold nothing back."""
        keep = set(names)
        gone = [name for name in self.cursors() if name not in keep]
        self._db.executemany("DELETE FROM spool_cursors WHERE name=?", [(n,) for n in gone])
        return gone

    def cursors(self) -> dict[str, int]:
        """Each cursor and the last seq that it has passed."""
        return dict(self._db.execute("SELECT name, seq FROM spool_cursors").fetchall())

    def advance(self, name: str, seq: int, *, delivered: int, dead_lettered: int = 0) -> None:
        """Move the cursor `name` to `seq`, accounting for the records it passed.

        Raises KeyError where no such cursor is registered, as `rewind` and `depth` do.
        """
        self._update_cursor(
            "seq=MAX(seq, ?), delivered=delivered+?, dead_lettered=dead_lettered+?",
            (seq, delivered, dead_lettered, name),
        )

    def rewind(self, name: str) -> None:
        """Offer all that is retained again: what was delivered counts as waiting anew."""
        self._update_cursor(
            "seq=?, origin=?, delivered=0, dead_lettered=0, dropped=0",
            (self._oldest() - 1, self.last_seq - self.records_after(0), name),
        )

    def forget(self, keep_bytes: int = 0) -> int:
        """Delete rows that every cursor has passed, oldest first, while over `keep_bytes`."""
        passed = self._slowest()
        doomed: list[int] = []
        size = self.bytes
        found = self._db.execute(
            "SELECT seq, LENGTH(payload) FROM spool WHERE seq <= ? ORDER BY seq", (passed,)
        )
        for seq, length in found:
            if size <= keep_bytes:
                break
            size -= length
            doomed.append(seq)
        if doomed:
            self._db.execute("DELETE FROM spool WHERE seq <= ?", (doomed[-1],))
            self.bytes = size
            self.rows -= len(doomed)
        return len(doomed)

    def quarantine(self, seq: int) -> None:
        """Set a damaged row aside and leave a gap in its place, of one or of what a gap row lost.

        What the damaged row says is not sure, but a row with a key was no gap row.
        """
        found = self._db.execute(
            "SELECT key = '' AND lost != 0, CAST(lost AS INTEGER), "
            "CAST(IFNULL(first, 0) AS INTEGER) FROM spool WHERE seq=?",
            (seq,),
        ).fetchone()
        if found is None:
            return
        self._db.execute(
            "INSERT INTO spool_quarantine SELECT seq, key, crc, payload FROM spool WHERE seq=?",
            (seq,),
        )
        was_gap, lost, first = found
        victim = _plausible_gap(seq, lost, first) if was_gap else (seq, 0, 0)
        self._give_up([victim], "corrupt")

    def quarantined(self) -> int:
        """How many rows were set aside as damaged."""
        return int(self._db.execute("SELECT COUNT(*) FROM spool_quarantine").fetchone()[0])

    def depth(self, name: str) -> Depth:
        """The account of the cursor `name`."""
        account = self._db.execute(
            "SELECT seq, origin, delivered, dead_lettered, dropped FROM spool_cursors WHERE name=?",
            (name,),
        ).fetchone()
        if account is None:
            raise _unknown_cursor(name)
        seq, origin, delivered, dead_lettered, dropped = account
        return Depth(
            appended=self.last_seq - origin,
            waiting=self.records_after(seq),
            delivered=delivered,
            dead_lettered=dead_lettered,
            dropped=dropped,
            rows=self.rows,
            bytes=self.bytes,
            limit_bytes=self.limit_bytes,
        )

    def records_after(self, seq: int) -> int:
        """How many records (gap rows are none) stand behind `seq`."""
        found = self._db.execute("SELECT COUNT(*) FROM spool WHERE seq > ? AND lost = 0", (seq,))
        return int(found.fetchone()[0])

    def _update_cursor(self, change: str, values: tuple[int | str, ...]) -> None:
        found = self._db.execute(f"UPDATE spool_cursors SET {change} WHERE name=?", values)
        if not found.rowcount:
            raise _unknown_cursor(str(values[-1]))

    def _oldest(self) -> int:
        found = self._db.execute("SELECT MIN(seq) FROM spool").fetchone()[0]
        return int(found) if found is not None else self.last_seq + 1

    def _slowest(self) -> int:
        found = self._db.execute("SELECT MIN(seq) FROM spool_cursors").fetchone()[0]
        return int(found) if found is not None else 0

    def _make_room(self, size: int) -> None:
        free = max(size, int(self.limit_bytes * THIN_SHARE))
        target = max(self.limit_bytes - free, 0)
        self.forget(keep_bytes=target)
        for keep_durable in (True, False):
            while self.bytes + size > self.limit_bytes:
                victims = self._victims(self.bytes - target, keep_durable)
                if not victims:
                    break
                self._give_up(victims, "spool_full")

    def _victims(self, size: int, keep_durable: bool) -> list[_Victim]:
        """The oldest rows that may go, until `size` bytes are found.

        Never the newest row of a key, and never one that may be on its way. A gap row frees
        nothing, for one comes back.
        """
        found = self._db.execute(
            "SELECT seq, lost, first, LENGTH(payload) FROM spool WHERE seq > ? "
            "AND (durable = 0 OR NOT ?) AND seq NOT IN "
            "(SELECT MAX(seq) FROM spool WHERE lost = 0 AND key != '' GROUP BY key) "
            "ORDER BY seq",
            (max(self.in_flight, self._slowest()), keep_durable),
        )
        victims: list[_Victim] = []
        freed = 0
        for seq, lost, first, length in found:
            if freed >= size:
                break
            freed += 0 if lost else length
            victims.append((seq, lost, first))
        return victims if any(not lost for _, lost, _ in victims) else []

    def _give_up(self, victims: Sequence[_Victim], reason: str) -> None:
        """Replace `victims` by one gap row, at the seq of the last of them."""
        self._db.executemany(
            "UPDATE spool_cursors SET dropped=dropped+1 WHERE seq < ?",
            [(seq,) for seq, lost, _ in victims if not lost],
        )
        self._db.executemany("DELETE FROM spool WHERE seq=?", [(seq,) for seq, _, _ in victims])
        last = victims[-1][0]
        first = min(first or seq for seq, _, first in victims)
        count = sum(lost or 1 for _, lost, _ in victims)
        payload = self._make_gap(first, last, count, reason)
        self._db.execute(
            "INSERT INTO spool (seq, key, durable, lost, first, crc, payload) "
            "VALUES (?, '', 0, ?, ?, ?, ?)",
            (last, count, first, crc_of(last, "", 0, count, first, payload), payload),
        )
        self._recount()

    def _recount(self) -> None:
        self.bytes, self.rows = self._db.execute(
            "SELECT COALESCE(SUM(LENGTH(payload)), 0), COUNT(*) FROM spool"
        ).fetchone()


def _size_of(entries: Sequence[Entry]) -> int:
    return sum(len(entry.payload) for entry in entries)


def _crc_of(seq: int, entry: Entry) -> int:
    return crc_of(seq, entry.key, int(entry.durable), 0, 0, entry.payload)


def _plausible_gap(seq: int, lost: int, first: int) -> _Victim:
    """A damaged gap row as it may have been: it lost no more records than there were seqs."""
    lost = min(max(lost, 1), seq)
    return (seq, lost, min(max(first, 1), seq - lost + 1))


def _unknown_cursor(name: str) -> KeyError:
    return KeyError(f"no cursor {name!r} in this spool: register it first")
