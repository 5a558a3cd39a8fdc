"""A bay whose neighbour's vehicles bend its field too, and whose sensor tells its movements."""

import random

import pytest

from agent.detector import Change, Detector, MagneticSettings
from agent.detector.moving import Movement
from contract.words import Status
from drivers import Quality, Reading, Vector

VACANT = (200.0, 180.0, 420.0)
NOTHING = (0.0, 0.0, 0.0)
CAR = (60.0, -40.0, 80.0)
ECHO = (0.0, 30.0, 0.0)
"""What the neighbour's vehicle does here: 10 %."""
STRONG_ECHO = (0.0, 60.0, 0.0)
"""20 %: one in twenty does that."""
NEXT_DOOR_MG = 300.0
DETECTOR = Detector(MagneticSettings())


def both(one: Vector, other: Vector) -> Vector:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


class Bay:
    """Ten samples a second of a field that moves linearly, and a neighbour that is heard."""

    def __init__(self) -> None:
        self.state = DETECTOR.initial(0.0)
        self.noise = random.Random(3)
        self.field = NOTHING
        self.tick = 0
        self.beside_measures = False
        self.told: list[Change] = []
        self.stand(60)
        assert self.statuses == [Status.FREE]

    @property
    def statuses(self) -> list[Status]:
        return [change.status for change in self.told]

    def stand(self, seconds: int) -> None:
        self.move(self.field, seconds)

    def move(self, to: Vector, seconds: int = 4, peak_mg: float | None = None) -> None:
        """Go there; with `peak_mg` the neighbour's sensor moved as long and so strongly."""
        begin, began_s = self.field, self.tick / 10
        for n in range(1, seconds * 10 + 1):
            share = n / (seconds * 10)
            self.field = both(begin, tuple(share * (b - a) for a, b in zip(begin, to, strict=True)))
            self._sample()
            if peak_mg is not None and n % 10 == 5:
                self.hear(began_s, share * peak_mg)

    def hear(self, began_s: float, peak_mg: float) -> None:
        movement = Movement(began_s, self.tick / 10, peak_mg, (peak_mg, 0.0, 0.0))
        DETECTOR.hear(self.state, movement, "B1")

    def _sample(self) -> None:
        x, y, z = (v + self.noise.gauss(0, 1.5) for v in both(VACANT, self.field))
        reading = Reading((x, y, z), "mG", Quality.OK, (x, y, z), self.tick / 10)
        self.state, said = DETECTOR.step(self.state, reading, self.tick / 10)
        self.told += [each for each in said if isinstance(each, Change)]
        if self.beside_measures:
            DETECTOR.attend(self.state, "B1", self.tick / 10)
        self.tick += 1


@pytest.fixture
def bay() -> Bay:
    return Bay()


def test_a_neighbours_arrival_is_none_here_where_it_is_heard(bay: Bay) -> None:
    bay.move(ECHO, peak_mg=NEXT_DOOR_MG)
    bay.stand(60)
    assert bay.statuses == [Status.FREE]
    bay.move(NOTHING, peak_mg=NEXT_DOOR_MG)
    bay.stand(60)
    assert bay.statuses == [Status.FREE]


def test_a_strong_echo_is_in_doubt_until_the_neighbour_leaves_and_undoes_it(bay: Bay) -> None:
    bay.move(STRONG_ECHO, peak_mg=NEXT_DOOR_MG)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN]
    bay.move(NOTHING, peak_mg=NEXT_DOOR_MG)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN, Status.FREE]
    assert bay.told[-1].previous is Status.FREE


def test_a_neighbour_that_leaves_and_undoes_less_proves_the_own_vehicle(bay: Bay) -> None:
    """Both came at once; what remains when next door has left stands in this bay."""
    came_s = bay.tick / 10
    bay.move(both((50.0, 0.0, 0.0), STRONG_ECHO), peak_mg=NEXT_DOOR_MG)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN]
    bay.move((50.0, 0.0, 0.0), peak_mg=NEXT_DOOR_MG)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN, Status.OCCUPIED]
    assert bay.told[-1].previous is Status.FREE
    assert came_s <= bay.told[-1].at_s < came_s + 5


def test_a_vehicle_taken_for_an_echo_is_told_when_it_leaves(bay: Bay) -> None:
    """It was weak, and next door one came at once; it leaves to where the field stood."""
    came_s = bay.tick / 10
    bay.move(STRONG_ECHO, peak_mg=900.0)
    bay.stand(60)
    assert bay.statuses == [Status.FREE]
    bay.move(NOTHING)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.OCCUPIED, Status.FREE]
    assert came_s <= bay.told[1].at_s < came_s + 5


def test_unheard_it_is_taken_for_a_vehicle(bay: Bay) -> None:
    bay.move(ECHO)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.OCCUPIED]


def test_the_own_vehicle_is_seen_beside_the_neighbours(bay: Bay) -> None:
    bay.move(ECHO, peak_mg=NEXT_DOOR_MG)
    bay.stand(30)
    bay.move(both(CAR, ECHO))
    bay.stand(60)
    bay.move(ECHO)
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.OCCUPIED, Status.FREE]


def test_a_neighbour_that_comes_and_goes_does_not_hide_the_own_departure(bay: Bay) -> None:
    bay.move(CAR)
    bay.stand(60)
    bay.move(both(CAR, ECHO), peak_mg=NEXT_DOOR_MG)
    bay.stand(60)
    bay.move(ECHO)
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.OCCUPIED, Status.FREE]


def test_what_was_strong_before_the_neighbour_moved_is_the_own_vehicle(bay: Bay) -> None:
    """It is weaker than the neighbour's in the end, but came first."""
    bay.move(CAR, seconds=4)
    began_s = bay.tick / 10 - 0.5
    bay.move(both(CAR, STRONG_ECHO), seconds=2)
    for _ in range(3):
        bay.hear(began_s, 400.0)
        bay.stand(1)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.OCCUPIED]


def test_both_leave_at_once(bay: Bay) -> None:
    """What the neighbour's vehicle did when it came is undone, and the own one is gone."""
    bay.move(CAR)
    bay.stand(60)
    bay.move(both(CAR, ECHO), peak_mg=NEXT_DOOR_MG)
    bay.stand(60)
    bay.move(NOTHING, peak_mg=NEXT_DOOR_MG)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.OCCUPIED, Status.FREE]


def test_a_movement_next_door_long_ago_attributes_nothing(bay: Bay) -> None:
    bay.hear(bay.tick / 10, NEXT_DOOR_MG)
    bay.stand(20)
    bay.move(ECHO)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.OCCUPIED]


def test_where_two_stories_are_almost_as_likely_the_spot_is_unknown_until_its_own_moves() -> None:
    bay = Bay()
    bay.move((0.0, 90.0, 0.0), peak_mg=NEXT_DOOR_MG)
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN]
    bay.move(NOTHING)
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN, Status.OCCUPIED, Status.FREE]


def test_what_was_in_doubt_is_told_late_with_its_own_time() -> None:
    """The field came back by itself: the own vehicle had stood there."""
    bay = Bay()
    came_s = bay.tick / 10
    bay.move((0.0, 90.0, 0.0), peak_mg=NEXT_DOOR_MG)
    bay.stand(30)
    left_s = bay.tick / 10
    bay.move(NOTHING)
    bay.stand(30)
    arrival, departure = bay.told[-2:]
    assert (arrival.status, arrival.previous) == (Status.OCCUPIED, Status.FREE)
    assert (departure.status, departure.previous) == (Status.FREE, Status.OCCUPIED)
    assert came_s <= arrival.at_s < came_s + 5
    assert left_s <= departure.at_s < left_s + 15


def test_what_was_in_doubt_was_the_neighbour_if_another_vehicle_comes() -> None:
    bay = Bay()
    bay.move((0.0, 90.0, 0.0), peak_mg=NEXT_DOOR_MG)
    bay.stand(30)
    bay.move(both((0.0, 90.0, 0.0), (250.0, 0.0, 100.0)))
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN, Status.OCCUPIED]
    assert bay.told[-1].previous is Status.FREE


@pytest.fixture
def deaf() -> Bay:
    """An adjacent sensor measured once, and is silent since."""
    bay = Bay()
    bay.beside_measures = True
    bay.stand(1)
    bay.beside_measures = False
    bay.stand(20)
    return bay


def test_a_weak_movement_beside_a_silent_sensor_is_unknown_and_no_event(deaf: Bay) -> None:
    deaf.move(STRONG_ECHO)
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN]
    deaf.move(NOTHING)
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN, Status.FREE]
    assert deaf.told[-1].previous is Status.FREE


def test_a_vehicle_that_came_over_an_uncertain_field_has_left_when_it_is_back(bay: Bay) -> None:
    """An hour unwatched: where the vacant field is, only the vehicle's own movements tell."""
    bay.tick += 36_000
    bay.field = (100.0, 0.0, 0.0)
    bay.stand(30)
    bay.move((420.0, 150.0, 0.0))
    bay.stand(30)
    bay.move((100.0, 0.0, 0.0))
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN, Status.OCCUPIED, Status.FREE]


def test_a_strong_movement_beside_a_silent_sensor_is_a_vehicle(deaf: Bay) -> None:
    deaf.move((150.0, -40.0, 80.0))
    deaf.stand(30)
    deaf.move(NOTHING)
    deaf.stand(30)
    assert deaf.statuses == [Status.FREE, Status.OCCUPIED, Status.FREE]


def test_a_weak_movement_beside_a_sensor_that_measures_is_a_vehicle(bay: Bay) -> None:
    bay.beside_measures = True
    bay.stand(20)
    bay.move(ECHO)
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.OCCUPIED]


def test_a_parked_vehicle_stays_when_a_silent_neighbours_comes_and_leaves_as_usual(
    deaf: Bay,
) -> None:
    deaf.move((150.0, -40.0, 80.0))
    deaf.stand(60)
    deaf.move(both((150.0, -40.0, 80.0), (0.0, 40.0, 0.0)))
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.OCCUPIED]
    deaf.move((0.0, 40.0, 0.0))
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.OCCUPIED, Status.FREE]


def test_two_weak_movements_beside_a_silent_sensor_are_unknown_until_a_strong_one(
    deaf: Bay,
) -> None:
    deaf.move(STRONG_ECHO)
    deaf.stand(30)
    deaf.move(both(STRONG_ECHO, (45.0, 0.0, 0.0)))
    deaf.stand(120)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN]


def test_drift_of_an_unknown_field_is_no_arrival(deaf: Bay) -> None:
    """40 mG in 400 s, then a vehicle that leaves."""
    deaf.move(STRONG_ECHO)
    deaf.stand(30)
    deaf.move(both(STRONG_ECHO, (40.0, 0.0, 0.0)), seconds=400)
    deaf.stand(30)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN]


def test_a_vehicle_that_comes_just_behind_another_movement_is_no_drift(deaf: Bay) -> None:
    """Unknown, and a vehicle in the lane three seconds before one parks."""
    deaf.move(STRONG_ECHO)
    deaf.stand(30)
    deaf.move(both(STRONG_ECHO, (45.0, 0.0, 0.0)))
    deaf.stand(60)
    here = deaf.field
    deaf.move(both(here, (0.0, 0.0, -35.0)), seconds=2)
    deaf.move(both(here, (0.0, 0.0, -14.0)), seconds=2)
    deaf.stand(4)
    deaf.move((-320.0, 80.0, 680.0))
    deaf.stand(30)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN, Status.OCCUPIED]
    assert deaf.told[-1].previous is Status.FREE


CREPT = (0.0, 31.0, 0.0)


def test_what_creeps_beside_a_silent_sensor_is_unknown_until_it_creeps_back(deaf: Bay) -> None:
    """A vehicle that parks so slowly next door is nowhere seen to move."""
    deaf.move(CREPT, seconds=10)
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN]
    deaf.move(NOTHING, seconds=10)
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN, Status.FREE]
    assert deaf.told[-1].previous is Status.FREE


def test_what_creeps_on_is_unknown_until_the_own_vehicle_moves(deaf: Bay) -> None:
    deaf.move(CREPT, seconds=10)
    deaf.stand(30)
    deaf.move(both(CREPT, CREPT), seconds=10)
    deaf.stand(300)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN]
    deaf.move(both(CREPT, (250.0, 0.0, 100.0)))
    deaf.stand(30)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN, Status.OCCUPIED]


def test_what_creeps_beside_a_sensor_that_measures_is_a_vehicle(bay: Bay) -> None:
    bay.beside_measures = True
    bay.stand(20)
    bay.move(CREPT, seconds=10)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.OCCUPIED]


def test_a_parked_vehicle_of_which_the_field_creeps_away_is_in_doubt(deaf: Bay) -> None:
    deaf.beside_measures = True
    deaf.stand(20)
    deaf.move((0.0, 40.0, 0.0))
    deaf.stand(60)
    deaf.beside_measures = False
    deaf.stand(20)
    deaf.move((0.0, 9.0, 0.0), seconds=10)
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.OCCUPIED, Status.UNKNOWN]


def test_a_weak_movement_that_goes_too_far_only_afterwards_is_in_doubt(deaf: Bay) -> None:
    deaf.move((0.0, 23.0, 0.0), seconds=2)
    deaf.stand(6)
    deaf.move((0.0, 29.0, 0.0), seconds=10)
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN]


def test_a_doubt_outlives_the_process_and_a_gap(bay: Bay) -> None:
    bay.move((0.0, 90.0, 0.0), peak_mg=NEXT_DOOR_MG)
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN]
    kept = bay.state.to_json()
    bay.tick += 1200
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN]
    bay.state = DETECTOR.resume(kept, bay.tick / 10)
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN]
