"""What a magnetometer in the middle of a bay measures, in counts, and what interferes with it.

`clean` is the earth's field and the bay's own vehicles; each function of MAGNETIC is one
interference. Samples are in counts of 1/1090 gauss.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivers import Quality
from simulator.world.moments import Signature
from simulator.world.motion import Motion
from simulator.world.samples import LSB_PER_GAUSS, Interference, Samples
from simulator.world.spans import Floats

if TYPE_CHECKING:
    from simulator.world.bay import Bay

PER_MG = LSB_PER_GAUSS / 1000.0
"""Counts."""
REFERENCE_C = 20.0
MAINS_HZ = 50.0


def clean(bay: "Bay", time_s: Floats) -> NDArray[np.float64]:
    """Earth and the vehicle above, in counts."""
    return np.asarray((bay.earth_mg + moved(bay.motion, bay.signatures, time_s)) * PER_MG)


def moved(motion: Motion, signatures: list[Signature], time_s: Floats) -> NDArray[np.float64]:
    """The change in mG that a bay's vehicles make to a sensor in its middle."""
    change = np.zeros((len(time_s), 3))
    index = motion.stays.at(time_s)
    for number in np.unique(index[index >= 0]):
        here = index == number
        which = np.full(int(here.sum()), number)
        change[here] = signatures[number].at(motion.position_m(time_s[here], which))
    return change


def noise(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """The sensor's own and its steps; always on."""
    samples.value += rng.normal(0.0, bay.sigma_counts, samples.value.shape)
    samples.value[:] = np.round(samples.value)


def neighbours(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """A vehicle next door: its dipoles, as far away as the next bay is."""
    samples.value += moved(bay.neighbour, bay.neighbour_signatures, samples.time_s) * PER_MG


def tight_neighbours(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """A bay so tight that a vehicle next door does 10-35 % of what it does there, turned."""
    change = moved(bay.neighbour, bay.neighbour_signatures, samples.time_s)
    index = bay.neighbour.stays.at(samples.time_s)
    here = index >= 0
    turned = np.einsum("nij,nj->ni", bay.neighbour_turns[index[here]], change[here])
    samples.value[here] += turned * PER_MG


def lane(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """Vehicles that pass behind: a swing of 5-40 mG in 2-4 s."""
    passes = bay.spans["lane"]
    index = passes.at(samples.time_s)
    here = index >= 0
    share = passes.share(samples.time_s[here], index[here])[:, None]
    first, second = bay.lane_swings[index[here]].transpose(1, 0, 2)
    swing = first * np.sin(np.pi * share) ** 2 + second * np.sin(2 * np.pi * share)
    samples.value[here] += swing * PER_MG


def temperature(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """Each axis drifts with the sensor's temperature."""
    warmer = bay.weather.sensor_c(samples.time_s) - REFERENCE_C
    samples.value += warmer[:, None] * bay.counts_per_c


def mains(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """A charger or a cable: 1-5 mG at 50 Hz, sampled far too slowly."""
    on = bay.spans["mains"].hold(samples.time_s)
    grid_hz = MAINS_HZ + bay.mains_off_hz
    wave = np.sin(2 * np.pi * grid_hz * samples.time_s[on])[:, None]
    samples.value[on] += wave * bay.mains_mg * PER_MG


def lost_samples(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """1 % without new data, and runs of up to 20 s."""
    samples.lose(rng.random(len(samples.time_s)) < 0.01, Quality.NO_DATA)
    samples.lose(bay.spans["outages"].hold(samples.time_s), Quality.NO_DATA)


def repeats(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """The chip gives the same value for 1-6 s, as new data; too short to be a fault."""
    index = bay.spans["repeats"].at(samples.time_s)
    for number in np.unique(index[index >= 0]):
        here = np.flatnonzero(index == number)
        samples.value[here] = samples.value[here[0]]


def spikes(bay: "Bay", samples: Samples, rng: np.random.Generator) -> None:
    """Saturation in single samples, 1 in 5,000; as often a wrong value that is called good."""
    draw = rng.random(len(samples.time_s))
    samples.lose(draw < 2e-4, Quality.OVERFLOW)
    wrong = draw > 1 - 2e-4
    samples.value[wrong] = rng.integers(-2048, 2048, (int(wrong.sum()), 3))


MAGNETIC: dict[str, Interference] = {
    each.__name__: each
    for each in (neighbours, tight_neighbours, lane, temperature, mains, lost_samples, spikes)
}
"""In the order in which they act, before `noise`; `repeats` acts after it."""
TIGHT = tight_neighbours.__name__
"""Takes the place of `neighbours` in a row of its own; no part of "all"."""
AFTER_NOISE: dict[str, Interference] = {"repeats": repeats}
