"""The parking log and the usage, from a real gateway's history sink."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.tokens import Scope
from tests.console.conftest import await_kept, history_sink

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


def hour_of_now() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, broker, make_site) -> Iterator[Any]:
    """A1 was occupied for 30 minutes of the hour before the last, and the whole hour a week ago."""
    folder = tmp_path_factory.mktemp("kept")
    site = make_site(folder / "lot", broker[1], "f1", history_sink(folder))
    site.beat()
    begin = hour_of_now() - 2 * HOUR
    for status, at in (
        ("occupied", begin - WEEK),
        ("free", begin - WEEK + HOUR),
        ("occupied", begin),
        ("free", begin + HOUR / 2),
        ("occupied", begin + HOUR),
    ):
        site.say("A1", status, (datetime.now(UTC) - at).total_seconds())
    yield site
    site.stop()
    site.close()


@pytest.fixture(scope="module")
def over_kept(tmp_path_factory: pytest.TempPathFactory, kept, console_over) -> Iterator[Any]:
    yield from console_over(tmp_path_factory.mktemp("over"), kept)


def ago_s(at: datetime) -> float:
    return (datetime.now(UTC) - at).total_seconds()


def test_the_log_is_whole_though_the_spool_has_forgotten(over_kept, kept) -> None:
    await_kept(kept)
    path = f"/lots/{kept.lot_id}/log"
    log = over_kept.read(path)
    assert (log["whole"], log["hint"]) == (True, "")
    assert [(each["event_type"], each["stay_s"]) for each in log["items"]] == [
        ("ARRIVAL", None),
        ("DEPARTURE", 1800),
        ("ARRIVAL", None),
    ]
    assert len({each["event_id"] for each in log["items"]}) == 3
    assert over_kept.read(path, type="ARRIVAL")["total"] == 2
    assert over_kept.read(path, spot="A2")["total"] == 0
    assert over_kept.read(path, begin=(hour_of_now() - HOUR).isoformat())["total"] == 1


def test_the_log_is_read_on_by_its_cursor(over_kept, kept) -> None:
    await_kept(kept)
    path = f"/lots/{kept.lot_id}/log"
    first = over_kept.read(path, limit=2)
    assert first["next"]
    rest = over_kept.read(path, limit=2, after=first["next"])
    assert rest["next"] is None
    assert [*first["items"], *rest["items"]] == over_kept.read(path)["items"]
    assert over_kept.get(path, after="yesterday").status_code == 422


def test_what_was_before_the_first_record_is_said_not_to_be_kept(over_kept, kept) -> None:
    await_kept(kept)
    begin = hour_of_now() - 3 * WEEK
    log = over_kept.read(f"/lots/{kept.lot_id}/log", begin=begin.isoformat())
    assert log["whole"] is False
    assert f"kept from {hour_of_now() - 2 * HOUR - WEEK:%Y-%m-%d}" in log["hint"]


def test_usage_weighs_time_and_leaves_out_what_was_not_seen(over_kept, kept) -> None:
    """Of three spots one was seen: that is less than half, so an hour has coverage and no value."""
    await_kept(kept)
    begin = hour_of_now() - 2 * HOUR
    asked = {"begin": begin.isoformat(), "end": (begin + 2 * HOUR).isoformat()}
    usage = over_kept.read(f"/lots/{kept.lot_id}/usage", **asked)
    assert [(each["occupancy"], each["coverage"]) for each in usage["hours"]] == [
        (None, 0.3333),
        (None, 0.3333),
    ]
    assert [(each["arrivals"], each["departures"]) for each in usage["hours"]] == [(1, 1), (1, 0)]
    kept.say("A2", "free", ago_s(begin) + 60)
    await_kept(kept)
    usage = over_kept.read(f"/lots/{kept.lot_id}/usage", **asked)
    assert [each["occupancy"] for each in usage["hours"]] == [0.25, 0.5]
    zone = over_kept.read(f"/lots/{kept.lot_id}/usage", zone="A", **asked)
    assert [each["coverage"] for each in zone["hours"]] == [1.0, 1.0]
    assert over_kept.get(f"/lots/{kept.lot_id}/usage", zone="Z").status_code == 404


def test_usage_has_the_same_hour_of_a_week_before_and_the_target(over_kept, kept) -> None:
    begin = hour_of_now() - 2 * HOUR
    kept.say("A2", "free", ago_s(begin - WEEK) + 60)
    kept.say("A2", "unknown", ago_s(begin - WEEK - HOUR))
    await_kept(kept)
    path = f"/lots/{kept.lot_id}"
    target = {
        "weekdays": [begin.weekday()],
        "from_hour": begin.hour,
        "to_hour": begin.hour + 1,
        "occupancy": 0.6,
    }
    made = over_kept.http.post(
        f"/api/v1{path}/targets", json=target, headers=over_kept.headers(Scope.OPERATOR)
    )
    assert made.status_code == 201, made.text
    asked = {"begin": begin.isoformat(), "end": (begin + HOUR).isoformat()}
    (hour,) = over_kept.read(f"{path}/usage", **asked)["hours"]
    assert (hour["weekday"], hour["wall_hour"]) == (begin.weekday(), begin.hour)
    assert hour["week_before"] == 0.5
    assert hour["target"] == 0.6
    assert hour["difference"] == round(hour["occupancy"] - 0.6, 4)


def test_days_have_no_target(over_kept, kept) -> None:
    await_kept(kept)
    begin = hour_of_now().replace(hour=0)
    days = over_kept.read(
        f"/lots/{kept.lot_id}/usage",
        by="day",
        begin=(begin - 10 * HOUR * 24).isoformat(),
        end=begin.isoformat(),
    )["hours"]
    assert len(days) == 10
    assert {(each["wall_hour"], each["target"]) for each in days} == {(None, None)}


def test_a_gateway_without_a_history_sink_says_what_to_do(console, silent) -> None:
    log = console.read(f"/lots/{silent.lot_id}/log")
    assert (log["whole"], log["items"]) == (False, [])
    assert 'kind = "history"' in log["hint"]
    hours = console.read(f"/lots/{silent.lot_id}/usage")["hours"]
    assert {each["occupancy"] for each in hours} == {None}


def test_behind_its_newest_record_a_silent_gateways_past_is_unknown(
    tmp_path, broker, make_site, console_over
) -> None:
    site = make_site(tmp_path / "lot", broker[1], "f1", history_sink(tmp_path))
    site.beat()
    begin = hour_of_now() - 2 * HOUR
    for spot in ("A1", "A2"):
        site.say(spot, "free", ago_s(begin))
    site.say("A1", "occupied", ago_s(begin + HOUR / 2))
    await_kept(site)
    site.stop()
    asked = {"begin": begin.isoformat(), "end": (begin + HOUR).isoformat()}
    for console in console_over(tmp_path / "over", site):
        (hour,) = console.read(f"/lots/{site.lot_id}/usage", zone="A", **asked)["hours"]
    assert hour["coverage"] == 0.5
    site.close()


@pytest.mark.parametrize(
    "asked",
    [
        {"begin": "2026-03-02T00:00:00Z", "end": "2026-03-01T00:00:00Z"},
        {"begin": "2025-03-01T00:00:00Z", "end": "2026-04-02T00:00:00Z"},
        {"begin": "0001-01-01T00:00:00+14:00"},
        {"begin": "2026-03-01T00:00:00"},
        {"end": "0001-01-01T00:00:00Z"},
        {"begin": "9999-12-31T00:00:00Z", "end": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_a_wrong_period_is_refused(console, site, asked: dict[str, str]) -> None:
    for name in ("log", "usage"):
        assert console.get(f"/lots/{site.lot_id}/{name}", **asked).status_code == 422


def test_a_month_by_the_hour_and_a_year_by_the_day(console, site) -> None:
    asked = {"begin": "2025-03-01T00:00:00Z", "end": "2026-02-28T00:00:00Z"}
    path = f"/lots/{site.lot_id}/usage"
    assert console.get(path, **asked).status_code == 422
    assert len(console.read(path, by="day", **asked)["hours"]) == 364
