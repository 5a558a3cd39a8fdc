"""A ranger that decides and a magnetometer that wakes it, at one spot."""

import math
import random

import pytest

from agent.detector import Change, Detector, FusedSettings, HealthChange, RangingSettings, Said
from contract.words import HealthState, Status
from drivers import Quality, Reading, Vector

FLOOR_MM = 2500.0
CAR_MM = 1000.0
VACANT = (200.0, 180.0, 420.0)
CAR_MG = (60.0, -40.0, 80.0)
NOTHING = (0.0, 0.0, 0.0)
DETECTOR = Detector(FusedSettings(ranging=RangingSettings(floor_mm=FLOOR_MM)))

Distance = float | Quality


class Spot:
    """Both sensors at their rates; the ranger sleeps when the detector lets it."""

    def __init__(self) -> None:
        self.state = DETECTOR.initial(0.0)
        self.noise = random.Random(7)
        self.tick = 0
        self.pinged_s = -100.0
        self.pings = 0
        self.sticks = False

    @property
    def now_s(self) -> float:
        return self.tick / 10

    def play(self, seconds: float, distance: Distance, field: Vector | None) -> list[Said]:
        said: list[Said] = []
        for _ in range(round(seconds * 10)):
            said += self._step(self._field(field))
            wait_s = DETECTOR.sample_s(self.state, "mm", 1.0, self.now_s)
            if self.now_s - self.pinged_s >= wait_s - 0.01:
                self.pinged_s = self.now_s
                self.pings += 1
                said += self._step(self._distance(distance))
            self.tick += 1
        return said

    def _step(self, reading: Reading) -> list[Said]:
        self.state, said = DETECTOR.step(self.state, reading, self.now_s)
        return said

    def _field(self, field: Vector | None) -> Reading:
        if field is None:
            return Reading(None, "mG", Quality.NO_DATA, None, self.now_s)
        x, y, z = (v + o + self.noise.gauss(0, 1.5) for v, o in zip(VACANT, field, strict=True))
        return Reading((x, y, z), "mG", Quality.OK, (x, y, z), self.now_s)

    def _distance(self, distance: Distance) -> Reading:
        if isinstance(distance, Quality):
            return Reading(None, "mm", distance, None, self.now_s)
        value = distance + (0.0 if self.sticks else self.noise.gauss(0, 3))
        return Reading(value, "mm", Quality.OK, value, self.now_s)


@pytest.fixture
def spot() -> Spot:
    spot = Spot()
    said = spot.play(120, FLOOR_MM, NOTHING)
    assert [each.status for each in said if isinstance(each, Change)] == [Status.FREE]
    return spot


def changes(said: list[Said]) -> list[tuple[Status, float]]:
    return [(each.status, each.at_s) for each in said if isinstance(each, Change)]


def test_asleep_the_ranger_pings_four_times_a_minute(spot: Spot) -> None:
    before = spot.pings
    assert spot.play(600, FLOOR_MM, NOTHING) == []
    assert spot.pings - before == 40


def test_the_magnetometer_wakes_the_ranger_and_the_ranger_decides(spot: Spot) -> None:
    before = spot.pings
    ((status, at_s),) = changes(spot.play(20, CAR_MM, CAR_MG))
    assert status is Status.OCCUPIED
    assert at_s == pytest.approx(120, abs=2)
    assert spot.pings - before >= 18
    ((status, at_s),) = changes(spot.play(20, FLOOR_MM, NOTHING))
    assert status is Status.FREE
    assert at_s == pytest.approx(140, abs=2)


def test_a_car_that_hardly_bends_the_field_is_found_by_the_pings(spot: Spot) -> None:
    ((status, at_s),) = changes(spot.play(60, CAR_MM, (8.0, 0.0, 0.0)))
    assert status is Status.OCCUPIED
    assert at_s <= 120 + 15 + 1


def test_someone_who_stands_below_is_no_vehicle_for_30_s(spot: Spot) -> None:
    spot.play(16, FLOOR_MM, (3.0, 0.0, 0.0))
    assert changes(spot.play(25, 800.0, (3.0, 0.0, 0.0))) == []
    assert changes(spot.play(60, FLOOR_MM, NOTHING)) == []


def test_a_moved_field_over_a_free_floor_is_no_vehicle_and_is_learnt(spot: Spot) -> None:
    assert changes(spot.play(900, FLOOR_MM, CAR_MG)) == []
    asleep = spot.pings
    assert changes(spot.play(600, FLOOR_MM, CAR_MG)) == []
    assert spot.pings - asleep == 40


def test_without_echoes_the_magnetometer_decides_with_less_confidence(spot: Spot) -> None:
    said = spot.play(90, Quality.NO_ECHO, NOTHING)
    assert changes(said) == []
    assert HealthState.DEGRADED is spot.state.health
    assert spot.state.reason == "no_echo"
    said = spot.play(30, Quality.NO_ECHO, CAR_MG)
    (change,) = [each for each in said if isinstance(each, Change)]
    assert change.status is Status.OCCUPIED
    assert change.confidence <= 0.7
    assert changes(spot.play(90, CAR_MM, CAR_MG)) == []
    assert spot.state.health is HealthState.OK


def test_without_echoes_what_is_in_doubt_stays_unknown_until_the_ranger_is_back(spot: Spot) -> None:
    """Next door nothing is measured: a weak movement may be a vehicle's there."""
    DETECTOR.attend(spot.state, "B1", spot.now_s)
    spot.play(90, Quality.NO_ECHO, NOTHING)
    said = spot.play(300, Quality.NO_ECHO, (0.0, 60.0, 0.0))
    assert [status for status, _ in changes(said)] == [Status.UNKNOWN]
    said = spot.play(30, CAR_MM, (0.0, 60.0, 0.0))
    assert [status for status, _ in changes(said)] == [Status.OCCUPIED]


def test_a_magnetometer_that_measures_nothing_new_denies_nothing(spot: Spot) -> None:
    """What it said last is no word against what the ranger sees now."""
    spot.play(5, FLOOR_MM, None)
    came_s = spot.now_s
    said = spot.play(14, CAR_MM, None)
    assert [status for status, _ in changes(said)] == [Status.OCCUPIED]
    assert spot.now_s - came_s < 15


def test_a_vehicle_that_the_magnetometer_does_not_see_is_unknown_without_echoes(spot: Spot) -> None:
    spot.play(60, CAR_MM, (8.0, 0.0, 0.0))
    said = spot.play(300, Quality.NO_ECHO, (8.0, 0.0, 0.0))
    assert [status for status, _ in changes(said)] == [Status.UNKNOWN]


def test_a_vehicle_that_comes_before_the_ranger_is_known_to_be_dead_is_told(spot: Spot) -> None:
    spot.play(20, Quality.NO_ECHO, NOTHING)
    said = spot.play(90, Quality.NO_ECHO, CAR_MG)
    assert [status for status, _ in changes(said)] == [Status.OCCUPIED]


def test_a_ranger_that_may_be_stuck_tells_nothing_alone(spot: Spot) -> None:
    """It is denied; then the magnetometer cannot tell for a while."""
    spot.play(5000, FLOOR_MM, NOTHING)
    spot.play(120, CAR_MM, CAR_MG)
    spot.sticks = True
    said = spot.play(40, CAR_MM, NOTHING) + spot.play(40, CAR_MM, (0.0, 18.0, 0.0))
    assert [status for status, _ in changes(said)] == [Status.UNKNOWN]


def test_what_the_ranger_settles_while_the_magnetometer_is_dead_is_not_its_level(
    spot: Spot,
) -> None:
    spot.play(30, CAR_MM, CAR_MG)
    spot.play(90, CAR_MM, None)
    said = spot.play(60, FLOOR_MM, None)
    assert [status for status, _ in changes(said)] == [Status.FREE]
    assert math.dist(spot.state.magnetic.baseline, VACANT) < 10
    spot.play(60, FLOOR_MM, NOTHING)
    said = spot.play(120, Quality.NO_ECHO, NOTHING)
    assert Status.OCCUPIED not in [status for status, _ in changes(said)]


def test_one_that_cannot_tell_its_movements_is_silent_to_its_neighbours(spot: Spot) -> None:
    assert DETECTOR.measured_s(spot.state) == spot.state.waker.fresh_s
    spot.play(90, FLOOR_MM, None)
    spot.play(10, FLOOR_MM, (0.0, 40.0, 0.0))
    assert DETECTOR.measured_s(spot.state) == -math.inf


def test_the_ranger_tells_whose_a_movement_was_that_is_in_doubt(spot: Spot) -> None:
    """Next door nothing is measured; then the ranger is lost, and the vehicle leaves."""
    DETECTOR.attend(spot.state, "B1", spot.now_s)
    spot.play(20, FLOOR_MM, NOTHING)
    assert [s for s, _ in changes(spot.play(60, CAR_MM, (0.0, 75.0, 0.0)))] == [Status.OCCUPIED]
    assert changes(spot.play(120, Quality.NO_ECHO, (0.0, 75.0, 0.0))) == []
    assert Status.OCCUPIED not in [s for s, _ in changes(spot.play(60, Quality.NO_ECHO, NOTHING))]
    assert spot.state.status is not Status.OCCUPIED


@pytest.mark.parametrize("was_there", [False, True])
def test_a_ranger_that_may_be_stuck_is_not_believed_against_the_magnetometer(
    spot: Spot, was_there: bool
) -> None:
    """Long before it is known to be stuck, and the magnetometer decides alone."""
    spot.play(5000, FLOOR_MM, NOTHING)  # known by now as one whose samples differ
    if was_there:
        spot.play(120, CAR_MM, CAR_MG)
    spot.sticks = True
    distance, field = (CAR_MM, NOTHING) if was_there else (FLOOR_MM, CAR_MG)
    spot.play(60, distance, CAR_MG if was_there else NOTHING)
    assert [status for status, _ in changes(spot.play(25, distance, field))] == [Status.UNKNOWN]
    after = Status.FREE if was_there else Status.OCCUPIED
    assert [status for status, _ in changes(spot.play(180, distance, field))] == [after]


def test_without_the_magnetometer_the_ranger_stays_awake(spot: Spot) -> None:
    said = spot.play(90, FLOOR_MM, None)
    assert [each.reason for each in said if isinstance(each, HealthChange)][-1] == "no_data"
    before = spot.pings
    ((status, _),) = changes(spot.play(60, CAR_MM, None))
    assert status is Status.OCCUPIED
    assert spot.pings - before == 60


def test_without_both_the_status_is_unknown_and_no_event_comes_of_it(spot: Spot) -> None:
    said = spot.play(120, Quality.NO_ECHO, None)
    assert [status for status, _ in changes(said)] == [Status.UNKNOWN]
    assert spot.state.health is HealthState.FAULT
    (back,) = [e for e in spot.play(60, FLOOR_MM, NOTHING) if isinstance(e, Change)]
    assert (back.status, back.previous) == (Status.FREE, Status.FREE)


def test_a_restart_keeps_both(spot: Spot) -> None:
    spot.play(30, CAR_MM, CAR_MG)
    spot.state = DETECTOR.resume(spot.state.to_json(), spot.now_s)
    assert spot.play(60, CAR_MM, CAR_MG) == []
    ((status, _),) = changes(spot.play(30, FLOOR_MM, NOTHING))
    assert status is Status.FREE
