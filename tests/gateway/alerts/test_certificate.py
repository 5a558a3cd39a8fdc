"""A certificate that expires soon."""

from datetime import timedelta

import pytest

from contract.alerts import Severity
from gateway.alerts import Level
from gateway.alerts.certificate import Config, look
from gateway.alerts.facts import Facts
from gateway.testing import START


@pytest.mark.parametrize(
    ("days", "severity", "words"),
    [
        (29.9, None, "expires on 2026-03-31"),
        (6.9, Severity.CRITICAL, "expires on 2026-03-08"),
        (-1, Severity.CRITICAL, "expired on 2026-02-28"),
    ],
)
def test_how_near_the_end_is(days: float, severity: Severity | None, words: str) -> None:
    end = START + timedelta(days=days)
    (found,) = look(Facts(START, certificates={"mqtt.cert_file": end}), Config())
    assert (found.subject, found.level, found.severity) == ("mqtt.cert_file", Level.BAD, severity)
    assert words in found.text


def test_thirty_days_are_enough() -> None:
    end = START + timedelta(days=30)
    assert list(look(Facts(START, certificates={"mqtt.ca_file": end}), Config())) == []


def test_an_unsynced_clock_does_not_know() -> None:
    facts = Facts(START, synced=False, certificates={"mqtt.ca_file": START - timedelta(days=9)})
    assert [each.level for each in look(facts, Config())] == [Level.UNSURE]
