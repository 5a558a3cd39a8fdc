"""An adjacent sensor that is silent: what moves meanwhile may be a vehicle next door."""

from contract.words import Status
from tests.agent.detector.bays import ECHO, NOTHING, STRONG_ECHO, Bay, both


def test_a_weak_movement_beside_a_silent_sensor_is_unknown_and_no_event(deaf: Bay) -> None:
    deaf.move(STRONG_ECHO)
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN]
    deaf.move(NOTHING)
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN, Status.FREE]
    assert deaf.told[-1].previous is Status.FREE


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
    here, began_s = deaf.field, deaf.tick / 10
    deaf.move(both(here, (0.0, 0.0, -35.0)), seconds=2)
    deaf.move(both(here, (0.0, 0.0, -14.0)), seconds=2)
    deaf.stand(4)
    deaf.move((-320.0, 80.0, 680.0))
    deaf.stand(120)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN]
    deaf.move(here)
    deaf.stand(30)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN, Status.OCCUPIED, Status.FREE]
    assert began_s <= deaf.told[2].at_s + 1 < began_s + 13


def test_a_movement_beside_a_sensor_that_is_dead_may_be_the_strongest_next_door(deaf: Bay) -> None:
    """One vehicle of several thousand does 123 mG to the next bay while it stands."""
    deaf.move((0.0, 123.0, 0.0))
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN]


def test_where_next_door_misses_some_seconds_a_strong_movement_is_a_vehicle(bay: Bay) -> None:
    bay.beside_measures = True
    bay.stand(20)
    bay.beside_measures = False
    bay.stand(4)
    bay.beside_measures = True
    bay.move((0.0, 123.0, 0.0))
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.OCCUPIED]


def test_a_vehicle_may_have_left_where_another_comes_unheard(deaf: Bay) -> None:
    """What remains is as strong as the vehicle that was there, and another's."""
    deaf.move((0.0, 0.0, 350.0))
    deaf.move((58.0, 0.0, 0.0))
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.OCCUPIED]
    deaf.move((0.0, 0.0, 350.0))
    deaf.move((0.0, 55.0, 0.0))
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.OCCUPIED, Status.UNKNOWN]


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
