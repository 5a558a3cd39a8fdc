"""An invented day: the same for the same seed, and nothing too short to be told."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.invented import SHORTEST_S, invented_day


def day(
    seed: int, bays: list[str], end_s: float = 86_400.0
) -> dict[str, list[tuple[float, float]]]:
    return invented_day(bays, seed, end_s, stay_s=1500, gap_s=500, fill_s=2000)


def test_a_seed_is_a_day() -> None:
    assert day(1, ["A1", "A2"]) == day(1, ["A1", "A2"])
    assert day(1, ["A1"]) != day(2, ["A1"])


def test_a_bay_is_the_same_whatever_others_there_are() -> None:
    assert day(1, ["A1", "A2"])["A2"] == day(1, ["A2"])["A2"]
    assert day(1, ["A1", "A2"])["A1"] != day(1, ["A1", "A2"])["A2"]


@given(st.integers(), st.floats(60, 100_000))
def test_no_stay_and_no_gap_is_shorter_than_a_minute(seed: int, end_s: float) -> None:
    (intervals,) = day(seed, ["A1"], end_s).values()
    edges = [0.0, *(at for interval in intervals for at in interval)]
    rounding_s = 0.1
    assert all(b - a >= SHORTEST_S - rounding_s for a, b in pairwise(edges))
    assert all(arrival_s <= end_s for arrival_s, _ in intervals)


def test_bays_fill_within_the_time_asked() -> None:
    intervals = day(3, [f"A{n}" for n in range(200)]).values()
    first = sorted(each[0][0] for each in intervals)
    assert SHORTEST_S <= first[0] < 200
    assert 1800 < first[-1] <= SHORTEST_S + 2000


def test_stays_and_gaps_have_their_means() -> None:
    intervals = day(3, [f"A{n}" for n in range(100)], 200_000.0).values()
    stays = [departure - arrival for each in intervals for arrival, departure in each]
    gaps = [b[0] - a[1] for each in intervals for a, b in pairwise(each)]
    assert abs(sum(stays) / len(stays) - (SHORTEST_S + 1500)) < 60
    assert abs(sum(gaps) / len(gaps) - (SHORTEST_S + 500)) < 25
