"""The API over a fleet: the cloud's Postgres and the tables of its lake, both real."""

import csv
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator

from cloud.postgres import connect
from console import analytics
from console.config import read
from console.tokens import Scope
from contract.analytics import RESULTS
from simulator.fleet.backend import Backend, kafka_pipe
from simulator.fleet.still import StillFleet

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def over(console_over, tmp_path_factory: pytest.TempPathFactory, cloud) -> Iterator[Any]:
    """A console over the fleet alone."""
    consoles = console_over(tmp_path_factory.mktemp("console"), fleet=section(cloud))
    yield next(consoles)
    next(consoles, None)


def section(cloud: Any) -> dict[str, str]:
    return {"dsn": cloud.dsn, "analytics": str(cloud.lake)}


@pytest.fixture
def open_console(console_over, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A console with its own sections."""
    opened = []

    def made(**sections: Any) -> Any:
        opened.append(console_over(tmp_path, **sections))
        return next(opened[-1])

    yield made
    for each in opened:
        next(each, None)


def lots(console: Any, **params: Any) -> dict[str, dict[str, Any]]:
    return {each["lot_id"]: each for each in console.read("/fleet/lots", **params)["items"]}


class TestLots:
    def test_are_as_the_database_says(self, over) -> None:
        north = lots(over)["north"]
        counts = {name: north[name] for name in ("capacity", "current_occupancy", "free")}
        assert counts == {"capacity": 3, "current_occupancy": 1, "free": 1}
        assert (north["unknown"], north["occupancy_rate"]) == (1, 0.5)
        assert (north["facility_id"], north["open_alerts"]) == ("riverside", 2)
        assert north["gateway_heard"] is True
        assert 20 <= north["gateway_age_s"] < 120

    def test_of_a_silent_gateway_are_unknown(self, over) -> None:
        south = lots(over)["south"]
        assert south["gateway_heard"] is False
        assert south["gateway_age_s"] >= 3600
        assert (south["capacity"], south["unknown"], south["closed"]) == (1, 1, 0)
        known = ("current_occupancy", "free", "occupancy_rate")
        assert {south[name] for name in known} == {None}

    def test_without_a_gateway_are_as_they_came(self, over) -> None:
        west = lots(over)["west"]
        assert (west["free"], west["gateway_heard"], west["gateway_age_s"]) == (1, None, None)

    def test_of_no_known_capacity_have_no_free_spots(self, over) -> None:
        east = lots(over)["east"]
        assert (east["capacity"], east["free"], east["occupancy_rate"]) == (None, None, None)
        assert (east["current_occupancy"], east["counted"]) == (1, 1)

    def test_come_in_order_and_in_parts(self, over) -> None:
        assert list(lots(over)) == ["east", "north", "south", "west"]
        assert list(lots(over, sort="-open_alerts"))[:2] == ["north", "south"]
        assert list(lots(over, sort="occupancy_rate"))[:2] == ["west", "north"]
        assert list(lots(over, limit=1, offset=2)) == ["south"]
        assert list(lots(over, facility="elsewhere")) == []
        assert over.get("/fleet/lots", sort="colour").status_code == 422


def test_alerts_that_stand_the_worst_first(over) -> None:
    def told(**params: Any) -> list[tuple[str, str]]:
        items = over.read("/fleet/alerts", **params)["items"]
        return [(each["lot_id"], each["severity"]) for each in items]

    assert told() == [("north", "critical"), ("north", "warning"), ("south", "info")]
    assert told(lot="south") == [("south", "info")]
    assert told(severity="warning") == [("north", "warning")]


def test_devices_are_gateways_and_agents(over) -> None:
    def told(**params: Any) -> list[tuple[str, str]]:
        items = over.read("/fleet/devices", **params)["items"]
        return [(each["lot_id"], each["state"]) for each in items]

    assert told(kind="gateway") == [("north", "heard"), ("south", "silent")]
    assert told(kind="agent", lot="west") == [("west", "unknown")]
    assert told(state="silent") == [("south", "silent")]


class TestTables:
    def test_say_what_they_mean(self, over, cloud) -> None:
        page = over.read("/fleet/tables")
        found = {each["query"]: each for each in page["items"]}
        assert page["total"] == len(found) == 11
        turnover = found["turnover"]
        assert (turnover["window"], turnover["rows"]) == ("week", 2)
        assert turnover["says"].startswith("How many vehicles came")
        assert turnover["columns"]["median_dwell_s"] == "seconds"
        assert turnover["time_zone"] == "Europe/Berlin"
        begin, until = (datetime.fromisoformat(turnover[name]) for name in ("begin", "until"))
        assert (until, until - begin) == (cloud.at, timedelta(days=7))

    def test_have_rows_of_their_kinds(self, over, cloud) -> None:
        found = over.read("/fleet/tables/occupancy_by_hour", lot="north", limit=1000)
        assert {row["lot_id"] for row in found["items"]} == {"north"}
        assert found["total"] == len(found["items"]) > 40
        kinds = {each["key"]: each["kind"] for each in found["columns"]}
        assert (kinds["hour"], kinds["occupancy"]) == ("time", "share")
        assert (kinds["occupied_s"], kinds["zone_id"]) == ("seconds", "text")
        hours = [datetime.fromisoformat(row["hour"]) for row in found["items"]]
        assert all(each.utcoffset() is not None for each in hours)
        assert {each.astimezone(UTC).minute for each in hours} == {0}
        stands = pq.read_table(cloud.lake / RESULTS / "occupancy_by_hour/day.parquet").to_pylist()
        north = [row["occupancy"] for row in stands if row["lot_id"] == "north"]
        assert [row["occupancy"] for row in found["items"]] == north
        assert {0.0, 1.0} < set(north)

    def test_are_files(self, over, cloud) -> None:
        answer = over.get("/fleet/tables/spot_utilisation", format="csv")
        disposition = answer.headers["content-disposition"]
        ends = [
            f"{at.astimezone(BERLIN):%Y%m%d}" for at in (cloud.at - timedelta(days=7), cloud.at)
        ]
        assert disposition == f'attachment; filename="spot_utilisation-all-{"-".join(ends)}.csv"'
        shown = over.read("/fleet/tables/spot_utilisation")["items"]
        assert {row["spot_id"] for row in shown} == {"A1", "B1", "S1"}
        rows = sheet(answer.content)
        assert [row["spot_id"] for row in rows] == [row["spot_id"] for row in shown]
        assert [float(row["occupied_s"]) for row in rows] == [row["occupied_s"] for row in shown]

    def test_moments_are_of_utc_whatever_the_machines_clock_shows(self, cloud) -> None:
        kept = {each.about.query: each for each in analytics.Analytics(str(cloud.lake)).tables()}
        table = analytics.Analytics(str(cloud.lake)).table(kept["occupancy_by_hour"], "north")
        assert {each.tzinfo for each in table.values("hour")} == {UTC}

    @pytest.mark.parametrize("name", ["nothing", "..%2F..%2Fraw", "turnover.parquet"])
    def test_others_are_not_found(self, over, name: str) -> None:
        assert over.get(f"/fleet/tables/{name}").status_code == 404


def test_a_file_holds_no_formula_and_nothing_for_null(over, cloud, open_console, tmp_path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(cloud.lake / RESULTS, lake / RESULTS)
    place = lake / RESULTS / "spot_utilisation/week.parquet"
    old = pq.read_table(place)
    names = pa.array(["=cmd()", "@x", "S1"])
    new = old.set_column(old.column_names.index("spot_id"), "spot_id", names)
    nothing = pa.array([None, float("nan"), 0.5])
    new = new.set_column(old.column_names.index("utilisation"), "utilisation", nothing)
    pq.write_table(new.replace_schema_metadata(old.schema.metadata), place)
    console = open_console(fleet={"dsn": cloud.dsn, "analytics": str(lake)})
    rows = sheet(console.get("/fleet/tables/spot_utilisation", format="csv").content)
    assert [row["spot_id"] for row in rows] == ["'=cmd()", "'@x", "S1"]
    assert [row["utilisation"] for row in rows] == ["", "", "0.5"]
    shown = console.read("/fleet/tables/spot_utilisation")["items"]
    assert [row["spot_id"] for row in shown] == ["=cmd()", "@x", "S1"]
    assert [row["utilisation"] for row in shown] == [None, None, 0.5]


def sheet(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_table_that_says_nothing_or_is_broken_is_passed_over(cloud, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(cloud.lake / RESULTS, lake / RESULTS)
    pq.write_table(pa.table({"a": [1]}), lake / RESULTS / "turnover/week.parquet")
    (lake / RESULTS / "revenue/month.parquet").write_bytes(b"PAR1 and then the disk was full")
    (lake / RESULTS / "peak_usage/_week.parquet.part").write_bytes(b"")
    found = {each.about.query for each in analytics.Analytics(str(lake)).tables()}
    assert len(found) == 9
    assert not found & {"turnover", "revenue"}


def test_of_two_windows_the_newest_is_shown(cloud, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(cloud.lake / RESULTS, lake / RESULTS)
    old = pq.read_table(lake / RESULTS / "turnover/week.parquet")
    about = analytics.TableAbout.model_validate_json(old.schema.metadata[analytics.KEY])
    older = about.model_copy(update={"window": "day", "until": about.begin})
    metadata = {analytics.KEY: older.model_dump_json()}
    pq.write_table(old.replace_schema_metadata(metadata), lake / RESULTS / "turnover/zday.parquet")
    found = {each.about.query: each for each in analytics.Analytics(str(lake)).tables()}
    assert found["turnover"].about.window == "week"


def test_where_no_fleet_is_configured_there_is_none(console) -> None:
    for path in ("lots", "alerts", "devices", "tables", "tables/turnover"):
        answer = console.get(f"/fleet/{path}")
        assert (answer.status_code, "[fleet]" in answer.json()["detail"]) == (404, True)


def test_a_viewer_may_read_and_a_stranger_may_not(over) -> None:
    assert over.get("/fleet/lots", Scope.DEVICE).status_code == 403
    assert over.get("/fleet/lots", None).status_code == 401


def test_a_database_that_is_away_is_told_without_its_address(open_console, tmp_path: Path) -> None:
    dsn = f"host={tmp_path}/nowhere user=spy dbname=secret"
    console = open_console(fleet={"dsn": dsn})
    answers = [console.get(f"/fleet/{what}") for what in ("lots", "alerts", "devices", "lots")]
    assert {each.status_code for each in answers} == {503}
    details = [each.json()["detail"] for each in answers]
    assert details[0] == details[3]  # since when does not begin anew
    assert details[0].startswith("The fleet's database has given no answer since 20")
    assert not [each for each in details if "spy" in each or "secret" in each or "nowhere" in each]
    assert console.get("/fleet/tables").status_code == 404  # no lake is named


def test_a_lake_that_is_away_is_told_without_its_address(open_console, cloud, tmp_path) -> None:
    console = open_console(fleet={"dsn": cloud.dsn, "analytics": str(tmp_path / "gone")})
    answer = console.get("/fleet/tables")
    assert (answer.status_code, "gone" in answer.text) == (503, False)
    assert lots(console).keys() == {"east", "north", "south", "west"}


def test_a_database_comes_back(open_console, cloud, postgres: str) -> None:
    """And what was told before it went is not told while it is away."""
    console = open_console(fleet={"dsn": cloud.dsn}, live={"cache_s": 0.0, "timeout_s": 2.0})
    name = cloud.dsn.partition("?")[0].rpartition("/")[2]
    assert "north" in lots(console)
    with connect(postgres) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            assert console.get("/fleet/lots").status_code == 503
        finally:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert "north" in lots(console)


def test_what_is_answered_is_as_the_document_says(over) -> None:
    document = over.app.openapi()
    for path in ("lots", "alerts", "devices", "tables", "tables/{name}"):
        operation = document["paths"][f"/api/v1/fleet/{path}"]["get"]
        media = operation["responses"]["200"]["content"]["application/json"]
        schema = {**media["schema"], "components": document["components"]}
        answer = over.read(f"/fleet/{path.format(name='occupancy_by_hour')}")
        Draft202012Validator(schema).validate(answer)
        assert answer.keys() == media["example"].keys()


def test_a_database_of_another_version_is_no_answer(open_console, dsn: str) -> None:
    """One that was never migrated as far, or much further, is told as one that is away."""
    console = open_console(fleet={"dsn": dsn}, live={"cache_s": 0.0, "timeout_s": 2.0})
    assert lots(console) == {}
    with connect(dsn) as conn:
        conn.execute("ALTER VIEW current_lot_occupancy RENAME TO other")
    answer = console.get("/fleet/lots")
    assert (answer.status_code, "other" in answer.text) == (503, False)


def test_a_console_over_the_fleets_demo_finds_it(open_console, dsn: str, tmp_path: Path) -> None:
    """By the file that the demo keeps."""
    Backend(tmp_path, kafka_pipe("127.0.0.1:9092"), dsn, 1.0).prepare()
    fleet = read(tmp_path / "console.toml", {}).fleet
    assert fleet is not None
    console = open_console(fleet=fleet.model_dump())
    StillFleet(dsn, tmp_path / "lake", datetime.now(UTC)).fill()
    assert lots(console).keys() == {"east", "north", "south", "west"}
    assert console.get("/fleet/tables").status_code == 503  # the lake is made with its first object
