"""Time that nobody watched: what the field says once it is measured again."""

from contract.words import Status
from tests.agent.detector.bays import DETECTOR, NEXT_DOOR_MG, Bay


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


HOUR = 36_000
"""In ticks."""
VACANT_NOW = (150.0, 20.0, 0.0)
"""Where an hour took the vacant field."""


def test_over_an_uncertain_field_the_nearer_side_of_a_movement_is_not_the_vacant_one(
    bay: Bay,
) -> None:
    """A vehicle came unwatched and leaves: it stood nearer to the old field than the new one is."""
    bay.tick += HOUR
    bay.field = (60.0, 0.0, 40.0)
    bay.stand(30)
    bay.move(VACANT_NOW)
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN]


def test_the_place_to_which_the_field_returns_is_the_vacant_one(bay: Bay) -> None:
    bay.tick += HOUR
    bay.field = (60.0, 0.0, 40.0)
    bay.stand(30)
    bay.move(VACANT_NOW)
    bay.stand(60)
    came_s = bay.tick / 10
    bay.move((110.0, 150.0, 0.0))
    bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN]
    bay.move(VACANT_NOW)
    bay.stand(30)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN, Status.OCCUPIED, Status.FREE]
    assert came_s <= bay.told[2].at_s < came_s + 5
    bay.move((60.0, 0.0, 40.0))
    bay.stand(30)
    assert bay.statuses[-1] is Status.OCCUPIED


def test_a_place_of_long_ago_is_forgotten(bay: Bay) -> None:
    bay.tick += HOUR
    bay.field = (60.0, 0.0, 40.0)
    bay.stand(30)
    places = [(x, y, z) for x in (60.0, 120.0, 180.0) for y in (0.0, 60.0) for z in (0.0, -60.0)]
    for place in (*places[1:], places[1]):
        bay.move(place)
        bay.stand(20)
    assert Status.FREE not in bay.statuses[1:]


def test_two_vehicles_one_behind_the_other_are_no_return(bay: Bay) -> None:
    bay.tick += HOUR
    bay.field = (60.0, 0.0, 40.0)
    bay.stand(30)
    for place in (VACANT_NOW, (110.0, 150.0, 0.0), (180.0, 20.0, 30.0)):
        bay.move(place)
        bay.stand(60)
    assert bay.statuses == [Status.FREE, Status.UNKNOWN]
