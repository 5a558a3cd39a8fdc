"""A vehicle that stands too long, and what is none."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contract.health import SpotHealth
from contract.words import HealthState, Status
from gateway.alerts import Finding, Level
from gateway.alerts.facts import AgentFacts, Facts, SpotFacts
from gateway.alerts.overstay import Config, look
from gateway.testing import START

HOUR = timedelta(hours=1)
SEEN = SpotHealth(status=Status.OCCUPIED, health=HealthState.OK, quality="ok", age_s=0.3)
PARKED = SpotFacts(
    "A", Status.OCCUPIED, "pi-1", arrived=START, max_stay_s=3600, sensor=SEEN, sensed_at=START
)


def found(minutes: float, **changes: object) -> list[Finding]:
    """What the rule finds so many minutes behind the arrival; a reading has just been taken."""
    now = START + timedelta(minutes=minutes)
    spot = replace(PARKED, **{"sensed_at": now, **changes})  # type: ignore[arg-type]
    return list(look(Facts(now, spots={"A1": spot}), Config(grace_s=600)))


def test_a_stay_is_over_behind_limit_and_grace() -> None:
    assert found(69.9) == []
    (finding,) = found(70)
    assert (finding.subject, finding.level, finding.since) == ("A1", Level.BAD, START)
    assert (finding.details["stay_s"], finding.details["over_s"]) == (4200, 0)
    assert "should have gone by 2026-03-01 13:10 UTC" in finding.text


@pytest.mark.parametrize(
    "unverified",
    [
        {"sensed_at": START + timedelta(minutes=69)},
        {"sensed_at": None},
        {"sensor": None},
        {"sensor": SEEN.model_copy(update={"status": Status.FREE})},
        {"sensor": SEEN.model_copy(update={"health": HealthState.FAULT})},
        {"status": Status.UNKNOWN},
    ],
)
def test_it_is_not_told_unless_a_reading_behind_the_limit_sees_it(
    unverified: dict[str, object],
) -> None:
    (finding,) = found(80, **unverified)
    assert finding.level is Level.UNSURE


@pytest.mark.parametrize(
    "none", [{"arrived": None}, {"max_stay_s": None}, {"status": Status.CLOSED}]
)
def test_where_nobody_overstays(none: dict[str, object]) -> None:
    assert found(80, **none) == []


def test_an_unsynced_clock_accuses_nobody() -> None:
    now = START + 2 * HOUR
    facts = Facts(now, synced=False, spots={"A1": replace(PARKED, sensed_at=now)})
    assert [each.level for each in look(facts, Config())] == [Level.UNSURE]


@pytest.mark.parametrize(
    ("off_s", "level"), [(None, Level.BAD), (-300.0, Level.BAD), (-301.0, Level.UNSURE)]
)
def test_an_agent_whose_clock_is_wrong_is_no_witness(off_s: float | None, level: Level) -> None:
    now = START + 2 * HOUR
    spot = replace(PARKED, sensed_at=now)
    facts = Facts(now, agents={"pi-1": AgentFacts(clock_off_s=off_s)}, spots={"A1": spot})
    assert [each.level for each in look(facts, Config())] == [level]
