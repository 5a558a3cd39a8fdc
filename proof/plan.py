"""What a seed means: a lot, its settings, the cars, and the troubles. Drawn before anything runs.

`scale` stretches every timing: 1 plays minutes, 200 plays days with outages of a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

TROUBLE_S = 180.0
"""Cars and troubles happen this long (times the scale); then all is mended."""
LAST_CARS_S = 25.0
"""Behind the mending a last change of every spot, so that its end is known."""
GATEWAY = "gateway"
DISPLAY = "display"
YEARS_10 = 10 * 365 * 86400.0
SMALL_AGENT, SMALL_GATEWAY, AMPLE = 20_000, 50_000, 50_000_000
DAYS = 200.0

What = Literal[
    "cut",
    "broker",
    "kill",
    "reboot",
    "doom",
    "stop",
    "replace",
    "clock",
    "sink",
    "mischief",
    "slow",
    "garbage",
    "replay",
]
KINDS: dict[What, int] = {
    "cut": 6,
    "broker": 3,
    "kill": 3,
    "reboot": 3,
    "doom": 6,
    "stop": 1,
    "replace": 1,
    "clock": 2,
    "sink": 5,
    "mischief": 2,
    "slow": 1,
    "garbage": 1,
    "replay": 2,
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """At `at_s` something happens to `who`, for `for_s`; `how` and `much` say which way."""

    at_s: float
    what: What
    who: str = ""
    for_s: float = 0.0
    how: str = ""
    much: float = 0.0


@dataclass(frozen=True)
class AgentPlan:
    """One agent: its spots, when cars come and go there, when their sensors fail."""

    agent_id: str
    spots: tuple[str, ...]
    changes: Mapping[str, tuple[float, ...]]
    faults: Mapping[str, tuple[tuple[float, float], ...]]
    publish: Mapping[str, Any]
    limit_bytes: int

    def occupied(self, spot: str, at_s: float) -> bool:
        """Whether a car stands there: every spot begins empty."""
        return sum(change <= at_s for change in self.changes[spot]) % 2 == 1

    def senses(self, spot: str, at_s: float) -> bool:
        """Whether the sensor answers."""
        return not any(begin <= at_s < end for begin, end in self.faults[spot])


@dataclass(frozen=True)
class Plan:
    """A whole world."""

    seed: int
    scale: float
    agents: tuple[AgentPlan, ...]
    troubles: tuple[Trouble, ...]
    protocol: str
    ingest: Mapping[str, Any]
    forward: Mapping[str, Any]
    limit_bytes: int
    marks_live: bool
    queue_limit: int
    poison: bool
    stray_spot: str = ""
    """A spot of the first agent that the gateway's layout does not know."""
    clocks_stay: bool = False
    """A clock that is unsynced when all is mended stays so: nobody answers its NTP."""

    @property
    def calm_s(self) -> float:
        """When all troubles are over."""
        return TROUBLE_S * self.scale

    def has(self, *kinds: What) -> bool:
        """Whether such troubles are planned."""
        return any(each.what in kinds for each in self.troubles)


def draw(seed: int) -> Plan:
    """The world of a seed."""
    rng = Random(f"{seed} plan")
    scale = DAYS if rng.random() < 0.1 else 1.0
    small = rng.random() < 0.15
    agents = tuple(
        _agent(rng, f"pi-{number + 1}", scale, small) for number in range(rng.choice((1, 2, 2, 3)))
    )
    broad = rng.random() < 0.1
    return Plan(
        seed=seed,
        scale=scale,
        agents=agents,
        troubles=_troubles(rng, scale, [each.agent_id for each in agents]),
        protocol=rng.choice(("5", "3.1.1")),
        ingest={"batch_messages": rng.choice((1, 3, 10, 50))},
        forward={
            "backlog_records": rng.choice((3, 8, 20)),
            "drain_per_s": rng.choice((20, 500, 5000)),
            "retry_first_s": 0.5 * scale,
            "retry_max_s": 8.0 * scale,
        },
        limit_bytes=SMALL_GATEWAY if rng.random() < 0.1 else AMPLE,
        marks_live=rng.random() < 0.2,
        queue_limit=rng.choice((5, 30)) if rng.random() < 0.15 else 100_000,
        poison=rng.random() < 0.2,
        stray_spot=agents[0].spots[-1] if broad and len(agents[0].spots) > 1 else "",
        clocks_stay=rng.random() < 0.3,
    )


def _agent(rng: Random, agent_id: str, scale: float, small: bool) -> AgentPlan:
    spots = tuple(f"{agent_id[-1]}{letter}" for letter in "AB"[: rng.choice((1, 2))])
    busy = rng.choice((20.0, 45.0, 90.0)) * (0.2 if small else 1.0)
    return AgentPlan(
        agent_id=agent_id,
        spots=spots,
        changes={spot: _changes(rng, scale, busy) for spot in spots},
        faults={spot: _faults(rng, scale) for spot in spots},
        publish={
            "batch": rng.choice((1, 3, 8)),
            "window_records": rng.choice((2, 8, 64)),
            "backlog_records": rng.choice((2, 5, 20)),
            "drain_per_s": rng.choice((10, 200, 2000)),
            "jitter_s": rng.choice((0.0, 2.0)) * scale,
            "ack_timeout_s": rng.choice((3.0, 8.0)) * scale,
            "heartbeat_s": 8.0 * scale,
        },
        limit_bytes=SMALL_AGENT if small else AMPLE,
    )


def _changes(rng: Random, scale: float, busy_s: float) -> tuple[float, ...]:
    at_s, found = rng.uniform(0, busy_s) * scale, []
    while at_s < TROUBLE_S * scale:
        found.append(at_s)
        at_s += (4.0 + rng.expovariate(1 / busy_s)) * scale + rng.uniform(0, 10)
    found.append((TROUBLE_S + LAST_CARS_S + rng.uniform(0, 10)) * scale)
    return tuple(found)


def _faults(rng: Random, scale: float) -> tuple[tuple[float, float], ...]:
    if rng.random() < 0.85:
        return ()
    begin_s = rng.uniform(10, 120)
    return ((begin_s * scale, (begin_s + rng.uniform(5, 120)) * scale),)


def _troubles(rng: Random, scale: float, agents: list[str]) -> tuple[Trouble, ...]:
    count = rng.choice((0, 1, 2, 3, 4, 6, 9))
    kinds = rng.choices(list(KINDS), list(KINDS.values()), k=count)
    found = [
        _trouble(rng, kind, rng.uniform(5, TROUBLE_S - 20) * scale, scale, agents) for kind in kinds
    ]
    return tuple(sorted(found, key=lambda each: each.at_s))


def _trouble(rng: Random, kind: What, at_s: float, scale: float, agents: list[str]) -> Trouble:
    host = rng.choice([*agents, GATEWAY])
    for_s = rng.choice((0.5, 5.0, 20.0, 90.0)) * rng.uniform(0.5, 1.5) * scale
    match kind:
        case "cut":
            who = rng.choice([*agents, GATEWAY, GATEWAY, DISPLAY])
            return Trouble(at_s, kind, who, for_s, rng.choice(("reset", "silent")))
        case "broker":
            return Trouble(at_s, kind, "", for_s, rng.choice(("forgets", "stale", "saved")))
        case "doom":
            return Trouble(at_s, kind, host, rng.uniform(0.5, 10) * scale, "", rng.randint(1, 12))
        case "replace":
            return Trouble(at_s, kind, GATEWAY, for_s)
        case "clock":
            how = rng.choice(("synced", "unsynced"))
            much = rng.choice((-YEARS_10, YEARS_10, -400.0, 400.0))
            return Trouble(at_s, kind, host, for_s, how, much)
        case "sink":
            how = rng.choice(("down", "lost_reply", "partial", "kept", "throttled", "too_many"))
            return Trouble(at_s, kind, rng.choice(("cloud", "disk")), for_s, how)
        case "mischief":
            return Trouble(at_s, kind, "", for_s, "", rng.choice((0.05, 0.2, 0.5)))
        case "slow":
            return Trouble(at_s, kind, "", for_s, "", rng.choice((0.5, 3.0)))
        case "replay":
            return Trouble(at_s, kind, rng.choice(agents), for_s, rng.choice(("beside", "instead")))
        case "reboot":
            return Trouble(
                at_s,
                kind,
                host,
                for_s,
                rng.choice(("1970", "stale", "right")),
                rng.choice((2.0, 30.0, 1e9)),
            )
        case _:
            return Trouble(at_s, kind, host, for_s)
