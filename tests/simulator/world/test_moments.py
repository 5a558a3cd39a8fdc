"""Vehicles as dipoles."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from simulator.world.moments import EARTH_MG, LEAST_AT_REST_MG, PITCH_M, earth, signature
from simulator.world.traffic import Vehicle

VEHICLE = Vehicle(1500.0, 4.6, 0.45, True, True, 0.2, 0.0, "")
EARTH = earth(Random(1))
VEHICLES = [replace(VEHICLE, seed=str(number)) for number in range(300)]


def test_the_earth_has_half_a_gauss() -> None:
    assert np.linalg.norm(EARTH) == pytest.approx(EARTH_MG)


def test_far_vehicles_are_not_felt_and_near_ones_are() -> None:
    for vehicle in VEHICLES[:50]:
        change = np.linalg.norm(signature(vehicle, EARTH, False).change_mg, axis=1)
        assert change[-1] < 0.02 * change.max()
        assert change.max() >= 64.0 - 1e-6


def test_at_rest_it_is_40_to_hundreds_of_milligauss() -> None:
    at_rest = [np.linalg.norm(signature(each, EARTH, False).at_rest_mg) for each in VEHICLES]
    assert min(at_rest) >= LEAST_AT_REST_MG * 0.99
    assert 80.0 < np.median(at_rest) < 250.0
    assert np.mean(np.array(at_rest) < 50.0) > 0.03


def test_the_field_passes_through_zero_on_the_way_in() -> None:
    signs = np.sign(signature(VEHICLES[0], EARTH, False).change_mg)
    assert np.abs(np.diff(signs, axis=0)).max() == 2.0


def test_a_critical_vehicle_stands_where_less_is_felt() -> None:
    usual = [np.linalg.norm(signature(each, EARTH, False).at_rest_mg) for each in VEHICLES]
    critical = [np.linalg.norm(signature(each, EARTH, True).at_rest_mg) for each in VEHICLES]
    assert np.median(critical) < 0.95 * np.median(usual)


def test_between_the_grid_the_field_is_linear() -> None:
    found = signature(VEHICLE, EARTH, False)
    ends = found.at(np.array([0.0, 0.0325]))
    assert np.linalg.norm(ends[1] - ends[0]) < 0.3 * np.linalg.norm(found.change_mg.max(axis=0))


def test_the_next_bay_sees_what_the_distance_leaves() -> None:
    shares = []
    for vehicle in VEHICLES:
        here, beside = (signature(vehicle, EARTH, False, aside) for aside in (0.0, PITCH_M))
        shares.append(np.linalg.norm(beside.at_rest_mg) / np.linalg.norm(here.at_rest_mg))
    assert 0.05 < np.median(shares) < 0.10
    assert 0.1 < np.percentile(shares, 95) < 0.3


def test_from_afar_a_vehicle_is_one_dipole() -> None:
    near, far = (np.linalg.norm(signature(VEHICLE, EARTH, False, m).at_rest_mg) for m in (20, 40))
    assert near / far == pytest.approx(8.0, rel=0.15)
