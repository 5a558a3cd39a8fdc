"""Temperature and snow."""

from random import Random

import numpy as np
import pytest

from simulator.world.traffic import visits
from simulator.world.weather import SNOW_MM, SUN_C_PER_H, Season, Weather, weather

UNTIL_S = 5 * 86400.0
TIMES_S = np.arange(0.0, UNTIL_S, 60.0)


def world(season: Season) -> Weather:
    return weather(Random(3), season, visits(Random(4), UNTIL_S, 1900.0, "s"), UNTIL_S)


def test_a_hot_day_spans_40_degrees() -> None:
    air_c = world("hot").air_c(TIMES_S)
    assert air_c.max() - air_c.min() == pytest.approx(40.0, abs=0.1)


def test_sun_and_shade_change_no_faster_than_stated() -> None:
    hot = world("hot")
    added_c = hot.sensor_c(TIMES_S) - hot.air_c(TIMES_S)
    assert added_c.max() > 5.0
    fastest_c_per_h = np.abs(np.diff(added_c)).max() * 60.0
    assert 5.0 < fastest_c_per_h <= SUN_C_PER_H + 1e-6


def test_snow_lies_in_winter_alone() -> None:
    depth_mm = world("winter").snow_depth_mm(TIMES_S)
    assert 50.0 < depth_mm.max() <= SNOW_MM
    assert depth_mm.min() == 0.0
    assert world("mild").snow_depth_mm(TIMES_S).max() == 0.0


def test_it_does_not_rain_on_hot_days() -> None:
    assert len(world("mild").rain) > 0
    assert len(world("hot").rain) == 0


def test_it_is_bright_around_noon_and_not_in_winter() -> None:
    hot = world("hot")
    hour = (hot.begins_h + TIMES_S / 3600.0) % 24.0
    bright = hot.is_bright(TIMES_S)
    assert 0.3 < bright[(hour > 10.0) & (hour < 16.0)].mean() < 1.0
    assert not bright[(hour < 10.0) | (hour > 16.0)].any()
    assert not world("winter").is_bright(TIMES_S).any()
