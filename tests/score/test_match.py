"""Found events against true ones."""

from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from score.match import Event, Tally, match


def arrivals(*times_s: float) -> list[Event]:
    return [Event(at_s, "arrival") for at_s in times_s]


def departures(*times_s: float) -> list[Event]:
    return [Event(at_s, "departure") for at_s in times_s]


def test_each_found_event_answers_the_truth_near_it() -> None:
    tally = match(arrivals(10, 100), arrivals(103, 9), tolerance_s=5)
    assert tally.latencies_s == (-1, 3)
    assert tally.truths == (*arrivals(10, 100),)
    assert tally.found == (*arrivals(9, 103),)
    assert tally.clean


def test_what_is_not_found_is_missed_and_what_is_not_true_is_false() -> None:
    tally = match(arrivals(10, 100), arrivals(100, 200), tolerance_s=5)
    assert tally.missed == (*arrivals(10),)
    assert tally.false == (*arrivals(200),)
    assert tally.doubled == ()
    assert not tally.clean


def test_the_second_of_two_found_is_doubled_and_the_nearest_counts() -> None:
    tally = match(arrivals(10), arrivals(6, 11, 14), tolerance_s=5)
    assert tally.latencies_s == (1,)
    assert tally.doubled == (*arrivals(6, 14),)
    assert tally.false == ()


def test_kinds_never_answer_each_other() -> None:
    tally = match(arrivals(10), departures(10), tolerance_s=5)
    assert tally.missed == (*arrivals(10),)
    assert tally.false == (*departures(10),)


def test_the_tolerance_belongs_to_it() -> None:
    assert match(arrivals(10), arrivals(15), tolerance_s=5).clean
    assert not match(arrivals(10), arrivals(15.01), tolerance_s=5).clean


def test_the_nearest_is_left_where_another_pair_is_won() -> None:
    """Greedy by distance would give 10 -> 13 and lose both 6 and 15."""
    tally = match(arrivals(10, 15), arrivals(6, 13), tolerance_s=5)
    assert [(p.truth.at_s, p.found.at_s) for p in tally.pairs] == [(10, 6), (15, 13)]


def test_nothing_answers_nothing() -> None:
    assert match([], [], 5) == Tally()
    assert match([], [], 5).clean


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(ValueError, match="tolerance_s -1"):
        match([], [], -1)


def test_tallies_add_up_and_come_apart_by_kind() -> None:
    one = match(arrivals(10, 20), arrivals(11), tolerance_s=2)
    other = match(departures(5), departures(5, 6, 50), tolerance_s=2)
    both = one + other
    assert both.of("arrival") == one
    assert both.of("departure") == other
    assert both.of("arrival", "departure") == both
    assert len(both.truths) == 3
    assert (len(both.missed), len(both.doubled), len(both.false)) == (1, 1, 1)


TIMES = st.lists(st.integers(0, 30), max_size=5)


def best_by_trying_all(truth: list[int], found: list[int], tolerance: int) -> tuple[int, int]:
    """Most pairs, then the least sum of differences, of every matching there is."""
    best = (0, 0)
    for count in range(1, min(len(truth), len(found)) + 1):
        for some in combinations(truth, count):
            for others in permutations(found, count):
                apart = [abs(a - b) for a, b in zip(some, others, strict=True)]
                if max(apart) <= tolerance:
                    best = max(best, (count, -sum(apart)))
    return best


@given(TIMES, TIMES, st.integers(0, 8))
def test_no_matching_is_better(truth: list[int], found: list[int], tolerance: int) -> None:
    tally = match(arrivals(*truth), arrivals(*found), tolerance)
    got = len(tally.pairs), -sum(map(abs, tally.latencies_s))
    assert got == best_by_trying_all(truth, found, tolerance)


@given(TIMES, TIMES, st.integers(0, 8))
def test_the_account_closes(truth: list[int], found: list[int], tolerance: int) -> None:
    tally = match(arrivals(*truth), arrivals(*found), tolerance)
    assert tally.truths == (*sorted(arrivals(*truth)),)
    said = sorted([*tally.found, *tally.false, *tally.doubled])
    assert said == sorted(arrivals(*found))
    assert all(abs(e.at_s - t) > tolerance for e in tally.false for t in truth)


@pytest.mark.parametrize("apart_s", [60.0, 8.0])
def test_a_month_of_events_is_quick(apart_s: float) -> None:
    """Also where each event lies within the tolerance of the next one, as in a busy lane."""
    truth = arrivals(*(apart_s * number for number in range(40_000)))
    tally = match(truth, [Event(e.at_s + 2, e.kind) for e in truth], tolerance_s=10)
    assert tally.clean
    assert set(tally.latencies_s) == {2}
