from itertools import pairwise
from math import dist
from statistics import mean, stdev
from typing import Any

import pytest
from pydantic import ValidationError

from drivers import DriverError, Quality, Reading, Vector
from drivers.simulated import Config, Driver
from drivers.testing import DriverContract, ManualClock, assert_well_formed

VISIT = (1100.0, 1200.0)


def opened(clock: ManualClock, **options: Any) -> Driver:
    driver = Driver(Config.model_validate({"invalid_rate": 0, **options}), clock)
    driver.open()
    return driver


def read_from(driver: Driver, clock: ManualClock, start_s: float, end_s: float) -> list[Reading]:
    """A reading every 100 ms in start <= time < end."""
    readings = []
    for step in range(round((end_s - start_s) * 10)):
        clock.now_s = start_s + step / 10
        readings.append(driver.read())
    return readings


def distances(readings: list[Reading]) -> list[float]:
    return [r.value for r in readings if isinstance(r.value, float)]


def fields(readings: list[Reading]) -> list[Vector]:
    return [r.value for r in readings if isinstance(r.value, tuple)]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestContract(DriverContract):
    @pytest.fixture(params=["ranging", "magnetic"])
    def driver(self, request: pytest.FixtureRequest, clock: ManualClock) -> Driver:
        return Driver(Config(sensor=request.param, invalid_rate=0), clock)


def test_ranging_sees_floor_then_roof_then_floor(clock: ManualClock) -> None:
    driver = opened(clock, sessions=[VISIT])
    free = distances(read_from(driver, clock, 1000, 1100))
    here = distances(read_from(driver, clock, 1105, 1200))
    again = distances(read_from(driver, clock, 1205, 1300))
    assert mean(free + again) == pytest.approx(2500, abs=1)
    assert stdev(free) == pytest.approx(5, rel=0.2)
    assert 400 - 25 < min(here) <= max(here) < 1200 + 25


@pytest.mark.parametrize("moment", VISIT)
def test_a_vehicle_moves_in_and_out_and_is_no_step(clock: ManualClock, moment: float) -> None:
    moving = []
    for seed in range(20):
        driver = opened(clock, sessions=[VISIT], seed=seed)
        moving += read_from(driver, clock, moment, moment + 2)
    share_lost = mean(r.quality is Quality.NO_ECHO for r in moving)
    near = [distance < 2300 for distance in distances(moving)]
    assert 0.15 < share_lost < 0.35
    assert 0.1 < mean(near) < 0.9


def test_the_field_swings_smoothly_to_the_vehicles(clock: ManualClock) -> None:
    detours = []
    for seed in range(10):
        driver = opened(clock, sensor="magnetic", sessions=[VISIT], noise=0, seed=seed)
        path = fields(read_from(driver, clock, 1099, 1106))
        steps = [dist(before, after) for before, after in pairwise(path)]
        change = dist(path[0], path[-1])
        detours.append(sum(steps) / change)
        assert path[0] == path[9]
        assert 60 <= change <= 300
        # 300 mG over 2 s and a half-sine of 150 mG on top, in steps of 100 ms.
        assert max(steps) < 40
    assert mean(detours) > 1.1


def test_a_vehicle_that_leaves_while_coming_in_leaves_from_where_it_was(clock: ManualClock) -> None:
    driver = opened(clock, sensor="magnetic", sessions=[(1100, 1101)], noise=0)
    path = fields(read_from(driver, clock, 1100.9, 1101.2))
    steps = [dist(before, after) for before, after in pairwise(path)]
    assert max(steps) < 40


def test_the_truth_is_that_of_the_sessions(clock: ManualClock) -> None:
    driver = opened(clock, sessions=[VISIT, (1200, 1250)])
    times = [1099.9, 1100, 1199.9, 1200, 1249.9, 1250]
    assert [driver.occupied(t) for t in times] == [False, True, True, True, True, False]
    assert driver.truth(1100, 1250) == [(1100, True), (1200, False), (1200, True)]


def test_the_same_seed_lives_the_same_life(clock: ManualClock) -> None:
    lives = []
    for seed in (1, 1, 2):
        driver = opened(clock, seed=seed, mean_stay_s=30, mean_gap_s=30)
        lives.append([r.value for r in read_from(driver, clock, 1000, 1100)])
        clock.now_s = 1000
    assert lives[0] == lives[1]
    assert lives[0] != lives[2]


def test_the_truth_does_not_depend_on_how_often_it_is_read(clock: ManualClock) -> None:
    watched, unwatched = (opened(clock, mean_stay_s=60, mean_gap_s=60) for _ in range(2))
    read_from(watched, clock, 1000, 1500)
    assert watched.truth(1000, 9000) == unwatched.truth(1000, 9000)


def test_the_schedule_keeps_its_means(clock: ManualClock) -> None:
    driver = opened(clock, mean_stay_s=300, mean_gap_s=100)
    changes = driver.truth(1000, 1000 + 400 * 2000)
    stays = [b - a for (a, occupied), (b, _) in pairwise(changes) if occupied]
    gaps = [b - a for (a, occupied), (b, _) in pairwise(changes) if not occupied]
    assert len(stays) == pytest.approx(2000, rel=0.1)
    assert mean(stays) == pytest.approx(300, rel=0.1)
    assert mean(gaps) == pytest.approx(100, rel=0.1)
    assert min(stays + gaps) >= 4


@pytest.mark.parametrize(("chance", "occupied"), [(0, False), (1, True)])
def test_the_first_state_is_by_chance(clock: ManualClock, chance: float, occupied: bool) -> None:
    driver = opened(clock, initially_occupied=chance)
    assert driver.occupied(1000) is occupied
    assert (distances([driver.read()])[0] < 2000) is occupied


@pytest.mark.parametrize(
    ("sensor", "quality"), [("ranging", Quality.NO_ECHO), ("magnetic", Quality.NO_DATA)]
)
def test_a_share_of_readings_is_invalid(clock: ManualClock, sensor: str, quality: Quality) -> None:
    driver = opened(clock, sensor=sensor, invalid_rate=0.2)
    readings = read_from(driver, clock, 1000, 1200)
    assert mean(r.quality is quality for r in readings) == pytest.approx(0.2, abs=0.03)
    for reading in readings:
        assert_well_formed(reading)


@pytest.mark.parametrize("fault", ["no_echo", "blocked"])
def test_a_faulty_sensor_says_so(clock: ManualClock, fault: str) -> None:
    reading = opened(clock, fault=fault).read()
    assert (reading.quality, reading.value) == (Quality(fault), None)


def test_a_dead_sensor_neither_opens_nor_reads_and_may_come_back(clock: ManualClock) -> None:
    driver = opened(clock)
    driver.fault = "dead"
    with pytest.raises(DriverError, match="dead"):
        driver.read()
    with pytest.raises(DriverError, match="dead"):
        driver.open()
    driver.fault = "none"
    driver.open()
    assert driver.read().quality is Quality.OK


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vehicle_height_mm": (1000, 2600)}, "stay below floor_mm"),
        ({"sensor": "magnetic", "fault": "blocked"}, "ranging sensor's"),
        ({"sessions": [(10, 20), (19, 30)]}, r"session \(19.0, 30.0\)"),
        ({"sessions": [(20, 10)]}, r"session \(20.0, 10.0\)"),
        ({"mean_stay_s": 1}, "mean_stay_s"),
    ],
)
def test_config_refuses_an_impossible_world(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(options)
