"""What an empty bay teaches, and how far a car in it lies beyond the thresholds. Pure.

Thin is a margin of less than half a threshold: the next car is lower, or stands elsewhere, and
ground under water or snow lies nearer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.detector import PassageSettings, RangingSettings, Saved
from agent.detector.baseline import ZERO, median_vector
from agent.tools.limits import limits
from agent.tools.sensors import OneSensor
from agent.tools.summary import Summary, summarize
from drivers import Quality, Reading, Vector

FEWEST = 5
POOR_SHARE = 0.5
THIN_FACTOR = 1.5
SWINGS = 4.0
"""An empty bay whose noise (sigma) reaches a threshold at four times its size will chatter."""
MOVED = {"mm": 100.0, "mG": 12.5}
"""A change by so much while it learns is no drift."""
NOTHING_FACTOR = 0.2
SMOOTH = 5
"""A passing vehicle's peak is the highest median of so many samples, as the lane's detector has."""


class NotLearnt(Exception):
    """These readings teach nothing; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """An empty bay: its floor in mm or its baseline in mG, and the noise in the same unit."""

    unit: str
    floor_mm: float | None
    baseline: Vector | None
    noise: float
    summary: Summary

    def state(self, settings: OneSensor) -> dict[str, Any]:
        """What goes into the detector's kept state: fields of `agent.detector.Saved`."""
        warmth = self.summary.temperature_c
        if isinstance(settings, RangingSettings):
            # A kept floor counts for as long as the configuration gives the same one.
            state = {"floor_mm": self.floor_mm, "given_floor_mm": settings.floor_mm}
            return state if warmth is None else {**state, "known_c": (warmth, warmth)}
        field = {"baseline": self.baseline, "offset": ZERO, "sigma_mg": self.noise}
        return {**field, "temperature_c": warmth}


@dataclass(frozen=True, slots=True)
class Margin:
    """A car's distance from the floor in mm, or its field's from the baseline in mG: `signal`.

    `threshold` is what it must exceed; `margin` the difference, `factor` the ratio.
    """

    unit: str
    signal: float
    threshold: float
    warnings: list[str]

    @property
    def margin(self) -> float:
        """Beyond the threshold; negative where the car is not seen."""
        return self.signal - self.threshold

    @property
    def factor(self) -> float:
        """1 is just seen."""
        return self.signal / self.threshold

    @property
    def seen(self) -> bool:
        """Whether the detector takes it for a vehicle."""
        return self.margin > 0

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "signal": round(self.signal, 1),
            "threshold": round(self.threshold, 1),
            "margin": round(self.margin, 1),
            "factor": round(self.factor, 2),
            "seen": self.seen,
        }


def learn(readings: Sequence[Reading]) -> Learnt:
    """From readings of an empty bay. Raises NotLearnt."""
    summary = summarize(readings)
    if summary.good < FEWEST:
        raise NotLearnt(
            f"{summary.good} good readings of {summary.count}, {FEWEST} are needed: "
            "run `lotkeeper agent check`, or take longer with --seconds"
        )
    good = [each for each in readings if each.quality is Quality.OK]
    _refuse_movement(good)
    value = summary.value
    if isinstance(value, tuple):
        rounded = (round(value[0], 3), round(value[1], 3), round(value[2], 3))
        return Learnt("mG", None, rounded, round(summary.noise, 3), summary)
    assert value is not None  # there are good readings
    return Learnt("mm", round(value, 1), None, round(summary.noise, 2), summary)


def _refuse_movement(good: Sequence[Reading]) -> None:
    """Something that comes or goes while it learns would be learnt with it."""
    half = len(good) // 2
    first, second = summarize(good[:half]), summarize(good[half:])
    moved = apart(first.value, second.value)
    limit = max(SWINGS * max(first.noise, second.noise), MOVED[good[0].unit])
    if moved > limit:
        raise NotLearnt(
            f"the readings moved by {moved:.0f} {first.unit} meanwhile: "
            "keep people and vehicles away, and do it again"
        )


def apart(one: float | Vector | None, other: float | Vector | None) -> float:
    """The distance between two values of one kind; infinite where one is none."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return math.dist(one, other)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other)
    return math.inf


def empty_warnings(settings: OneSensor, learnt: Learnt) -> list[str]:
    """What of the empty bay alone will make trouble."""
    bounds = limits(settings, Saved.model_validate(learnt.state(settings)))
    if bounds is None:
        return []
    found = []
    room = abs(bounds.rest - bounds.off)
    if SWINGS * learnt.noise > room:
        found.append(
            f"noise of {learnt.noise:.1f} {learnt.unit} nearly reaches the free threshold, "
            f"{room:.0f} {learnt.unit} away: fix the sensor, keep cables from mains and motors"
        )
    if isinstance(settings, RangingSettings) and bounds.on <= settings.blocked_mm:
        found.append(
            f"the floor at {bounds.rest:.0f} mm leaves no distance for a vehicle: lower "
            "detector.occupied_below_floor_mm or mount the sensor higher"
        )
    return found


def margin(settings: OneSensor, learnt: Learnt, readings: Sequence[Reading]) -> Margin:
    """How far these readings, with a car in, lie beyond the threshold.

    In a lane the car passes meanwhile, and its peak counts. Raises NotLearnt where the readings
    tell nothing.
    """
    summary = summarize(readings)
    if isinstance(settings, RangingSettings):
        signal = _below_floor(settings, learnt, summary)
    else:
        signal = _deviation(settings, learnt, readings)
    bounds = limits(settings, Saved.model_validate(learnt.state(settings)))
    assert bounds is not None  # it has been learnt
    found = Margin(learnt.unit, signal, abs(bounds.rest - bounds.on), [])
    found.warnings.extend(_warnings(settings, found, summary))
    return found


def _below_floor(settings: RangingSettings, learnt: Learnt, summary: Summary) -> float:
    if not isinstance(summary.value, int | float) or learnt.floor_mm is None:
        raise NotLearnt(
            f"no distance in {summary.count} readings with the car in: a slanted windscreen or "
            "bonnet gives no echo; let it stand half a metre further and do it again"
        )
    if summary.value <= settings.blocked_mm:
        raise NotLearnt(
            f"the car is {summary.value:.0f} mm away, nearer than the {settings.blocked_mm:.0f} "
            "at which the sensor counts as blocked: mount it higher"
        )
    return learnt.floor_mm - summary.value


def _deviation(settings: OneSensor, learnt: Learnt, readings: Sequence[Reading]) -> float:
    vectors = [each.value for each in readings if isinstance(each.value, tuple)]
    if len(vectors) < FEWEST or learnt.baseline is None:
        raise NotLearnt(
            f"{len(vectors)} good readings with the car in, {FEWEST} are needed: "
            "take longer with --seconds"
        )
    if not isinstance(settings, PassageSettings):
        return math.dist(median_vector(vectors), learnt.baseline)
    windows = [vectors[at : at + SMOOTH] for at in range(len(vectors) - SMOOTH + 1)]
    return max(math.dist(median_vector(each), learnt.baseline) for each in windows)


def _warnings(settings: OneSensor, found: Margin, summary: Summary) -> list[str]:
    ranging = isinstance(settings, RangingSettings)
    warnings = []
    if found.factor < NOTHING_FACTOR:
        warnings.append("hardly anything changed: was the car in, and is this its sensor?")
    elif not found.seen:
        warnings.append("the car is NOT seen: " + _mend(ranging, found))
    elif found.factor < THIN_FACTOR:
        warnings.append("the margin is thin: " + _mend(ranging, found))
    if ranging and summary.shares.get(Quality.OK, 0.0) < POOR_SHARE:
        silent = 1 - summary.shares.get(Quality.OK, 0.0)
        warnings.append(
            f"{silent:.0%} of the pings gave no distance: point the sensor at the roof, away from "
            "windscreens"
        )
    return warnings


def _mend(ranging: bool, found: Margin) -> str:
    """What to do; a threshold that would do is named where there is one to speak of."""
    wanted = found.signal / THIN_FACTOR
    if ranging:
        lower = f"set detector.occupied_below_floor_mm to {wanted:.0f} or less, with "
        lower += "free_below_floor_mm below it"
        return "aim the sensor at where cars stand" + (f", or {lower}" if wanted > 100 else "")
    lower = f"set detector.on_mg to {wanted:.0f} or less, and see that the noise allows it"
    move = "put the sensor under the car's middle or front axle, away from other steel"
    return move + (f", or {lower}" if wanted > 5 else ", or add a ranging sensor")
