"""An agent does not have the configuration that is desired of it.

It refused it, or tried it and went back; or it has another, because its card was replaced or its
own file no longer fits. One that is on trial, or not heard, cannot be judged yet.
"""

from collections.abc import Iterator

from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import AgentFacts, Facts

EVERY_S = 10.0
WORDS = {"refused": "refused", "rolled_back": "tried, and went back from,"}


class Config(RuleSettings):
    """An agent that comes back reads its command within `raise_after_s`."""

    raise_after_s: float = 60.0


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The agents of which something else is desired than they have."""
    for agent_id, agent in facts.agents.items():
        desired = agent.desired
        if desired is None:
            continue
        if desired.state == "applied" and desired.revision == _reported(agent):
            continue
        if agent.silence or desired.state == "trial":
            yield Finding(agent_id, Level.UNSURE)
            continue
        word = WORDS.get(desired.state, "does not have")
        reason = f": {desired.reason}" if desired.reason else ""
        yield Finding(
            agent_id,
            text=f"agent {agent_id} {word} the configuration {desired.revision}{reason}; "
            f"lotkeeper gateway config show {agent_id}",
            agent_id=agent_id,
            details={"desired": desired.revision, "reported": _reported(agent) or "agent.toml"},
        )


def _reported(agent: AgentFacts) -> str | None:
    return agent.health.config_revision if agent.health else None
