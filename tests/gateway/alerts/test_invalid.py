"""A device whose data are refused."""

from gateway.alerts import Level
from gateway.alerts.facts import AgentFacts, Facts
from gateway.alerts.invalid import Config, look
from gateway.testing import START


def levels(config: Config, **letters: int) -> dict[str, Level]:
    agents = {agent_id: AgentFacts(letters=number) for agent_id, number in letters.items()}
    return {each.subject: each.level for each in look(Facts(START, agents=agents), config)}


def test_one_refused_message_is_told() -> None:
    assert levels(Config(), a=0, b=1) == {"b": Level.BAD}


def test_below_the_threshold_an_alert_neither_comes_nor_goes() -> None:
    assert levels(Config(letters=5), a=0, b=4, c=5) == {"b": Level.UNSURE, "c": Level.BAD}
