"""Devices that were registered here: those without MQTT, and what people call the agents.

A device without MQTT may speak for its spots alone. What it said is known again by its own event
ids. They are kept by the time of the event, and an event that is no younger than what was
forgotten is refused, whatever any clock says: so none can be taken twice.
"""

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from contract.upstream import rfc3339
from contract.words import Status

SCHEMA = """
CREATE TABLE devices (
    device_id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, note TEXT NOT NULL,
    silent_after_s REAL NOT NULL, created TEXT NOT NULL, retired TEXT
);
CREATE TABLE device_spots (
    spot_id TEXT PRIMARY KEY, device_id TEXT NOT NULL, settled TEXT NOT NULL, newest TEXT NOT NULL
);
CREATE TABLE device_events (
    device_id TEXT NOT NULL, event_id TEXT NOT NULL, at TEXT NOT NULL, print BLOB NOT NULL,
    PRIMARY KEY (device_id, event_id)
);
CREATE INDEX device_events_at ON device_events (at);
"""
EPOCH = "telemetry_epoch"
"""In the table `gateway`: the epoch of the streams that are made here. A store that was taken back
from a copy must begin another, or it would give out places that were given out before."""
HORIZON = "telemetry_horizon"
"""In the table `gateway`: ids of events up to this time may be forgotten."""

Kind = Literal["http", "mqtt"]


@dataclass(frozen=True, slots=True)
class Device:
    """One registered device. `kind` mqtt: an agent, of which name and note alone stand here."""

    device_id: str
    kind: Kind
    name: str
    note: str
    silent_after_s: float
    """So long a device without MQTT may be silent before its spots are unknown."""
    created: str
    retired: str | None
    spots: tuple[str, ...] = ()

    @property
    def speaks(self) -> bool:
        """Whether telemetry is taken from it."""
        return self.kind == "http" and self.retired is None


@dataclass(frozen=True, slots=True)
class Place:
    """A spot that a device speaks for: its last settled status, and the time of its newest event
    (RFC 3339, "" before the first).
    """

    device_id: str
    settled: Status = Status.UNKNOWN
    newest: str = ""


class Devices:
    """The register in the gateway's database; what writes runs in the owner's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.seen: dict[str, str] = {}
        """Of each spot, the newest event that changed nothing: a sign of life, in memory."""
        self.reload()

    def reload(self) -> None:
        """Count the events anew, after a transaction that was undone."""
        (self.events,) = self._db.execute("SELECT COUNT(*) FROM device_events").fetchone()

    def all(self) -> dict[str, Device]:
        """Every device by its id."""
        return devices_in(self._db)

    def put(self, device: Device) -> None:
        """Register or change one. A spot that is new to it has no past."""
        self._db.execute(
            "INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (device_id) DO UPDATE "
            "SET kind=excluded.kind, name=excluded.name, note=excluded.note, "
            "silent_after_s=excluded.silent_after_s, retired=excluded.retired",
            (
                device.device_id,
                device.kind,
                device.name,
                device.note,
                device.silent_after_s,
                device.created,
                device.retired,
            ),
        )
        mine = {
            spot for spot, place in self.places().items() if place.device_id == device.device_id
        }
        self._db.executemany(
            "DELETE FROM device_spots WHERE spot_id=?", [(each,) for each in mine - {*device.spots}]
        )
        self._db.executemany(
            "INSERT INTO device_spots VALUES (?, ?, 'unknown', '')",
            [(each, device.device_id) for each in device.spots if each not in mine],
        )

    def places(self) -> dict[str, Place]:
        """The spots that devices speak for."""
        rows = self._db.execute("SELECT spot_id, device_id, settled, newest FROM device_spots")
        return {spot: Place(device, Status(settled), at) for spot, device, settled, at in rows}

    def move(self, places: dict[str, Place]) -> None:
        """Events of these spots were taken."""
        self._db.executemany(
            "UPDATE device_spots SET settled=?, newest=? WHERE spot_id=?",
            [(place.settled.value, place.newest, spot) for spot, place in places.items()],
        )

    # Events ----------------------------------------------------------------------------------

    def print_of(self, device_id: str, event_id: str) -> bytes | None:
        """What the event of this id looked like; None where none is known."""
        row = self._db.execute(
            "SELECT print FROM device_events WHERE device_id=? AND event_id=?",
            (device_id, event_id),
        ).fetchone()
        return row[0] if row else None

    def note_events(self, rows: Iterable[tuple[str, str, str, bytes]]) -> None:
        """(device_id, event_id, at, print) of events that were taken."""
        noted = self._db.executemany("INSERT INTO device_events VALUES (?, ?, ?, ?)", rows)
        self.events += max(noted.rowcount, 0)

    @property
    def horizon(self) -> str:
        """An event of this time or before it is refused: its id may have been forgotten."""
        return self._kept(HORIZON) or ""

    def forget(self, until: str) -> None:
        """Forget the ids of events up to a time. The horizon moves no further than they went: a
        clock that was wrong for a while does not shut out what comes when it is right.
        """
        (newest,) = self._db.execute(
            "SELECT MAX(at) FROM device_events WHERE at <= ?", (until,)
        ).fetchone()
        if newest is not None:
            self._keep(HORIZON, max(newest, self.horizon))
            gone = self._db.execute("DELETE FROM device_events WHERE at <= ?", (until,))
            self.events -= gone.rowcount

    def oldest(self, skip: int = 0) -> str:
        """The time of the event behind the `skip` oldest ones; "" where there are none."""
        row = self._db.execute(
            "SELECT at FROM device_events ORDER BY at LIMIT 1 OFFSET ?", (skip,)
        ).fetchone()
        return row[0] if row else ""

    def take_over(
        self,
        devices: Sequence[tuple[Any, ...]],
        spots: Sequence[tuple[Any, ...]],
        events: Sequence[tuple[Any, ...]],
    ) -> int:
        """Rows of a damaged store, where nothing newer stands; answers how many devices."""
        insert = "INSERT OR IGNORE INTO"
        taken = self._db.executemany(f"{insert} devices VALUES (?, ?, ?, ?, ?, ?, ?)", devices)
        self._db.executemany(f"{insert} device_spots VALUES (?, ?, ?, ?)", spots)
        self._db.executemany(f"{insert} device_events VALUES (?, ?, ?, ?)", events)
        self.reload()
        return max(taken.rowcount, 0)

    def begin_epoch(self) -> None:
        """In a store that was taken back from a copy: places given out since are not known."""
        self._db.execute("DELETE FROM gateway WHERE name=?", (EPOCH,))

    def epoch(self) -> str:
        """The epoch of what is said here: devices' streams, the gateway's own words.

        In a transaction, for the first time makes it.
        """
        if (kept := self._kept(EPOCH)) is None:
            kept = f"own-{uuid.uuid4().hex[:16]}"
            self._keep(EPOCH, kept)
        return kept

    def _kept(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM gateway WHERE name=?", (name,)).fetchone()
        return row[0] if row else None

    def _keep(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO gateway VALUES (?, ?)", (name, value))


def devices_in(db: sqlite3.Connection) -> dict[str, Device]:
    """Every device by its id, for readers beside the gateway too."""
    spots: dict[str, list[str]] = {}
    for spot_id, device_id in db.execute(
        "SELECT spot_id, device_id FROM device_spots ORDER BY spot_id"
    ):
        spots.setdefault(device_id, []).append(spot_id)
    rows = db.execute(
        "SELECT device_id, kind, name, note, silent_after_s, created, retired FROM devices "
        "ORDER BY device_id"
    )
    return {
        name: Device(
            name, kind, title, note, silent_s, created, retired, tuple(spots.get(name, ()))
        )
        for name, kind, title, note, silent_s, created, retired in rows
    }


def at_of(moment: datetime) -> str:
    """A time as it stands in the tables, in whose order it can be compared."""
    return rfc3339(moment)
