"""A sensor that is not well: a score of 0 to 100 whose parts say why.

The parts are this project's choice, as is their weight: 40 for how fresh the last reading is, 30
for what the detector says of the sensor's health, 20 for the quality of the last reading, 10 for
the supply of its Pi. A spot whose agent is silent has no score: the agent is told, not each of
its spots.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from pydantic import Field, model_validator

from contract.words import HealthState
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts, SpotFacts

EVERY_S = 5.0

FRESH_S = 30.0
"""A reading as old as this has all points for freshness, one of STALE_S none."""
STALE_S = 300.0
GOOD_QUALITY = "ok"
"""A reading without a fault (`drivers.Quality`); the wire's golden messages say `good`."""
OF_HEALTH = {HealthState.OK: 30, HealthState.DEGRADED: 15, HealthState.FAULT: 0}


class Config(RuleSettings):
    """Raised below `raise_below`, resolved from `clear_from` on."""

    raise_after_s: float = 300.0
    clear_after_s: float = 60.0
    raise_below: int = Field(60, ge=0, le=100)
    clear_from: int = Field(80, ge=0, le=100)

    @model_validator(mode="after")
    def _thresholds(self) -> Self:
        self.in_order("raise_below", "clear_from")
        return self


@dataclass(frozen=True, slots=True)
class Part:
    """Points for one thing, and in words why not all of them."""

    name: str
    points: int
    of: int
    why: str = ""


def parts(facts: Facts, spot: SpotFacts) -> list[Part]:
    """What the score of a spot's sensor is made of; empty where nothing is known of it."""
    agent = facts.agents.get(spot.agent_id)
    if agent is None or agent.silence or spot.sensor is None:
        return []
    sensor = spot.sensor
    health, quality = OF_HEALTH[sensor.health], sensor.quality in (GOOD_QUALITY, "good")
    low = agent.health is not None and agent.health.telemetry.under_voltage is True
    return [
        _fresh(facts, spot),
        Part("health", health, 30, "" if health == 30 else sensor.reason or sensor.health.value),
        Part("quality", 20 if quality else 0, 20, "" if quality else sensor.quality or "none"),
        Part("supply", 0 if low else 10, 10, "under-voltage" if low else ""),
    ]


def _fresh(facts: Facts, spot: SpotFacts) -> Part:
    if spot.sensed_at is None:
        return Part("freshness", 0, 40, "no reading yet")
    age_s = (facts.now - spot.sensed_at).total_seconds()
    share = min(max((STALE_S - age_s) / (STALE_S - FRESH_S), 0.0), 1.0)
    points = round(40 * share)
    return Part("freshness", points, 40, "" if points == 40 else f"{age_s:.0f} s old")


def score(found: list[Part]) -> int | None:
    """0 to 100, None where there are no parts."""
    return sum(part.points for part in found) if found else None


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The spots whose sensors score low."""
    for spot_id, spot in facts.spots.items():
        found = parts(facts, spot)
        points = score(found)
        if points is None or config.raise_below <= points < config.clear_from:
            yield Finding(spot_id, Level.UNSURE)
        elif points < config.raise_below:
            lost = ", ".join(f"{part.name} {part.points}/{part.of} ({part.why})"
                             for part in found if part.why)  # fmt: skip
            yield Finding(
                spot_id,
                text=f"the sensor of {spot_id} scores {points} of 100: {lost}",
                spot_id=spot_id,
                zone_id=spot.zone_id,
                agent_id=spot.agent_id,
                details={"score": points, **{part.name: part.points for part in found}},
            )
