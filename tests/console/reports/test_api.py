"""Reports over the API, from a real gateway's history sink: figures by hand, formats by reading."""

import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from console.reports.catalogue import REPORTS
from console.routes import reports as routes
from console.tokens import Scope
from tests.console.conftest import await_kept, history_sink

pytestmark = pytest.mark.timeout(180)
HOUR = timedelta(hours=1)


def hour_of_now() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def ago_s(at: datetime) -> float:
    return (datetime.now(UTC) - at).total_seconds()


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, broker, make_site) -> Iterator[Any]:
    """In zone A, A1 was occupied for the first half of the hour before the last and for all of
    the last, A2 free throughout; of B1 nothing is known. L is counted.
    """
    folder = tmp_path_factory.mktemp("reported")
    site = make_site(folder / "lot", broker[1], "f1", history_sink(folder))
    site.beat()
    begin = site.begin = hour_of_now() - 2 * HOUR
    site.say("A2", "free", ago_s(begin - HOUR))
    for status, at in (
        ("free", begin - HOUR),
        ("occupied", begin),
        ("free", begin + HOUR / 2),
        ("occupied", begin + HOUR),
        ("free", begin + 2 * HOUR),
    ):
        site.say("A1", status, ago_s(at))
    await_kept(site)
    yield site
    site.stop()
    site.close()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, past, silent, console_over) -> Iterator[Any]:
    for console in console_over(tmp_path_factory.mktemp("over-reported"), past, silent):
        console.http.timeout = 90  # the first file loads matplotlib, which looks at every font
        begin = past.begin
        for zone, aim in (("A", 0.3), (None, 0.9)):
            target = {
                "zone_id": zone,
                "weekdays": list(range(7)),
                "from_hour": (begin + HOUR).hour,
                "to_hour": (begin + HOUR).hour + 1,
                "occupancy": aim,
            }
            made = console.http.post(
                f"/api/v1/lots/{past.lot_id}/targets",
                json=target,
                headers=console.headers(Scope.OPERATOR),
            )
            assert made.status_code == 201, made.text
        yield console


@pytest.fixture
def asked(past) -> dict[str, Any]:
    begin, end = past.begin, past.begin + 2 * HOUR
    return {"lot": past.lot_id, "begin": begin.isoformat(), "end": end.isoformat()}


def test_every_report_is_listed(api) -> None:
    told = api.read("/reports")
    assert [each["name"] for each in told["items"]] == list(REPORTS)
    assert list(REPORTS) == ["zones", "devices", "efficiency", "hourly"]
    assert told["formats"] == ["json", "csv", "xlsx", "pdf"]


def test_zones(api, asked, past) -> None:
    told = api.read("/reports/zones", **asked)
    a, b, whole = told["rows"]
    assert (a["zone_id"], b["zone_id"], whole["zone_id"]) == ("A", "B", "all zones")
    assert {row["lot_id"] for row in told["rows"]} == {past.lot_id}
    assert (a["spots"], a["occupancy"], a["coverage"]) == (2, 0.375, 1.0)
    assert (a["peak"], datetime.fromisoformat(a["peak_at"])) == (0.5, past.begin + HOUR)
    assert (a["arrivals"], a["departures"]) == (2, 1)
    assert a["turnover"] == 12.0  # two in four hours of spots
    assert a["average_stay_s"] == 1800
    assert abs(a["median_stay_s"] - 1800) < 1800 * 0.026
    assert (b["occupancy"], b["coverage"], b["peak"], b["turnover"]) == (None, 0.0, None, None)
    assert b["average_stay_s"] is None
    assert (whole["spots"], whole["coverage"]) == (3, 0.6667)
    assert whole["occupancy"] == 0.375
    assert any("L is counted at its lanes" in note for note in told["notes"])


def test_hourly(api, asked, past) -> None:
    told = api.read("/reports/hourly", **asked)
    begin = past.begin
    assert [list(row.values()) for row in told["rows"]] == [
        [past.lot_id, _z(begin), 0.25, None, 0.6667, 1, 1],
        [past.lot_id, _z(begin + HOUR), 0.5, 0.9, 0.6667, 1, 0],
    ]


def _z(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def test_efficiency(api, asked) -> None:
    told = api.read("/reports/efficiency", **asked)
    a, b, whole = told["rows"]
    assert (a["hours"], a["judged"]) == (1, 1)
    assert (a["target"], a["occupancy"], a["difference"]) == (0.3, 0.5, 0.2)
    assert (a["efficiency"], a["reached"]) == (1.6667, 1.0)
    assert (b["hours"], b["target"], b["occupancy"], b["reached"]) == (0, None, None, None)
    assert (whole["target"], whole["difference"], whole["reached"]) == (0.9, -0.4, 0.0)
    assert any("no target is set for B" in note for note in told["notes"])


def test_devices(api, asked, past) -> None:
    (row,) = api.read("/reports/devices", **asked)["rows"]
    assert (row["agent_id"], row["spots"], row["state"]) == ("pi-1", 2, "online")
    assert (row["coverage"], row["worst_coverage"], row["unknown_s"]) == (1.0, 1.0, 0.0)
    assert row["accepted_records"] == 6


def test_all_lots_and_a_facility(api, past, silent) -> None:
    lots = {row["lot_id"] for row in api.read("/reports/devices")["rows"]}
    assert lots == {past.lot_id, silent.lot_id}
    of_one = api.read("/reports/zones", facility="f1")["rows"]
    assert {row["lot_id"] for row in of_one} == {past.lot_id}


def test_a_silent_lot_keeps_nothing_and_says_so(api, silent) -> None:
    told = api.read("/reports/zones", lot=silent.lot_id)
    assert {row["occupancy"] for row in told["rows"]} == {None}
    assert any('kind = "history"' in note for note in told["notes"])


@pytest.mark.parametrize("name", list(REPORTS))
def test_each_format_holds_the_rows_of_the_json(api, asked, name: str) -> None:
    told = api.read(f"/reports/{name}", **asked)
    assert told["rows"]
    keys = [column["key"] for column in told["columns"]]

    body = api.get(f"/reports/{name}", **asked, format="csv").content.decode("utf-8-sig")
    head, *rows = csv.reader(StringIO(body, newline=""))
    assert head == keys
    assert [[_same(cell) for cell in row] for row in rows] == [
        ["" if cell is None else _same(cell) for cell in row.values()] for row in told["rows"]
    ]

    book = load_workbook(BytesIO(api.get(f"/reports/{name}", **asked, format="xlsx").content))
    sheet = book["Data"]
    assert sheet.max_row == len(told["rows"]) + 1
    for cells, row in zip(list(sheet.iter_rows(values_only=True))[1:], told["rows"], strict=True):
        for column, cell in zip(told["columns"], cells, strict=True):
            if column["kind"] in ("text", "count", "share", "number"):
                assert cell == row[column["key"]], column

    pdf = PdfReader(BytesIO(api.get(f"/reports/{name}", **asked, format="pdf").content))
    text = "".join("".join(page.extract_text() for page in pdf.pages).split())
    for row in told["rows"]:
        for column in told["columns"]:
            if column["kind"] == "share" and row[column["key"]] is not None:
                assert f"{row[column['key']] * 100:.1f}%" in text
            if column["kind"] == "text" and row[column["key"]]:
                assert "".join(row[column["key"]].split()) in text


def _same(cell: Any) -> Any:
    """Times and numbers by their value."""
    if isinstance(cell, str) and "T" in cell and cell[:1].isdigit():
        return datetime.fromisoformat(cell)
    try:
        return float(cell)
    except (TypeError, ValueError):
        return cell


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("csv", "text/csv; charset=utf-8"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("pdf", "application/pdf"),
    ],
)
def test_a_file_says_what_it_is_and_how_it_is_called(api, past, form: str, kind: str) -> None:
    of = {"lot": past.lot_id, "begin": "2026-03-01T00:00:00Z", "end": "2026-03-31T00:00:00Z"}
    answer = api.get("/reports/zones", **of, format=form)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    name = f"zones-{past.lot_id}-20260301-20260331.{form}"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize(
    ("path", "query", "status", "said"),
    [
        ("hourly", {"begin": "2026-01-01T00:00:00Z", "end": "2026-02-02T00:00:00Z"}, 422, "by 31"),
        ("zones", {"begin": "2025-01-01T00:00:00Z", "end": "2026-02-02T00:00:00Z"}, 422, "by 366"),
        ("zones", {"begin": "2026-02-02T00:00:00Z", "end": "2026-02-01T00:00:00Z"}, 422, "behind"),
        ("zones", {"begin": "2026-02-02T00:00:00"}, 422, "begin"),
        ("zones", {"format": "docx"}, 422, "format"),
        ("zones", {"lots": "x"}, 422, "lots"),
        ("zones", {"lot": "nowhere"}, 404, "lot = 'nowhere'"),
        ("zones", {"facility": "f9"}, 404, "facility = 'f9'"),
        ("revenue", {}, 404, "name = 'revenue'"),
    ],
)
def test_what_cannot_be_told_is_refused(
    api, path: str, query: dict[str, str], status: int, said: str
) -> None:
    answer = api.get(f"/reports/{path}", **query)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_nobody_without_a_token_reads_one(api) -> None:
    assert api.get("/reports/zones", None).status_code == 401
    assert api.get("/reports", None).status_code == 401


def test_the_console_answers_while_a_report_is_written(api, asked) -> None:
    """Files wait for each other, and nothing else waits for them."""
    with ThreadPoolExecutor() as pool, routes.ONE_AT_A_TIME:
        written = pool.submit(api.get, "/reports/zones", **asked, format="csv")
        assert api.read("/health")["status"] == "ok"
        assert api.read("/reports/zones", **asked)["rows"]
        assert not written.done()
    assert written.result().status_code == 200
