"""Temperature, rain and snow over a bay's life."""

from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np

from simulator.world.spans import HOUR_S, Bools, Floats, Spans, random_spans
from simulator.world.traffic import Visit

Season = Literal["winter", "mild", "hot"]
SEASONS: tuple[Season, ...] = ("winter", "mild", "hot")

RANGE_C = {"winter": (-12.0, 4.0), "mild": (6.0, 18.0), "hot": (2.0, 42.0)}
COLDEST_H = 4.0
SUN_C_PER_H = 10.0
BRIGHT_C = 4.0
"""The sun adds so much to a sensor's temperature where it is bright."""
SNOW_MM = 200.0
SNOW_MM_PER_H = 60.0
TRODDEN = 0.7
"""What is left of the snow's height where a vehicle stood."""


@dataclass(frozen=True)
class Weather:
    """`begins_h` is the hour of day at which the bay's life begins."""

    season: Season
    begins_h: float
    rain: Spans
    sun_s: Floats
    sun_c: Floats
    snow_s: Floats
    snow_mm: Floats

    def air_c(self, time_s: Floats) -> Floats:
        """The air's temperature: a sine over the day."""
        low, high = RANGE_C[self.season]
        hour = self.begins_h + time_s / HOUR_S
        swing = np.cos(2 * np.pi * (hour - COLDEST_H) / 24.0)
        return np.asarray((low + high) / 2 - (high - low) / 2 * swing)

    def sensor_c(self, time_s: Floats) -> Floats:
        """The sensor's temperature: the air's, and what sun and shade add."""
        return self.air_c(time_s) + np.interp(time_s, self.sun_s, self.sun_c)

    def is_bright(self, time_s: Floats) -> Bools:
        """Whether the sun stands high and on the bay."""
        hour = (self.begins_h + time_s / HOUR_S) % 24.0
        in_sun = np.interp(time_s, self.sun_s, self.sun_c) > BRIGHT_C
        return np.asarray((hour > 10.0) & (hour < 16.0) & in_sun & (self.season != "winter"))

    def snow_depth_mm(self, time_s: Floats) -> Floats:
        """On the bay's floor."""
        return np.interp(time_s, self.snow_s, self.snow_mm)


def weather(rng: Random, season: Season, visits: list[Visit], until_s: float) -> Weather:
    """A bay's weather."""
    rain = random_spans(rng, 0.0 if season == "hot" else 0.1, (600.0, 3600.0), until_s)
    begins_h = rng.uniform(0.0, 24.0)
    sun_s, sun_c = _sun(rng, 3.0 if season == "winter" else 12.0, until_s)
    snow_s, snow_mm = _snow(rng, visits, until_s) if season == "winter" else ([0.0], [0.0])
    return Weather(season, begins_h, rain, *map(np.array, (sun_s, sun_c, snow_s, snow_mm)))


def _sun(rng: Random, most_c: float, until_s: float) -> tuple[list[float], list[float]]:
    """Ramps between sun and shade, each followed by a while without one."""
    times, offsets = [0.0], [0.0]
    while times[-1] < until_s:
        goal = rng.uniform(0.0, most_c)
        rate_c_per_h = rng.uniform(0.3, 1.0) * SUN_C_PER_H
        ramp_s = abs(goal - offsets[-1]) / rate_c_per_h * HOUR_S
        times += [times[-1] + ramp_s, times[-1] + ramp_s + rng.uniform(600.0, 5400.0)]
        offsets += [goal, goal]
    return times, offsets


def _snow(rng: Random, visits: list[Visit], until_s: float) -> tuple[list[float], list[float]]:
    """It falls, is trodden down by each vehicle, and is cleared where it is too high."""
    times, depths = [0.0, 1200.0], [0.0, 0.0]
    falls = random_spans(rng, 0.15, (HOUR_S, 6 * HOUR_S), until_s)
    for visit in visits:
        fallen = _fallen_mm(falls, times[-1], visit.arrival_s)
        depth = min(depths[-1] + fallen, SNOW_MM)
        times += [visit.arrival_s, visit.standing_s]
        depths += [depth, depth * TRODDEN]
        times.append(visit.gone_s)
        depths.append(depths[-1])
        if depths[-1] >= SNOW_MM * TRODDEN and rng.random() < 0.3:
            times.append(visit.gone_s + 1.0)
            depths.append(0.0)
    return times, depths


def _fallen_mm(falls: Spans, from_s: float, to_s: float) -> float:
    overlap = np.minimum(falls.ends_s, to_s) - np.maximum(falls.begins_s, from_s)
    return float(np.clip(overlap, 0.0, None).sum()) / HOUR_S * SNOW_MM_PER_H
