"""A sensor's health from what its readings are worth: windows of time and counts. Pure.

| reason        | rule                                                       | health, status |
|---------------|------------------------------------------------------------|----------------|
| no_data       | 5 readings missed in a row                                 | degraded       |
| no_data       | and nothing good for 60 s                                  | fault, unknown |
| overflow      | the same two steps, the last reading saturated             | as no_data     |
| no_echo       | > 80 % of the last 30 s without an echo                    | fault, unknown |
| checksum_rate | > 80 % of the last 30 s with a wrong checksum, or no echo  | fault, unknown |
| blocked       | within the blind zone + 5 cm for 60 s                      | fault, unknown |
| stuck         | 120 new samples with the same raw value, see below         | fault, unknown |
| checksum_rate | > 5 % of the last 60 s with a wrong checksum               | degraded       |
| baseline_lost | a magnetometer alone: occupied for a day, and nothing moves | degraded      |
| temp_range    | > 20 C from where the sensor was calibrated or has learnt  | degraded       |

A window is judged when it is over and holds five samples; where a spot is sampled too seldom for
that, five missed in a row tell. A ranger may well answer the same centimetre for an hour: it is
stuck only where its answers used to differ, after a run of 4 times the longest before. Health gets
better only after three good readings in a row, and a share only below half of its limit, so that a
sensor at a limit does not chatter.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from contract.words import HealthState
from drivers import Quality

MISSED = 5
SILENT_S = 60.0
INVALID_S = 30.0
INVALID_SHARE = 0.8
BLOCKED_S = 60.0
BLOCKED_SAMPLES = 3
STUCK_SAMPLES = 120
STUCK_RUNS = 4
DIFFERING_SAMPLES = 300
DIFFERING_SHARE = 0.5
TEMPERATURE_C = 20.0
WIDEN_C_PER_S = 1 / 60
CHECKSUM_S = 60.0
CHECKSUM_SHARE = 0.05
FEWEST = 5
RECOVERED = 3
LATELY_S = 10.0
"""A fault of many invalid readings ends when fewer come lately, whatever came before."""

Health = tuple[HealthState, str]
OK: Health = (HealthState.OK, "")
INVALID = {Quality.NO_ECHO: "no_echo", Quality.CHECKSUM: "checksum_rate"}
STUCK: Health = (HealthState.FAULT, "stuck")
_SEVERITY = {HealthState.OK: 0, HealthState.DEGRADED: 1, HealthState.FAULT: 2}


@dataclass(slots=True)
class Share:
    """How many of the last `span_s` seconds' samples were hits; it began at `began_s`."""

    span_s: float
    began_s: float
    samples: deque[tuple[float, bool]] = field(default_factory=deque)
    hits: int = 0

    def note(self, hit: bool, now_s: float) -> None:
        """Take a sample, forget those that are too old."""
        samples = self.samples
        samples.append((now_s, hit))
        self.hits += hit
        while samples[0][0] < now_s - self.span_s:
            self.hits -= samples.popleft()[1]

    def above(self, limit: float, now_s: float) -> bool:
        """Whether more than `limit` of the samples are hits; not before one whole window."""
        count = len(self.samples)
        whole = count >= FEWEST and now_s - self.began_s >= self.span_s
        return whole and self.hits > limit * count


@dataclass(slots=True)
class Watchfulness:
    """What is remembered of a sensor's readings. Monotonic seconds."""

    invalid: Share
    lately: Share
    checksum: Share
    good_s: float
    last: Quality = Quality.OK
    fresh_s: float = -math.inf
    """When it last measured something else than before."""
    missed: int = 0
    good: int = 0
    """Good readings in a row."""
    blocked: int = 0
    blocked_since_s: float = 0.0
    last_raw: Any = None
    same_raw: int = 0
    """New samples in a row with the same raw value."""
    longest_raw: int = 0
    """The longest such run that ended."""
    raws: float = 0.0
    repeats: float = 0.0
    """Samples of late, and those that repeated the one before, in runs that ended."""
    health: Health = OK
    """As it was judged last."""
    low_c: float | None = None
    high_c: float = 0.0
    """The temperatures at which the sensor was calibrated or has learnt."""
    warmed_s: float = 0.0
    is_ranger: bool = False
    lost: bool = False
    """A magnetometer's baseline may be lost."""
    strange: bool = False
    """The temperature is far from the known ones."""


def begin(now_s: float, is_ranger: bool = False) -> Watchfulness:
    """Nothing known yet; silence counts from now on."""
    invalid, lately, checksum = (Share(s, now_s) for s in (INVALID_S, LATELY_S, CHECKSUM_S))
    return Watchfulness(invalid, lately, checksum, now_s, is_ranger=is_ranger)


def note(watch: Watchfulness, quality: Quality, now_s: float) -> None:
    """Remember what a reading was worth."""
    watch.last = quality
    watch.invalid.note(quality in INVALID, now_s)
    watch.lately.note(quality in INVALID, now_s)
    watch.checksum.note(quality is Quality.CHECKSUM, now_s)
    if quality is Quality.OK:
        watch.good_s = now_s
        watch.missed = watch.blocked = 0
        watch.good += 1
        return
    watch.good = 0
    if quality is Quality.BLOCKED:
        _note_blocked(watch, now_s)
    else:
        watch.missed += 1
        if watch.missed >= MISSED:
            watch.blocked = 0


def _note_blocked(watch: Watchfulness, now_s: float) -> None:
    watch.missed = 0
    if not watch.blocked:
        watch.blocked_since_s = now_s
    watch.blocked += 1


def note_raw(watch: Watchfulness, raw: Any, now_s: float) -> None:
    """Count how often a new sample repeats the one before to the last bit; None tells nothing."""
    if raw is not None and raw == watch.last_raw:
        watch.same_raw += 1
        return
    watch.fresh_s = now_s
    if watch.health != STUCK:
        watch.longest_raw = max(watch.longest_raw, watch.same_raw)
        watch.raws += watch.same_raw
        watch.repeats += max(watch.same_raw - 1, 0)
    if watch.raws > 2 * DIFFERING_SAMPLES:
        watch.raws, watch.repeats = watch.raws / 2, watch.repeats / 2
    watch.same_raw = 1
    watch.last_raw = raw


def is_stuck(watch: Watchfulness, samples: int = STUCK_SAMPLES, runs: float = STUCK_RUNS) -> bool:
    """Whether so many new samples repeat the one before: `runs` times its longest run before."""
    if watch.same_raw < samples:
        return False
    if not watch.is_ranger:
        return True
    differed = watch.raws > DIFFERING_SAMPLES and watch.repeats < DIFFERING_SHARE * watch.raws
    return differed and watch.same_raw > runs * watch.longest_raw


def note_temperature(
    watch: Watchfulness, temperature_c: float | None, learns: bool, now_s: float
) -> None:
    """Compare with the known temperatures; `learns`: the spot is free and its levels follow."""
    if temperature_c is None:
        return
    if watch.low_c is None:
        watch.low_c = watch.high_c = temperature_c
    elapsed_s, watch.warmed_s = now_s - watch.warmed_s, now_s
    if learns:
        wider_c = min(max(elapsed_s, 0.0), SILENT_S) * WIDEN_C_PER_S
        watch.low_c = min(watch.low_c, max(temperature_c, watch.low_c - wider_c))
        watch.high_c = max(watch.high_c, min(temperature_c, watch.high_c + wider_c))
    watch.strange = not (
        watch.low_c - TEMPERATURE_C <= temperature_c <= watch.high_c + TEMPERATURE_C
    )


def judge(watch: Watchfulness, now_s: float) -> Health:
    """The sensor's health now, given what it was."""
    before = watch.health
    health = _fault(watch, before, now_s) or _degraded(watch, before, now_s) or OK
    if _SEVERITY[health[0]] >= _SEVERITY[before[0]] or watch.good >= RECOVERED:
        watch.health = health
    return watch.health


def _fault(watch: Watchfulness, before: Health, now_s: float) -> Health | None:
    """The worst rule first."""
    if is_stuck(watch):
        return STUCK
    if watch.blocked >= BLOCKED_SAMPLES and now_s - watch.blocked_since_s >= BLOCKED_S:
        return HealthState.FAULT, "blocked"
    stands = before[0] is HealthState.FAULT and before[1] in INVALID.values()
    limit = INVALID_SHARE / 2 if stands else INVALID_SHARE
    if watch.invalid.above(limit, now_s) and watch.lately.above(limit, now_s):
        return HealthState.FAULT, before[1] if stands else INVALID.get(watch.last, "no_echo")
    if watch.missed >= MISSED and now_s - watch.good_s >= SILENT_S:
        return HealthState.FAULT, _reason(watch.last)
    return None


def _degraded(watch: Watchfulness, before: Health, now_s: float) -> Health | None:
    if watch.missed >= MISSED:
        return HealthState.DEGRADED, _reason(watch.last)
    stands = before[1] == "checksum_rate"
    if watch.checksum.above(CHECKSUM_SHARE / 2 if stands else CHECKSUM_SHARE, now_s):
        return HealthState.DEGRADED, "checksum_rate"
    if watch.lost:
        return HealthState.DEGRADED, "baseline_lost"
    return (HealthState.DEGRADED, "temp_range") if watch.strange else None


def _reason(last: Quality) -> str:
    return last.value if last in (Quality.OVERFLOW, Quality.NO_ECHO) else "no_data"
