"""A bay and its sensors' readings."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from drivers import Quality, Reading
from simulator.world import FAMILIES, Bay, Scenario
from simulator.world.rows import everything, interferences
from simulator.world.samples import Timed
from simulator.world.scenario import RANGERS, Family
from simulator.world.traffic import FIRST_S

HOURS_S = 4 * 3600.0
SEED = "1/2"


def bay(family: Family, *interference: str, until_s: float = HOURS_S) -> Bay:
    return Bay(Scenario("", family, frozenset(interference), season="mild"), SEED, until_s)


def good(readings: Iterator[Timed]) -> list[tuple[float, Reading]]:
    return [(at, each) for at, each in readings if each and each.quality is Quality.OK]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_lives_the_same_life(family: Family) -> None:
    first, second = (list(Bay(everything(family), SEED, 1800.0).readings()) for _ in range(2))
    assert first == second
    assert first != list(Bay(everything(family), "1/3", 1800.0).readings())


@pytest.mark.parametrize("family", FAMILIES)
def test_readings_come_in_order_at_their_rate(family: Family) -> None:
    times_s = [at for at, _ in bay(family, until_s=3700.0).readings()]
    assert all(later > sooner for sooner, later in pairwise(times_s))
    rate = {"magnetic": 10, "fused": 11}.get(family, 1)
    assert len(times_s) == 3700 * rate


def test_a_fused_bay_gives_both_units() -> None:
    units = {each.unit for _, each in good(bay("fused", until_s=60.0).readings())}
    assert units == {"mm", "mG"}


@pytest.mark.parametrize("family", RANGERS)
def test_a_clean_ranger_sees_floor_and_vehicles_alone(family: Family) -> None:
    world = bay(family)
    assert len(world.visits) > 5
    for at, reading in good(world.readings()):
        assert isinstance(reading.value, float)
        nearer_mm = world.floor_mm - reading.value
        if not world.occupied(np.array([at]))[0]:
            assert abs(nearer_mm) < 150.0
        elif any(visit.standing_s <= at < visit.departure_s for visit in world.visits):
            assert nearer_mm > 550.0


def test_a_clean_magnetometer_feels_each_vehicle_that_stands() -> None:
    world = bay("magnetic")
    readings = good(world.readings())
    times_s = np.array([at for at, _ in readings])
    values = np.array([each.value for _, each in readings])
    vacant = values[times_s < FIRST_S].mean(axis=0)
    for visit in world.visits:
        stands = (times_s > visit.standing_s) & (times_s < visit.departure_s)
        assert np.linalg.norm(values[stands].mean(axis=0) - vacant) > 38.0


@pytest.mark.parametrize("family", ["ranging", "magnetic"])
def test_each_interference_is_felt(family: Family) -> None:
    until_s = 12 * 3600.0 if family == "ranging" else 2 * 3600.0
    quiet = dict(bay(family, until_s=until_s).readings())
    for name in interferences(family) - {"snow", "dull_floor"}:
        loud = dict(bay(family, name, until_s=until_s).readings())
        assert loud.keys() == quiet.keys()
        assert loud != quiet, name


def test_in_a_tight_bay_the_neighbour_is_felt_more() -> None:
    lone, wide, tight = (
        np.array([each.value for _, each in good(bay("magnetic", *names).readings())])
        for names in ((), ("neighbours",), ("tight_neighbours",))
    )
    wide_mg, tight_mg = (np.linalg.norm(each - lone, axis=1).mean() for each in (wide, tight))
    assert 0.0 < 2.0 * wide_mg < tight_mg


def test_snow_raises_the_floor() -> None:
    bare, snowy = (
        Bay(Scenario("", "ranging", frozenset(on), season="winter"), "1/3", 86400.0)
        for on in ((), ("snow",))
    )
    deepest_mm = snowy.weather.snow_mm.max()
    assert deepest_mm > 80.0
    assert deepest_mm - 30.0 < nearest_floor_mm(bare) - nearest_floor_mm(snowy) < deepest_mm + 30.0


def test_some_floors_send_pings_elsewhere() -> None:
    scenario = Scenario("", "laser", frozenset({"dull_floor"}))
    shares = []
    for number in range(12):
        qualities = [
            reading and reading.quality
            for _, reading in Bay(scenario, f"1/{number}", FIRST_S).readings()
        ]
        shares.append(qualities.count(Quality.NO_ECHO) / len(qualities))
    dull = [share for share in shares if share > 0.03]
    assert 1 <= len(dull) <= 6
    assert max(dull) < 0.45


def test_a_laser_loses_pings_in_full_sun() -> None:
    scenario = Scenario("", "laser", frozenset({"sunlight"}), season="hot")
    world = Bay(scenario, SEED, 86400.0)
    readings = [(at, each and each.quality) for at, each in world.readings()]
    bright = world.weather.is_bright(np.array([at for at, _ in readings]))
    lost = np.array([quality is Quality.NO_ECHO for _, quality in readings])
    assert 0.15 < lost[bright].mean() < 0.25
    assert lost[~bright].mean() < 0.02


def nearest_floor_mm(world: Bay) -> float:
    """The least distance to the empty bay."""
    return min(
        each.value
        for at, each in good(world.readings())
        if isinstance(each.value, float) and not world.occupied(np.array([at]))[0]
    )


def test_interferences_do_not_change_each_other() -> None:
    """The people of a bay are the same with and without crosstalk."""
    alone = bay("laser", "people")
    both = bay("laser", "people", "crosstalk")
    assert alone.spans["people"].begins_s.tolist() == both.spans["people"].begins_s.tolist()
    assert list(alone.readings()) == list(both.readings())  # light has no crosstalk


def test_the_thermometer_follows_the_weather_where_there_is_one() -> None:
    world = bay("magnetic", until_s=1800.0)
    readings = good(world.readings())
    off = [
        each.temperature_c - world.weather.sensor_c(np.array([at]))[0]
        for at, each in readings[::100]
        if each.temperature_c is not None
    ]
    assert len(off) == len(readings[::100])
    assert np.abs(off).max() < 0.5
    bare = Scenario("", "magnetic", thermometer=False)
    assert {each.temperature_c for _, each in good(Bay(bare, SEED, 60.0).readings())} == {None}


def test_drift_is_the_temperature_times_the_slopes() -> None:
    drifting, still = bay("magnetic", "temperature"), bay("magnetic")
    pairs = list(zip(good(drifting.readings()), good(still.readings()), strict=True))
    (at, warm), (_, same) = pairs[-1]
    assert isinstance(warm.raw, tuple)
    assert isinstance(same.raw, tuple)
    warmer_c = drifting.weather.sensor_c(np.array([at]))[0] - 20.0
    counts = np.array(warm.raw) - np.array(same.raw)
    assert counts == pytest.approx(warmer_c * drifting.counts_per_c, abs=1.01)
