"""A bay with a magnetometer: 15 Hz, noise of a real HMC5883L, invented vehicles."""

import random

import pytest

from agent.detector import Change, Detector, HealthChange, MagneticSettings, Said, State
from contract.words import HealthState, Status
from drivers import Quality, Reading, Vector

VACANT = (200.0, 180.0, 420.0)
SIGMA_MG = 1.5
RATE_HZ = 15.0
DETECTOR = Detector(MagneticSettings())


class Bay:
    """A noisy field, moved by an offset; remembers what was said."""

    def __init__(self, state: State | None = None, rate_hz: float = RATE_HZ) -> None:
        self.state = state or DETECTOR.initial(0.0)
        self.noise = random.Random(7)
        self.step_s = 1 / rate_hz
        self.now_s = 0.0

    def play(
        self, seconds: float, offset: Vector = (0.0, 0.0, 0.0), drift_per_s: float = 0.0
    ) -> list[Said]:
        said: list[Said] = []
        for n in range(round(seconds / self.step_s)):
            drift = drift_per_s * n * self.step_s
            x, y, z = (
                v + o + drift + self.noise.gauss(0, SIGMA_MG)
                for v, o in zip(VACANT, offset, strict=True)
            )
            reading = Reading((x, y, z), "mG", Quality.OK, (x, y, z), self.now_s)
            self.state, news = DETECTOR.step(self.state, reading, self.now_s)
            said += news
            self.now_s += self.step_s
        return said


def empty_bay(rate_hz: float = RATE_HZ) -> Bay:
    bay = Bay(rate_hz=rate_hz)
    assert [each.status for each in bay.play(60)] == [Status.FREE]
    return bay


@pytest.mark.parametrize("rate_hz", [1.0, 5.0, 15.0])
def test_arrival_and_departure(rate_hz: float) -> None:
    bay = empty_bay(rate_hz)
    (arrival,) = bay.play(30, (60.0, -40.0, 80.0))
    (departure,) = bay.play(30)
    assert (arrival.status, arrival.previous) == (Status.OCCUPIED, Status.FREE)
    assert abs(arrival.at_s - 60) <= 2
    assert (departure.status, departure.previous) == (Status.FREE, Status.OCCUPIED)
    assert abs(departure.at_s - 90) <= 2
    assert arrival.confidence <= 0.7


def test_a_field_that_keeps_moving_does_not_settle_until_it_stands() -> None:
    """A vehicle manoeuvres for ten seconds before it is parked: dated by its first second."""
    bay = empty_bay()
    said = []
    for second in range(10):
        said += bay.play(1, (60.0 + 30 * (second % 2), 0.0, 50.0))
    assert said == []
    (arrival,) = bay.play(10, (60.0, 0.0, 50.0))
    assert isinstance(arrival, Change)
    assert abs(arrival.at_s - 60) <= 2


def test_a_vehicle_next_door_stays_below_the_threshold() -> None:
    bay = empty_bay()
    assert bay.play(600, (12.0, 8.0, -10.0)) == []


def test_the_free_baseline_follows_the_temperature() -> None:
    """60 mG on each axis in three hours, four times the threshold, and the bay stays free."""
    bay = empty_bay(rate_hz=1.0)
    assert bay.play(12_000, drift_per_s=0.005) == []


def test_the_baseline_stands_while_occupied() -> None:
    bay = empty_bay(rate_hz=1.0)
    bay.play(6 * 3600, (60.0, -40.0, 80.0))
    assert bay.state.status is Status.OCCUPIED
    (departure,) = bay.play(30)
    assert departure.status is Status.FREE


def test_the_baseline_stands_under_a_vehicle_that_moves_within_its_bay() -> None:
    bay = empty_bay(rate_hz=1.0)
    bay.play(30, (60.0, -40.0, 80.0))
    assert bay.play(6 * 3600, (0.0, 70.0, 0.0)) == []
    (departure,) = bay.play(30)
    assert departure.status is Status.FREE


def test_what_comes_after_a_gap_is_not_dated_before_it() -> None:
    bay = empty_bay()
    bay.play(30.5, (60.0, -40.0, 80.0))
    while bay.state.status is not Status.UNKNOWN:
        bay.state, _ = DETECTOR.step(bay.state, None, bay.now_s)
        bay.now_s += 1
    back_s = bay.now_s
    said = bay.play(20, (60.0, -40.0, 80.0))
    assert isinstance(said[-1], Change)
    assert (said[-1].status, said[-1].previous) == (Status.OCCUPIED, Status.OCCUPIED)
    assert said[-1].at_s >= back_s


def test_after_a_gap_what_drift_could_explain_is_unknown_until_something_moves() -> None:
    bay = empty_bay()
    bay.now_s += 7200
    lost = bay.play(30, (60.0, -40.0, 80.0))
    assert bay.state.status is Status.UNKNOWN
    assert HealthChange(HealthState.DEGRADED, "baseline_lost", lost[-1].at_s) in lost
    *_, found = bay.play(30)
    assert isinstance(found, Change)
    assert (found.status, found.previous) == (Status.FREE, Status.FREE)


def test_after_a_gap_a_vehicle_that_stands_as_it_stood_is_known() -> None:
    bay = empty_bay()
    bay.play(30, (60.0, -40.0, 80.0))
    bay.now_s += 7200
    assert bay.play(30, (60.0, -40.0, 80.0)) == []


def test_a_vehicle_passing_while_the_baseline_is_learnt_does_no_harm() -> None:
    bay = Bay()
    bay.play(1)
    bay.play(2, (300.0, 0.0, 100.0))
    bay.play(60)
    assert bay.state.status is Status.FREE
    assert bay.state.magnetic.sigma_mg == pytest.approx(SIGMA_MG, abs=0.8)


def test_a_restart_keeps_the_baseline_under_a_parked_vehicle() -> None:
    bay = empty_bay()
    bay.play(30, (60.0, -40.0, 80.0))
    again = Bay(DETECTOR.resume(bay.state.to_json(), 0.0))
    assert again.play(60, (60.0, -40.0, 80.0)) == []
    (departure,) = again.play(30)
    assert (departure.status, departure.previous) == (Status.FREE, Status.OCCUPIED)
