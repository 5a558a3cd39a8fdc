"""An account of what arrived, held against lists that one can count by hand."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bench.peers.account import Account, Event, account

SENT: list[Event] = [("a", 1), ("b", 2), ("a", 3), ("b", 4)]
EVENTS = st.tuples(st.sampled_from("ab"), st.integers(1, 5))


def test_all_that_was_sent_arrived_once_and_in_order() -> None:
    assert account(SENT, SENT) == Account(4, 4, 0, 0, 0)
    assert account(SENT, SENT).lost == 0


def test_nothing_arrived() -> None:
    assert account(SENT, []).lost == 4


def test_an_arrival_beyond_the_first_is_a_duplicate_and_delivers_nothing() -> None:
    found = account(SENT, [("a", 1), ("a", 1), ("a", 1)])
    assert (found.delivered, found.duplicated, found.lost) == (1, 2, 3)


def test_the_order_between_bays_is_nobodys_promise() -> None:
    assert account(SENT, [("b", 2), ("b", 4), ("a", 1), ("a", 3)]).out_of_order == 0


def test_an_event_behind_a_later_one_of_its_bay_is_out_of_order() -> None:
    assert account(SENT, [("a", 3), ("a", 1), ("b", 2), ("b", 4)]).out_of_order == 1


def test_each_one_behind_the_newest_counts() -> None:
    sent = [("a", number) for number in (1, 2, 3)]
    assert account(sent, [("a", 3), ("a", 1), ("a", 2)]).out_of_order == 2


def test_a_duplicate_is_not_out_of_order_as_well() -> None:
    found = account(SENT, [("a", 1), ("a", 3), ("a", 1)])
    assert (found.duplicated, found.out_of_order) == (1, 0)


def test_what_nobody_sent_is_foreign_and_counts_as_nothing_else() -> None:
    found = account(SENT, [("a", 9), ("a", 1), ("c", 1)])
    assert (found.foreign, found.delivered, found.out_of_order) == (2, 1, 0)


@given(st.sets(EVENTS), st.lists(EVENTS))
def test_every_arrival_is_one_of_three(sent: set[Event], arrived: list[Event]) -> None:
    found = account(sent, arrived)
    assert found.delivered + found.duplicated + found.foreign == len(arrived)
    assert found.lost == len(sent - set(arrived))
    assert found.out_of_order <= found.delivered


@given(st.lists(EVENTS, unique=True))
def test_in_order_of_numbers_nothing_is_out_of_order(sent: list[Event]) -> None:
    by_number = sorted(sent, key=lambda event: event[1])
    assert account(sent, by_number).out_of_order == 0
    backwards = account(sent, by_number[::-1]).out_of_order
    bays = Counter(bay for bay, _ in sent)
    assert backwards == sum(count - 1 for count in bays.values())
