"""Two holders of one identity."""

from contract.alerts import Severity
from gateway.alerts import Level
from gateway.alerts.clone import LISTEN_S, Config, look
from gateway.alerts.facts import AgentFacts, Facts
from gateway.presence import CLONE_QUIET_S
from gateway.testing import START


def test_a_suspected_copy_is_told() -> None:
    agents = {"pi-1": AgentFacts(clone_suspected=True), "pi-2": AgentFacts()}
    (found,) = look(Facts(START, agents=agents), Config())
    assert (found.subject, found.agent_id) == ("pi-1", "pi-1")
    assert Config().severity is Severity.CRITICAL


def test_a_gateway_that_has_just_started_does_not_say_that_one_is_gone() -> None:
    """Red where a restart of the gateway ends the alert."""
    agents = {"pi-1": AgentFacts()}
    (found,) = look(Facts(START, up_s=LISTEN_S - 1, agents=agents), Config())
    assert found.level is Level.UNSURE
    assert list(look(Facts(START, up_s=LISTEN_S, agents=agents), Config())) == []


def test_it_listens_as_long_as_presence_does() -> None:
    assert LISTEN_S == CLONE_QUIET_S
