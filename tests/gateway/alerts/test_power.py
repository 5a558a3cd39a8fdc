"""A Pi that is short of power."""

from typing import Any

import pytest

from contract.health import AgentHealth, Telemetry
from gateway.alerts import Level
from gateway.alerts.facts import AgentFacts, Facts
from gateway.alerts.power import Config, look
from gateway.testing import START


def facts_of(silence: str = "", **told: Any) -> Facts:
    health = AgentHealth(session_id="s", status="up", telemetry=Telemetry(**told))
    return Facts(START, agents={"pi-1": AgentFacts(silence, health=health)})


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({}, []),
        ({"under_voltage": False, "supply_volts": 5.06, "battery_percent": 80}, []),
        ({"under_voltage": True}, [Level.BAD]),
        ({"supply_volts": 4.62}, [Level.BAD]),
        ({"supply_volts": 4.7}, [Level.UNSURE]),
        ({"battery_percent": 19.9}, [Level.BAD]),
        ({"battery_percent": 25}, [Level.UNSURE]),
        ({"silence": "agent_offline", "under_voltage": True}, [Level.UNSURE]),
    ],
)
def test_what_is_short(told: dict[str, Any], wanted: list[Level]) -> None:
    assert [each.level for each in look(facts_of(**told), Config())] == wanted


def test_it_says_all_that_is_short() -> None:
    (found,) = look(facts_of(under_voltage=True, supply_volts=4.5, battery_percent=3), Config())
    assert found.text.endswith("under-voltage, supply at 4.50 V, battery at 3 %")
    assert found.details == {"supply_volts": 4.5, "battery_percent": 3}
