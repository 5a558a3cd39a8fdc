"""A clock that nothing keeps."""

import pytest

from contract.health import AgentHealth
from contract.words import ClockState
from gateway.alerts import Level
from gateway.alerts.clock import Config, look
from gateway.alerts.facts import AgentFacts, Facts
from gateway.testing import START


def agent(clock: ClockState, silence: str = "", off_s: float | None = None) -> AgentFacts:
    health = AgentHealth(session_id="s", status="up", clock=clock)
    return AgentFacts(silence, health=health, clock_off_s=off_s)


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
        (agent(ClockState.SYNCED, off_s=-300), []),
        (agent(ClockState.SYNCED, off_s=-301), [Level.BAD]),
        (agent(ClockState.SYNCED, off_s=301), [Level.BAD]),
    ],
)
def test_an_agents(facts: AgentFacts, wanted: list[Level]) -> None:
    found = list(look(Facts(START, agents={"pi-1": facts}), Config()))
    assert [each.level for each in found] == wanted


def test_of_two_clocks_the_unsynced_gateways_does_not_judge() -> None:
    facts = Facts(START, synced=False, agents={"pi-1": agent(ClockState.SYNCED, off_s=9999)})
    own, other = look(facts, Config())
    assert (own.subject, own.level, other.subject, other.level) == (
        "", Level.BAD, "pi-1", Level.UNSURE,
    )  # fmt: skip
