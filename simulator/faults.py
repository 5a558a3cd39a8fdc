"""A plan of faults in the lot's time, from a seed; or as a person wrote it: `cloud@20s+10s`."""

import random
import re
from dataclasses import dataclass
from typing import Literal, Protocol

What = Literal["cloud", "broker", "gateway", "agent"]
_WRITTEN = re.compile(
    r"(cloud|broker|gateway|agent)@(\d+(?:\.\d+)?)([smh]?)(?:\+(\d+(?:\.\d+)?)([smh]?))?"
)
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)([smh]?)")
_UNIT_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """At `at_s` something is cut or killed; what is cut comes back after `for_s`."""

    at_s: float
    what: What
    for_s: float = 0.0


def plan(
    seed: int, begin_s: float, end_s: float, *, cut_cloud_s: float, brokers: int, gateways: int
) -> list[Fault]:
    """Faults at random moments: one cut of the cloud, kills of the broker and of the gateway."""
    rng = random.Random(seed)
    faults = []
    if cut_cloud_s:
        latest_s = max(end_s - cut_cloud_s, begin_s)
        faults.append(Fault(rng.uniform(begin_s, latest_s), "cloud", cut_cloud_s))
    faults += [Fault(rng.uniform(begin_s, end_s), "broker") for _ in range(brokers)]
    faults += [Fault(rng.uniform(begin_s, end_s), "gateway") for _ in range(gateways)]
    return sorted(faults)


def written(text: str) -> Fault:
    """A fault as a person writes it: what@when, and +how-long for what comes back.

    >>> written("cloud@20s+10s")
    Fault(at_s=20.0, what='cloud', for_s=10.0)
    >>> written("gateway@1m").at_s
    60.0
    """
    found = _WRITTEN.fullmatch(text)
    if not found:
        raise ValueError(
            f"{text!r}: write cloud, broker, gateway or agent, @ and when: cloud@20s+10s"
        )
    what, at, unit, long, long_unit = found.groups()
    for_s = float(long) * _UNIT_S[long_unit or ""] if long else 0.0
    when = f"{what}@{at}{unit}"
    if what in ("cloud", "agent") and not for_s:
        raise ValueError(f"{text!r}: what is cut comes back; say for how long: {when}+10s")
    if what in ("broker", "gateway") and for_s:
        raise ValueError(f"{text!r}: what is killed starts again at once: {when}")
    return Fault(float(at) * _UNIT_S[unit], what, for_s)  # type: ignore[arg-type]


def seconds(text: str) -> float:
    """A length of time as a person writes it.

    >>> seconds("1h"), seconds("90")
    (3600.0, 90.0)
    """
    found = _LENGTH.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r}: write a number and s, m or h, as 90s or 1h")
    return float(found[1]) * _UNIT_S[found[2]]


class Site(Protocol):
    """What a breaker can do to a site."""

    def strike(self, what: What) -> None:
        """Cut the cloud or an agent; kill the broker or the gateway."""

    def restore(self, what: What) -> None:
        """Bring back what was cut."""


class Breaker:
    """Carries out faults on a site, when their time comes and from the thread that asks.

    `done` tells what happened and when. A child must be started by the main thread: it ends
    with the thread that started it.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self._due = sorted(faults)
        self._ends: list[tuple[float, What]] = []
        self.done: list[str] = []

    def step(self, site: Site, now_s: float) -> None:
        """Do all that is due at `now_s`."""
        while self._ends and self._ends[0][0] <= now_s:
            _, what = self._ends.pop(0)
            site.restore(what)
            self._note(now_s, f"{what} back")
        while self._due and self._due[0].at_s <= now_s:
            fault = self._due.pop(0)
            site.strike(fault.what)
            self._note(now_s, f"{fault.what} {'cut' if fault.for_s else 'killed'}")
            if fault.for_s:
                self._ends = sorted([*self._ends, (now_s + fault.for_s, fault.what)])

    def end(self, site: Site, now_s: float) -> None:
        """Bring back what is still cut."""
        for _, what in self._ends:
            site.restore(what)
            self._note(now_s, f"{what} back at the end")
        self._ends.clear()

    def note(self, what: What, words: str) -> None:
        """Add what a person did."""
        self.done.append(f"{what} {words}")

    def _note(self, now_s: float, words: str) -> None:
        hours, rest = divmod(int(now_s), 3600)
        self.done.append(f"{hours:3d}:{rest // 60:02d}:{rest % 60:02d} {words}")
