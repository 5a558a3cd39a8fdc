"""A bay whose neighbour's vehicles bend its field too, and whose sensor tells its movements."""

from contract.words import Status
from tests.agent.detector.bays import CAR, ECHO, NEXT_DOOR_MG, NOTHING, STRONG_ECHO, Bay, both


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


def test_what_is_in_doubt_is_not_told_while_next_door_still_moves() -> None:
    """The own vehicle leaves, in doubt since it came; another comes next door, and takes longer."""
    bay = Bay()
    bay.move((0.0, 90.0, 0.0), peak_mg=NEXT_DOOR_MG)
    bay.stand(60)
    began_s = bay.tick / 10
    bay.move((0.0, 0.0, 2.0), seconds=3, peak_mg=40.0)
    for _ in range(8):
        bay.stand(1)
        bay.hear(began_s, 146.0)
    bay.stand(30)
    assert bay.statuses[:2] == [Status.FREE, Status.UNKNOWN]
    assert bay.statuses[-1] is not Status.OCCUPIED


def test_a_movement_tells_of_a_doubt_also_where_next_door_stirs_on(deaf: Bay) -> None:
    """A weak vehicle comes unheard and leaves; then somebody drives by for some seconds."""
    came_s = deaf.tick / 10
    deaf.move((0.0, 80.0, 0.0))
    deaf.stand(60)
    deaf.beside_measures = True
    deaf.stand(60)
    deaf.move(NOTHING)
    began_s = deaf.tick / 10 - 1
    for _ in range(5):
        deaf.stand(1)
        deaf.hear(began_s, 27.0)
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN, Status.OCCUPIED, Status.FREE]
    assert came_s <= deaf.told[2].at_s < came_s + 5


def test_a_doubted_movement_that_goes_on_tells_nothing_of_itself(deaf: Bay) -> None:
    deaf.move((0.0, 80.0, 0.0))
    deaf.stand(4)
    deaf.field = (0.0, 91.0, 0.0)
    deaf.stand(60)
    assert deaf.statuses == [Status.FREE, Status.UNKNOWN]
