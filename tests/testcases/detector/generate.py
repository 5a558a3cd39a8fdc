"""Writes recording.csv and truth.csv of the invented cases: `python generate.py [FOLDER]`.

Seeded, so that the same files come again; README.md tells what each case is about. Settings and
expectations stand beside the recordings and are not made here.
"""

import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from drivers import Quality, Reading
from drivers._recording import (
    READING_COLUMNS,
    TRUTH_COLUMNS,
    Happened,
    Recorded,
    Writer,
    reading_cells,
    truth_cells,
)

BEGIN_S = 100.0
FLOOR, ROOF = 2500.0, 1250.0
NO_ECHO, BLOCKED, NO_DATA = Quality.NO_ECHO, Quality.BLOCKED, Quality.NO_DATA
EARTH = (200.0, 178.0, 420.0)
COUNTS_PER_MG = 12
"""A QMC5883L at 2 G."""

Span = tuple[float, float | Quality]
Field = Callable[[float], tuple[float, float, float]]


def ranging(
    name: str, spans: Iterable[Span], noise_mm: float = 6.0, step_s: float = 1.0
) -> Iterator[Reading]:
    """Distances, each span so many seconds of one distance in mm or of no value."""
    rng, at_s = random.Random(name), BEGIN_S
    for seconds, what in spans:
        for _ in range(round(seconds / step_s)):
            if isinstance(what, Quality):
                raw = "bus error" if what is NO_DATA else 0
                yield Reading(None, "mm", what, raw, at_s)
            else:
                distance = float(round(rng.gauss(what, noise_mm)))
                yield Reading(distance, "mm", Quality.OK, int(distance), at_s)
            at_s += step_s


def magnetic(
    name: str, seconds: float, offset: Field, rate_hz: float = 5.0, noise_mg: float = 1.5
) -> Iterator[Reading]:
    """The earth's field with `offset` (mG, of the seconds since the beginning) over it."""
    rng = random.Random(name)
    for index in range(round(seconds * rate_hz)):
        at_s = index / rate_hz
        axes = zip(EARTH, offset(at_s), strict=True)
        raw = tuple(round(COUNTS_PER_MG * rng.gauss(e + o, noise_mg)) for e, o in axes)
        x, y, z = (count / COUNTS_PER_MG for count in raw)
        yield Reading((x, y, z), "mG", Quality.OK, raw, BEGIN_S + at_s)


def together(*sensors: Iterable[Reading]) -> list[Reading]:
    """Several sensors of one spot, in order of time."""
    return sorted((r for each in sensors for r in each), key=lambda r: r.monotonic_s)


def bump(at_s: float, begin_s: float, length_s: float, peak: float) -> float:
    """Half a sine wave."""
    inside = 0 <= at_s - begin_s < length_s
    return peak * math.sin(math.pi * (at_s - begin_s) / length_s) if inside else 0.0


def parked(at_s: float, from_s: float, to_s: float) -> tuple[float, float, float]:
    """A car that swings the field for 3 s as it comes and goes, and bends it while it stands."""
    swing = bump(at_s, from_s, 3, 180) + bump(at_s, to_s - 1.5, 3, -150)
    stands = 60.0 if from_s + 2 <= at_s < to_s else 0.0
    return swing, stands * 0.6 - swing / 2, stands


def drift(at_s: float) -> tuple[float, float, float]:
    """20 mG in half an hour, then a car."""
    x, y, z = parked(at_s, 1700, 1800)
    return x - 20 * at_s / 1800, y, z + 10 * at_s / 1800


def neighbour(at_s: float) -> tuple[float, float, float]:
    """The car beside comes at 40 s and goes at 100 s; the bay's own comes at 130 s."""
    x, y, z = parked(at_s, 130, 170)
    beside = 17.0 if 41 <= at_s < 100 else 0.0
    return x + bump(at_s, 40, 3, 12), y + beside, z


def axles(at_s: float) -> tuple[float, float, float]:
    """One vehicle whose field passes through zero between its axles."""
    return bump(at_s, 20, 0.8, 70), 0.0, bump(at_s, 21.4, 0.8, -60)


def two_vehicles(at_s: float) -> tuple[float, float, float]:
    return bump(at_s, 20, 2, 60), bump(at_s, 24, 1, 80), 0.0


def stuck() -> Iterator[Reading]:
    """The chip repeats one measurement for 40 s; a car comes after it has come to itself."""
    for reading in magnetic("stuck", 160, lambda at_s: parked(at_s, 110, 150)):
        if 120 <= reading.monotonic_s < 160:
            raw = (2403, 2130, 5041)
            x, y, z = (count / COUNTS_PER_MG for count in raw)
            yield Reading((x, y, z), "mG", Quality.OK, raw, reading.monotonic_s)
        else:
            yield reading


def damaged(readings: Iterable[Reading], every: int) -> Iterator[Reading]:
    """Each so manieth frame came with a wrong checksum."""
    for index, each in enumerate(readings):
        if index % every == every - 1:
            yield Reading(None, each.unit, Quality.CHECKSUM, "ff04e2e0", each.monotonic_s)
        else:
            yield each


def without(readings: Iterable[Reading], from_s: float, to_s: float) -> Iterator[Reading]:
    """A gap in which nobody asked the sensor."""
    return (each for each in readings if not from_s <= each.monotonic_s < to_s)


STAY = [(30, FLOOR), (60, ROOF), (40, FLOOR)]
MOVES_IN = [(1, 2380.0), (1, 1750.0), (2, NO_ECHO), (1, 1180.0)]

Case = tuple[Iterable[Reading], list[tuple[float, str]]]


def cases() -> dict[str, Case]:
    """Readings and true events of every case; a vehicle's time is when it begins to be over it."""
    stay: list[tuple[float, str]] = [(130, "arrival"), (190, "departure")]
    return {
        "arrival_and_departure": (ranging("clean", STAY), stay),
        "at_the_threshold": (
            ranging("threshold", [(30, FLOOR), (90, FLOOR - 410)], noise_mm=40),
            [(130, "arrival")],
        ),
        "bad_checksums": (damaged(ranging("checksum", STAY), 10), stay),
        "checksum_burst": (
            ranging("burst", [(25, FLOOR), (10, Quality.CHECKSUM), (55, ROOF), (40, FLOOR)]),
            [(125, "arrival"), (190, "departure")],
        ),
        "blocked": (ranging("snow", [(30, FLOOR), (120, BLOCKED), (40, FLOOR)]), []),
        "bus_error": (
            ranging("bus", [(30, FLOOR), (30, ROOF), (120, NO_DATA), (40, FLOOR)]),
            [(130, "arrival"), (200, "departure")],
        ),
        "no_echo": (
            ranging("echo", [(30, FLOOR), (30, ROOF), (90, NO_ECHO), (60, ROOF), (40, FLOOR)]),
            [(130, "arrival"), (310, "departure")],
        ),
        "people_walk_through": (
            ranging(
                "people",
                [
                    (30, FLOOR),
                    (3, 800.0),
                    (20, FLOOR),
                    (9, 900.0),
                    (20, FLOOR),
                    (6, 1500.0),
                    (30, FLOOR),
                ],
            ),
            [],
        ),
        "moves_in_and_out": (
            ranging(
                "moves", [(40, FLOOR), *MOVES_IN, (60, ROOF), *reversed(MOVES_IN), (40, FLOOR)]
            ),
            [(140, "arrival"), (205, "departure")],
        ),
        "drives_over": (
            ranging("over", [(40, FLOOR), *MOVES_IN, *reversed(MOVES_IN), (40, FLOOR)]),
            [],
        ),
        "short_stay": (
            ranging("short", [(30, FLOOR), (15, ROOF), (40, FLOOR)]),
            [(130, "arrival"), (145, "departure")],
        ),
        "sampled_once_a_minute": (
            ranging("minute", [(600, FLOOR), (600, ROOF), (600, FLOOR)], step_s=60),
            [(700, "arrival"), (1300, "departure")],
        ),
        "restart_while_occupied": (ranging("restart", STAY), stay),
        "restart_while_arriving": (ranging("arriving", STAY), stay),
        "restart_after_a_gap": (
            without(ranging("gap", [(60, FLOOR), (90, ROOF)]), 130, 190),
            [(160, "arrival")],
        ),
        "magnetic_arrival_and_departure": (
            magnetic("magnetic", 120, lambda at_s: parked(at_s, 40, 80)),
            [(140, "arrival"), (180, "departure")],
        ),
        "magnetic_drift": (
            magnetic("drift", 1860, drift, rate_hz=1),
            [(1800, "arrival"), (1900, "departure")],
        ),
        "magnetic_neighbour": (
            magnetic("neighbour", 210, neighbour),
            [(230, "arrival"), (270, "departure")],
        ),
        "fused_arrival_and_departure": (
            together(
                ranging("fused", [(40, FLOOR), *MOVES_IN, (40, ROOF), (40, FLOOR)]),
                magnetic("fused", 120, lambda at_s: parked(at_s, 40, 85)),
            ),
            [(140, "arrival"), (185, "departure")],
        ),
        "fused_ranger_lost": (
            together(
                ranging("lost", [(40, FLOOR), (50, NO_ECHO), (120, NO_ECHO)]),
                magnetic("lost", 210, lambda at_s: parked(at_s, 110, 160)),
            ),
            [(210, "arrival"), (260, "departure")],
        ),
        "magnetic_stuck": (stuck(), [(210, "arrival"), (250, "departure")]),
        "lane_two_vehicles": (
            magnetic("lane", 40, two_vehicles, rate_hz=15),
            [(120, "passage"), (124, "passage")],
        ),
        "lane_two_axles": (magnetic("axles", 40, axles, rate_hz=15), [(120, "passage")]),
    }


def write(folder: Path, readings: Iterable[Reading], truth: list[tuple[float, str]]) -> None:
    """Write one case anew."""
    sensor = "L" if folder.name.startswith("lane") else "A1"
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns, lines in (
        ("recording.csv", READING_COLUMNS, [reading_cells(*Recorded(sensor, r)) for r in readings]),
        (
            "truth.csv",
            TRUTH_COLUMNS,
            [truth_cells(Happened(at, sensor, what)) for at, what in truth],
        ),
    ):
        (folder / name).unlink(missing_ok=True)
        writer = Writer(folder / name, columns)
        for line in lines:
            writer.write(line)
        writer.close()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, case in cases().items():
        write(target / name, *case)
