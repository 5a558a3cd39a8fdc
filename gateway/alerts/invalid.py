"""A device whose data are refused: its dead letters of the last hour."""

from collections.abc import Iterator

from pydantic import Field

from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts

EVERY_S = 10.0


class Config(RuleSettings):
    """`letters` in an hour raise it; an hour without one clears it."""

    letters: int = Field(1, ge=1)


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The agents of which something was refused."""
    for agent_id, agent in facts.agents.items():
        if 0 < agent.letters < config.letters:
            yield Finding(agent_id, Level.UNSURE)
        elif agent.letters:
            yield Finding(
                agent_id,
                text=f"{agent.letters} messages or records of agent {agent_id} were refused in the "
                "last hour; lotkeeper gateway dead-letters list",
                agent_id=agent_id,
                details={"letters": agent.letters},
            )
