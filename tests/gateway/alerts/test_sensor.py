"""A sensor's score, and why it is no better."""

from datetime import timedelta

import pytest

from contract.health import AgentHealth, SpotHealth, Telemetry
from contract.words import HealthState, Status
from gateway.alerts import Level
from gateway.alerts.facts import AgentFacts, Facts, SpotFacts
from gateway.alerts.sensor import Config, look, parts, score
from gateway.testing import START

WELL = SpotHealth(status=Status.FREE, health=HealthState.OK, quality="ok", age_s=0.3)


def facts_of(
    sensor: SpotHealth | None, age_s: float | None, *, low: bool = False, silence: str = ""
) -> Facts:
    sensed_at = None if age_s is None else START - timedelta(seconds=age_s)
    health = AgentHealth(session_id="s", status="up", telemetry=Telemetry(under_voltage=low))
    return Facts(
        START,
        agents={"pi-1": AgentFacts(silence, health=health)},
        spots={"A1": SpotFacts("A", Status.FREE, "pi-1", sensor=sensor, sensed_at=sensed_at)},
    )


@pytest.mark.parametrize(
    ("sensor", "age_s", "low", "wanted"),
    [
        (WELL, 0.3, False, 100),
        (WELL, 30, False, 100),
        (WELL, 165, False, 80),
        (WELL, 300, False, 60),
        (WELL, 9999, False, 60),
        (WELL, None, False, 60),
        (WELL, 0.3, True, 90),
        (WELL.model_copy(update={"quality": "no_echo"}), 0.3, False, 80),
        (WELL.model_copy(update={"health": HealthState.DEGRADED}), 0.3, False, 85),
        (WELL.model_copy(update={"health": HealthState.FAULT, "quality": ""}), 500, True, 0),
    ],
)
def test_what_a_sensor_scores(
    sensor: SpotHealth, age_s: float | None, low: bool, wanted: int
) -> None:
    facts = facts_of(sensor, age_s, low=low)
    found = parts(facts, facts.spots["A1"])
    assert score(found) == wanted
    assert sum(part.of for part in found) == 100
    assert all(bool(part.why) == (part.points < part.of) for part in found)


def test_a_low_score_is_told_with_its_parts() -> None:
    stuck = WELL.model_copy(
        update={"health": HealthState.FAULT, "reason": "stuck", "quality": "no_data"}
    )
    (finding,) = look(facts_of(stuck, 0.3), Config())
    assert (finding.level, finding.spot_id) == (Level.BAD, "A1")
    assert finding.text == (
        "the sensor of A1 scores 50 of 100: health 0/30 (stuck), quality 0/20 (no_data)"
    )
    assert finding.details == {
        "score": 50, "freshness": 40, "health": 0, "quality": 0, "supply": 10,
    }  # fmt: skip


@pytest.mark.parametrize(
    "facts",
    [
        facts_of(WELL, 300),
        facts_of(None, None),
        facts_of(WELL, 9999, silence="agent_offline"),
        Facts(START, spots={"A1": SpotFacts("A")}),
    ],
)
def test_between_the_thresholds_or_unheard_it_does_not_judge(facts: Facts) -> None:
    assert [each.level for each in look(facts, Config())] == [Level.UNSURE]


def test_a_good_sensor_is_not_named() -> None:
    assert list(look(facts_of(WELL, 0.3), Config())) == []
