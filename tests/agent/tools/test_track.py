"""Sensors followed live: what is held against which limits, and how it is drawn."""

import io
import re
from typing import Any

import pytest
from rich.console import Console

from agent.config import AgentSettings
from agent.tools.live import line
from agent.tools.plot import heading, plot, screen
from agent.tools.sensors import Sample, channels
from agent.tools.track import Track, begin
from contract.words import HealthState, Status
from drivers import DriverError, Quality, Reading

EARTH = (200.0, -100.0, 400.0)


def track(detector: dict[str, Any], kept: dict[str, Any] | None = None) -> Track:
    """One spot's, of a sensor that is never opened."""
    measures = "ranging" if detector["kind"] == "ranging" else "magnetic"
    sensor = {"kind": "simulated", "sensor": measures}
    spot = {"spot_id": "A1", "sensor": sensor, "detector": detector}
    settings = AgentSettings.model_validate({"agent_id": "p", "lot_id": "l", "spots": [spot]})
    (found,) = begin(channels(settings), {"A1": kept}, 0.0)
    return found


def take(followed: Track, value: Any, at_s: float, quality: Quality = Quality.OK) -> None:
    unit = "mG" if followed.channel.settings.kind != "ranging" else "mm"
    reading = Reading(value, unit, quality, (value, at_s), at_s)
    followed.take(Sample(followed.channel, reading, None, at_s))


def text_of(renderable: Any, width: int = 100, height: int = 20) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


RANGER = {"kind": "ranging", "floor_mm": 2500}
MAGNET = {"kind": "magnetic"}


def test_a_distance_is_held_against_the_floors_limits() -> None:
    followed = track(RANGER)
    take(followed, 1000.0, 0.0)
    told = followed.to_json()
    assert (told["compared"], told["rest"], told["off"], told["on"]) == (1000, 2500, 2250, 2100)
    assert followed.side() is Status.OCCUPIED


@pytest.mark.parametrize(
    ("mm", "side"), [(2400.0, Status.FREE), (2200.0, None), (2000.0, Status.OCCUPIED)]
)
def test_a_distance_lies_on_a_side_of_the_limits(mm: float, side: Status | None) -> None:
    followed = track(RANGER)
    take(followed, mm, 0.0)
    assert followed.side() is side


def test_a_field_is_held_against_the_kept_baseline() -> None:
    followed = track(MAGNET, {"baseline": EARTH, "sigma_mg": 1.0})
    take(followed, (230.0, -140.0, 400.0), 0.0)
    assert followed.value == pytest.approx(50)
    assert followed.side() is Status.OCCUPIED
    take(followed, EARTH, 1.0)
    assert followed.side() is Status.FREE


def test_without_a_baseline_nothing_is_compared() -> None:
    followed = track(MAGNET)
    take(followed, EARTH, 0.0)
    assert followed.side() is None
    assert followed.to_json()["on"] is None
    assert "still learning" in heading(followed).plain


def test_the_status_is_the_detectors_dwell_included() -> None:
    followed = track(RANGER)
    for second in range(9):
        take(followed, 900.0, float(second))
    assert (followed.side(), followed.status) == (Status.OCCUPIED, Status.UNKNOWN)
    for second in range(9, 15):
        take(followed, 900.0, float(second))
    assert followed.status is Status.OCCUPIED


def test_an_error_is_a_missed_reading_and_is_told() -> None:
    followed = track(RANGER)
    for second in range(5):
        error = DriverError("no such port", "plug it in")
        followed.take(Sample(followed.channel, None, error, float(second)))
    assert followed.state.health is HealthState.DEGRADED
    assert followed.to_json()["error"] == "no such port"
    assert "no such port" in heading(followed).plain
    assert line(followed) == "A1: no such port; plug it in"


def test_a_lane_has_no_status() -> None:
    lane = {"lane_id": "in", "sensor": {"kind": "simulated", "sensor": "magnetic"}}
    settings = AgentSettings.model_validate({"agent_id": "p", "lot_id": "l", "lanes": [lane]})
    (followed,) = begin(channels(settings), {}, 0.0)
    take(followed, EARTH, 0.0)
    assert followed.status is None
    assert line(followed) == "in  200.0 -100.0 400.0 mG  ok  ok"


class TestScreen:
    def test_draws_the_values_and_names_the_limits(self) -> None:
        followed = track(RANGER)
        for second in range(20):
            take(followed, 2500.0 if second < 10 else 900.0, float(second))
        shown = text_of(screen([followed], 100, 20, 20.0))
        assert "900 mm" in shown
        assert "free > 2250" in shown
        assert "occupied < 2100" in shown
        drawn = [row for row in shown.splitlines() if re.search("[\u2801-\u28ff]", row)]
        assert len(drawn) > 5, "the step from the floor to the roof crosses the rows"

    @pytest.mark.parametrize("colour", [1, 2, 8])
    def test_draws_each_limit_in_its_colour(self, colour: int) -> None:
        followed = track(RANGER)
        take(followed, 900.0, 0.0)
        assert f"\x1b[38;5;{colour}m──────" in plot(followed, 100, 20, 1.0)

    def test_fits_its_height(self) -> None:
        tracks = [track(RANGER) for _ in range(3)]
        assert len(text_of(screen(tracks, 100, 40, 0.0)).splitlines()) <= 40

    def test_of_many_spots_has_a_line_each(self) -> None:
        tracks = [track(RANGER) for _ in range(10)]
        shown = text_of(screen(tracks, 100, 30, 0.0))
        assert shown.count(" A1 ") == 10
        assert "┌" not in shown


def test_a_magnetometer_polled_faster_than_it_measures_shows_its_last_value() -> None:
    followed = track(MAGNET, {"baseline": EARTH, "sigma_mg": 1.0})
    take(followed, (230.0, -140.0, 400.0), 0.0)
    take(followed, None, 0.1, Quality.NO_DATA)
    assert "50 mG" in heading(followed).plain


class TestFused:
    """A ranger and a magnetometer of one spot: each its own limits, one status."""

    @pytest.fixture
    def both(self) -> list[Track]:
        spot = {
            "spot_id": "A1",
            "sensor": {"kind": "simulated"},
            "waker": {"kind": "simulated", "sensor": "magnetic"},
            "detector": {"kind": "fused", "ranging": {"floor_mm": 2500}},
        }
        settings = AgentSettings.model_validate({"agent_id": "p", "lot_id": "l", "spots": [spot]})
        return begin(channels(settings), {"A1": {"baseline": EARTH, "sigma_mg": 1.0}}, 0.0)

    def test_each_has_its_limits(self, both: list[Track]) -> None:
        ranger, waker = both
        assert (ranger.channel.label, waker.channel.label) == ("A1 ranger", "A1 waker")
        take(ranger, 900.0, 0.0)
        take(waker, EARTH, 0.0)
        assert (ranger.side(), waker.side()) == (Status.OCCUPIED, Status.FREE)
        assert ranger.to_json()["on"] == 2100
        assert waker.to_json()["on"] == 25

    def test_both_show_the_spots_status(self, both: list[Track]) -> None:
        ranger, waker = both
        for tenth in range(600):
            take(waker, (260.0, -100.0, 400.0 + tenth % 2), tenth / 10)
            if tenth % 10 == 0:
                take(ranger, 900.0, tenth / 10)
        assert ranger.status is Status.OCCUPIED
        assert waker.status is Status.OCCUPIED

    def test_a_silent_waker_is_not_the_rangers_fault(self, both: list[Track]) -> None:
        ranger, waker = both
        for second in range(100):
            take(ranger, 2500.0, float(second))
            waker.take(Sample(waker.channel, None, DriverError("gone"), float(second)))
        assert ranger.status is Status.FREE
        assert ranger.state.health is HealthState.DEGRADED
