"""A plan of faults in the lot's time, from a seed; or as a person wrote it: `cloud@20s+10s`.

What `simulate --fault` takes has names of its own, `kill-gateway*3,cut-cloud@2h+30m`: `NAMES`.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

What = Literal[
    "cloud",
    "broker",
    "gateway",
    "agent",
    "cloud errors",
    "gateway frozen",
    "broker frozen",
    "agent restart",
    "clock",
    "duplicates",
    "poison",
]


class Kind(NamedTuple):
    """A fault by its name: what is struck, for how long by itself, and what that is."""

    what: What
    for_s: float
    """0: it is over at once."""
    help: str


NAMES = {
    "kill-gateway": Kind("gateway", 0, "SIGKILL of the gateway, started again"),
    "kill-broker": Kind("broker", 0, "SIGKILL of the broker, which keeps nothing"),
    "restart-agent": Kind("agent restart", 0, "the first agent is stopped and started"),
    "freeze-gateway": Kind("gateway frozen", 3600, "the gateway hangs (SIGSTOP)"),
    "freeze-broker": Kind("broker frozen", 3600, "the broker hangs (SIGSTOP)"),
    "cut-cloud": Kind("cloud", 3600, "the cloud refuses connections"),
    "fail-cloud": Kind("cloud errors", 3600, "the cloud answers 503"),
    "clock-jump": Kind("clock", 3600, "the agents' clocks stand ten years back and say synced"),
    "duplicate": Kind("duplicates", 0, "all that is remembered is published again, shuffled"),
    "poison": Kind("poison", 0, "messages that are no records, under the first agent's name"),
}
_SAID: dict[What, tuple[str, str]] = {
    "cloud errors": ("cloud answers errors", "cloud answers again"),
    "gateway frozen": ("gateway frozen", "gateway goes on"),
    "broker frozen": ("broker frozen", "broker goes on"),
    "agent restart": ("agent restarted", ""),
    "clock": ("clocks jump ten years back", "clocks right again"),
    "duplicates": ("messages published again", ""),
    "poison": ("poison published", ""),
}
"""What is noted at the strike and behind it, where it is not cut, killed and back."""
_ASKED = re.compile(r"([a-z-]+)(?:\*(\d+))?(?:@(\d+(?:\.\d+)?[smh]?))?(?:\+(\d+(?:\.\d+)?[smh]?))?")
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Faults of one kind that a person asked for; without `at_s` at random moments."""

    kind: Kind
    count: int = 1
    at_s: float | None = None
    for_s: float = 0.0


def asked(text: str) -> list[Asked]:
    """What `--fault` was given: names with a comma between, each with *times, @when, +how-long.

    >>> [(each.kind.what, each.count, each.at_s, each.for_s) for each in
    ...  asked("kill-gateway*3,cut-cloud@2h+30m")]
    [('gateway', 3, None, 0.0), ('cloud', 1, 7200.0, 1800.0)]
    """
    return [_asked_one(each.strip()) for each in text.split(",")]


def _asked_one(text: str) -> Asked:
    found = _ASKED.fullmatch(text)
    if not found or found[1] not in NAMES:
        raise ValueError(f"{text!r}: there are {', '.join(NAMES)}; write cut-cloud*2@3h+30m")
    name, count, at, long = found.groups()
    kind = NAMES[name]
    if long and not kind.for_s:
        raise ValueError(f"{text!r}: {name} is over at once: leave +{long} away")
    if count and (at or not int(count)):
        raise ValueError(f"{text!r}: *{count} is how often, 1 or more, at random moments: no @")
    for_s = seconds(long) if long else kind.for_s
    return Asked(kind, int(count or 1), seconds(at) if at else None, float(for_s))


def plan_asked(seed: int, begin_s: float, end_s: float, wanted: Iterable[Asked]) -> list[Fault]:
    """The faults with their moments; what lasts is over by `end_s` where there is room."""
    rng = random.Random(seed)
    faults = []
    for each in wanted:
        latest_s = max(end_s - each.for_s, begin_s)
        for _ in range(each.count):
            at_s = rng.uniform(begin_s, latest_s) if each.at_s is None else each.at_s
            faults.append(Fault(at_s, each.kind.what, each.for_s))
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
        """Do it: cut, kill, freeze ..."""

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
            self._note(now_s, _SAID[what][1] if what in _SAID else f"{what} back")
        while self._due and self._due[0].at_s <= now_s:
            fault = self._due.pop(0)
            site.strike(fault.what)
            plain = f"{fault.what} {'cut' if fault.for_s else 'killed'}"
            self._note(now_s, _SAID.get(fault.what, (plain, ""))[0])
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
