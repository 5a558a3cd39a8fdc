"""Charts of the analytics job's tables, before they are drawn."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from console.pages.drawn import option
from console.pages.series import charts_of
from console.reports.table import Cell, Column, Kind, Table

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOURS = (
    Column("lot_id", "Lot"),
    Column("zone_id", "Zone"),
    Column("hour", "Hour", Kind.TIME),
    Column("occupancy", "Occupancy", Kind.SHARE),
)


def table(name: str, columns: tuple[Column, ...], rows: list[tuple[Cell, ...]]) -> Table:
    return Table(
        name=name,
        title=name,
        about="all lots",
        begin=NOON,
        end=NOON,
        zone=ZoneInfo("Europe/Berlin"),
        made=NOON,
        columns=columns,
        rows=rows,
    )


def hour(number: int, occupancy: float | None, lot: str = "north", zone: str | None = "A"):
    return (lot, zone, NOON + timedelta(hours=number), occupancy)


def test_each_zone_is_a_line_and_what_is_not_known_a_hole() -> None:
    rows = [hour(0, 0.5), hour(1, None), hour(4, 0.0), hour(1, 1.0, zone="B")]
    ((turned, chart),) = charts_of(table("occupancy_by_hour", HOURS, rows))
    drawn = option(turned, chart)
    assert drawn["xAxis"]["data"] == [f"01 Mar {13 + number}:00" for number in range(5)]
    assert [(each["name"], each["data"]) for each in drawn["series"]] == [
        ("A [%]", [50.0, None, None, None, 0.0]),
        ("B [%]", [None, 100.0, None, None, None]),
    ]
    assert drawn["yAxis"]["max"] == 100


def test_lots_are_named_where_there_are_more() -> None:
    rows = [hour(0, 0.5), hour(0, 0.1, lot="south", zone=None)]
    ((turned, chart),) = charts_of(table("occupancy_by_hour", HOURS, rows))
    assert [each["name"] for each in option(turned, chart)["series"]] == [
        "north A [%]",
        "south \u2013 [%]",
    ]
    assert chart.title == "Occupancy by the hour"


def test_more_than_can_be_told_apart_are_not_drawn_and_that_is_said() -> None:
    rows = [hour(0, 0.5, zone=f"Z{number}") for number in range(6)]
    ((turned, chart),) = charts_of(table("occupancy_by_hour", HOURS, rows))
    assert len(option(turned, chart)["series"]) == 4
    assert chart.title.endswith("4 of 6 are drawn, choose a lot")


def test_a_week_begins_on_monday() -> None:
    columns = (
        Column("lot_id", "Lot"),
        Column("weekday", "Weekday", Kind.COUNT),
        Column("hour", "Hour", Kind.COUNT),
        Column("occupancy", "Occupancy", Kind.SHARE),
    )
    rows = [("north", 7, 23, 0.2), ("north", 1, 8, 0.4), ("north", 1, 10, 0.6)]
    ((turned, chart),) = charts_of(table("daily_patterns", columns, rows))
    drawn = option(turned, chart)
    assert drawn["xAxis"]["data"] == ["Mon 08:00", "Mon 10:00", "Sun 23:00"]
    assert drawn["series"][0]["data"] == [40.0, 60.0, 20.0]


def test_days_have_two_charts() -> None:
    columns = (
        Column("lot_id", "Lot"),
        Column("day", "Day"),
        Column("arrivals", "Arrivals", Kind.COUNT),
        Column("occupancy", "Occupancy", Kind.SHARE),
    )
    rows = [("north", "2026-03-01", 12, None), ("north", "2026-03-02", 0, 0.5)]
    drawn = [option(*each) for each in charts_of(table("historical_trends", columns, rows))]
    assert [each["series"][0]["data"] for each in drawn] == [[None, 50.0], [12, 0]]
    assert [each["series"][0]["type"] for each in drawn] == ["line", "bar"]


def test_what_is_no_series_or_holds_nothing_has_none() -> None:
    assert charts_of(table("turnover", HOURS, [hour(0, 0.5)])) == []
    assert charts_of(table("occupancy_by_hour", HOURS, [])) == []
    assert charts_of(table("occupancy_by_hour", HOURS[:3], [hour(0, 0.5)[:3]])) == []
