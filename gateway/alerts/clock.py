"""A clock that nothing keeps, or that is wrong: the gateway's own, or an agent's.

Order and time-outs do not need it; what people read and are charged by does.
"""

from collections.abc import Iterator

from pydantic import Field

from contract.words import ClockState
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts

EVERY_S = 10.0


class Config(RuleSettings):
    """A Pi without a battery clock is unsynced for a while behind each start."""

    raise_after_s: float = 900.0
    off_s: float = Field(300.0, gt=0)
    """So far an agent's clock may be from the gateway's."""


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The gateway and the agents whose clocks are unsynced."""
    if not facts.synced:
        yield Finding("", text="the gateway's clock is unsynced: is an NTP server reached?")
    for agent_id, agent in facts.agents.items():
        if agent.health is None or agent.silence:
            yield Finding(agent_id, Level.UNSURE)
        elif agent.health.clock is ClockState.UNSYNCED:
            yield Finding(
                agent_id,
                text=f"the clock of agent {agent_id} is unsynced: is an NTP server reached?",
                agent_id=agent_id,
            )
        elif agent.clock_off_s is not None and abs(agent.clock_off_s) > config.off_s:
            yield _wrong(facts, agent_id, agent.clock_off_s)


def _wrong(facts: Facts, agent_id: str, off_s: float) -> Finding:
    """Of two clocks that differ, the one is wrong that nothing keeps."""
    if not facts.synced:
        return Finding(agent_id, Level.UNSURE)
    which = "ahead of" if off_s > 0 else "behind"
    return Finding(
        agent_id,
        text=f"the clock of agent {agent_id} says that it is synced, and is {abs(off_s):.0f} s "
        f"{which} the gateway's: look at both",
        agent_id=agent_id,
        details={"off_s": round(off_s, 1)},
    )
