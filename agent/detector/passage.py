"""Vehicles that go over a lane's magnetometer, one at a time. Pure.

            deviation > on                 deviation < off for `gap_s`: one Passage
    QUIET -------------------> OVER --------------------------------------------------> QUIET
      the baseline follows       the baseline stands
                                 longer than `longest_s`: learn the baseline anew ----> QUIET

On is max(8 sigma, 12 mG), off half of it. These come from published figures of an HMC5883L (1090
counts a gauss), not from the recordings that it is tested with; `tau_s` and the median were
chosen with one of those in view (docs/accuracy.md). Vacant noise has a sigma of 1.4 to 1.7
counts, so 8 sigma is 12.5 mG at most; an empty road never strayed by more than 7.7 counts, 7.1
mG; vehicles bend the field by 70 to 330 counts, 64 mG at least. A vehicle's swing may pass
through zero between its axles: `gap_s` bridges that, so vehicles that follow each other closer
count as one.

A vehicle that stands on the sensor for `longest_s` is not counted; the field is learnt anew.
"""

from collections import deque
from dataclasses import dataclass, field
from math import dist
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.detector.baseline import follow, learn, median_vector, threshold_mg
from agent.detector.changes import Passage
from agent.detector.magnetic import Magnetic
from drivers import Vector

SMOOTH = 5
"""The median of so many samples, axis by axis, is judged: two that are wrong do no harm."""
SMOOTH_S = 0.5
"""Older samples do not enter the median: seven at the 15 Hz of an HMC5883L."""


class PassageSettings(BaseModel):
    """Fields in mG, times in s."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["passage"] = "passage"
    on_mg: float = Field(12.0, gt=0)
    sigmas: float = Field(8.0, gt=0)
    learn_samples: int = Field(45, ge=5)
    tau_s: float = Field(10.0, gt=0)
    gap_s: float = Field(1.0, gt=0)
    shortest_s: float = Field(0.2, ge=0)
    longest_s: float = Field(120.0, gt=0)


@dataclass(slots=True)
class Lane:
    """The vehicle over the lane, if there is one: since when, until when, how strong."""

    sampled_s: float
    began_s: float | None = None
    seen_s: float = 0.0
    peak_mg: float = 0.0
    samples: deque[tuple[float, Vector]] = field(default_factory=deque)


def step(
    settings: PassageSettings, lane: Lane, magnetic: Magnetic, vector: Vector, now_s: float
) -> Passage | None:
    """Take one new sample."""
    elapsed_s, lane.sampled_s = now_s - lane.sampled_s, now_s
    learnt = learn(magnetic, vector, settings.learn_samples, settings.on_mg / 2)
    if not learnt or magnetic.baseline is None:
        return None
    middle = _smooth(lane, vector, now_s)
    away = dist(middle, magnetic.baseline)
    on = threshold_mg(magnetic, settings.on_mg, settings.sigmas)
    if away > on:
        _over(lane, away, now_s)
    elif lane.began_s is None:
        magnetic.baseline = follow(magnetic.baseline, middle, elapsed_s, settings.tau_s)
    elif away > on / 2:
        lane.seen_s = now_s
    if lane.began_s is None:
        return None
    return _ended(settings, lane, magnetic, on, now_s)


def _smooth(lane: Lane, vector: Vector, now_s: float) -> Vector:
    samples = lane.samples
    samples.append((now_s, vector))
    while len(samples) > SMOOTH or samples[0][0] < now_s - SMOOTH_S:
        samples.popleft()
    return median_vector([each[1] for each in samples])


def _over(lane: Lane, away_mg: float, now_s: float) -> None:
    if lane.began_s is None:
        lane.began_s, lane.peak_mg = now_s, 0.0
    lane.seen_s = now_s
    lane.peak_mg = max(lane.peak_mg, away_mg)


def _ended(
    settings: PassageSettings, lane: Lane, magnetic: Magnetic, on_mg: float, now_s: float
) -> Passage | None:
    assert lane.began_s is not None  # a vehicle is over
    began_s, duration_s = lane.began_s, lane.seen_s - lane.began_s
    if duration_s > settings.longest_s:
        magnetic.baseline = lane.began_s = None
        return None
    if now_s - lane.seen_s < settings.gap_s:
        return None
    lane.began_s = None
    if duration_s < settings.shortest_s:
        return None
    confidence = min(lane.peak_mg / (2 * on_mg), 1.0)
    return Passage(began_s, round(duration_s, 3), round(lane.peak_mg, 1), round(confidence, 3))
