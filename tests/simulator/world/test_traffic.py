"""The truth: visits."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from simulator.world.motion import Motion
from simulator.world.traffic import FIRST_S, Visit, visits

DAYS_S = 20 * 86400.0


@pytest.fixture(scope="module")
def found() -> list[Visit]:
    return visits(Random("traffic"), DAYS_S, 1900.0, "seed")


def test_the_same_seed_gives_the_same_visits() -> None:
    first, second = (visits(Random(7), 86400.0, 1900.0, "s") for _ in range(2))
    assert first == second
    assert visits(Random(8), 86400.0, 1900.0, "s") != first


def test_visits_follow_each_other_and_leave_the_bay_empty_in_between(found: list[Visit]) -> None:
    assert found[0].arrival_s > FIRST_S
    for visit in found:
        assert visit.arrival_s < visit.standing_s <= visit.departure_s - 15.0
        assert visit.departure_s < visit.gone_s < DAYS_S
    assert min(later.arrival_s - sooner.gone_s for sooner, later in pairwise(found)) >= 15.0


def test_some_18_percent_stand_for_a_minute_at_most(found: list[Visit]) -> None:
    short = [visit.departure_s - visit.standing_s <= 60.0 for visit in found]
    assert len(short) > 1000
    assert 0.15 < np.mean(short) < 0.21


def test_some_stand_for_hours_and_none_is_too_high(found: list[Visit]) -> None:
    assert max(visit.departure_s - visit.standing_s for visit in found) > 3 * 3600
    assert max(visit.vehicle.height_mm for visit in found) == 1900.0


def test_a_vehicle_comes_from_the_lane_stands_at_its_offset_and_leaves(found: list[Visit]) -> None:
    motion = Motion.of(found)
    visit, zero = found[0], np.array([0])

    def position_m(time_s: float) -> float:
        return float(motion.position_m(np.array([time_s]), zero)[0])

    offset_m = visit.vehicle.offset_m
    assert position_m(visit.arrival_s) == pytest.approx(offset_m + 7.0)
    assert position_m(visit.standing_s) == pytest.approx(offset_m)
    assert position_m(visit.departure_s) == pytest.approx(offset_m)
    assert position_m(visit.gone_s) == pytest.approx(offset_m + 7.0)
