"""`lotkeeper agent calibrate`: learn the empty bay, then see how clearly a car is told from it."""

from collections.abc import Callable, Sequence
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
SAME_FLOOR_MM = 25.0
"""A tenth of what stands between the floor and the free threshold changes nothing."""
Ask = Callable[[str], None]
"""Shows a text and waits for Enter."""


class SensorFailed(Exception):
    """The sensor cannot be read; the text says what to do."""


@dataclass(slots=True)
class Calibration:
    """What came of one sensor; `margin` is None where no car was asked for."""

    channel: Channel
    learnt: Learnt
    warnings: list[str]
    margin: Margin | None = None

    @property
    def good(self) -> bool:
        """Whether the car was seen, or none was asked for."""
        return self.margin is None or self.margin.seen

    def state(self) -> dict[str, Any]:
        """What goes into the detector's kept state."""
        return self.learnt.state(self.channel.settings)

    def to_json(self) -> dict[str, Any]:
        """For programs. mm or mG, as `unit` says."""
        learnt, margin = self.learnt, self.margin
        return {
            "part": self.channel.part,
            "kind": self.channel.kind,
            "unit": learnt.unit,
            "learnt": self.state(),
            "noise": learnt.noise,
            "readings": learnt.summary.count,
            "good": learnt.summary.good,
            "temperature_c": learnt.summary.temperature_c,
            "margin": margin and margin.to_json(),
            "warnings": self.warnings,
        }


def calibrate(
    watched: Sequence[Channel], seconds: float, empty_only: bool, ask: Ask, console: Console
) -> list[Calibration]:
    """Guide through both steps with all sensors of one spot. Raises NotLearnt, SensorFailed."""
    name = watched[0].name
    ask(f"1. Clear {name} of vehicles and people, then press Enter")
    found = [
        _learnt(channel, readings)
        for channel, readings in _gather(watched, seconds, console, f"{name} empty")
    ]
    for each in found:
        console.print(learnt_words(each.learnt), soft_wrap=True)
    if empty_only:
        return found
    if isinstance(watched[0].settings, PassageSettings):
        ask(f"2. Press Enter, then drive a car over {name} within {seconds:.0f} s")
    else:
        ask(f"2. Park a car in {name} as drivers do, then press Enter")
    gathered = _gather(watched, seconds, console, f"{name} with a car")
    for each, (channel, readings) in zip(found, gathered, strict=True):
        each.margin = margin(channel.settings, each.learnt, readings)
        each.warnings += each.margin.warnings
        console.print(margin_words(each.margin), soft_wrap=True)
    return found


def _learnt(channel: Channel, readings: Sequence[Reading]) -> Calibration:
    learnt = learn(readings)
    warnings = empty_warnings(channel.settings, learnt)
    hint = config_hint(channel, learnt)
    return Calibration(channel, learnt, [*warnings, hint] if hint else warnings)


def _gather(
    watched: Sequence[Channel], seconds: float, console: Console, title: str
) -> list[tuple[Channel, list[Reading]]]:
    readings: list[list[Reading]] = [[] for _ in watched]
    with (
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
        Feed(watched, fastest_s=POLL_S) as feed,
    ):
        bar = progress.add_task(title, total=seconds)
        begin_s: float | None = None
        for sample in feed.during(seconds):
            if sample.error is not None:
                raise SensorFailed(f"{sample.channel.label}: {sample.error}; {sample.error.hint}")
            assert sample.reading is not None  # without an error there is a reading
            readings[_index(watched, sample.channel)].append(sample.reading)
            begin_s = sample.at_s if begin_s is None else begin_s
            progress.update(bar, completed=sample.at_s - begin_s)
    return list(zip(watched, readings, strict=True))


def _index(watched: Sequence[Channel], channel: Channel) -> int:
    return next(number for number, each in enumerate(watched) if each is channel)


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
    """Where the configuration gives another floor, which counts again on a new card."""
    settings = channel.settings
    if not isinstance(settings, RangingSettings) or settings.floor_mm is None:
        return None
    if learnt.floor_mm is None or abs(learnt.floor_mm - settings.floor_mm) < SAME_FLOOR_MM:
        return None
    return (
        f"the configuration says floor_mm = {settings.floor_mm:g}: what was measured overrules "
        f"that on this Pi, but a new card would begin with it; better set floor_mm to "
        f"{learnt.floor_mm:.0f} (which counts at once) or take it out and calibrate again"
    )
