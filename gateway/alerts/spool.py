"""A spool that fills: the gateway's towards its sinks, or an agent's towards the gateway.

A full spool thins: the gateway's and the agents' books say what it gave up.
"""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from contract.health import SpoolDepth
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts

EVERY_S = 10.0


class Config(RuleSettings):
    """Shares of the byte limit."""

    raise_share: float = Field(0.8, gt=0, le=1)
    clear_share: float = Field(0.6, gt=0, le=1)

    @model_validator(mode="after")
    def _thresholds(self) -> Self:
        self.in_order("clear_share", "raise_share")
        return self


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The gateway where its spool fills, and the agents whose does."""
    share = facts.spool_bytes / facts.spool_limit_bytes
    yield from _judged("", share, "the gateway's spool", "a sink does not take records", config)
    for agent_id, agent in facts.agents.items():
        depth = agent.health.spool if agent.health else None
        if depth is None or agent.silence:
            yield Finding(agent_id, Level.UNSURE)
        else:
            whose = f"the spool of agent {agent_id}"
            yield from _judged(agent_id, _filled(depth), whose, "records do not get here", config)


def _filled(depth: SpoolDepth) -> float:
    """An agent keeps what was acknowledged while there is room: only what waits fills it."""
    if not depth.rows:
        return 0.0
    return depth.bytes * depth.waiting / depth.rows / depth.limit_bytes


def _judged(subject: str, share: float, whose: str, why: str, config: Config) -> Iterator[Finding]:
    if share >= config.raise_share:
        yield Finding(
            subject,
            text=f"{whose} is {100 * share:.0f} % full: {why}",
            agent_id=subject or None,
            details={"filled_percent": round(100 * share, 1)},
        )
    elif share >= config.clear_share:
        yield Finding(subject, Level.UNSURE)
