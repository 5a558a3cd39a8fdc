"""What holds whatever a sensor does."""

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.detector import (
    Change,
    Detector,
    DetectorSettings,
    HealthChange,
    MagneticSettings,
    Passage,
    PassageSettings,
    RangingSettings,
    Said,
    State,
)
from contract.words import Status
from drivers import Quality, Reading, Vector

BAD = [quality for quality in Quality if quality is not Quality.OK]
SETTINGS: list[DetectorSettings] = [
    RangingSettings(floor_mm=2500),
    RangingSettings(),
    RangingSettings(floor_mm=2500, dwell_on_s=0, dwell_off_s=3, median_of=4),
    MagneticSettings(learn_samples=5),
    PassageSettings(learn_samples=5),
]

distances = st.sampled_from([0.0, 60.0, 700.0, 1200.0, 2099.0, 2200.0, 2251.0, 2500.0, math.nan])
fields = st.sampled_from(
    [(200.0, 0.0, 400.0), (201.0, 0.0, 400.0), (215.0, 0.0, 400.0)]
) | st.tuples(st.just(300.0), st.sampled_from([-50.0, 50.0]), st.floats(0, 1000))
gaps_s = st.sampled_from([0.04, 0.3, 1.0, 1.0, 1.0, 7.0, 60.0, 300.0, 90_000.0])


def stretches(values: st.SearchStrategy[float | Vector], unit: str) -> st.SearchStrategy[object]:
    """Lists of (how often, seconds apart, reading or None)."""
    good = values.map(lambda value: Reading(value, unit, Quality.OK, value, 0.0))
    bad = st.sampled_from(BAD).map(lambda quality: Reading(None, unit, quality, None, 0.0))
    return st.lists(st.tuples(st.integers(1, 40), gaps_s, good | bad | st.none()), max_size=25)


def play(detector: Detector, state: State, days: object) -> tuple[State, list[Said], float]:
    now_s, said = 1000.0, list[Said]()
    for count, gap_s, reading in days:  # type: ignore[attr-defined]
        for _ in range(count):
            state, news = detector.step(state, reading, now_s)
            assert all(each.at_s <= now_s for each in news)
            said += news
            now_s += gap_s
    return state, said, now_s


def check(said: list[Said]) -> None:
    changes = [each for each in said if isinstance(each, Change)]
    settled = Status.UNKNOWN
    for change in changes:
        assert change.previous is settled
        assert 0 <= change.confidence <= 1
        if change.status is not Status.UNKNOWN:
            settled = change.status
    for before, after in pairwise(changes):
        assert before.status is not after.status
        assert before.at_s <= after.at_s
    health = [(each.health, each.reason) for each in said if isinstance(each, HealthChange)]
    assert all(before != after for before, after in pairwise(health))


@pytest.mark.parametrize("detector_settings", SETTINGS[:3])
@settings(max_examples=60, deadline=None)
@given(days=stretches(distances, "mm"))
def test_a_ranging_bay_speaks_sensibly(detector_settings: DetectorSettings, days: object) -> None:
    detector = Detector(detector_settings)
    state, said, _ = play(detector, detector.initial(1000.0), days)
    check(said)
    changes = [each for each in said if isinstance(each, Change)]
    assert state.status is (changes[-1].status if changes else Status.UNKNOWN)


@pytest.mark.parametrize("detector_settings", SETTINGS[3:])
@settings(max_examples=60, deadline=None)
@given(days=stretches(fields, "mG"))
def test_a_magnetometer_speaks_sensibly(detector_settings: DetectorSettings, days: object) -> None:
    detector = Detector(detector_settings)
    _, said, _ = play(detector, detector.initial(1000.0), days)
    check(said)
    for passage in (each for each in said if isinstance(each, Passage)):
        assert 0 < passage.confidence <= 1
        assert 0.2 <= passage.duration_s <= 120


@settings(max_examples=60, deadline=None)
@given(
    before=stretches(distances, "mm"),
    dark=st.lists(
        st.tuples(
            st.integers(1, 200),
            gaps_s,
            st.sampled_from([None, *(Reading(None, "mm", quality, None, 0.0) for quality in BAD)]),
        ),
        max_size=15,
    ),
)
def test_without_a_good_reading_nothing_becomes_free(before: object, dark: object) -> None:
    detector = Detector(SETTINGS[0])
    state, _, _ = play(detector, detector.initial(1000.0), before)
    resumed = detector.resume(state.to_json(), 1000.0)
    _, said, _ = play(detector, resumed, dark)
    assert {each.status for each in said if isinstance(each, Change)} <= {Status.UNKNOWN}


@settings(max_examples=60, deadline=None)
@given(days=stretches(distances, "mm"))
def test_a_kept_state_survives_json_unchanged(days: object) -> None:
    detector = Detector(SETTINGS[1])
    state, _, now_s = play(detector, detector.initial(1000.0), days)
    kept = json.loads(json.dumps(state.to_json()))
    assert detector.resume(kept, now_s).to_json() == kept
