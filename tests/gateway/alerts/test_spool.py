"""A spool that fills."""

import pytest

from contract.health import AgentHealth, SpoolDepth
from gateway.alerts import Level
from gateway.alerts.facts import AgentFacts, Facts
from gateway.alerts.spool import Config, look
from gateway.testing import START


@pytest.mark.parametrize(
    ("filled", "wanted"), [(59, []), (60, [Level.UNSURE]), (79, [Level.UNSURE]), (80, [Level.BAD])]
)
def test_the_gateways_spool(filled: int, wanted: list[Level]) -> None:
    facts = Facts(START, spool_bytes=filled, spool_limit_bytes=100)
    assert [each.level for each in look(facts, Config())] == wanted


def agent(waiting: int, silence: str = "") -> AgentFacts:
    depth = SpoolDepth(waiting=waiting, rows=100, bytes=950, limit_bytes=1000)
    health = AgentHealth(session_id="s", status="up", spool=depth)
    return AgentFacts(silence, health=health)


def test_what_an_agent_keeps_of_the_acknowledged_does_not_fill_its_spool() -> None:
    (found,) = look(Facts(START, agents={"idle": agent(0), "stuck": agent(90)}), Config())
    assert (found.subject, found.level) == ("stuck", Level.BAD)
    assert found.details == {"filled_percent": 85.5}


def test_a_silent_agents_spool_is_not_judged() -> None:
    facts = Facts(START, agents={"pi-1": agent(90, "agent_offline"), "pi-2": AgentFacts()})
    assert [each.level for each in look(facts, Config())] == [Level.UNSURE, Level.UNSURE]


def test_an_empty_spool_is_not_full() -> None:
    depth = SpoolDepth(waiting=0, rows=0, bytes=0, limit_bytes=1000)
    health = AgentHealth(session_id="s", status="up", spool=depth)
    assert list(look(Facts(START, agents={"pi-1": AgentFacts(health=health)}), Config())) == []
