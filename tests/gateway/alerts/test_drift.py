"""An agent that does not have what is desired of it."""

from typing import Any

import pytest

from contract.health import AgentHealth
from gateway.alerts import Finding, Level
from gateway.alerts.drift import Config, look
from gateway.alerts.facts import AgentFacts, DesiredFacts, Facts
from gateway.testing import START


def found(state: str, reported: str | None, silence: str = "", reason: str = "") -> list[Finding]:
    health = AgentHealth(session_id="s", status="up", config_revision=reported)
    desired = DesiredFacts("2-b", state, reason)
    agent = AgentFacts(health=health, silence=silence, desired=desired)
    return list(look(Facts(START, agents={"pi-1": agent, "pi-2": AgentFacts()}), Config()))


CASES: list[tuple[Any, ...]] = [
    ("applied", "2-b", "", None),
    ("applied", "1-a", "", Level.BAD),
    ("applied", None, "", Level.BAD),
    ("trial", "2-b", "", Level.UNSURE),
    ("sent", "1-a", "", Level.BAD),
    ("sent", "1-a", "agent_offline", Level.UNSURE),
    ("refused", "1-a", "", Level.BAD),
    ("rolled_back", "1-a", "", Level.BAD),
    ("rolled_back", "1-a", "agent_offline", Level.UNSURE),
]


@pytest.mark.parametrize(("state", "reported", "silence", "level"), CASES)
def test_each_state(state: str, reported: str | None, silence: str, level: Level | None) -> None:
    assert [each.level for each in found(state, reported, silence)] == ([level] if level else [])


def test_the_reason_and_the_command_are_told() -> None:
    (finding,) = found("rolled_back", None, reason="no reading of A2 within 120 s")
    assert finding.text == (
        "agent pi-1 tried, and went back from, the configuration 2-b: no reading of A2 within "
        "120 s; lotkeeper gateway config show pi-1"
    )
    assert finding.details == {"desired": "2-b", "reported": "agent.toml"}
