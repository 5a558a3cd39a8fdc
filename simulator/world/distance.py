"""What a ranger above the middle of a bay measures, and what interferes with it.

`clean` is the true distance to the surface below; each function of RANGING is one interference.
Shares of people, carts, rain and crosstalk are assumed; none has a published figure.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers import Quality
from simulator.world.samples import CODE, OK, Interference, Samples
from simulator.world.spans import Bools, Floats

if TYPE_CHECKING:
    from simulator.world.bay import Bay

BONNET = 0.62
"""Of the vehicle's height; a boot is as high."""
WINDSCREEN = (0.25, 0.12)
"""From bonnet to roof, in lengths before the middle."""
REAR = (-0.33, -0.40)
"""From roof to boot."""
LEAST_ECHO_MM = 100.0
CALIBRATED_C = 20.0


@dataclass(frozen=True)
class Flavour:
    """A ranger's noise and steps, and the shares of pings lost on glass, anywhere, in full sun."""

    sigma_mm: float
    step_mm: float
    lost_on_glass: float
    lost: float
    is_sound: bool = False
    lost_in_sun: float = 0.0


FLAVOURS = {
    "ranging": Flavour(4.0, 1.0, 0.35, 0.01, is_sound=True),
    "laser": Flavour(12.0, 10.0, 0.6, 0.03, lost_in_sun=0.2),
    "radar": Flavour(25.0, 10.0, 0.1, 0.005),
}


def clean(bay: "Bay", time_s: Floats) -> Floats:
    """The distance to floor, bonnet or roof."""
    height = np.zeros_like(time_s)
    index = bay.motion.stays.at(time_s)
    here = index >= 0
    height[here] = _surface_mm(bay, time_s, here)
    return bay.floor_mm - height


def along(bay: "Bay", time_s: Floats, here: Bools) -> Floats:
    """Where along the vehicle the sensor points: 0.5 its nose, -0.5 its tail."""
    index = bay.motion.stays.at(time_s[here])
    place = bay.motion.position_m(time_s[here], index) / bay.length_m[index]
    return np.asarray(np.where(bay.nose_in[index], place, -place))


def _surface_mm(bay: "Bay", time_s: Floats, here: Bools) -> Floats:
    index = bay.motion.stays.at(time_s[here])
    place = along(bay, time_s, here)
    boot = np.where(bay.has_boot[index], BONNET, 0.97)
    shape = np.interp(place, [*REAR[::-1], *WINDSCREEN[::-1]], [0.0, 1.0, 1.0, BONNET])
    behind = place < REAR[0]
    slope = np.clip((place - REAR[1]) / (REAR[0] - REAR[1]), 0.0, 1.0)
    shape = np.where(behind, boot + (1.0 - boot) * slope, shape)
    return np.asarray(np.where(np.abs(place) <= 0.5, shape * bay.height_mm[index], 0.0))


def noise(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """The sensor's own; always on, and so are its steps and its lost pings."""
    flavour = bay.flavour
    samples.value += rng.normal(0.0, flavour.sigma_mm, len(samples.value))
    samples.value[:] = np.round(samples.value / flavour.step_mm) * flavour.step_mm
    samples.lose(rng.random(len(samples.value)) < flavour.lost / 4, Quality.NO_ECHO)


def glass(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """Slanted or curved panes send the ping elsewhere."""
    here = bay.motion.stays.hold(samples.time_s)
    place = along(bay, samples.time_s, here)
    pane = (place > WINDSCREEN[1]) & (place < WINDSCREEN[0])
    pane |= (place > REAR[1]) & (place < REAR[0])
    share = np.zeros_like(samples.time_s)
    share[here] = np.where(pane, bay.flavour.lost_on_glass, np.where(np.abs(place) <= 0.5, 0.02, 0))
    samples.lose(rng.random(len(share)) < share, Quality.NO_ECHO)


def edges(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """A wide beam hears a nearer edge: of the vehicle below, and of one badly parked next door."""
    draw = rng.random(len(samples.time_s))
    here = bay.motion.stays.hold(samples.time_s)
    below = here & (samples.value < bay.floor_mm - 300.0) & (draw < 0.1)
    samples.value[below] -= rng.uniform(0.0, 150.0, int(below.sum()))
    next_door = bay.neighbour.stays.at(samples.time_s)
    leans = bay.neighbour_leans[next_door] & (next_door >= 0) & (draw > 0.9)
    slant = rng.uniform(1300.0, 1800.0, len(draw)) * bay.floor_mm / 2600.0
    _nearer(samples, leans, slant)


def lost_pings(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """Single ones, and runs of up to 20 s: wind, a bus that is busy."""
    draw = rng.random(len(samples.time_s))
    samples.lose(draw < bay.flavour.lost, Quality.NO_ECHO)
    samples.lose(draw > 0.997, Quality.NO_DATA)
    samples.lose(bay.spans["outages"].hold(samples.time_s), Quality.NO_ECHO)


def dull_floor(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """One bay in five has gravel or a slope, which sends 5-40 % of the pings elsewhere."""
    on_floor = samples.value > bay.floor_mm - 300.0
    samples.lose(on_floor & (rng.random(len(on_floor)) < bay.floor_lost), Quality.NO_ECHO)


def sunlight(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """More light than a laser ranger stands: bright ground at noon."""
    bright = bay.weather.is_bright(samples.time_s)
    lost = rng.random(len(bright)) < bay.flavour.lost_in_sun
    samples.lose(bright & lost, Quality.NO_ECHO)


def sound_speed(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """An echo's time read as at 20 C."""
    if bay.flavour.is_sound:
        speed = 331.3 + 0.606 * bay.weather.air_c(samples.time_s)
        samples.value *= (331.3 + 0.606 * CALIBRATED_C) / speed


def people(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """Heads of 1.5-1.9 m that cross in 1-6 s, alone or a family one after the other."""
    _crossing(bay, "people", samples, rng, (1500.0, 1900.0), 0.8)


def carts(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """Shopping trolleys of 0.9-1.1 m that are pushed through in 2-8 s."""
    _crossing(bay, "carts", samples, rng, (900.0, 1100.0), 0.7)


def turners(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """Vehicles that use the empty bay to turn, their nose below the sensor for 2-6 s."""
    _crossing(bay, "turners", samples, rng, (800.0, 1100.0), 0.95)


def loiterers(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """People who stand below the sensor for 15-60 s: a stress, no part of "all"."""
    _crossing(bay, "loiterers", samples, rng, (1500.0, 1900.0), 0.9)


def rain(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """Near echoes in 4 % of pings; drops that hang on the sensor seem to block it."""
    draw = rng.random(len(samples.time_s))
    wet = bay.weather.rain.hold(samples.time_s)
    near = rng.uniform(LEAST_ECHO_MM, bay.floor_mm, len(draw))
    _nearer(samples, wet & (draw < 0.04), near)
    samples.lose(wet & (draw > 0.99), Quality.BLOCKED)


def snow(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """The floor rises by up to 200 mm; vehicles tread it down."""
    depth = bay.weather.snow_depth_mm(samples.time_s)
    on_floor = samples.value > bay.floor_mm - 300.0
    samples.value[on_floor] -= depth[on_floor]


def crosstalk(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """Another sensor's ping, heard too early: 1 %, a quarter while the two beat for 20-60 s."""
    if not bay.flavour.is_sound:
        return
    share = np.where(bay.spans["beats"].hold(samples.time_s), 0.25, 0.01)
    hit = rng.random(len(share)) < share
    _nearer(samples, hit, rng.uniform(200.0, bay.floor_mm, len(share)))


def _crossing(
    bay: "Bay",
    name: str,
    samples: Samples,
    rng: np.random.Generator,
    height_mm: tuple[float, float],
    share: float,
) -> None:
    """Something walks or rolls through while the bay is empty."""
    spans = bay.spans[name]
    index = spans.at(samples.time_s)
    heights = bay.heights(name, height_mm)
    empty = ~bay.motion.stays.hold(samples.time_s)
    seen = (index >= 0) & empty & (rng.random(len(index)) < share)
    top = bay.floor_mm - heights[index] + rng.normal(0.0, 50.0, len(index))
    _nearer(samples, seen, top)


def _nearer(samples: Samples, where: Bools, distance_mm: Floats) -> None:
    """The nearest echo is heard, also where the ping was lost otherwise."""
    nearest = where & ((distance_mm < samples.value) | (samples.code != OK))
    samples.value[nearest] = np.round(np.maximum(distance_mm[nearest], LEAST_ECHO_MM))
    samples.code[nearest] = CODE[Quality.OK]


RANGING: dict[str, Interference] = {
    each.__name__: each
    for each in (
        dull_floor, snow, turners, carts, people, loiterers, glass, edges, rain, sunlight,
        sound_speed, crosstalk, lost_pings,
    )
}  # fmt: skip
"""In the order in which they act."""
NOT_OF = {
    "laser": frozenset({"crosstalk", "sound_speed"}),
    "radar": frozenset({"crosstalk", "sound_speed", "sunlight"}),
}
"""What does nothing to a flavour; to sound, only sunlight."""
STRESS = frozenset({"loiterers"})
"""Rows of their own, no part of "all"."""
