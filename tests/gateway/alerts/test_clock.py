"""A clock that nothing keeps."""

import pytest

from contract.health import AgentHealth
from contract.words import ClockState
from gateway.alerts import Level
from gateway.alerts.clock import Config, look
from gateway.alerts.facts import AgentFacts, Facts
from gateway.testing import START


def agent(clock: ClockState, silence: str = "") -> AgentFacts:
    return AgentFacts(silence, health=AgentHealth(session_id="s", status="up", clock=clock))


def test_the_gateways_own() -> None:
    (found,) = look(Facts(START, synced=False), Config())
    assert (found.subject, found.level, found.agent_id) == ("", Level.BAD, None)


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (agent(ClockState.SYNCED), []),
        (agent(ClockState.UNSYNCED), [Level.BAD]),
        (agent(ClockState.UNSYNCED, "agent_offline"), [Level.UNSURE]),
        (AgentFacts(), [Level.UNSURE]),
    ],
)
def test_an_agents(facts: AgentFacts, wanted: list[Level]) -> None:
    found = list(look(Facts(START, agents={"pi-1": facts}), Config()))
    assert [each.level for each in found] == wanted
