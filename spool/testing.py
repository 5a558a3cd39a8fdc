"""For tests: the one contract suite that every spool passes, and the spool in memory.

A subclass of `SpoolContract` gives the fixture `reopen`: called with a byte limit it answers
the spool of one and the same store, as after a restart of its owner.
"""

from collections.abc import Callable

import pytest

from spool.log import Entry, Row, Spool
from spool.memory import MemorySpool, size_of

__all__ = ["MemorySpool", "SpoolContract"]

AnySpool = Spool | MemorySpool
Reopen = Callable[[int], AnySpool]

LIMIT = 1000
BODY = b"." * 100
"""Ten bodies fill a spool of `LIMIT`."""


def gap_text(first: int, last: int, count: int, reason: str) -> bytes:
    """A gap's payload that a test can read."""
    return f"{first}-{last} {count} {reason}".encode()


def toggles(key: str, count: int) -> list[Entry]:
    """`count` states of `key`."""
    return [Entry(key, BODY) for _ in range(count)]


def seqs_of(spool: AnySpool) -> list[int]:
    """The seqs of the records that are left; gap rows are none."""
    return [row.seq for row in spool.read(0, 1000) if not row.lost]


def gaps_of(spool: AnySpool) -> list[bytes]:
    """The payloads of the gap rows."""
    return [row.payload for row in spool.read(0, 1000) if row.lost]


def assert_balanced(spool: AnySpool) -> None:
    """Every cursor's account holds, and the spool counts its rows right."""
    rows = spool.read(0, 10**6)
    assert (spool.rows, spool.bytes) == (len(rows), size_of(rows))
    for name in spool.cursors():
        assert spool.depth(name).balanced, (name, spool.depth(name))


class SpoolContract:
    """What an owner may rely on, of whatever a spool is made."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the store with a byte limit; again, as after a restart."""
        raise NotImplementedError

    @pytest.fixture
    def spool(self, reopen: Reopen) -> AnySpool:
        """An empty spool of `LIMIT` bytes with the cursor `up`."""
        spool = reopen(LIMIT)
        spool.register("up")
        return spool

    def test_reads_in_order_what_was_appended(self, spool: AnySpool) -> None:
        assert spool.append([Entry("A", b"1"), Entry("B", b"2", durable=True)]) == range(1, 3)
        assert spool.append([Entry("", b"3")]) == range(3, 4)
        assert spool.read(0, 10) == [
            Row(1, "A", b"1", False, 0, intact=True),
            Row(2, "B", b"2", True, 0, intact=True),
            Row(3, "", b"3", False, 0, intact=True),
        ]
        assert [row.seq for row in spool.read(1, 1)] == [2]
        assert spool.read(3, 10) == []

    def test_max_bytes_bounds_a_read_but_one_row_always_comes(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 5))
        assert [row.seq for row in spool.read(0, 10, max_bytes=300)] == [1, 2, 3]
        assert [row.seq for row in spool.read(0, 10, max_bytes=299)] == [1, 2]
        assert [row.seq for row in spool.read(2, 10, max_bytes=1)] == [3]

    def test_seqs_are_never_reused(self, spool: AnySpool, reopen: Reopen) -> None:
        spool.append(toggles("A", 3))
        spool.advance("up", 3, delivered=3)
        assert spool.forget() == 3
        spool = reopen(LIMIT)
        assert (spool.rows, spool.last_seq) == (0, 3)
        assert spool.append(toggles("A", 1)) == range(4, 5)

    def test_reopening_keeps_rows_and_accounts(self, spool: AnySpool, reopen: Reopen) -> None:
        spool.append(toggles("A", 4))
        spool.advance("up", 2, delivered=1, dead_lettered=1)
        rows, depth = spool.read(0, 10), spool.depth("up")
        spool = reopen(LIMIT)
        assert (spool.read(0, 10), spool.depth("up")) == (rows, depth)

    def test_forgets_behind_the_slowest_cursor(self, spool: AnySpool) -> None:
        spool.register("slow")
        spool.append(toggles("A", 5))
        spool.advance("up", 5, delivered=5)
        assert spool.forget() == 0
        spool.advance("slow", 2, delivered=2)
        assert spool.forget() == 2
        assert seqs_of(spool) == [3, 4, 5]
        assert spool.cursors() == {"up": 5, "slow": 2}
        assert_balanced(spool)

    def test_a_cursor_never_moves_back(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 3))
        spool.advance("up", 3, delivered=3)
        spool.advance("up", 1, delivered=0)
        assert spool.cursors() == {"up": 3}

    def test_keep_bytes_retains_what_was_passed(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 5))
        spool.advance("up", 5, delivered=5)
        assert spool.forget(keep_bytes=250) == 3
        assert seqs_of(spool) == [4, 5]
        assert_balanced(spool)

    def test_no_cursor_no_forgetting(self, reopen: Reopen) -> None:
        spool = reopen(LIMIT)
        spool.append(toggles("A", 2))
        assert spool.forget() == 0

    def test_when_full_passed_rows_go_first_and_are_no_loss(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 10))
        spool.advance("up", 4, delivered=4)
        spool.append(toggles("A", 2))
        assert seqs_of(spool) == list(range(3, 13))
        assert spool.depth("up").dropped == 0
        assert gaps_of(spool) == []
        assert_balanced(spool)

    def test_then_old_toggles_go_and_are_counted(self, spool: AnySpool) -> None:
        spool.append([Entry("A", BODY), *toggles("B", 9)])
        spool.append(toggles("B", 1))
        assert seqs_of(spool) == [1, 4, 5, 6, 7, 8, 9, 10, 11]
        assert gaps_of(spool) == [b"2-3 2 spool_full"]
        assert spool.depth("up").dropped == 2
        assert spool.bytes <= LIMIT
        assert_balanced(spool)

    def test_gaps_merge(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 10))
        for _ in range(20):
            spool.append(toggles("A", 1))
            assert_balanced(spool)
        (gap,) = [row for row in spool.read(0, 100) if row.lost]
        assert seqs_of(spool) == list(range(gap.seq + 1, 31))
        assert gap.payload == gap_text(1, gap.seq, gap.lost, "spool_full")
        assert gap.lost == gap.seq == spool.depth("up").dropped

    def test_gap_rows_do_not_hide_what_may_go(self, spool: AnySpool) -> None:
        spool.append([Entry("A", b"."), *toggles("A", 9)])
        for seq in range(1, 8):
            spool.quarantine(seq)
        spool.append(toggles("A", 7))
        spool.append([Entry("A", b"." * 20)])
        assert spool.bytes <= LIMIT
        assert_balanced(spool)

    def test_a_gap_that_passed_a_kept_row_still_spans_what_it_counts(self, spool: AnySpool) -> None:
        spool.append([*toggles("A", 1), *toggles("B", 2), *toggles("C", 7)])
        spool.append(toggles("C", 2))
        assert gaps_of(spool) == [b"2-5 3 spool_full"]
        spool.append(toggles("C", 2))
        assert gaps_of(spool) == [b"2-7 5 spool_full"]
        assert seqs_of(spool) == [1, 3, 8, 9, 10, 11, 12, 13, 14]
        assert_balanced(spool)

    def test_the_newest_of_a_key_stays(self, spool: AnySpool) -> None:
        spool.append([Entry(key, BODY) for key in "ABCDEFGHIJ"])
        spool.append(toggles("K", 1))
        assert seqs_of(spool) == list(range(1, 12))
        assert spool.depth("up").dropped == 0

    def test_durable_rows_stay_while_toggles_remain(self, spool: AnySpool) -> None:
        alarms = [Entry("", BODY, durable=True)] * 5
        spool.append([*alarms, *toggles("A", 5)])
        spool.append(toggles("A", 3))
        assert set(seqs_of(spool)) >= {1, 2, 3, 4, 5, 13}
        assert_balanced(spool)

    def test_durable_rows_go_last(self, spool: AnySpool) -> None:
        spool.append([*([Entry("", BODY, durable=True)] * 8), *toggles("A", 2)])
        spool.append([Entry("", BODY, durable=True)] * 3)
        assert seqs_of(spool) == [4, 5, 6, 7, 8, 10, 11, 12, 13]
        assert spool.depth("up").dropped == 4
        assert spool.bytes <= LIMIT
        assert_balanced(spool)

    def test_rows_in_flight_stay(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 10))
        spool.in_flight = 6
        spool.append(toggles("A", 1))
        assert seqs_of(spool) == [1, 2, 3, 4, 5, 6, 9, 10, 11]
        assert gaps_of(spool) == [b"7-8 2 spool_full"]
        assert_balanced(spool)

    def test_a_loss_counts_for_those_who_had_it_before_them(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 10))
        spool.register("slow")
        spool.advance("up", 5, delivered=5)
        spool.append(toggles("A", 3))
        assert (spool.depth("up").dropped, spool.depth("slow").dropped) == (0, 4)
        assert_balanced(spool)

    def test_quarantine_leaves_a_gap_of_one(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 3))
        spool.quarantine(2)
        assert seqs_of(spool) == [1, 3]
        assert gaps_of(spool) == [b"2-2 1 corrupt"]
        assert (spool.quarantined(), spool.depth("up").dropped) == (1, 1)
        assert_balanced(spool)

    def test_a_gap_row_in_quarantine_keeps_its_count(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 11))
        spool.append(toggles("A", 1))
        (gap,) = [row for row in spool.read(0, 100) if row.lost]
        dropped = spool.depth("up").dropped
        spool.quarantine(gap.seq)
        assert gaps_of(spool) == [gap_text(1, gap.seq, gap.lost, "corrupt")]
        assert spool.depth("up").dropped == dropped
        assert_balanced(spool)

    def test_a_row_that_was_delivered_is_no_loss_in_quarantine(self, spool: AnySpool) -> None:
        spool.register("slow")
        spool.append(toggles("A", 3))
        spool.advance("up", 2, delivered=2)
        spool.quarantine(2)
        assert (spool.depth("up").dropped, spool.depth("slow").dropped) == (0, 1)
        assert_balanced(spool)

    def test_quarantine_of_no_row_is_nothing(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 1))
        spool.quarantine(7)
        assert (spool.quarantined(), spool.rows) == (0, 1)
        assert_balanced(spool)

    def test_rewind_offers_all_that_is_retained_again(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 5))
        spool.advance("up", 4, delivered=4)
        spool.forget(keep_bytes=300)
        spool.rewind("up")
        assert spool.cursors() == {"up": 2}
        depth = spool.depth("up")
        assert (depth.appended, depth.waiting, depth.delivered, depth.dropped) == (3, 3, 0, 0)
        assert depth.balanced

    def test_a_new_cursor_begins_with_the_oldest_row(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 4))
        spool.quarantine(3)
        spool.advance("up", 1, delivered=1)
        spool.forget()
        spool.register("late")
        assert spool.cursors()["late"] == 1
        assert (spool.depth("late").appended, spool.depth("late").waiting) == (2, 2)
        assert_balanced(spool)

    def test_registering_twice_changes_nothing(self, spool: AnySpool) -> None:
        spool.append(toggles("A", 2))
        spool.advance("up", 1, delivered=1)
        depth = spool.depth("up")
        spool.register("up")
        assert spool.depth("up") == depth

    def test_a_cursor_that_went_holds_nothing_back(self, spool: AnySpool) -> None:
        spool.register("gone")
        spool.append(toggles("A", 2))
        spool.advance("up", 2, delivered=2)
        assert spool.unregister_others(["up", "never"]) == ["gone"]
        assert spool.cursors() == {"up": 2}
        assert spool.forget() == 2

    def test_a_cursor_nobody_registered_is_named(self, spool: AnySpool) -> None:
        for call in (spool.depth, spool.rewind, lambda n: spool.advance(n, 1, delivered=1)):
            with pytest.raises(KeyError, match="nobody"):
                call("nobody")
