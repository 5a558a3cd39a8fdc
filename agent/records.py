"""From what a detector says to a stored body, and from a stored body to the wire. Pure.

A body is a record without its place in the stream (agent_id, epoch, seq, prev_seq), which it
gets when it is published; so is the time of what an unsynced clock stamped.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.detector.changes import Change, HealthChange, Passage
from contract.upstream import rfc3339
from contract.words import ClockState, HealthState, Status

ClockPair = tuple[int, datetime]
"""A boot's monotonic milliseconds and the synced wall time at that moment."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on both clocks, and whether the wall clock can be trusted."""

    monotonic_s: float
    wall: datetime
    clock: ClockState
    boot_id: str

    def stamp(self, at_s: float) -> dict[str, Any]:
        """The time fields of something that happened at monotonic `at_s`."""
        return {
            "timestamp": rfc3339(self.wall - timedelta(seconds=self.monotonic_s - at_s)),
            "clock": self.clock.value,
            "monotonic_ms": max(int(at_s * 1000), 0),
            "boot_id": self.boot_id,
        }


def spot_changed(spot_id: str, change: Change, health: HealthChange, now: Moment) -> dict[str, Any]:
    """The body of a SpotChanged."""
    return {
        "type": "spot_changed",
        "spot_id": spot_id,
        "status": change.status.value,
        "previous": change.previous.value,
        "confidence": round(change.confidence, 3),
        "health": health.health.value,
        "health_reason": health.reason,
        **now.stamp(change.at_s),
    }


def health_changed(spot_id: str, health: HealthChange, now: Moment) -> dict[str, Any]:
    """The body of a HealthChanged."""
    return {
        "type": "health_changed",
        "spot_id": spot_id,
        "health": health.health.value,
        "health_reason": health.reason,
        **now.stamp(health.at_s),
    }


def given_up(spot_id: str, last: dict[str, Any], now: Moment) -> dict[str, Any]:
    """The body of a SpotChanged for a spot that is no longer configured, by its last one."""
    at_s, settled = now.monotonic_s, Status(last["status"])
    change = Change(Status.UNKNOWN, settled, at_s, 0.0)
    return spot_changed(spot_id, change, HealthChange(HealthState.OK, "unconfigured", at_s), now)


def vehicle_counted(
    agent_id: str, lane_id: str, zone_id: str | None, counts: str, passage: Passage, now: Moment
) -> dict[str, Any]:
    """The body of a VehicleCounted; its event id is the lane and the moment, which never repeat."""
    stamp = now.stamp(passage.at_s)
    return {
        "type": "vehicle_counted",
        "event_id": f"{agent_id}:{lane_id}:{stamp['boot_id']}:{stamp['monotonic_ms']}",
        "event_type": counts,
        "lane_id": lane_id,
        "zone_id": zone_id,
        "confidence": round(passage.confidence, 3),
        **stamp,
    }


def birth(session_id: str, version: str, spots: list[str], now: Moment) -> dict[str, Any]:
    """The body of a Birth."""
    return {
        "type": "birth",
        "session_id": session_id,
        "version": version,
        "spots": spots,
        **now.stamp(now.monotonic_s),
    }


def encoded(body: dict[str, Any]) -> bytes:
    """A body as it is stored."""
    return json.dumps(body, separators=(",", ":")).encode()


def restamped(body: dict[str, Any], pair_of: Callable[[str], ClockPair | None]) -> dict[str, Any]:
    """`body` with the time that its boot's first synced pair gives, if it was unsynced."""
    if body["clock"] != ClockState.UNSYNCED.value:
        return body
    pair = pair_of(body["boot_id"])
    if pair is None:
        return body
    monotonic_ms, wall = pair
    moment = wall + timedelta(milliseconds=body["monotonic_ms"] - monotonic_ms)
    return {
        **body,
        "timestamp": rfc3339(moment.astimezone(UTC)),
        "clock": ClockState.SYNCED.value,
    }
