"""A Pi that is short of power: the firmware's under-voltage alarm, the supply, a battery.

Source: Raspberry Pi documentation, "Power supply warnings": under-voltage is below 4.63 V +-5 %.
"""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from contract.health import Telemetry
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts

EVERY_S = 5.0


class Config(RuleSettings):
    """A battery's charge in percent, and the supply of a Pi in volts."""

    clear_after_s: float = 600.0
    battery_below: float = Field(20.0, ge=0, le=100)
    battery_clear_from: float = Field(30.0, ge=0, le=100)
    volts_below: float = Field(4.63, ge=0)
    volts_clear_from: float = Field(4.8, ge=0)

    @model_validator(mode="after")
    def _thresholds(self) -> Self:
        self.in_order("battery_below", "battery_clear_from")
        self.in_order("volts_below", "volts_clear_from")
        return self


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The agents that are short of power."""
    for agent_id, agent in facts.agents.items():
        if agent.health is None or agent.silence:
            yield Finding(agent_id, Level.UNSURE)
            continue
        short = _short(agent.health.telemetry, config)
        if short:
            yield Finding(
                agent_id,
                text=f"agent {agent_id} is short of power: {', '.join(short)}",
                agent_id=agent_id,
                details=_figures(agent.health.telemetry),
            )
        elif _between(agent.health.telemetry, config):
            yield Finding(agent_id, Level.UNSURE)


def _short(told: Telemetry, config: Config) -> list[str]:
    found = []
    if told.under_voltage:
        found.append("under-voltage")
    if told.supply_volts is not None and told.supply_volts < config.volts_below:
        found.append(f"supply at {told.supply_volts:.2f} V")
    if told.battery_percent is not None and told.battery_percent < config.battery_below:
        found.append(f"battery at {told.battery_percent:.0f} %")
    return found


def _between(told: Telemetry, config: Config) -> bool:
    volts, percent = told.supply_volts, told.battery_percent
    return (volts is not None and volts < config.volts_clear_from) or (
        percent is not None and percent < config.battery_clear_from
    )


def _figures(told: Telemetry) -> dict[str, float | str]:
    figures = {"supply_volts": told.supply_volts, "battery_percent": told.battery_percent}
    return {name: value for name, value in figures.items() if value is not None}
