"""Who is told when: severities, quiet hours on the wall clock, digests, a queue that is bounded."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.alerts import Alert, AlertState, Severity
from gateway import notices as module
from gateway.alerts.engine import Change, What
from gateway.config import GatewaySettings, NotifySettings
from gateway.message import message
from gateway.metrics import registry_of
from gateway.notices import Notice, due_at, quiet_until, wanted
from gateway.store import GatewayStore
from gateway.testing import START, lot_settings

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = (time(22), time(6))


def target(**options: Any) -> NotifySettings:
    return NotifySettings(name="ops", url_file=Path("/nowhere"), **options)


def change(
    what: What = What.RAISED, severity: Severity = Severity.WARNING, **fields: Any
) -> Change:
    alert = Alert(
        alert_id="power.pi-1", kind="power", severity=severity, text="it is low",
        since=START, raised_at=START, **fields,
    )  # fmt: skip
    return Change(what, alert)


@pytest.mark.parametrize(
    ("options", "told", "wants"),
    [
        ({}, change(), True),
        ({}, change(severity=Severity.INFO), False),
        ({"least": "info"}, change(severity=Severity.INFO), True),
        ({}, change(What.RESOLVED, state=AlertState.RESOLVED), True),
        ({"resolved": False}, change(What.RESOLVED, state=AlertState.RESOLVED), False),
        ({}, change(What.CHANGED, Severity.CRITICAL), True),
        ({}, change(What.CHANGED, state=AlertState.ACKNOWLEDGED), False),
        ({}, change(What.ACKNOWLEDGED), False),
        ({}, change(What.NOTED), False),
        ({}, change(What.OVER), False),
    ],
)
def test_what_a_target_wants_to_hear(options: dict[str, Any], told: Change, wants: bool) -> None:
    assert wanted(target(**options), told) is wants


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-05-01T21:59:59", None),
        ("2026-05-01T22:00:00", "2026-05-02T06:00:00"),
        ("2026-05-02T03:00:00", "2026-05-02T06:00:00"),
        ("2026-05-02T06:00:00", None),
        ("2026-03-28T23:00:00", "2026-03-29T06:00:00"),  # the night of 23 hours
        ("2026-10-24T23:00:00", "2026-10-25T06:00:00"),  # and that of 25
    ],
)
def test_quiet_hours_over_midnight(at: str, until: str | None) -> None:
    found = quiet_until(*NIGHT, wall(at), BERLIN)
    assert found == (wall(until).astimezone(UTC) if until else None)


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    begin=st.times(),
    end=st.times(),
)
def test_the_end_of_quiet_hours_is_not_quiet_and_within_a_day(
    at: datetime, begin: time, end: time
) -> None:
    until = quiet_until(begin, end, at, BERLIN)
    if until is not None:
        assert at < until <= at + timedelta(hours=25)


def test_by_day_quiet_hours_end_the_same_day() -> None:
    found = quiet_until(time(12), time(14), wall("2026-05-01T13:00:00"), BERLIN)
    assert found == wall("2026-05-01T14:00:00")
    assert quiet_until(time(12), time(14), wall("2026-05-01T14:00:00"), BERLIN) is None


def test_what_is_urgent_is_told_at_once_and_the_rest_in_the_morning() -> None:
    night = target(quiet_from=NIGHT[0], quiet_to=NIGHT[1], digest_s=600)
    at = wall("2026-05-01T23:00:00")
    assert due_at(night, Severity.CRITICAL, at, BERLIN, None) == at
    assert due_at(night, Severity.WARNING, at, BERLIN, None) == wall("2026-05-02T06:00:00")
    unsynced = due_at(night, Severity.WARNING, at, None, None)
    assert unsynced == at + timedelta(seconds=600)


def test_what_waits_gathers_the_rest() -> None:
    slow = target(digest_s=600)
    first = due_at(slow, Severity.WARNING, START, BERLIN, None)
    assert first == START + timedelta(seconds=600)
    later = START + timedelta(seconds=599)
    assert due_at(slow, Severity.WARNING, later, BERLIN, first) == first
    assert due_at(slow, Severity.WARNING, first, BERLIN, first) == first + timedelta(seconds=600)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"alerts": {"notify": [{"name": "a", "url_file": "x", "quiet_from": "22:00"}]}}, "both"),
        ({"alerts": {"notify": [{"name": "a", "url_file": "x"}] * 2}}, "given twice: a"),
        ({"time_zone": "Berlin/Mitte"}, "not an IANA time zone"),
        ({"time_zone": "../etc/passwd"}, "not an IANA time zone"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        lot_settings(tmp_path, **options)


def test_without_its_package_the_configuration_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.config.find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r"pip install 'lotkeeper\[notify\]'"):
        target()


# The queue -------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Any:
    made = GatewayStore(tmp_path / "gateway.db", 1_000_000)
    yield made
    made.close()


def put(store: GatewayStore, *changes: Change, **options: Any) -> None:
    with store.transaction():
        store.outbox.put([target(**options)], changes, START, BERLIN)


def test_what_was_told_is_not_told_again(store: GatewayStore) -> None:
    put(store, change(), change(What.RESOLVED))
    first, second = store.outbox.due("ops", START)
    assert (first.what, first.alert.text, second.what) == (
        What.RAISED, "it is low", What.RESOLVED,
    )  # fmt: skip
    with store.transaction():
        store.outbox.told([first])
    assert store.outbox.due("ops", START) == [second]
    assert store.outbox.due("others", START) == []


def test_what_is_not_due_waits(store: GatewayStore) -> None:
    put(store, change(), digest_s=60)
    assert store.outbox.due("ops", START) == []
    assert store.outbox.next_due("ops") == START + timedelta(seconds=60)
    assert len(store.outbox.due("ops", START + timedelta(seconds=60))) == 1


def test_the_queue_of_a_target_is_bounded_and_the_oldest_go(
    store: GatewayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NOTICES_KEPT", 3)
    for n in range(5):
        put(store, Change(What.RAISED, change().alert.model_copy(update={"text": f"{n}"})))
    assert [each.alert.text for each in store.outbox.due("ops", START)] == ["2", "3", "4"]


def test_notices_of_a_target_that_is_gone_go_too(store: GatewayStore) -> None:
    put(store, change())
    with store.transaction():
        store.outbox.forget_others(["ops"])
    assert store.outbox.next_due("ops")
    with store.transaction():
        store.outbox.forget_others([])
    assert store.outbox.next_due("ops") is None


def test_a_notice_is_put_down_with_its_alert(post: Any, tmp_path: Path) -> None:
    body = post.settings.model_dump()
    body["alerts"]["notify"] = [{"name": "ops", "url_file": "x"}]
    post.settings = GatewaySettings.model_validate(body)
    post.restart()
    post.look()
    assert post.look(200) == ["offline.pi-1"]
    post.restart()
    (notice,) = post.store.outbox.due("ops", post.clock.wall())
    registry = registry_of(post.lot, [])
    labels = {"kind": "offline", "severity": "critical"}
    assert registry.get_sample_value("lotkeeper_alerts", labels) == 1
    assert registry.get_sample_value("lotkeeper_notices", {"target": "ops"}) == 1
    assert (notice.what, notice.alert.alert_id) == (What.RAISED, "offline.pi-1")


# What a person reads ---------------------------------------------------------------------------


def test_one_alert_is_a_message_of_its_own() -> None:
    told = message("lot-1", [Notice(1, What.RAISED, change().alert)], BERLIN)
    assert told == {
        "title": "[lot-1] warning: power.pi-1",
        "body": "2026-03-01 13:00 CET warning: it is low (power.pi-1)",
        "type": "warning",
    }


def test_a_digest_names_each_and_looks_like_the_worst_that_stands() -> None:
    ended = change(What.RESOLVED, Severity.CRITICAL, resolved_at=START, resolved_by="itself")
    found = [Notice(1, What.RAISED, change().alert), Notice(2, What.RESOLVED, ended.alert)]
    told = message("lot-1", found, BERLIN)
    assert (told["title"], told["type"]) == ("[lot-1] 1 alerts raised, 1 resolved", "warning")
    assert told["body"].splitlines()[1].startswith("2026-03-01 13:00 CET resolved by itself: it")
    assert message("lot-1", found[1:], BERLIN)["type"] == "success"
