"""A sensor's health from what its readings are worth: windows of time and counts. Pure.

| reason        | rule                                                   | health, status    |
|---------------|--------------------------------------------------------|-------------------|
| no_data       | 5 missed in a row                                      | degraded          |
| no_data       | and nothing good for 60 s                              | fault, unknown    |
| no_echo       | > 80 % of the last 30 s without an echo                | fault, unknown    |
| blocked       | within the blind zone + 5 cm for 60 s                  | fault, unknown    |
| overflow      | nothing but saturation for 60 s                        | fault, unknown    |
| stuck         | 120 new samples with the same raw value (magnetic)     | fault, unknown    |
| checksum_rate | > 5 % of the last 60 s with a wrong checksum           | degraded          |

A rule over a window of time needs five samples as well, so that a spot which is sampled once
in some minutes is judged by its last five.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from contract.words import HealthState
from drivers import Quality, Reading

MISSED = 5
SILENT_S = 60.0
NO_ECHO_S = 30.0
NO_ECHO_SHARE = 0.8
BLOCKED_S = 60.0
STUCK_SAMPLES = 120
CHECKSUM_S = 60.0
CHECKSUM_SHARE = 0.05
FEWEST = 5
COVERED = 0.8
"""The part of a window that samples must span before it is judged."""

OK = (HealthState.OK, "")


@dataclass(slots=True)
class Watchfulness:
    """What is remembered of a sensor's readings."""

    good_s: float
    missed: int = 0
    blocked_since_s: float | None = None
    last_raw: Any = None
    same_raw: int = 0
    recent: deque[tuple[float, Quality]] = field(default_factory=deque)
    bad: int = 0
    """How many of `recent` are not ok: while there are none, no window needs a look."""


def note(watch: Watchfulness, quality: Quality, now_s: float) -> None:
    """Remember what a reading was worth."""
    recent = watch.recent
    recent.append((now_s, quality))
    if quality is not Quality.OK:
        watch.bad += 1
    while len(recent) > FEWEST and recent[0][0] < now_s - CHECKSUM_S:
        if recent.popleft()[1] is not Quality.OK:
            watch.bad -= 1
    if quality is Quality.OK:
        watch.good_s = now_s
        watch.missed = 0
        watch.blocked_since_s = None
    elif quality is Quality.BLOCKED:
        watch.missed = 0
        if watch.blocked_since_s is None:
            watch.blocked_since_s = now_s
    else:
        watch.missed += 1


def note_raw(watch: Watchfulness, reading: Reading) -> None:
    """Count how often a new sample repeats the one before it to the last bit."""
    watch.same_raw = watch.same_raw + 1 if reading.raw == watch.last_raw else 0
    watch.last_raw = reading.raw


def judge(watch: Watchfulness, now_s: float) -> tuple[HealthState, str]:
    """The sensor's health now, the worst rule first."""
    if watch.same_raw >= STUCK_SAMPLES - 1:
        return HealthState.FAULT, "stuck"
    if not watch.bad:
        return OK
    if watch.blocked_since_s is not None and now_s - watch.blocked_since_s >= BLOCKED_S:
        return HealthState.FAULT, "blocked"
    if _share(watch, Quality.NO_ECHO, NO_ECHO_S, now_s) > NO_ECHO_SHARE:
        return HealthState.FAULT, "no_echo"
    if watch.missed >= MISSED:
        state = HealthState.FAULT if now_s - watch.good_s >= SILENT_S else HealthState.DEGRADED
        return state, _reason(watch)
    if _share(watch, Quality.CHECKSUM, CHECKSUM_S, now_s) > CHECKSUM_SHARE:
        return HealthState.DEGRADED, "checksum_rate"
    return OK


def _share(watch: Watchfulness, quality: Quality, window_s: float, now_s: float) -> float:
    """The share of `quality` in the last `window_s`, 0 while too little of it is covered."""
    recent = watch.recent
    within = [each for each in recent if each[0] >= now_s - window_s]
    if len(within) < FEWEST:
        within = list(recent)[-FEWEST:]
    if len(within) < FEWEST or now_s - within[0][0] < COVERED * window_s:
        return 0.0
    return sum(each[1] is quality for each in within) / len(within)


def _reason(watch: Watchfulness) -> str:
    last = watch.recent[-1][1]
    return last.value if last in (Quality.OVERFLOW, Quality.NO_ECHO) else "no_data"
