"""Figures, heat map and utilisation of a lot's past."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.console.conftest import await_kept, history_sink

HOUR = timedelta(hours=1)


def begin_of_today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, broker, make_site) -> Iterator[Any]:
    """Three days ago A1 was occupied from 9 to 11 and from 12 to 12:30, A2 was free all the day."""
    folder = tmp_path_factory.mktemp("kept")
    site = make_site(folder / "lot", broker[1], "f1", history_sink(folder))
    site.beat()
    begin = begin_of_today() - 72 * HOUR
    for spot, status, hour in (
        ("A2", "free", 0.0),
        ("A1", "free", 0.0),
        ("A1", "occupied", 9.0),
        ("A1", "free", 11.0),
        ("A1", "occupied", 12.0),
        ("A1", "free", 12.5),
        ("A2", "unknown", 24.0),
    ):
        site.say(spot, status, (datetime.now(UTC) - begin - hour * HOUR).total_seconds())
    await_kept(site)
    yield site
    site.stop()
    site.close()


@pytest.fixture(scope="module")
def over_kept(tmp_path_factory: pytest.TempPathFactory, kept, console_over) -> Iterator[Any]:
    yield from console_over(tmp_path_factory.mktemp("over"), kept)


@pytest.fixture
def asked() -> dict[str, str]:
    begin = begin_of_today() - 72 * HOUR
    return {"begin": begin.isoformat(), "end": (begin + 24 * HOUR).isoformat()}


def test_the_figures_of_a_zone(over_kept, kept, asked) -> None:
    told = over_kept.read(f"/lots/{kept.lot_id}/figures", zone="A", **asked)
    assert told["occupancy"] == round(2.5 / 48, 4)
    assert told["coverage"] == 1.0
    # The two records with which the day begins say that somebody left.
    assert (told["arrivals"], told["departures"]) == (2, 4)
    assert told["turnover_per_bay_hour"] == round(2 / 48, 4)
    assert (told["dwell"]["stays"], told["dwell"]["average_s"]) == (2, 4500.0)
    assert told["dwell"]["median_s"] == pytest.approx(1800, rel=0.03)
    assert told["dwell"]["p95_s"] == pytest.approx(7200, rel=0.03)
    assert told["peak_hours"] == []
    assert told["whole"] is True


def test_the_figures_of_the_lot_are_covered_by_two_spots_of_three(over_kept, kept, asked) -> None:
    told = over_kept.read(f"/lots/{kept.lot_id}/figures", **asked)
    assert told["coverage"] == 0.6667
    counted = over_kept.read(f"/lots/{kept.lot_id}/figures", zone="L", **asked)
    assert (counted["occupancy"], counted["coverage"]) == (None, None)


def test_the_heat_map_has_the_hours_of_that_day(over_kept, kept, asked) -> None:
    told = over_kept.read(f"/lots/{kept.lot_id}/heatmap", zone="A", **asked)
    weekday = (begin_of_today() - 72 * HOUR).weekday()
    cells = {(each["weekday"], each["wall_hour"]): each for each in told["cells"]}
    assert len(cells) == 24
    full = {hour: cells[weekday, hour]["occupancy"] for hour in range(24)}
    assert {hour: value for hour, value in full.items() if value} == {9: 0.5, 10: 0.5, 12: 0.25}
    assert cells[weekday, 9]["arrivals"] == 1


def test_each_spot_has_its_utilisation(over_kept, kept, asked) -> None:
    told = over_kept.read(f"/lots/{kept.lot_id}/utilisation", **asked)
    assert [(each["spot_id"], each["occupancy"], each["coverage"]) for each in told["items"]] == [
        ("A1", round(2.5 / 24, 4), 1.0),
        ("A2", 0.0, 1.0),
        ("B1", None, 0.0),
    ]
    (one,) = over_kept.read(f"/lots/{kept.lot_id}/utilisation", zone="B", **asked)["items"]
    assert one["spot_id"] == "B1"


@pytest.mark.parametrize("name", ["figures", "heatmap", "utilisation"])
def test_a_zone_that_there_is_not_and_two_years_are_refused(over_kept, kept, name: str) -> None:
    path = f"/lots/{kept.lot_id}/{name}"
    assert over_kept.get(path, zone="Z").status_code == 404
    begin = (begin_of_today() - timedelta(days=730)).isoformat()
    assert over_kept.get(path, begin=begin).status_code == 422
