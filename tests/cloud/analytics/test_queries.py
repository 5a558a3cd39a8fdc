"""The named queries on small lakes, against the plain reckoning of `measures`."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import measures
from cloud.analytics import duck
from cloud.analytics.queries import UnknownQuery, faults, parts, queries, query, text
from cloud.lake.store import Store
from cloud.lake.taker import LakeTaker, Limits
from cloud.present import Delivered
from contract.words import Status

BERLIN = ZoneInfo("Europe/Berlin")
STATUS = {"occupied": Status.OCCUPIED, "vacant": Status.FREE, "unknown": Status.UNKNOWN}
SPOTS = ("A1", "A2", "B1")
SPANS = {
    "a day in summer": (datetime(2024, 7, 3, tzinfo=UTC), 30),
    "clocks put forward": (datetime(2024, 3, 30, 20, tzinfo=UTC), 30),
    "clocks put back": (datetime(2024, 10, 26, 20, tzinfo=UTC), 30),
}


class Town:
    """A lot of three bays, its lake, and the same events for the plain reckoning."""

    def __init__(self, folder: Path, begin: datetime, hours: int, seed: int) -> None:
        draw = random.Random(seed)
        self.begin, self.end = begin, begin + timedelta(hours=hours)
        self.store = Store(str(folder / "lake"))
        self.events: list[measures.Event] = []
        self.silences: dict[str, list[tuple[datetime, datetime]]] = {}
        bodies = [body for spot in SPOTS for body in self._of(spot, draw)]
        quiet = begin + timedelta(hours=draw.uniform(1, hours / 2))
        heard = quiet + timedelta(hours=draw.uniform(0.5, 8))
        self.silences["B1"] = [(quiet, heard)]
        bodies += [mark("AGENT_SILENT", "pi-B1", quiet), mark("AGENT_HEARD", "pi-B1", heard)]
        bodies += draw.sample(bodies, len(bodies) // 3)  # some come twice
        taker = LakeTaker(self.store, Limits())
        for number, body in enumerate(bodies):
            payload = json.dumps(body).encode()
            taker.take([Delivered(f"lots/{number % 3}/{number}", payload)], self.end)
        taker.flush(self.end)

    def _of(self, spot: str, draw: random.Random) -> list[dict[str, Any]]:
        at, seq, found = self.begin - timedelta(hours=draw.uniform(1, 48)), 0, []
        while at < self.end:
            seq += 1
            status = draw.choice(["occupied", "vacant", "vacant", "unknown"])
            at = at.replace(microsecond=at.microsecond // 1000 * 1000)
            self.events.append(measures.Event(spot, STATUS[status], at))
            found.append(said(spot, seq, status, at))
            at += timedelta(minutes=draw.choice([1, 20, 45, 200, 700]) * draw.random())
        return found

    def ask(self, name: str, zone: str = "Europe/Berlin") -> list[dict[str, Any]]:
        table = duck.run(self.store, query(name), self.begin, self.end, zone)
        assert table.column_names == list(query(name).about.columns)
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows

    def spans(self, spots: tuple[str, ...] = SPOTS) -> list[measures.Span]:
        period = measures.Period(self.begin, self.end)
        return measures.silenced(measures.spans(self.events, period, spots), self.silences)

    @property
    def summary(self) -> measures.Summary:
        period = measures.Period(self.begin, self.end)
        return measures.summary(self.events, period, BERLIN, SPOTS, self.silences)


def said(spot: str, seq: int, status: str, at: datetime) -> dict[str, Any]:
    return {
        "event_id": f"pi-{spot}:e1:{seq}",
        "event_type": "STATUS",
        "lot_id": "north",
        "zone_id": spot[0],
        "spot_id": spot,
        "status": status,
        "timestamp": at.isoformat(),
        "agent_id": f"pi-{spot}",
        "epoch": "e1",
        "seq": seq,
    }


def mark(kind: str, agent_id: str, at: datetime) -> dict[str, Any]:
    return {
        "event_id": f"store:{kind}:{agent_id}:{at.timestamp()}",
        "event_type": kind,
        "lot_id": "north",
        "agent_id": agent_id,
        "timestamp": at.isoformat(),
    }


@pytest.fixture(params=[(name, seed) for name in SPANS for seed in (1, 2)], ids=str)
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Town:
    name, seed = request.param
    return Town(tmp_path, *SPANS[name], seed)


def near(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, abs=2e-4)  # milliseconds are cut


class TestAgainstThePlainReckoning:
    def test_occupancy_by_hour(self, town: Town) -> None:
        hours = measures.cells(measures.Period(town.begin, town.end), ZoneInfo("UTC"))
        rows = {
            (row["zone_id"], row["hour"].timestamp()): row for row in town.ask("occupancy_by_hour")
        }
        for zone, spots in (("A", ("A1", "A2")), ("B", ("B1",))):
            for cell, share in measures.by_cell(town.spans(spots), hours).items():
                row = rows.pop((zone, cell.begin_s // 3600 * 3600))
                assert row["occupancy"] == near(share.occupancy())
                assert row["covered_s"] == pytest.approx(share.covered_s, abs=0.1)
        assert rows == {}

    def test_daily_patterns(self, town: Town) -> None:
        rows = {(row["weekday"] - 1, row["hour"]): row for row in town.ask("daily_patterns")}
        expected = town.summary.heat_map
        assert rows.keys() == expected.keys()
        assert {key: row["occupancy"] for key, row in rows.items()} == {
            key: near(value) for key, value in expected.items()
        }

    def test_historical_trends(self, town: Town) -> None:
        rows = {row["day"]: row for row in town.ask("historical_trends")}
        expected = town.summary.by_day
        assert {day: row["occupancy"] for day, row in rows.items()} == {
            day: near(value) for day, value in expected.items()
        }

    def test_peak_usage(self, town: Town) -> None:
        assert [row["hour"] for row in town.ask("peak_usage")] == town.summary.peak_hours

    def test_spot_utilisation(self, town: Town) -> None:
        rows = {row["spot_id"]: row["utilisation"] for row in town.ask("spot_utilisation")}
        assert rows == {spot: near(value) for spot, value in town.summary.utilisation.items()}

    def test_turnover(self, town: Town) -> None:
        (row,) = town.ask("turnover")
        expected = town.summary
        assert row["per_bay_hour"] == near(expected.turnover_per_bay_hour)
        assert row["stays"] == expected.dwell.stays
        for name in ("average", "median", "p95"):
            value = getattr(expected.dwell, f"{name}_s")
            assert row[f"{name}_dwell_s"] == (value and pytest.approx(value, abs=0.01))

    def test_dwell_distribution(self, town: Town) -> None:
        rows = {row["from_min"]: row["stays"] for row in town.ask("dwell_distribution")}
        assert sum(rows.values()) == town.summary.dwell.stays

    def test_coverage(self, town: Town) -> None:
        rows = town.ask("coverage")
        covered_s = sum(row["covered_s"] for row in rows)
        unknown_s = sum(row["unknown_s"] for row in rows)
        assert covered_s / (covered_s + unknown_s) == near(town.summary.coverage)

    def test_device_availability(self, town: Town) -> None:
        rows = {row["agent_id"]: row for row in town.ask("device_availability")}
        ((quiet, heard),) = town.silences["B1"]
        silent_s = (min(heard, town.end) - quiet).total_seconds()
        assert rows["pi-B1"]["silent_s"] == pytest.approx(silent_s, abs=0.01)
        assert rows["pi-A1"]["availability"] == 1

    def test_current_status(self, town: Town) -> None:
        rows = {row["spot_id"]: row["status"] for row in town.ask("current_status")}
        last = {span.spot_id: span.status for span in town.spans()}
        words = {Status.FREE: "vacant", Status.OCCUPIED: "occupied", Status.UNKNOWN: "unknown"}
        assert rows == {spot: words[status] for spot, status in last.items()}


def test_revenue_is_by_the_lots_own_day_and_never_over_currencies(tmp_path: Path) -> None:
    store, now = Store(str(tmp_path)), datetime(2024, 7, 4, tzinfo=UTC)
    ticket = {
        "event_type": "TICKET_CLOSED",
        "lot_id": "north",
        "entered_at": "2024-07-03T08:00:00Z",
        "exited_at": "2024-07-03T22:30:00Z",
        "timestamp": "2024-07-03T22:30:00Z",  # the 4th in Berlin
        "state": "paid",
        "currency": "EUR",
    }
    bodies = [
        ticket | {"event_id": "t:1", "ticket_id": "1", "amount_minor": 750},
        ticket | {"event_id": "t:2", "ticket_id": "2", "amount_minor": 250, "state": "lost"},
        ticket | {"event_id": "t:3", "ticket_id": "3", "amount_minor": 500, "currency": "CHF"},
        ticket | {"event_id": "t:1", "ticket_id": "1", "amount_minor": 750},
    ]
    taker = LakeTaker(store, Limits())
    taker.take(
        [Delivered(f"lots/0/{n}", json.dumps(body).encode()) for n, body in enumerate(bodies)], now
    )
    taker.flush(now)
    begin = datetime(2024, 7, 1, tzinfo=UTC)
    table = duck.run(store, query("revenue"), begin, now, "Europe/Berlin")
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("north", date(2024, 7, 4), "CHF", 1, 1, 0, 0, 500),
        ("north", date(2024, 7, 4), "EUR", 2, 1, 1, 0, 1000),
    ]


@pytest.mark.parametrize("name", queries())
def test_each_is_written_for_athena_too(name: str) -> None:
    begin = datetime(2024, 12, 30, tzinfo=UTC)
    said = text(query(name), "athena", begin, begin + timedelta(days=3), "Europe/Berlin")
    assert ":" not in said.replace("00:00:00", "")  # every word is put in
    assert "local_time" not in said.lower()
    assert "month = '01'" in said  # only what it reads


@pytest.mark.parametrize("sql", [*(each.sql for each in queries().values()), *parts().values()])
def test_nothing_is_silently_reckoned_otherwise(sql: str) -> None:
    assert list(faults(sql)) == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT count(*) / 2 FROM t", "integers is cut"),
        ("SELECT date_diff('hour', a, b) FROM t", "boundaries"),
        ("SELECT CAST(a AS integer) FROM t", "rounds"),
        ("SELECT a / 1000.0 FROM t", "decimals"),
        ("SELECT count_if(a) FROM t", "otherwise by each"),
        ("SELECT sum(a / 1000.0E0) FROM t", "order of rows"),
        ("SELECT avg(CAST(a AS double)) FROM t", "order of rows"),
    ],
)
def test_what_would_be_is_named(sql: str, said: str) -> None:
    assert said in "; ".join(faults(sql))


def test_an_unknown_query_is_told_those_there_are() -> None:
    with pytest.raises(UnknownQuery, match="current_status"):
        query("curent_status")
