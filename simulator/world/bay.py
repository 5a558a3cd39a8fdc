"""A bay: its truth, and its sensors' readings. The same scenario and seed live the same life."""

import heapq
from collections.abc import Iterator
from random import Random

import numpy as np
from numpy.typing import NDArray

from simulator.world import distance, faults, field, moments, samples, traffic
from simulator.world.motion import Motion
from simulator.world.samples import OK, Interference, Samples, Timed
from simulator.world.scenario import Scenario
from simulator.world.spans import Bools, Floats, random_spans
from simulator.world.traffic import Visit
from simulator.world.weather import SEASONS, Season, weather

RANGING_S = 1.0
RANGING_JITTER_S = 0.02
MAGNETIC_S = 0.1
MAGNETIC_JITTER_S = 0.0002

HEADROOM_MM = 300.0
FLOORS_MM = (2200.0, 3000.0)
DULL = 0.2
FLOOR_LOST = (0.05, 0.4)
"""Share of bays whose floor sends pings elsewhere, and of those pings."""
CRITICAL = 0.1
"""Share of vehicles that stand where the field changes least."""
LEANING = 0.2
"""Share of the next bay's vehicles that stand too near."""
DRIFT_COUNTS_PER_C = (-16.0, 28.0)

SPANS = {
    "people": (4.0, (1.0, 6.0)),
    "carts": (1.5, (2.0, 8.0)),
    "turners": (1.0, (2.0, 6.0)),
    "loiterers": (1.0, (15.0, 60.0)),
    "outages": (0.5, (2.0, 20.0)),
    "beats": (1.0, (20.0, 60.0)),
    "lane": (20.0, (2.0, 4.0)),
    "mains": (0.2, (600.0, 7200.0)),
    "repeats": (2.0, (1.0, 6.0)),
}
"""How often an hour, and how long, things come that are not the bay's own."""
SHARED_SPANS = frozenset({"lane", "mains"})
"""Those that two bays side by side have in common."""


class Bay:
    """One bay, the one next to it, the lane behind, the weather above.

    `visits` and `faults` are the truth; `readings` gives what the sensors make of it. The bay
    that is `next_door` to that of the same seed has its neighbour's traffic, and it itself as
    its neighbour, under the same weather.
    """

    def __init__(
        self, scenario: Scenario, seed: str, until_s: float, next_door: bool = False
    ) -> None:
        self.scenario, self.seed, self.until_s = scenario, seed, until_s
        self.own_seed = f"{seed}/next door" if next_door else seed
        traffic_of = ("next", "traffic") if next_door else ("traffic", "next")
        self._own_traffic, self._next_traffic = traffic_of
        self.next_aside_m = -moments.PITCH_M if next_door else moments.PITCH_M
        rng = self._random("site")
        self.floor_mm = rng.uniform(*FLOORS_MM)
        self.visits = self._visits(self._own_traffic)
        self.motion = Motion.of(self.visits)
        drawn: Season = rng.choice(SEASONS)
        season = scenario.season or drawn
        self.weather = weather(self._random("weather"), season, self.visits, until_s)
        self.spans = {
            name: random_spans(self._spans_random(name), often, lasting, until_s)
            for name, (often, lasting) in SPANS.items()
        }
        drawing = self._own_random("faults")
        self.faults = faults.drawn(drawing, scenario, until_s, self.own_seed)
        self._stand_next_door()
        if scenario.ranges:
            self._build_ranger()
        if scenario.senses_field:
            self._build_magnetometer()

    def occupied(self, time_s: Floats) -> Bools:
        """Whether a vehicle is in or moves in or out."""
        return self.motion.stays.hold(time_s)

    def readings(self) -> Iterator[Timed]:
        """Every reading of the bay's life, in order of time."""
        streams = []
        if self.scenario.ranges:
            streams.append(self._stream("mm"))
        if self.scenario.senses_field:
            streams.append(self._stream("mG"))
        return heapq.merge(*streams, key=lambda timed: timed[0]) if streams[1:] else streams[0]

    def heights(self, name: str, height_mm: tuple[float, float]) -> Floats:
        """Of whatever the spans of that name are; the last one is of none."""
        rng = self._own_random(f"{name}/heights")
        return np.array([rng.uniform(*height_mm) for _ in range(len(self.spans[name]) + 1)])

    def _random(self, name: str) -> Random:
        """For what both bays share."""
        return Random(f"{self.seed}/{name}")

    def _own_random(self, name: str) -> Random:
        return Random(f"{self.own_seed}/{name}")

    def _spans_random(self, name: str) -> Random:
        return self._random(name) if name in SHARED_SPANS else self._own_random(name)

    def _visits(self, name: str) -> list[Visit]:
        highest_mm = self.floor_mm - HEADROOM_MM
        return traffic.visits(self._random(name), self.until_s, highest_mm, f"{self.seed}/{name}")

    def _stand_next_door(self) -> None:
        self.neighbour_visits = self._visits(self._next_traffic)
        self.neighbour = Motion.of(self.neighbour_visits)
        rng = self._own_random("leaning")
        leans = [rng.random() < LEANING for _ in self.neighbour_visits]
        self.neighbour_leans = np.array([*leans, False])

    def _build_ranger(self) -> None:
        self.flavour = distance.FLAVOURS.get(self.scenario.family, distance.FLAVOURS["ranging"])
        floor = self._random("floor")
        self.floor_lost = floor.uniform(*FLOOR_LOST) if floor.random() < DULL else 0.0
        vehicles = [visit.vehicle for visit in self.visits]
        self.height_mm = np.array([vehicle.height_mm for vehicle in vehicles])
        self.length_m = np.array([vehicle.length_m for vehicle in vehicles])
        self.has_boot = np.array([vehicle.has_boot for vehicle in vehicles], dtype=bool)
        self.nose_in = np.array([vehicle.nose_in for vehicle in vehicles], dtype=bool)

    def _build_magnetometer(self) -> None:
        rng = self._own_random("magnetometer")
        self.earth_mg = moments.earth(self._random("earth"))
        self.sigma_counts = rng.uniform(1.4, 1.7)
        self.counts_per_c = np.array([rng.uniform(*DRIFT_COUNTS_PER_C) for _ in range(3)])
        self.mains_off_hz = rng.uniform(-0.02, 0.02)
        self.mains_mg = np.array([rng.uniform(1.0, 5.0) * rng.choice((-1, 1)) for _ in range(3)])
        self.motion, self.signatures = self._signatures(self._own_traffic, self.visits, self.motion)
        aside_m = 0.0 if field.TIGHT in self.scenario.interference else self.next_aside_m
        self.neighbour, self.neighbour_signatures = self._signatures(
            self._next_traffic, self.neighbour_visits, self.neighbour, aside_m
        )
        self.neighbour_turns = np.array(
            [_turn(rng) * rng.uniform(0.10, 0.35) for _ in range(len(self.neighbour_visits) + 1)]
        )
        self.lane_swings = np.array([_swings(rng) for _ in range(len(self.spans["lane"]) + 1)])

    def _signatures(
        self, name: str, visits: list[Visit], motion: Motion, aside_m: float = 0.0
    ) -> tuple[Motion, list[moments.Signature]]:
        """Those of a bay's vehicles, `aside_m` from it; a critical one stands accordingly."""
        rng = self._random(f"{name}/critical")
        found = [
            moments.signature(visit.vehicle, self.earth_mg, rng.random() < CRITICAL, aside_m)
            for visit in visits
        ]
        offset_m = np.array([signature.offset_m for signature in found])
        return motion.standing_at(offset_m), found

    def _stream(self, unit: str) -> Iterator[Timed]:
        for begin_s, end_s in faults.chunks(self.faults, self.until_s):
            chunk = (
                self._distances(begin_s, end_s) if unit == "mm" else self._fields(begin_s, end_s)
            )
            faults.apply(self.faults, unit, chunk)
            if unit == "mm":
                yield from samples.distances(chunk)
            elif self.scenario.ranges:
                yield from samples.woken_fields(chunk)
            else:
                yield from samples.fields(chunk)

    def _distances(self, begin_s: float, end_s: float) -> Samples:
        rng = self._noise("times/mm", begin_s)
        time_s = _times(rng, begin_s, end_s, RANGING_S, RANGING_JITTER_S)
        chunk = Samples(time_s, distance.clean(self, time_s), np.full(len(time_s), OK))
        if not self.flavour.is_sound:
            chunk.temperature_c = np.round(self.weather.sensor_c(time_s), 1)
        self._interfere(distance.RANGING, chunk, begin_s)
        distance.noise(self, chunk, self._noise("noise/mm", begin_s))
        return chunk

    def _fields(self, begin_s: float, end_s: float) -> Samples:
        rng = self._noise("times/mG", begin_s)
        time_s = _times(rng, begin_s, end_s, MAGNETIC_S, MAGNETIC_JITTER_S)
        chunk = Samples(time_s, field.clean(self, time_s), np.full(len(time_s), OK))
        if self.scenario.thermometer:
            off = rng.normal(0.0, 0.06, len(time_s))
            chunk.temperature_c = np.round((self.weather.sensor_c(time_s) + off) * 8.0) / 8.0
        self._interfere(field.MAGNETIC, chunk, begin_s)
        field.noise(self, chunk, self._noise("noise/mG", begin_s))
        self._interfere(field.AFTER_NOISE, chunk, begin_s)
        return chunk

    def _interfere(self, known: dict[str, Interference], chunk: Samples, begin_s: float) -> None:
        for name, interference in known.items():
            if name in self.scenario.interference:
                interference(self, chunk, self._noise(name, begin_s))

    def _noise(self, name: str, begin_s: float) -> np.random.Generator:
        """Numpy's noise for one purpose in one chunk."""
        return np.random.default_rng(Random(f"{self.own_seed}/{name}/{begin_s}").getrandbits(64))


def _times(
    rng: np.random.Generator, begin_s: float, end_s: float, step_s: float, jitter_s: float
) -> Floats:
    """Those of the grid of `step_s` that lie in the chunk, each a little late."""
    first, last = np.ceil(begin_s / step_s), np.ceil(end_s / step_s)
    grid = np.arange(first, last) * step_s
    return np.asarray(grid + rng.uniform(0.0, jitter_s, len(grid)))


def _turn(rng: Random) -> NDArray[np.float64]:
    """Any rotation."""
    square = np.array([[rng.gauss(0.0, 1.0) for _ in range(3)] for _ in range(3)])
    return np.asarray(np.linalg.qr(square)[0])


def _swings(rng: Random) -> list[list[float]]:
    """Two vectors of a passing vehicle, 5-40 mG and half as much, in any direction."""
    size = rng.uniform(5.0, 40.0)
    first, second = (_turn(rng)[0] for _ in range(2))
    return [list(first * size), list(second * size / 2)]
