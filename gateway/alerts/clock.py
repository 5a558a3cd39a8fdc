"""A clock that nothing keeps: the gateway's own, or an agent's.

Order and time-outs do not need it; what people read and are charged by does.
"""

from collections.abc import Iterator

from contract.words import ClockState
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts

EVERY_S = 10.0


class Config(RuleSettings):
    """A Pi without a battery clock is unsynced for a while behind each start."""

    raise_after_s: float = 900.0


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
