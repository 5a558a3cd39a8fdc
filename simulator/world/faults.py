"""Faults that begin and end, as truth and as what they do to samples.

| fault      | what the agent gets                                             | of             |
|------------|-----------------------------------------------------------------|----------------|
| dead       | nothing: the driver raises                                      | all            |
| no_echo    | no echo at all                                                  | rangers        |
| blocked    | a distance within the blind zone, by quality or by value        | rangers        |
| stuck      | the value of the fault's first moment, again and again          | all            |
| overflow   | saturation                                                      | magnetometers  |
| checksum   | one to nine frames in ten damaged                               | rangers        |
| bus_hang   | no poll for 5 s, then a missed reading a second                 | all            |
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import numpy as np

from drivers import Quality
from simulator.world.samples import CODE, MISSING, SILENT, Samples
from simulator.world.scenario import Scenario
from simulator.world.spans import HOUR_S, Bools

LASTING_S = (90.0, 1800.0)
APART_S = (1200.0, 5400.0)
HANG_NOTED_S = 5.0
MOST_MM_BLOCKED = 75.0
DAMAGED = (0.1, 0.9)


@dataclass(frozen=True)
class Fault:
    """What was wrong with the sensor, from when to when."""

    kind: str
    begin_s: float
    end_s: float
    units: frozenset[str]
    seed: str


def drawn(rng: Random, scenario: Scenario, until_s: float, seed: str) -> list[Fault]:
    """A bay's faults, one after the other, in turn so that each kind comes.

    Of two sensors mostly one has it; a bus that hangs takes both.
    """
    found: list[Fault] = []
    order = sorted(scenario.faults)
    time_s = 1800.0
    while order:
        time_s += rng.uniform(*APART_S)
        end_s = time_s + rng.uniform(*LASTING_S)
        if end_s + APART_S[0] > until_s:
            break
        kind = order[len(found) % len(order)]
        units = frozenset(_units(rng, kind, scenario))
        found.append(Fault(kind, time_s, end_s, units, f"{seed}/fault/{len(found)}"))
        time_s = end_s
    return found


def _units(rng: Random, kind: str, scenario: Scenario) -> list[str]:
    """Whose fault it is."""
    able = {"mm": scenario.ranges, "mG": scenario.senses_field}
    have = [unit for unit, kinds in KINDS.items() if able[unit] and kind in kinds]
    if not have:
        raise ValueError(f"fault {kind!r} is none of a {scenario.family} sensor's")
    return have if kind == "bus_hang" or rng.random() < 0.1 else [rng.choice(have)]


def chunks(faults: list[Fault], until_s: float) -> Iterator[tuple[float, float]]:
    """A bay's life in parts of an hour at most; a fault is a part of its own.

    So what is stuck is stuck at the first value of its part.
    """
    edges = {edge for fault in faults for edge in (fault.begin_s, fault.end_s)}
    time_s = 0.0
    for edge in sorted(edges | {until_s}):
        while time_s < edge:
            end_s = min(edge, time_s + HOUR_S)
            yield time_s, end_s
            time_s = end_s


def apply(faults: list[Fault], unit: str, samples: Samples) -> None:
    """Lay the faults of a unit's sensor over a chunk of samples."""
    for fault in faults:
        here = (
            (unit in fault.units)
            & (samples.time_s >= fault.begin_s)
            & (samples.time_s < fault.end_s)
        )
        if here.any():
            EFFECTS[fault.kind](fault, samples, here)


def _dead(fault: Fault, samples: Samples, here: Bools) -> None:
    samples.code[here] = MISSING


def _no_echo(fault: Fault, samples: Samples, here: Bools) -> None:
    samples.code[here] = CODE[Quality.NO_ECHO]


def _blocked(fault: Fault, samples: Samples, here: Bools) -> None:
    """A spider, a bag, a hand: some sensors tell it by quality, some by a small value."""
    rng = Random(fault.seed)
    samples.code[here] = CODE[rng.choice((Quality.BLOCKED, Quality.OK))]
    samples.value[here] = round(rng.uniform(25.0, MOST_MM_BLOCKED))


def _stuck(fault: Fault, samples: Samples, here: Bools) -> None:
    samples.code[here] = CODE[Quality.OK]
    samples.value[here] = samples.value[np.flatnonzero(here)[0]]


def _overflow(fault: Fault, samples: Samples, here: Bools) -> None:
    samples.code[here] = CODE[Quality.OVERFLOW]


def _checksum(fault: Fault, samples: Samples, here: Bools) -> None:
    rng = np.random.default_rng([ord(letter) for letter in fault.seed])
    damaged = here & (rng.random(len(here)) < Random(fault.seed).uniform(*DAMAGED))
    samples.code[damaged] = CODE[Quality.CHECKSUM]


def _bus_hang(fault: Fault, samples: Samples, here: Bools) -> None:
    """Once a second the supervisor takes a missed reading for the bus that does not come back."""
    second = np.floor(samples.time_s)
    first = np.concatenate(([True], np.diff(second) > 0))
    missed = here & first & (samples.time_s >= fault.begin_s + HANG_NOTED_S)
    samples.code[here] = SILENT
    samples.code[missed] = MISSING


EFFECTS: dict[str, Callable[[Fault, Samples, Bools], None]] = {
    "dead": _dead,
    "no_echo": _no_echo,
    "blocked": _blocked,
    "stuck": _stuck,
    "overflow": _overflow,
    "checksum": _checksum,
    "bus_hang": _bus_hang,
}
KINDS = {
    "mm": frozenset(EFFECTS) - {"overflow"},
    "mG": frozenset({"dead", "stuck", "overflow", "bus_hang"}),
}
"""Which faults a sensor of that unit can have."""


def kinds_of(scenario: Scenario) -> frozenset[str]:
    """All faults of a family."""
    of_rangers = KINDS["mm"] if scenario.ranges else frozenset[str]()
    return of_rangers | (KINDS["mG"] if scenario.senses_field else frozenset[str]())
