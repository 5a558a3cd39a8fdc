"""Two processes that speak for one agent and take turns: a copied card, most likely.

Presence sees it, and for how long. A gateway that has just started has not listened long enough
to say that one of the two is gone.
"""

from collections.abc import Iterator

from contract.alerts import Severity
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts

EVERY_S = 0.0
LISTEN_S = 3600.0
"""Presence forgets the second holder as late (`gateway.presence.CLONE_QUIET_S`)."""


class Config(RuleSettings):
    """One of two holders is believed to be gone an hour after they last took turns."""

    severity: Severity = Severity.CRITICAL


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The agents whose identity seems to have two holders."""
    for agent_id, agent in facts.agents.items():
        if agent.clone_suspected:
            yield Finding(
                agent_id,
                text=f"two processes speak for agent {agent_id}: find the copy and give it an "
                "identity of its own",
                agent_id=agent_id,
            )
        elif facts.up_s < LISTEN_S:
            yield Finding(agent_id, Level.UNSURE)
