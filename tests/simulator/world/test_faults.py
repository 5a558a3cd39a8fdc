"""Faults as truth and as readings."""

from dataclasses import replace

import pytest

from drivers import Quality, Reading
from simulator.world import Bay, Scenario
from simulator.world.faults import KINDS, Fault, chunks, kinds_of
from simulator.world.scenario import Family

DAY_S = 86400.0


def during(family: Family, kind: str) -> tuple[Fault, list[tuple[float, Reading | None]]]:
    """A fault of that kind, and what was read in it."""
    bay = Bay(Scenario("", family, faults=frozenset({kind})), "1/1", DAY_S / 2)
    fault = bay.faults[0]
    assert fault.kind == kind
    return fault, [(at, r) for at, r in bay.readings() if fault.begin_s <= at < fault.end_s]


@pytest.mark.parametrize("family", ["ranging", "magnetic"])
def test_dead_gives_nothing(family: Family) -> None:
    _, readings = during(family, "dead")
    assert {reading for _, reading in readings} == {None}


@pytest.mark.parametrize(
    ("family", "kind", "quality"),
    [("ranging", "no_echo", Quality.NO_ECHO), ("magnetic", "overflow", Quality.OVERFLOW)],
)
def test_a_quality_alone(family: Family, kind: str, quality: Quality) -> None:
    _, readings = during(family, kind)
    assert {reading and reading.quality for _, reading in readings} == {quality}


def test_blocked_is_told_by_quality_or_by_a_value_in_the_blind_zone() -> None:
    _, readings = during("ranging", "blocked")
    for _, reading in readings:
        assert reading is not None
        assert reading.quality is Quality.BLOCKED or (
            isinstance(reading.value, float) and reading.value <= 80.0
        )


@pytest.mark.parametrize("family", ["ranging", "magnetic"])
def test_stuck_repeats_one_value_to_the_last_bit(family: Family) -> None:
    _, readings = during(family, "stuck")
    assert len(readings) > 80
    assert len({reading and reading.raw for _, reading in readings}) == 1


def test_checksum_damages_some_frames() -> None:
    _, readings = during("ranging", "checksum")
    damaged = [r is not None and r.quality is Quality.CHECKSUM for _, r in readings]
    assert 0.05 < sum(damaged) / len(damaged) < 0.95


def test_a_hung_bus_is_noticed_after_5_s_and_then_once_a_second() -> None:
    fault, readings = during("magnetic", "bus_hang")
    assert {reading for _, reading in readings} == {None}
    assert 5.0 <= readings[0][0] - fault.begin_s < 6.2
    assert len(readings) == pytest.approx(fault.end_s - fault.begin_s - 5.0, abs=2)


def test_every_kind_comes_and_none_overlaps() -> None:
    scenario = Scenario("", "fused")
    bay = Bay(replace(scenario, faults=kinds_of(scenario)), "1/1", 2 * DAY_S)
    assert {fault.kind for fault in bay.faults} == set.union(*map(set, KINDS.values()))
    ends = [0.0, *(fault.end_s for fault in bay.faults)]
    assert all(f.begin_s - end >= 1200.0 for f, end in zip(bay.faults, ends, strict=False))
    assert {fault.units for fault in bay.faults if fault.kind == "bus_hang"} == {
        frozenset({"mm", "mG"})
    }


def test_a_fault_that_a_sensor_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match="'overflow' is none of a ranging"):
        Bay(Scenario("", "ranging", faults=frozenset({"overflow"})), "1/1", DAY_S)


def test_a_fault_is_a_part_of_its_own() -> None:
    fault = Fault("stuck", 100.0, 5000.0, frozenset({"mm"}), "")
    assert list(chunks([fault], 9000.0)) == [
        (0.0, 100.0),
        (100.0, 3700.0),
        (3700.0, 5000.0),
        (5000.0, 8600.0),
        (8600.0, 9000.0),
    ]
