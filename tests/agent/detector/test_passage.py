"""Vehicles that pass a lane's magnetometer: two recordings of a real one, and invented fields."""

import os
from pathlib import Path

import pytest

from agent.detector import Detector, Passage, PassageSettings, Said
from drivers import Quality, Reading, Vector
from drivers.replay import Row, decode_counts, load

REPO = Path(__file__).resolve().parents[3]
PASSES = (
    Path(os.environ.get("LOTKEEPER_DATA", REPO.parent / "shared" / "data")) / "magnetometer-passes"
)
RATE_HZ = 24.0
DEFAULTS = PassageSettings()

recorded = pytest.mark.skipif(
    not PASSES.exists(), reason=f"recordings are kept outside the project, none in {PASSES}"
)


def play(rows: list[Row], settings: PassageSettings = DEFAULTS) -> list[Said]:
    """A recording polled faster than its chip: the same row again is no new data."""
    detector = Detector(settings)
    state, said, last = detector.initial(0.0), list[Said](), None
    for number, row in enumerate(rows):
        now_s = number / RATE_HZ
        reading = decode_counts(row, "xzy", 1090.0, now_s)
        if row == last:
            reading = Reading(None, "mG", Quality.NO_DATA, None, now_s)
        state, news = detector.step(state, reading, now_s)
        said += news
        last = row
    return said


def drifting(rows: list[Row], counts_per_s: float) -> list[Row]:
    return [(x + counts_per_s * n / RATE_HZ, z, y) for n, (x, z, y) in enumerate(rows)]


@recorded
def test_six_vehicles_in_the_recording_and_none_on_the_empty_road() -> None:
    passages = play(load(PASSES / "passes_9_23.txt", 3))
    assert len(passages) == 6
    for passage in passages:
        assert isinstance(passage, Passage)
        assert 1 < passage.duration_s < 5
    assert play(load(PASSES / "empty_control.txt", 3)) == []


@recorded
@pytest.mark.parametrize(
    "changed",
    [
        {"on_mg": DEFAULTS.on_mg / 2},
        {"on_mg": DEFAULTS.on_mg * 2},
        {"sigmas": DEFAULTS.sigmas / 2},
        {"sigmas": DEFAULTS.sigmas * 2},
        {"learn_samples": 15},
        {"learn_samples": 120},
        {"tau_s": DEFAULTS.tau_s / 4},
        {"tau_s": DEFAULTS.tau_s * 4},
        {"gap_s": DEFAULTS.gap_s / 4},
        {"gap_s": DEFAULTS.gap_s * 4},
        {"shortest_s": 0},
        {"shortest_s": 1.5},
        {"longest_s": 5},
    ],
)
def test_no_default_sits_on_an_edge(changed: dict[str, float]) -> None:
    settings = PassageSettings.model_validate(changed)
    assert len(play(load(PASSES / "passes_9_23.txt", 3), settings)) == 6
    assert play(load(PASSES / "empty_control.txt", 3), settings) == []


@recorded
@pytest.mark.parametrize("counts_per_s", [-0.4, 0.4])
def test_drift_of_a_degree_a_minute_neither_hides_nor_invents_vehicles(counts_per_s: float) -> None:
    """28 counts a degree is the most that was published: 0.4 counts a second are 0.9 C a minute."""
    passes = drifting(load(PASSES / "passes_9_23.txt", 3), counts_per_s)
    control = drifting(load(PASSES / "empty_control.txt", 3), counts_per_s)
    assert (len(play(passes)), play(control)) == (6, [])


class Lane:
    """A still field, moved by an offset; sampled at 15 Hz."""

    def __init__(self) -> None:
        self.detector = Detector(DEFAULTS)
        self.state = self.detector.initial(0.0)
        self.now_s = 0.0
        self.count = 0

    def play(self, seconds: float, offset_mg: float = 0.0) -> list[Said]:
        said: list[Said] = []
        for _ in range(round(seconds * 15)):
            self.count += 1
            field: Vector = (200.0 + offset_mg + self.count % 2, 0.0, 400.0)
            reading = Reading(field, "mG", Quality.OK, field, self.now_s)
            self.state, news = self.detector.step(self.state, reading, self.now_s)
            said += news
            self.now_s += 1 / 15
        return said


def test_a_swing_through_zero_is_one_vehicle() -> None:
    lane = Lane()
    lane.play(10)
    said = lane.play(0.6, 60.0) + lane.play(0.5) + lane.play(0.6, -60.0) + lane.play(5)
    (passage,) = said
    assert isinstance(passage, Passage)
    assert passage.at_s == pytest.approx(10.0, abs=0.3)
    assert passage.duration_s == pytest.approx(1.7, abs=0.3)
    assert passage.peak_mg == pytest.approx(60, abs=2)


def test_two_vehicles_apart_are_two() -> None:
    lane = Lane()
    lane.play(10)
    said = lane.play(1, 60.0) + lane.play(2) + lane.play(1, 60.0) + lane.play(5)
    assert len(said) == 2


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_spike_of_some_samples_is_none(samples: int) -> None:
    lane = Lane()
    lane.play(10)
    assert lane.play(samples / 15, 4000.0) + lane.play(5) == []


def test_a_field_that_moved_for_good_is_learnt_anew() -> None:
    lane = Lane()
    lane.play(10)
    assert lane.play(130, 60.0) == []
    assert len(lane.play(1, 120.0) + lane.play(5, 60.0)) == 1


def test_a_vehicle_at_the_restart_is_still_told_from_the_road() -> None:
    lane = Lane()
    lane.play(10)
    lane.now_s = 1_000_000.0
    lane.state = lane.detector.resume(lane.state.to_json(), lane.now_s)
    learnt = lane.state.magnetic.baseline
    lane.play(1 / 15, 10.0)
    assert lane.state.magnetic.baseline == pytest.approx(learnt, abs=1)
    assert len(lane.play(1, 60.0) + lane.play(5)) == 1
