"""`lotkeeper agent calibrate`: an empty bay, then a car in it; what was learnt is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import Progress

from agent.detector import PassageSettings, RangingSettings
from agent.tools.learn import Learnt, Margin, empty_warnings, learn, margin
from agent.tools.sensors import Channel, Feed
from agent.tools.summary import told
from drivers import Reading

POLL_S = 0.1
Ask = Callable[[str], None]
"""Shows a text and waits for Enter."""


class SensorFailed(Exception):
    """The sensor cannot be read; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What came of it; `margin` is None where no car was asked for."""

    channel: Channel
    learnt: Learnt
    margin: Margin | None
    warnings: list[str]

    def to_json(self) -> dict[str, Any]:
        """For programs. mm or mG, as `unit` says."""
        learnt, margin = self.learnt, self.margin
        return {
            "name": self.channel.name,
            "unit": learnt.unit,
            "learnt": learnt.state(),
            "noise": learnt.noise,
            "readings": learnt.summary.count,
            "good": learnt.summary.good,
            "temperature_c": learnt.summary.temperature_c,
            "margin": margin
            and {
                "signal": round(margin.signal, 1),
                "threshold": round(margin.threshold, 1),
                "margin": round(margin.margin, 1),
                "factor": round(margin.factor, 2),
                "seen": margin.seen,
            },
            "warnings": self.warnings,
        }


def calibrate(
    channel: Channel, seconds: float, empty_only: bool, ask: Ask, console: Console
) -> Calibration:
    """Guide through both steps. Raises NotLearnt, SensorFailed."""
    name = channel.name
    lane = isinstance(channel.detector, PassageSettings)
    ask(f"1. Clear {name} of vehicles and people, then press Enter")
    learnt = learn(_gather(channel, seconds, console, f"{name} empty"))
    console.print(learnt_words(learnt), soft_wrap=True)
    warnings = empty_warnings(channel.detector, learnt)
    if empty_only:
        return Calibration(channel, learnt, None, warnings)
    if lane:
        ask(f"2. Press Enter, then drive a car over {name} within {seconds:.0f} s")
    else:
        ask(f"2. Park a car in {name} as drivers do, then press Enter")
    readings = _gather(channel, seconds, console, f"{name} with a car")
    found = margin(channel.detector, learnt, readings)
    console.print(margin_words(found), soft_wrap=True)
    return Calibration(channel, learnt, found, warnings + found.warnings)


def _gather(channel: Channel, seconds: float, console: Console, title: str) -> list[Reading]:
    readings: list[Reading] = []
    with (
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
        Feed([channel], fastest_s=POLL_S) as feed,
    ):
        bar = progress.add_task(title, total=seconds)
        begin_s: float | None = None
        for sample in feed.during(seconds):
            if sample.error is not None:
                raise SensorFailed(f"{channel.name}: {sample.error}; {sample.error.hint}")
            assert sample.reading is not None  # without an error there is a reading
            readings.append(sample.reading)
            begin_s = sample.at_s if begin_s is None else begin_s
            progress.update(bar, completed=sample.at_s - begin_s)
    return readings


def learnt_words(learnt: Learnt) -> str:
    """What the empty bay looks like."""
    summary = learnt.summary
    what = "floor" if learnt.unit == "mm" else "baseline"
    text = f"   {what} {told(summary.value, learnt.unit)}, noise {learnt.noise:.1f} {learnt.unit}"
    if summary.temperature_c is not None:
        text += f" at {summary.temperature_c:.0f} C"
    return f"{text}, {summary.good} of {summary.count} readings good"


def margin_words(found: Margin) -> str:
    """How clearly the car is seen."""
    what = "above the floor" if found.unit == "mm" else "of deviation"
    return (
        f"   car: {found.signal:.0f} {found.unit} {what}, {found.threshold:.0f} are needed: "
        f"a margin of {found.margin:.0f} {found.unit}, {found.factor:.1f} times the threshold"
    )


def config_hint(channel: Channel, learnt: Learnt) -> str | None:
    """A floor in the configuration stands above a kept one: what to do about it."""
    detector = channel.detector
    if not isinstance(detector, RangingSettings) or detector.floor_mm is None:
        return None
    if learnt.floor_mm == detector.floor_mm:
        return None
    return (
        f"the configuration says floor_mm = {detector.floor_mm:g} for {channel.name}, which "
        f"overrules what is kept: set floor_mm = {learnt.floor_mm:g}, or take the line out"
    )
