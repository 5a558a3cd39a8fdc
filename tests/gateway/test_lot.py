"""What the lot is believed to be, and what its displays are given: presence, counts, retained."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.golden import golden
from contract.occupancy import SpotState, may_be_shown
from contract.topics import Topics
from contract.upstream import rfc3339
from contract.words import Status
from gateway.alarms import Alarms
from gateway.batch import Arrived
from gateway.displays import REFRESH_SHARE, SPOTS_AT_ONCE, Displays
from gateway.ingest import Ingest
from gateway.lot import Lot
from gateway.presence import CLONE_QUIET_S
from gateway.store import GatewayStore
from gateway.testing import START, SetClock, changed, lot_settings

EVENTS = "parking/v1/lot-1/agents/pi-1/events"


class House:
    """A lot and its displays, without threads; what is published is kept."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        self.folder = folder
        self.sections = sections
        self.clock = SetClock()
        self.open()

    def open(self) -> None:
        self.settings = lot_settings(self.folder, **self.sections)
        self.store = GatewayStore(self.settings.store.path, 10_000_000)
        self.ingest = Ingest(self.settings, self.store, self.clock)
        self.lot = Lot(self.settings, self.store, self.ingest, self.clock)
        self.retained: dict[str, dict[str, Any]] = {}
        self.published: list[str] = []
        self.displays = Displays(self.lot, Topics("lot-1"), self._publish)
        self.alarms = Alarms(self.lot)

    def _publish(self, topic: str, payload: bytes) -> None:
        name = topic.removeprefix("parking/v1/lot-1/")
        self.retained[name] = json.loads(payload or b"null")
        self.published.append(name)

    def restart(self) -> None:
        self.store.close()
        self.open()

    def take(self, *messages: dict[str, Any]) -> None:
        arrived = [Arrived("pi-1", EVENTS, json.dumps(each).encode()) for each in messages]
        self.displays.owe(self.ingest.take(arrived).changed_spots)

    def hear(self, agent: str = "pi-1") -> None:
        self.lot.presences[agent].hears(self.clock.monotonic())

    def show(self) -> dict[str, dict[str, Any]]:
        self.published.clear()
        self.displays.tick(self.clock.monotonic())
        self.alarms.tick(linked=True)
        self.displays.flush(self.clock.wall())
        return self.retained

    def spot(self, name: str = "A1") -> tuple[str, str]:
        shown = self.lot.shown(name)
        return shown.status.value, shown.reason


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.store.close()


def counts(message: dict[str, Any]) -> tuple[int, int, int, int, int]:
    return tuple(message[n] for n in ("total", "occupied", "free", "unknown", "closed"))  # type: ignore[return-value]


def test_a_silent_agents_spots_are_unknown_and_never_free(house: House) -> None:
    house.take(changed(1, "free"), changed(2, "occupied", spot_id="A2"))
    house.hear()
    assert counts(house.show()["zones/A/occupancy"]) == (2, 1, 1, 0, 0)
    house.clock.now_s += 30.1
    shown = house.show()
    assert counts(shown["zones/A/occupancy"]) == (2, 0, 0, 2, 0)
    assert shown["zones/A/occupancy"]["coverage"] == 0
    state = shown["spots/A1/state"]
    assert (state["status"], state["reason"]) == ("unknown", "agent_offline")
    assert "since" not in state
    house.hear()
    assert counts(house.show()["zones/A/occupancy"]) == (2, 1, 1, 0, 0)


def test_after_a_restart_nothing_is_believed_that_is_older_than_the_limit(house: House) -> None:
    house.take(changed(1, "free"))
    house.restart()
    assert house.spot() == ("free", "")
    house.clock.now_s += 31
    house.restart()
    assert house.spot() == ("unknown", "agent_offline")


def test_after_a_reboot_nothing_is_believed_before_its_agent_is_heard(house: House) -> None:
    house.take(changed(1, "free"))
    house.clock.boot_id = "boot-2"  # type: ignore[misc]
    house.restart()
    assert house.spot() == ("unknown", "unconfirmed")
    house.hear()
    assert house.spot() == ("free", "")


def test_a_closed_spot_is_closed_whatever_its_agent_says(house: House) -> None:
    house.take(changed(1, "free"))
    house.hear()
    with house.store.transaction():
        house.store.db.execute("INSERT INTO closed_spots VALUES ('A1', '2026-03-01', 'paint')")
    house.lot.refresh()
    house.restart()
    shown = house.show()
    assert shown["spots/A1/state"]["status"] == "closed"
    assert counts(shown["zones/A/occupancy"]) == (2, 0, 0, 1, 1)
    assert shown["zones/A/occupancy"]["coverage"] == 0.5  # that it is closed is known


@pytest.mark.parametrize(
    ("count", "occupied", "free"), [(0, 0, 5), (3, 3, 2), (7, 5, 0), (-2, 0, 5)]
)
def test_a_count_may_stray_but_its_display_does_not(
    house: House, count: int, occupied: int, free: int
) -> None:
    with house.store.transaction():
        house.store.enter_count("x", "L", "lane", count, "2026-03-01")
    house.lot.refresh()
    zone = house.show()["zones/L/occupancy"]
    assert (zone["occupied"], zone["free"], zone["counted"]) == (occupied, free, count)
    assert counts(house.retained["occupancy"]) == (8, occupied, free, 3, 0)


def test_only_what_changed_is_published_and_all_before_it_runs_out(house: House) -> None:
    house.take(changed(1, "free"))
    house.hear()
    house.show()
    first = house.retained["spots/A1/state"]
    house.take(changed(2, "occupied", spot_id="A2"))
    house.show()
    assert house.published == [
        "occupancy",
        *(f"zones/{zone}/occupancy" for zone in "ABL"),
        "spots/A2/state",
    ]
    house.clock.now_s += 60 / REFRESH_SHARE
    house.hear()
    house.show()
    shown = [name for name, body in house.retained.items() if body is not None]
    assert sorted(set(house.published)) == sorted(shown)
    again = house.retained["spots/A1/state"]
    assert again["valid_until"] > first["valid_until"] > again["as_of"]


def test_what_is_shown_is_valid_for_as_long_as_configured(tmp_path: Path) -> None:
    house = House(tmp_path, presence={"validity_s": 7})
    house.show()
    for message in house.retained.values():
        until, as_of = (datetime.fromisoformat(message[n]) for n in ("valid_until", "as_of"))
        assert until - as_of == timedelta(seconds=7)
    house.store.close()


def test_a_lot_whose_gateway_does_not_know_the_time_is_shown_all_the_same(house: House) -> None:
    """It believes that it is 1970; a display counts from the arrival, by its own clock."""
    house.clock.is_synced = False
    house.clock.wall = lambda: datetime(1970, 1, 1, tzinfo=UTC)  # type: ignore[method-assign]
    house.take(changed(1))
    house.hear()
    state = SpotState.model_validate(house.show()["spots/A1/state"])
    assert may_be_shown(state, START, age_s=59.9)
    assert not may_be_shown(state, START, age_s=60)
    house.clock.is_synced = True
    house.displays.owe_all()
    state = SpotState.model_validate(house.show()["spots/A1/state"])
    assert not may_be_shown(state, START, age_s=0)


def test_five_changes_in_one_window_are_shown_once_as_it_is_now(house: House) -> None:
    house.hear()
    house.show()
    house.take(*(changed(n, "free" if n % 2 else "occupied") for n in range(1, 6)))
    house.show()
    assert house.published.count("spots/A1/state") == 1
    assert house.retained["spots/A1/state"]["status"] == "free"


def test_a_large_lot_is_shown_in_parts_and_none_is_forgotten(tmp_path: Path) -> None:
    names = [f"S{n}" for n in range(2 * SPOTS_AT_ONCE + 1)]
    house = House(
        tmp_path,
        zones=[{"zone_id": "A"}],
        spots=[{"spot_id": name, "zone_id": "A"} for name in names],
    )
    house.displays.owe_all()
    for _ in range(3):
        house.displays.flush(house.clock.wall())
    spots = [each for each in house.published if each.startswith("spots/")]
    assert spots == [f"spots/{name}/state" for name in names]
    house.store.close()


def test_after_a_reconnect_everything_is_published_again(house: House) -> None:
    house.show()
    everything = set(house.retained)
    house.retained.clear()
    house.displays.owe_all()
    house.displays.flush(house.clock.wall())
    assert set(house.retained) == everything
    assert len(everything) == 3 + 1 + 3


def test_a_snapshot_for_the_cloud_says_what_displays_say(house: House) -> None:
    house.take(changed(1, "free"))
    house.hear()
    ((spot_id, payload),) = house.lot.snapshots(None)
    record = json.loads(payload)
    assert (spot_id, record["status"], record["event_type"]) == ("A1", "vacant", "SNAPSHOT")
    assert record["event_id"] == "pi-1:e1:1:snapshot"
    house.clock.now_s += 31
    record = json.loads(house.lot.snapshots(["A1"])[0][1])
    assert (record["status"], record["health_reason"]) == ("unknown", "agent_offline")
    assert house.lot.snapshots(["B1", "Z9"]) == []
    assert house.ingest.believed["A1"].status is Status.FREE


def test_a_snapshot_says_what_its_agent_said_and_of_which_words_it_is_aware(house: House) -> None:
    house.take(changed(1))
    house.hear()
    house.lot.closed = {"A1"}
    house.lot.told_by, house.lot.told_seq = "own-1", 7
    record = json.loads(house.lot.snapshots(["A1"])[0][1])
    assert record.keys() == json.loads(golden("cloud_snapshot_of_a_lot")).keys()
    assert (record["status"], record["own_status"]) == ("closed", "occupied")
    assert (record["made_at"], record["told_seq"]) == (rfc3339(house.clock.wall()), 7)


def test_a_spot_that_left_the_layout_is_neither_shown_nor_counted(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.take(changed(1, "free"))
    house.sections = {"spots": [{"spot_id": "A2", "zone_id": "A"}]}
    house.restart()
    assert house.show()["occupancy"]["total"] == 1 + 5
    assert "spots/A1/state" not in house.retained
    assert house.lot.snapshots(None) == []
    house.store.close()


def test_an_identity_with_two_holders_is_told_until_it_has_one_again(house: House) -> None:
    """Red where the alert is published only once, and where its end is not told."""
    presence = house.lot.presences["pi-1"]
    presence.hears_up("s1", house.clock.monotonic())
    house.store.alerts.disown("clone.pi-1")  # an earlier gateway left it on the broker
    assert house.show()["alerts/clone.pi-1"] is None
    for session in ("s2", "s1"):
        presence.hears_up(session, house.clock.monotonic())
    alert = house.show()["alerts/clone.pi-1"]
    assert alert["kind"] == "clone"
    assert alert["agent_id"] == "pi-1"
    assert house.lot.state("pi-1") == "online, clone_suspected"
    house.show()
    assert "alerts/clone.pi-1" not in house.published
    house.clock.now_s += 60
    house.displays.owe_all()
    assert house.show()["alerts/clone.pi-1"] == alert
    assert "alerts/clone.pi-1" in house.published
    house.clock.now_s += CLONE_QUIET_S
    presence.hears_up("s1", house.clock.monotonic())
    assert house.show()["alerts/clone.pi-1"] is None
