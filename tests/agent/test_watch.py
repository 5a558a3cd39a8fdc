"""One sensor: opened, read, closed when it fails, opened again later; and what becomes a record."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.config import LaneSettings, SpotSettings
from agent.records import Moment
from agent.watch import Watch
from contract.words import ClockState, HealthState, Status
from drivers import DriverError, Quality, Reading

SENSOR = {"kind": "simulated"}
SPOT = SpotSettings.model_validate(
    {
        "spot_id": "A1",
        "sensor": SENSOR,
        "detector": {"kind": "ranging", "floor_mm": 2500, "dwell_on_s": 2, "dwell_off_s": 2},
    }
)
LANE = LaneSettings.model_validate(
    {"lane_id": "entry", "zone_id": "L", "sensor": {**SENSOR, "sensor": "magnetic"}}
)


class Scripted:
    """A driver that insists on being opened before it is read, and remembers what was done."""

    unit = "mm"
    bus = "scripted"
    timeout_s = 0.1

    def __init__(self) -> None:
        self.says: Reading | None = Reading(2500.0, "mm", Quality.OK, 2500.0, 0.0)
        self.opens_at: list[float] = []
        self.is_open = False
        self.now_s = 0.0

    def open(self) -> None:
        assert not self.is_open
        self.opens_at.append(self.now_s)
        if self.says is None:
            raise DriverError("no answer", "check the cable")
        self.is_open = True

    def read(self) -> Reading:
        assert self.is_open
        if self.says is None:
            raise DriverError("no answer", "check the cable")
        return self.says

    def close(self) -> None:
        self.is_open = False


class Told:
    """A watch polled once a second."""

    def __init__(self, settings: SpotSettings | LaneSettings = SPOT) -> None:
        self.driver = Scripted()
        self.watch = Watch(settings, self.driver, "pi-1")  # type: ignore[arg-type]
        self.watch.begin(None, 0.0)

    def run(self, seconds: int) -> list[dict[str, Any]]:
        found = []
        for _ in range(seconds):
            self.driver.now_s += 1
            found += [
                json.loads(entry.payload)
                for entry in self.watch.poll(self.driver.now_s, self.moment)
            ]
        return found

    def moment(self) -> Moment:
        wall = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
        return Moment(self.driver.now_s, wall, ClockState.SYNCED, "boot-1")


def test_a_sensor_that_fails_is_opened_again_after_1_2_4_to_60_seconds() -> None:
    told = Told()
    told.run(10)
    told.driver.says = None
    told.run(300)
    first, *again = told.driver.opens_at
    assert first == 1.0
    waits = [b - a for a, b in zip([11.0, *again], again, strict=False)]
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_good_reading_makes_the_patience_new() -> None:
    told = Told()
    told.driver.says = None
    told.run(100)
    told.driver.says = Reading(2500.0, "mm", Quality.OK, 2500.0, 0.0)
    told.run(70)
    told.driver.says = None
    begun = len(told.driver.opens_at)
    told.run(10)
    waits = [at_s - told.driver.opens_at[begun] for at_s in told.driver.opens_at[begun:]]
    assert waits[:3] == [0, 2, 6]


def test_the_spot_goes_unknown_after_a_minute_and_comes_back_as_it_was() -> None:
    told = Told()
    told.run(10)
    told.driver.says = None
    lost = told.run(120)
    assert [(b["type"], b.get("status"), b["health"]) for b in lost] == [
        ("health_changed", None, "degraded"),
        ("health_changed", None, "fault"),
        ("spot_changed", "unknown", "fault"),
    ]
    told.driver.says = Reading(2500.0, "mm", Quality.OK, 2500.0, 0.0)
    back = told.run(70)
    assert [(b["type"], b.get("previous"), b.get("status")) for b in back] == [
        ("health_changed", None, None),
        ("spot_changed", "free", "free"),
    ]


def test_alarms_are_durable_and_recoveries_are_not() -> None:
    told = Told()
    told.run(10)
    told.driver.says = None
    entries = []
    for _ in range(120):
        told.driver.now_s += 1
        entries += told.watch.poll(told.driver.now_s, told.moment)
    assert [(e.key, e.durable) for e in entries] == [("", True), ("", True), ("A1", False)]
    told.driver.says = Reading(2500.0, "mm", Quality.OK, 2500.0, 0.0)
    entries = []
    for _ in range(70):
        told.driver.now_s += 1
        entries += told.watch.poll(told.driver.now_s, told.moment)
    assert [(e.key, e.durable) for e in entries] == [("", False), ("A1", False)]


@pytest.mark.parametrize("says", [None, Reading(None, "mG", Quality.NO_DATA, None, 0.0)])
def test_a_dead_lane_sensor_is_degraded_and_then_a_fault(says: Reading | None) -> None:
    told = Told(LANE)
    told.driver.says = says
    said = [(b["spot_id"], b["health"], b["health_reason"]) for b in told.run(120)]
    assert said == [("entry", "degraded", "no_data"), ("entry", "fault", "no_data")]
    assert told.watch.health(120.0).health is HealthState.FAULT


def test_a_vehicle_in_a_lane_is_an_entry_known_by_lane_boot_and_moment() -> None:
    told = Told(LANE)
    said: list[dict[str, Any]] = []
    for n in range(900):
        offset = 60.0 if 600 <= n < 630 else 0.0
        field = (200.0 + offset + n % 2, 0.0, 400.0)
        told.driver.now_s = n / 15
        told.driver.says = Reading(field, "mG", Quality.OK, field, told.driver.now_s)
        entries = told.watch.poll(told.driver.now_s, told.moment)
        assert not any(entry.key for entry in entries)  # each counts: none replaces another
        said += [json.loads(entry.payload) for entry in entries]
    (counted,) = said
    assert (counted["type"], counted["event_type"], counted["zone_id"]) == (
        "vehicle_counted",
        "ARRIVAL",
        "L",
    )
    assert counted["event_id"] == f"pi-1:entry:boot-1:{counted['monotonic_ms']}"
    assert abs(counted["monotonic_ms"] - 40_000) < 300


def test_the_heartbeat_tells_the_last_reading_and_its_age() -> None:
    told = Told()
    told.run(5)
    health = told.watch.health(9.5)
    assert (health.value, health.unit, health.quality, health.age_s) == (2500.0, "mm", "ok", 9.5)
    assert health.status is Status.FREE


@pytest.mark.parametrize("kept", ['{"status": "full"}', "{", "null", "[]"])
def test_a_kept_state_that_cannot_be_read_is_begun_anew(
    kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    told.watch.begin(kept, 0.0)
    assert told.watch.state.status is Status.UNKNOWN
    assert "A1" in caplog.text
    assert told.run(10)[-1]["status"] == "free"


def test_closing_lets_the_sensor_go_once() -> None:
    told = Told()
    told.watch.close()
    told.run(1)
    assert told.driver.is_open
    told.watch.close()
    assert not told.driver.is_open
