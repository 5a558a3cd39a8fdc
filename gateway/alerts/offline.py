"""A device that is not heard: an agent of the layout, or one that was heard before.

Presence says who is silent; this rule adds how long that may last before a person is told. While
the gateway itself has no broker, silence says nothing of the agents.
"""

from collections.abc import Iterator

from contract.alerts import Severity
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import AgentFacts, Facts

EVERY_S = 0.0


class Config(RuleSettings):
    """A restart of a Pi takes less than `raise_after_s`."""

    severity: Severity = Severity.CRITICAL
    raise_after_s: float = 90.0
    clear_after_s: float = 10.0


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The agents that are silent."""
    for agent_id, agent in facts.agents.items():
        if agent.silence and not facts.linked:
            yield Finding(agent_id, Level.UNSURE)
        elif agent.silence:
            yield Finding(
                agent_id,
                text=f"agent {agent_id} is not heard ({_since(agent)}): its {agent.spots} spots "
                "are unknown; look at its power and its network",
                agent_id=agent_id,
                details={"reason": agent.silence, "spots": agent.spots},
            )


def _since(agent: AgentFacts) -> str:
    if agent.silent_s is None:
        return "never since the gateway started"
    return f"last {agent.silent_s:.0f} s ago"
