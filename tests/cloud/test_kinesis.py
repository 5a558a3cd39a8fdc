"""Kinesis as a stream, over its wire and a real database: shared, resharded, throttled, lapsed."""

from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest

from cloud.kinesis import KinesisStream
from cloud.leases import Leases, Place
from cloud.postgres import connect
from cloud.stream import StreamError
from runtime.kinesis import KinesisAccess
from tests.cloud.shards import NAME, REGION, Kinesis

READER = f"lotkeeper-present/{REGION}/{NAME}"
LEASE_S = 1.0


class Hand:
    """A clock that goes on when somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


class Reader:
    """A process's stream, and what came of it."""

    def __init__(self, kinesis: Kinesis, dsn: str, lease_s: float) -> None:
        self.clock = Hand()
        self.leases = Leases(partial(connect, dsn), READER, lease_s)
        access = KinesisAccess(stream_name=NAME, region=REGION, endpoint_url=kinesis.url)
        self.stream = KinesisStream(access, self.leases, self.clock, self.clock.wait)
        self.stream.on_revoked(self._give_away, self._forget)
        self.may_give_away = True
        self.waiting: list[bytes] = []
        self.durable: list[bytes] = []
        self.sources: list[str] = []
        self.forgotten = 0

    def _give_away(self) -> bool:
        if self.may_give_away:
            self.durable += self.waiting
        self.waiting.clear()
        return self.may_give_away

    def _forget(self) -> None:
        self.forgotten += len(self.waiting)
        self.waiting.clear()

    def poll(self, turns: int = 1, limit: int = 100) -> list[bytes]:
        """What came new."""
        came = []
        for _ in range(turns):
            polled = self.stream.poll(limit, 0.5)
            self.sources += [each.source for each in polled]
            self.waiting += [each.payload for each in polled]
            came += [each.payload for each in polled]
        return came

    def commit(self) -> None:
        self._give_away()
        self.stream.commit()


@pytest.fixture
def kinesis() -> Iterator[Kinesis]:
    kinesis = Kinesis(2)
    yield kinesis
    kinesis.close()


@pytest.fixture
def open_reader(kinesis: Kinesis, dsn: str, credentials: None) -> Iterator[Callable[..., Reader]]:
    opened: list[Reader] = []

    def make(lease_s: float = 30.0) -> Reader:
        opened.append(Reader(kinesis, dsn, lease_s))
        return opened[-1]

    yield make
    for each in opened:
        each.stream.close()


def put(kinesis: Kinesis, shard_id: str, *words: str) -> None:
    for word in words:
        kinesis.put(shard_id, word.encode())


def words(*said: str) -> list[bytes]:
    return [each.encode() for each in said]


def held(conn: psycopg.Connection, reader: Reader) -> int:
    query = "SELECT count(*) FROM stream_leases WHERE member = %s"
    found = conn.execute(query, (reader.leases.member,)).fetchone()
    assert found is not None
    return int(found[0])


def test_all_shards_are_read_and_gone_on_with(
    kinesis: Kinesis, open_reader: Callable[..., Reader]
) -> None:
    first, second = kinesis.shards
    put(kinesis, first, "a1", "a2", "a3")
    put(kinesis, second, "b1")
    one = open_reader()
    assert sorted(one.poll(4, limit=2)) == words("a1", "a2", "a3", "b1")
    assert one.sources[0].startswith(f"{NAME}/shardId-")
    one.commit()
    one.stream.close()
    put(kinesis, second, "b2")
    assert open_reader().poll(4) == words("b2")


def test_what_was_not_committed_comes_again(
    kinesis: Kinesis, open_reader: Callable[..., Reader]
) -> None:
    first, _ = kinesis.shards
    put(kinesis, first, "a1")
    one = open_reader()
    assert one.poll(2) == words("a1")
    one.commit()
    put(kinesis, first, "a2")
    assert one.poll(4) == words("a2")
    one.stream.close()
    assert open_reader().poll(4) == words("a2")


def test_children_wait_for_the_end_of_their_parents(
    kinesis: Kinesis, open_reader: Callable[..., Reader]
) -> None:
    first, second = kinesis.shards
    put(kinesis, first, "a1")
    put(kinesis, second, "b1")
    (child,) = kinesis.reshard(first, second, into=1)
    put(kinesis, child, "c1")
    left, right = kinesis.reshard(child, into=2)
    put(kinesis, left, "d1")
    put(kinesis, right, "e1")
    one = open_reader()
    came = one.poll(20)
    assert came[:3] in (words("a1", "b1", "c1"), words("b1", "a1", "c1"))
    assert sorted(came[3:]) == words("d1", "e1")


def test_children_wait_while_their_parent_is_not_durable(
    kinesis: Kinesis, open_reader: Callable[..., Reader]
) -> None:
    first, _ = kinesis.shards
    put(kinesis, first, "a1")
    (child, _) = kinesis.reshard(first, into=2)
    put(kinesis, child, "c1")
    one = open_reader()
    one.may_give_away = False
    assert set(one.poll(12)) == set(words("a1"))
    one.may_give_away = True
    assert one.poll(12)[-1:] == words("c1")
    assert one.durable[-1:] == words("a1")


def test_ended_shards_are_tidied_once_the_stream_forgot_them(
    kinesis: Kinesis, open_reader: Callable[..., Reader], conn: psycopg.Connection
) -> None:
    first, _ = kinesis.shards
    kinesis.reshard(first, into=2)
    one = open_reader()
    one.poll(6)
    kinesis.forget(first)
    one.poll(40)  # longer than the time between two looks
    found = conn.execute("SELECT shard_id FROM stream_leases ORDER BY shard_id").fetchall()
    assert [shard_id for (shard_id,) in found] == sorted(kinesis.shards)


def test_two_readers_share_and_part(
    kinesis: Kinesis, open_reader: Callable[..., Reader], conn: psycopg.Connection
) -> None:
    one, two = open_reader(), open_reader()
    put(kinesis, list(kinesis.shards)[1], "b1")
    assert one.poll(3) == words("b1")
    assert two.poll(1) == []
    assert (held(conn, one), held(conn, two)) == (2, 0)
    one.poll(30)
    assert one.durable == words("b1")  # made durable before its shard was given away
    two.poll(30)
    assert (held(conn, one), held(conn, two)) == (1, 1)
    two.stream.close()
    one.poll(30)
    assert held(conn, one) == 2
    put(kinesis, list(kinesis.shards)[1], "b2")
    assert one.poll(4) == words("b2")


def test_a_dead_readers_shards_are_taken_over_when_its_lease_ends(
    kinesis: Kinesis, open_reader: Callable[..., Reader], conn: psycopg.Connection
) -> None:
    dead, heir = open_reader(LEASE_S), open_reader(LEASE_S)
    first, _ = kinesis.shards
    put(kinesis, first, "a1")
    assert dead.poll(2) == words("a1")
    lapses = "SELECT lapses_at FROM stream_members WHERE member = %s"
    (ends,) = conn.execute(lapses, (dead.leases.member,)).fetchall()
    while held(conn, heir) < 2:  # each look is a question to the database, which has the time
        heir.poll()
    (now,) = conn.execute("SELECT clock_timestamp()").fetchall()
    assert now >= ends
    assert b"a1" in heir.waiting + heir.poll(2)
    heir.commit()

    assert dead.leases.commit({first: Place("1")}) == set()  # it awakes, and can move no place
    assert b"a1" not in dead.poll(12)
    assert (dead.forgotten, dead.durable) == (1, [])


def stall(reader: Reader, while_: Callable[[], object]) -> None:
    """Amid a look at the leases."""
    with reader.leases._transaction() as run:
        run("SELECT pg_advisory_xact_lock(%(lock)s, hashtext(%(reader)s))")
        while_()


def test_a_member_that_stalls_amid_a_look_holds_nobody_up(
    kinesis: Kinesis, open_reader: Callable[..., Reader]
) -> None:
    stalled, other = open_reader(LEASE_S), open_reader(LEASE_S)
    put(kinesis, next(iter(kinesis.shards)), "a1")

    def read() -> None:
        while not other.poll():
            pass

    with pytest.raises(psycopg.OperationalError, match="idle-in-transaction"):
        stall(stalled, read)
    assert other.waiting == words("a1")


def test_expired_iterators_are_asked_for_anew(
    kinesis: Kinesis, open_reader: Callable[..., Reader]
) -> None:
    first, second = kinesis.shards
    put(kinesis, first, "a1")
    one = open_reader()
    assert one.poll(4) == words("a1")
    kinesis.expire_iterators()
    put(kinesis, first, "a2")
    put(kinesis, second, "b1")
    assert sorted(one.poll(12)) == words("a2", "b1")


def test_throttled_calls_wait_longer_each_time(
    kinesis: Kinesis, open_reader: Callable[..., Reader]
) -> None:
    first, second = kinesis.shards
    kinesis.reshard(second, into=1)
    one = open_reader()
    one.poll(6)
    kinesis.faults += ["ProvisionedThroughputExceededException"] * 8
    put(kinesis, first, "a1")
    begun_s, came = one.clock.now_s, list[bytes]()
    while not came:
        came = one.poll()
    assert came == words("a1")
    waited_s = one.clock.now_s - begun_s
    assert 4 < waited_s < 30  # two shards, four pauses each: 0.5, 1, 2 and 4 s, at least half


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("ResourceNotFoundException", "stream_name"),
        ("AccessDeniedException", "GetRecords"),
        ("ExpiredTokenException", "renew"),
    ],
)
def test_what_does_not_pass_is_told(
    kinesis: Kinesis, open_reader: Callable[..., Reader], code: str, hint: str
) -> None:
    kinesis.faults.append(code)
    with pytest.raises(StreamError, match=code) as caught:
        open_reader().poll(2)
    assert hint in str(caught.value)


def test_the_lag_is_that_of_the_shard_furthest_behind(
    kinesis: Kinesis, open_reader: Callable[..., Reader]
) -> None:
    first, _ = kinesis.shards
    put(kinesis, first, "a1", "a2", "a3", "a4")
    one = open_reader()
    assert one.stream.lag() == (None, None)
    one.poll(2, limit=1)
    assert one.stream.lag().seconds == pytest.approx(3, abs=0.3)
    one.poll(12)
    seconds = one.stream.lag().seconds
    assert seconds is not None
    assert seconds <= 1


def test_a_database_without_the_schema_is_named(
    kinesis: Kinesis, postgres: str, credentials: None
) -> None:
    access = KinesisAccess(stream_name=NAME, region=REGION, endpoint_url=kinesis.url)
    stream = KinesisStream(access, Leases(partial(connect, postgres), READER, 1))
    with pytest.raises(StreamError, match="lotkeeper cloud migrate"):
        stream.poll(1, 0)
    stream.close()
