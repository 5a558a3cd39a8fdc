"""A device that is not heard."""

from gateway.alerts import Level
from gateway.alerts.facts import AgentFacts, Facts
from gateway.alerts.offline import Config, look
from gateway.testing import START

SILENT = AgentFacts("agent_offline", 95.4, spots=4)


def test_a_silent_agent_is_named_with_its_spots() -> None:
    facts = Facts(START, agents={"pi-1": SILENT, "pi-2": AgentFacts("", 3.0)})
    (found,) = look(facts, Config())
    assert (found.subject, found.agent_id, found.level) == ("pi-1", "pi-1", Level.BAD)
    assert "last 95 s ago" in found.text
    assert "its 4 spots" in found.text


def test_an_agent_of_the_layout_that_never_spoke_is_named_too() -> None:
    (found,) = look(Facts(START, agents={"pi-1": AgentFacts("unconfirmed")}), Config())
    assert "never since the gateway started" in found.text


def test_without_a_broker_silence_says_nothing() -> None:
    (found,) = look(Facts(START, linked=False, agents={"pi-1": SILENT}), Config())
    assert found.level is Level.UNSURE
