"""Who reads which shard, and how far: shared by processes through two tables of Postgres.

A process lives as long as it says so within `lease_s`. The shards of one that does not are free,
and whoever else looks next takes them. All reckon the same share for each: who has more gives away,
who has less takes what is free. Only who holds a shard can move its place. Times are the
database's.
"""

import os
import secrets
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from psycopg.errors import IdleInTransactionSessionTimeout, UndefinedTable

from cloud.stream import StreamError

_LOCK = 0x6C6F746C  # one process tends at a time, of each reader

# A member that vanishes amid a transaction would keep its locks until the network is given up.
_HURRY = """
SELECT set_config('idle_in_transaction_session_timeout', %(lease_ms)s, true),
    set_config('lock_timeout', %(lease_ms)s, true)
"""
_LIVE = """
INSERT INTO stream_members (member, reader, lapses_at)
VALUES (%(member)s, %(reader)s, clock_timestamp() + %(lease_s)s * interval '1 second')
ON CONFLICT (member) DO UPDATE SET lapses_at = excluded.lapses_at
"""
_BURY = "DELETE FROM stream_members WHERE reader = %(reader)s AND lapses_at < clock_timestamp()"
_DIE = "DELETE FROM stream_members WHERE member = %(member)s"
_MEMBERS = """
SELECT member, extract(epoch FROM lapses_at - clock_timestamp())::float8
FROM stream_members WHERE reader = %(reader)s
"""
_ENTER = """
INSERT INTO stream_leases (reader, shard_id, parent_id, adjacent_parent_id)
SELECT %(reader)s, * FROM unnest(%(shards)s::text[], %(parents)s::text[], %(adjacents)s::text[])
ON CONFLICT (reader, shard_id) DO NOTHING
"""
_TIDY = """
DELETE FROM stream_leases WHERE reader = %(reader)s AND ended AND shard_id <> ALL(%(shards)s)
"""
# What can be read: not at its end, and behind no parent that is not. What the stream forgot counts
# no more.
_OPEN = """
SELECT l.shard_id, l.member, l.sequence FROM stream_leases l
WHERE l.reader = %(reader)s AND NOT l.ended AND l.shard_id = ANY(%(shards)s)
    AND NOT EXISTS (
        SELECT FROM stream_leases p WHERE p.reader = l.reader AND NOT p.ended
        AND p.shard_id IN (l.parent_id, l.adjacent_parent_id) AND p.shard_id = ANY(%(shards)s)
    )
ORDER BY l.shard_id
"""
_TAKE = """
UPDATE stream_leases SET member = %(member)s
WHERE reader = %(reader)s AND shard_id = ANY(%(taken)s)
"""
_GIVE = """
UPDATE stream_leases SET member = NULL
WHERE reader = %(reader)s AND shard_id = ANY(%(given)s) AND member = %(member)s
"""
_MOVE = """
UPDATE stream_leases l SET sequence = n.sequence, ended = n.ended,
    member = CASE WHEN NOT n.ended THEN l.member END
FROM unnest(%(shards)s::text[], %(sequences)s::text[], %(ends)s::bool[]) AS n (id, sequence, ended)
WHERE l.reader = %(reader)s AND l.shard_id = n.id AND l.member = %(member)s
RETURNING l.shard_id
"""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a shard was read: behind the record `sequence`, or before its first; to its end."""

    sequence: str | None = None
    ended: bool = False


class Listed(NamedTuple):
    """A shard that the stream has, and the one or two that it was made of."""

    shard_id: str
    parent_id: str | None = None
    adjacent_parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What is ours. `surplus` of it is to be given away; look again behind `again_s`."""

    places: dict[str, Place]
    surplus: list[str]
    again_s: float


def share(member: str, members: Collection[str], shards: int) -> int:
    """How many of `shards` are `member`'s. No two differ by more than one.

    >>> [share(each, "abc", 4) for each in "abc"]
    [2, 1, 1]
    """
    place = sorted(members).index(member)
    return shards // len(members) + (place < shards % len(members))


class Leases:
    """Those of one process, which reads as one of `reader`'s. Not for two threads at once.

    All but `leave` raise psycopg.OperationalError while the database is away, and StreamError where
    it has not been migrated.
    """

    def __init__(
        self, connect: Callable[[], psycopg.Connection], reader: str, lease_s: float
    ) -> None:
        self.lease_s = lease_s
        self.member = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._connect = connect
        self._reader = reader
        self._conn: psycopg.Connection | None = None

    def hold(self, listed: Sequence[Listed]) -> Held:
        """Live on, and see which of the stream's shards are ours."""
        shards, parents, adjacents = [list(each) for each in zip(*listed, strict=True)]
        known = {"shards": shards, "parents": parents, "adjacents": adjacents}
        with self._transaction() as run:
            run("SELECT pg_advisory_xact_lock(%(lock)s, hashtext(%(reader)s))")
            run(_LIVE)
            run(_BURY)
            run(_ENTER, **known)
            run(_TIDY, **known)
            members = dict(run(_MEMBERS))
            found = run(_OPEN, **known)
            ours = share(self.member, members, len(found))
            held = {shard: Place(at) for shard, member, at in found if member == self.member}
            free = {shard: Place(at) for shard, member, at in found if member is None}
            taken = list(free)[: max(0, ours - len(held))]
            run(_TAKE, taken=taken)
        held |= {shard: free[shard] for shard in taken}
        lapses = [left_s for member, left_s in members.items() if member != self.member]
        return Held(held, list(held)[ours:], max(0.0, min([self.lease_s / 3, *lapses])))

    def commit(self, places: Mapping[str, Place]) -> set[str]:
        """Keep how far shards were read; which of them were still ours. An end gives a shard up."""
        with self._transaction() as run:
            moved = run(
                _MOVE,
                shards=list(places),
                sequences=[place.sequence for place in places.values()],
                ends=[place.ended for place in places.values()],
            )
        return {shard for (shard,) in moved}

    def release(self, shards: Sequence[str]) -> None:
        """Give these up."""
        with self._transaction() as run:
            run(_GIVE, given=list(shards))

    def leave(self) -> None:
        """Give all up. While the database is away they are free when they lapse."""
        if self._conn is not None:
            with suppress(psycopg.OperationalError, StreamError), self._transaction() as run:
                run(_DIE)
            self._drop()

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
        def run(statement: str, **values: Any) -> list[tuple[Any, ...]]:
            cursor = conn.execute(statement.encode(), who | values)
            return cursor.fetchall() if cursor.description else []

        who = {
            "lock": _LOCK,
            "reader": self._reader,
            "member": self.member,
            "lease_s": self.lease_s,
            "lease_ms": str(round(self.lease_s * 1000)),
        }
        try:
            conn = self._conn = self._conn or self._connect()
            with conn.transaction():
                run(_HURRY)
                yield run
        except (psycopg.OperationalError, IdleInTransactionSessionTimeout) as error:
            self._drop()
            raise psycopg.OperationalError(str(error).strip()) from error
        except UndefinedTable as error:
            raise StreamError(f"{error.diag.message_primary}: lotkeeper cloud migrate") from error

    def _drop(self) -> None:
        """A connection that failed is not used again."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
