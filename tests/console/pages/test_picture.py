"""What a browser is told: as of when, for how long it holds, and only what changed."""

from datetime import UTC, datetime, timedelta

import pytest

from console.hub import Change
from console.pages.picture import delta, fresh, picture
from contract.occupancy import Occupancy

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNTS = {"total": 3, "occupied": 1, "free": 1, "unknown": 1, "closed": 0, "coverage": 0.67}


def occupancy(ends_in_s: float, valid_for_s: float | None = 60.0, clock: str = "synced"):
    return {
        **COUNTS,
        "lot_id": "lot-1",
        "as_of": NOW.isoformat(),
        "valid_until": (NOW + timedelta(seconds=ends_in_s)).isoformat(),
        "valid_for_s": valid_for_s,
        "clock": clock,
    }


@pytest.mark.parametrize(
    ("ends_in_s", "valid_for_s", "clock", "left_s"),
    [
        (60, 60, "synced", 60),
        (20, 60, "synced", 20),  # a retained message that is old already
        (-5, 60, "synced", 0),
        (3600, 60, "synced", 60),  # the gateway's clock runs ahead: no longer than it says
        (-3600, 60, "unsynced", 60),  # its clock is wrong, and it says so
        (20, None, "synced", 20),
    ],
)
def test_how_long_it_holds(ends_in_s, valid_for_s, clock, left_s) -> None:
    counted = Occupancy.model_validate(occupancy(ends_in_s, valid_for_s, clock))
    assert fresh(counted, NOW) == {"as_of": round(NOW.timestamp() * 1000), "left_s": left_s}


def test_a_burst_is_one_message_with_the_last_word_on_each() -> None:
    def spot(name: str, status: str) -> Change:
        told = {"spot_id": name, "zone_id": "A", "floor": 0, "status": status}
        ends = {"as_of": NOW.isoformat(), "valid_until": NOW.isoformat()}
        return Change("lot-1", "spot", name, {**told, **ends, "since": NOW.isoformat()})

    zone = Change("lot-1", "zone", "A", {**occupancy(60), "zone_id": "A"})
    gone = Change("lot-1", "alert", "overstay.A1", None)
    drawn = delta([spot("A1", "free"), spot("A2", "free"), spot("A1", "occupied"), zone, gone], NOW)
    at = round(NOW.timestamp() * 1000)
    assert drawn == {
        "spots": {"A1": ["occupied", at, ""], "A2": ["free", at, ""]},
        "zones": {"A": [3, 1, 1, 1, 0]},
    }


def test_a_lots_counts_say_for_how_long_they_hold() -> None:
    drawn = delta([Change("lot-1", "lot", "", occupancy(60), again=True)], NOW)
    assert (drawn["lot"], drawn["left_s"]) == ([3, 1, 1, 1, 0], 60)


def test_a_silent_lot_holds_nothing(console, silent) -> None:
    drawn = picture(console.desk.lots[silent.lot_id])
    assert (drawn["heard"], drawn["left_s"]) == (False, 0)
    assert drawn["spots"]["A1"] == ["unknown", None, "gateway_silent"]
