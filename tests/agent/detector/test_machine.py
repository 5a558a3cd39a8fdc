"""A ranging bay's days, told as stretches of (seconds, distance), sampled once a second."""

import json

import pytest
from pydantic import ValidationError

from agent.detector import Change, Detector, HealthChange, RangingSettings, Said, State
from agent.detector.settling import Phase
from contract.words import HealthState, Status
from drivers import Quality, Reading

FLOOR = 2500.0
CAR = 1200.0
BETWEEN = 2200.0
DETECTOR = Detector(RangingSettings(floor_mm=FLOOR))

FREE_AT_0 = Change(Status.FREE, Status.UNKNOWN, 0.0, 1.0)


def distance(value: float, at_s: float) -> Reading:
    return Reading(value, "mm", Quality.OK, value, at_s)


class Bay:
    """Plays stretches of distances one after the other; remembers what was said."""

    def __init__(self, detector: Detector = DETECTOR, state: State | None = None) -> None:
        self.detector = detector
        self.state = state or detector.initial(0.0)
        self.now_s = 0.0
        self.said: list[Said] = []

    def play(self, seconds: float, value: float | None, every_s: float = 1.0) -> list[Said]:
        begun = len(self.said)
        for _ in range(round(seconds / every_s)):
            reading = None if value is None else distance(value, self.now_s)
            self.state, said = self.detector.step(self.state, reading, self.now_s)
            self.said += said
            self.now_s += every_s
        return self.said[begun:]


def empty_bay() -> Bay:
    """A bay that was seen to be empty for a minute."""
    bay = Bay()
    assert bay.play(60, FLOOR) == [FREE_AT_0]
    return bay


def test_the_first_status_waits_for_its_dwell() -> None:
    bay = Bay()
    assert bay.play(10, FLOOR) == []
    assert bay.state.status is Status.UNKNOWN
    assert bay.play(1, FLOOR) == [FREE_AT_0]


def test_arrival_and_departure_are_dated_by_their_first_raw_crossing() -> None:
    bay = empty_bay()
    assert bay.play(30, CAR) == [Change(Status.OCCUPIED, Status.FREE, 60.0, 1.0)]
    assert bay.play(30, FLOOR) == [Change(Status.FREE, Status.OCCUPIED, 90.0, 1.0)]


def test_arriving_and_leaving_keep_the_published_status() -> None:
    bay = empty_bay()
    bay.play(5, CAR)
    assert (bay.state.settling.phase, bay.state.status) == (Phase.ARRIVING, Status.FREE)
    bay.play(20, CAR)
    assert bay.state.settling.phase is Phase.OCCUPIED
    bay.play(5, FLOOR)
    assert (bay.state.settling.phase, bay.state.status) == (Phase.LEAVING, Status.OCCUPIED)


@pytest.mark.parametrize("seconds", [1, 4, 9])
def test_a_person_walking_through_is_no_arrival(seconds: int) -> None:
    bay = empty_bay()
    assert bay.play(seconds, 900.0) == []
    assert bay.play(60, FLOOR) == []


def test_a_gap_of_a_moment_between_two_people_is_no_departure() -> None:
    bay = empty_bay()
    bay.play(60, CAR)
    assert bay.play(8, FLOOR) == []
    assert bay.play(60, CAR) == []


@pytest.mark.parametrize("stay_s", [15, 20, 30, 45])
def test_a_short_stay_is_found_and_timed(stay_s: int) -> None:
    bay = empty_bay()
    said = bay.play(stay_s, CAR) + bay.play(30, FLOOR)
    statuses = [change.status for change in said if isinstance(change, Change)]
    assert statuses == [Status.OCCUPIED, Status.FREE]
    arrived, left = (change.at_s for change in said)
    assert abs(arrived - 60.0) <= 3
    assert abs(left - 60.0 - stay_s) <= 3


def test_noise_at_the_near_threshold_changes_once() -> None:
    bay = empty_bay()
    for _ in range(300):
        bay.play(1, FLOOR - 395)
        bay.play(1, FLOOR - 405)
        bay.play(1, FLOOR - 410)
    assert len(bay.said) == 2  # free, then occupied; never back, for the far threshold is far


def test_between_the_thresholds_nothing_moves() -> None:
    bay = empty_bay()
    assert bay.play(600, BETWEEN) == []
    bay.play(60, CAR)
    assert bay.play(600, BETWEEN) == []
    assert bay.state.status is Status.OCCUPIED


def test_a_passer_by_of_an_hour_ago_does_not_date_an_arrival() -> None:
    bay = empty_bay()
    bay.play(4, CAR)
    bay.play(3600, BETWEEN)
    (arrival,) = bay.play(30, CAR)
    assert arrival == Change(Status.OCCUPIED, Status.FREE, 3664.0, 1.0)


def test_single_outliers_say_nothing_and_do_not_delay() -> None:
    bay = empty_bay()
    for _ in range(50):
        bay.play(4, FLOOR)
        assert bay.play(1, 700.0) == []
    start_s = bay.now_s
    bay.play(4, CAR)
    bay.play(1, FLOOR)
    (arrival,) = bay.play(20, CAR)
    assert isinstance(arrival, Change)
    assert start_s - 5 <= arrival.at_s <= start_s


@pytest.mark.parametrize("every_s", [60.0, 300.0])
def test_sparse_samples_need_three_that_agree(every_s: float) -> None:
    bay = Bay()
    assert bay.play(3 * every_s, FLOOR, every_s) == [FREE_AT_0]
    arrived_s = bay.now_s
    assert bay.play(2 * every_s, CAR, every_s) == []
    assert bay.play(every_s, CAR, every_s) == [Change(Status.OCCUPIED, Status.FREE, arrived_s, 1.0)]


def test_an_arrival_at_the_start_of_a_quiet_hour_is_dated_by_its_first_sample() -> None:
    bay = empty_bay()
    assert bay.play(1, CAR) == []
    bay.now_s += 299.0
    assert bay.play(30, CAR) == [Change(Status.OCCUPIED, Status.FREE, 60.0, 1.0)]


def test_a_gap_alone_confirms_nothing() -> None:
    bay = empty_bay()
    bay.play(1, CAR)
    bay.now_s += 1000.0
    assert bay.play(1, CAR) == []
    assert bay.play(30, FLOOR) == []


def test_confidence_is_the_share_that_agreed() -> None:
    bay = empty_bay()
    bay.play(8, CAR)
    bay.play(2, None)  # two polls that failed
    (arrival,) = bay.play(10, CAR)
    assert isinstance(arrival, Change)
    assert arrival.confidence == pytest.approx(9 / 11, abs=0.001)


def test_the_floor_is_learnt_as_the_farthest_that_stood() -> None:
    bay = Bay(Detector(RangingSettings()))
    bay.play(60, FLOOR)
    bay.play(3, 4000.0)  # too short to be the floor
    bay.play(60, CAR)
    assert bay.state.ranging.floor_mm == FLOOR
    assert bay.state.status is Status.OCCUPIED


def test_a_bay_occupied_at_the_first_start_is_learnt_once_it_was_left() -> None:
    bay = Bay(Detector(RangingSettings()))
    bay.play(60, CAR)
    assert bay.state.status is Status.FREE  # as the documentation warns
    bay.play(60, FLOOR)
    assert bay.play(60, CAR)[0] == Change(Status.OCCUPIED, Status.FREE, 120.0, 1.0)


def restarted(bay: Bay, now_s: float) -> Bay:
    again = Bay(
        bay.detector, bay.detector.resume(json.loads(json.dumps(bay.state.to_json())), now_s)
    )
    again.now_s = now_s
    return again


@pytest.mark.parametrize("now_s", [3.0, 1_000_000.0])  # the clock of another boot is anywhere
@pytest.mark.parametrize("value", [FLOOR, CAR])
def test_a_restart_with_the_same_status_is_no_event(value: float, now_s: float) -> None:
    bay = Bay()
    bay.play(60, value)
    again = restarted(bay, now_s)
    assert again.state.status is bay.state.status
    assert again.play(600, value) == []


@pytest.mark.parametrize("now_s", [3.0, 1_000_000.0])
def test_a_restart_with_another_status_is_one_change_on_the_new_clock(now_s: float) -> None:
    bay = empty_bay()
    again = restarted(bay, now_s)
    assert again.play(60, CAR) == [Change(Status.OCCUPIED, Status.FREE, now_s, 1.0)]


def test_a_restart_drops_what_was_on_its_way() -> None:
    bay = empty_bay()
    bay.play(9, CAR)
    again = restarted(bay, 5.0)
    assert again.state.settling.phase is Phase.FREE
    assert again.play(9, CAR) == []
    assert again.play(60, FLOOR) == []


def test_a_restart_keeps_the_learnt_floor() -> None:
    bay = Bay(Detector(RangingSettings()))
    bay.play(60, FLOOR)
    again = restarted(bay, 7.0)
    assert again.play(60, CAR) == [Change(Status.OCCUPIED, Status.FREE, 7.0, 1.0)]


def test_a_given_floor_goes_before_a_kept_one() -> None:
    bay = Bay(Detector(RangingSettings()))
    bay.play(60, 3000.0)
    state = DETECTOR.resume(bay.state.to_json(), 0.0)
    assert state.ranging.floor_mm == FLOOR


def test_a_restart_in_a_fault_does_not_say_that_all_is_well() -> None:
    bay = empty_bay()
    bay.play(120, None)
    again = restarted(bay, 0.0)
    assert again.play(120, None) == []
    assert (again.state.health, again.state.status) == (HealthState.FAULT, Status.UNKNOWN)
    assert again.play(30, FLOOR) == [
        HealthChange(HealthState.OK, "", 122.0),
        Change(Status.FREE, Status.FREE, 122.0, 1.0),
    ]


def test_an_older_state_is_read_and_a_damaged_one_names_the_field() -> None:
    state = DETECTOR.resume({"status": "occupied", "something_newer": 1}, 0.0)
    assert state.status is Status.OCCUPIED
    with pytest.raises(ValidationError, match="status"):
        DETECTOR.resume({"status": "full"}, 0.0)


def test_thresholds_without_hysteresis_are_refused() -> None:
    with pytest.raises(ValidationError, match="free_below_floor_mm must be less"):
        RangingSettings(occupied_below_floor_mm=250, free_below_floor_mm=250)


def test_a_floor_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(ValidationError, match="mount the sensor higher"):
        RangingSettings(floor_mm=470)


def test_a_field_in_a_ranging_bay_is_a_clear_error() -> None:
    reading = Reading((1.0, 2.0, 3.0), "mG", Quality.OK, None, 0.0)
    with pytest.raises(TypeError, match=r"set detector\.kind"):
        DETECTOR.step(DETECTOR.initial(0.0), reading, 0.0)
