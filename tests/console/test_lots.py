"""Facilities, lots, zones, floors, spots and devices, over real gateways and their stores."""

from datetime import datetime, timedelta
from typing import Any

import pytest

COUNTS = ("capacity", "current_occupancy", "free", "unknown", "closed")


def counts(shown: dict[str, Any]) -> tuple[int, ...]:
    return tuple(shown[name] for name in COUNTS)


def test_a_lot_is_told_as_its_gateway_counts_it(console, site) -> None:
    lot = console.read(f"/lots/{site.lot_id}")
    assert counts(lot) == (8, 1, 6, 1, 0)
    assert lot["occupancy_rate"] == pytest.approx(1 / 7, abs=1e-4)
    assert lot["coverage"] == 0.875
    assert lot["gateway_heard"] is True
    assert lot["facility_id"] == "f1"
    assert lot["last_updated"] < lot["as_of"]


def test_a_silent_gateway_makes_its_lot_unknown_and_never_free(console, silent) -> None:
    lot = console.read(f"/lots/{silent.lot_id}")
    assert counts(lot) == (8, 0, 0, 8, 0)
    assert lot["occupancy_rate"] is None
    assert lot["gateway_heard"] is False
    spot = console.read(f"/lots/{silent.lot_id}/spots/A1")
    assert (spot["status"], spot["reason"], spot["since"]) == ("unknown", "gateway_silent", None)
    assert spot["last_known"]["status"] == "occupied"


def test_a_spot_has_what_its_sensor_measured_last(console, site) -> None:
    reading = console.read(f"/lots/{site.lot_id}/spots/A1")["reading"]
    heard = console.read(f"/lots/{site.lot_id}/devices/pi-1")["last_heartbeat"]
    ago = datetime.fromisoformat(heard) - datetime.fromisoformat(reading.pop("at"))
    assert ago == timedelta(seconds=2)
    sound = {"health": "ok", "reason": "", "quality": "ok"}
    assert reading == {"value": 41.5, "unit": "cm", **sound}
    assert console.read(f"/lots/{site.lot_id}/spots/B1")["reading"] is None


def test_facilities_sum_their_lots(console, site, silent) -> None:
    page = console.read("/facilities")
    assert [each["facility_id"] for each in page["items"]] == ["f1", "f2"]
    assert page["items"][0]["lots"] == [site.lot_id]
    assert counts(page["items"][0]) == (8, 1, 6, 1, 0)
    lots = console.read("/lots", facility="f2")
    assert [each["lot_id"] for each in lots["items"]] == [silent.lot_id]


def test_zones(console, site) -> None:
    found = {each["zone_id"]: each for each in console.read(f"/lots/{site.lot_id}/zones")["items"]}
    assert {name: counts(zone) for name, zone in found.items()} == {
        "A": (2, 1, 1, 0, 0),
        "B": (1, 0, 0, 1, 0),
        "L": (5, 0, 5, 0, 0),
    }
    assert found["L"]["source"] == "counted"
    assert found["A"]["max_stay_s"] == 3600


def test_floors_are_of_sensed_spots(console, site) -> None:
    found = console.read(f"/lots/{site.lot_id}/floors")["items"]
    assert [(each["floor"], counts(each)) for each in found] == [
        (0, (1, 1, 0, 0, 0)),
        (2, (2, 0, 1, 1, 0)),
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["A1", "A2", "B1"]),
        ({"floor": 2, "status": "free"}, ["A2"]),
        ({"floor": 2}, ["A2", "B1"]),
        ({"zone": "A"}, ["A1", "A2"]),
        ({"kind": "ev"}, ["A1"]),
        ({"status": "unknown"}, ["B1"]),
        ({"sort": "-spot_id"}, ["B1", "A2", "A1"]),
        ({"sort": "-since"}, ["A2", "A1", "B1"]),
        ({"limit": 1, "offset": 1}, ["A2"]),
        ({"facility": "f3"}, []),
    ],
)
def test_spots_are_filtered_sorted_and_paged(
    console, site, asked: dict[str, Any], found: list[str]
) -> None:
    page = console.read("/spots", lot=site.lot_id, **asked)
    assert [each["spot_id"] for each in page["items"]] == found
    assert page["total"] == (3 if "limit" in asked else len(found))


@pytest.mark.parametrize(
    ("sort", "first"),
    [("occupancy_rate", 0), ("-occupancy_rate", 0), ("-free", 0), ("free", 1)],
)
def test_lots_are_sorted(console, site, silent, sort: str, first: int) -> None:
    """Of the silent one no spot is free, and no rate is known."""
    lots = console.read("/lots", sort=sort)["items"]
    assert lots[0]["lot_id"] == (site.lot_id, silent.lot_id)[first]


def test_one_facility_and_one_zone(console, site) -> None:
    (one,) = [f for f in console.read("/facilities")["items"] if f["facility_id"] == "f1"]
    assert console.read("/facilities/f1") == one
    zones = console.read(f"/lots/{site.lot_id}/zones")["items"]
    assert [console.read(f"/lots/{site.lot_id}/zones/{z['zone_id']}") for z in zones] == zones


def test_devices(console, site, silent) -> None:
    heard = console.read(f"/lots/{site.lot_id}/devices/pi-1")
    assert (heard["state"], heard["accepted_records"]) == ("online", site.seq)
    assert (heard["spots"], heard["floors"]) == (["A1", "A2"], [0, 2])
    states = {each["lot_id"]: each["state"] for each in console.read("/devices")["items"]}
    assert states == {site.lot_id: "online", silent.lot_id: "gateway_silent"}
    assert console.read("/devices", state="online", floor=2)["total"] == 1
    assert console.read("/devices", floor=1)["total"] == 0


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/lots/lot-9", 404, "no such lot"),
        ("/lots/{lot}/spots/Z9", 404, "not in the lot's layout"),
        ("/lots/{lot}/devices/pi-9", 404, "not heard of"),
        ("/lots/{lot}/zones/Z", 404, "not in the lot's layout"),
        ("/facilities/f9", 404, "no such facility"),
        ("/spots?flor=2", 422, "query.flor"),
        ("/spots?limit=0", 422, "query.limit"),
        ("/spots?sort=colour", 422, "query.sort"),
        ("/nothing", 404, "Not Found"),
    ],
)
def test_refusals_are_problem_details(console, site, path: str, status: int, words: str) -> None:
    response = console.get(path.format(lot=site.lot_id))
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert words in problem["detail"]
    assert problem["status"] == status
    assert problem["instance"].startswith("/api/v1/")


def test_a_change_is_told_when_the_kept_answer_is_dropped(console, site) -> None:
    lot = console.desk.lots[site.lot_id]
    assert console.read(f"/lots/{site.lot_id}/spots/A2")["status"] == "free"
    site.say("A2", "occupied")
    lot.live.drop()
    assert console.read(f"/lots/{site.lot_id}/spots/A2")["status"] == "occupied"
    site.say("A2", "free")
    lot.live.drop()
