"""The lot as it is believed now: what displays are shown, and what snapshots tell the cloud.

Holds the presences and joins them with the spots that ingest believes; computes, never stores.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from contract.health import AgentHealth
from contract.occupancy import Occupancy, SpotState
from contract.upstream import cloud_status, rfc3339
from contract.words import ClockState, EventType, Status
from gateway.alerts.engine import Change
from gateway.config import GatewaySettings
from gateway.devices import Device
from gateway.ingest import Ingest
from gateway.occupancy import Shown, Term, counted, shown, spot_state, tally
from gateway.presence import Presence
from gateway.store import GatewayStore
from gateway.witness import tell_alerts
from runtime.clock import Clock


class Lot:
    """Used by the service's thread; `snapshots` also by the forwarders'."""

    def __init__(
        self, settings: GatewaySettings, store: GatewayStore, ingest: Ingest, clock: Clock
    ) -> None:
        self.settings = settings
        self.store = store
        self.ingest = ingest
        self.clock = clock
        self.presences: defaultdict[str, Presence] = defaultdict(Presence)
        self.healths: dict[str, AgentHealth] = {}
        self.beaten_s: dict[str, float] = {}
        """When (monotonic) the newest of `healths` came."""
        self.max_stay_s = {zone.zone_id: zone.max_stay_s for zone in settings.zones}
        self.told_by, self.told_seq = "", 0
        """Whose words the lot's are, and the newest of which the present is aware."""
        store.alerts.tell = self._tell
        self.devices: dict[str, Device] = {}
        for agent_id, heard_ms in store.last_heard(clock.boot_id).items():
            self.presences[agent_id].heard_s = heard_ms / 1000
        self.refresh()

    def _tell(self, changes: Sequence[Change]) -> None:
        tell_alerts(self, changes)
        zone = self.settings.zone if self.clock.synced() else None
        targets = self.settings.alerts.notify
        self.store.outbox.put(targets, changes, self.clock.wall(), zone)

    def refresh(self) -> None:
        """Take what requests and lanes changed in the store."""
        self.closed = self.store.closed_spots()
        self.counts = self.store.counts()
        self.vehicles = self.store.alerts.vehicles()
        devices = self.store.devices.all()
        if devices != self.devices:
            self.devices = devices
            self.ingest.assign(
                {spot: each.device_id for each in devices.values() for spot in each.spots}
            )
            for device in devices.values():
                if device.retired:
                    self.presences.pop(device.device_id, None)

    def silence(self, agent_id: str) -> str:
        """Why an agent cannot be believed now, "" if it can."""
        presence, device = self.presences.get(agent_id) or Presence(), self.devices.get(agent_id)
        offline_after_s = self.settings.presence.offline_after_s
        if device and device.kind == "http":
            offline_after_s = device.silent_after_s
        return presence.silence(self.clock.monotonic(), offline_after_s)

    def state(self, agent_id: str) -> str:
        """An agent's state for people: `online` or why not, and whether it seems to have a copy."""
        state = self.silence(agent_id) or "online"
        return f"{state}, clone_suspected" if self.presences[agent_id].clone_suspected else state

    def shown(self, spot_id: str) -> Shown:
        """What people are shown of a spot."""
        believed = self.ingest.believed.get(spot_id)
        silence = self.silence(believed.agent_id) if believed else ""
        return shown(believed, closed=spot_id in self.closed, silence=silence)

    def spot_states(self, spot_ids: Iterable[str], now: datetime) -> list[SpotState]:
        """The retained states of `spot_ids`."""
        term = self.term(now)
        spots = self.ingest.spots
        return [
            spot_state(spots[each], self.ingest.believed.get(each), self.shown(each), term)
            for each in spot_ids
        ]

    def occupancies(self, now: datetime) -> list[Occupancy]:
        """The lot's occupancy and each zone's."""
        term = self.term(now)
        lot_id = self.settings.lot_id
        by_zone: dict[str, list[Status]] = {zone.zone_id: [] for zone in self.settings.zones}
        for spot_id, spot in self.ingest.spots.items():
            by_zone[spot.zone_id].append(self.shown(spot_id).status)
        zones = [
            counted(
                lot_id,
                zone.zone_id,
                self.counts.get(zone.zone_id, 0),
                zone.counted_capacity,
                term,
            )
            if zone.counted_capacity is not None
            else tally(lot_id, zone.zone_id, by_zone[zone.zone_id], term)
            for zone in self.settings.zones
        ]
        return [self._sum(zones, term), *zones]

    def _sum(self, zones: list[Occupancy], term: Term) -> Occupancy:
        """The lot, from its zones, sensed and counted alike."""
        total = sum(zone.total for zone in zones)
        unknown = sum(zone.unknown for zone in zones)
        return Occupancy(
            lot_id=self.settings.lot_id,
            total=total,
            occupied=sum(zone.occupied for zone in zones),
            free=sum(zone.free for zone in zones),
            unknown=unknown,
            closed=sum(zone.closed for zone in zones),
            coverage=round((total - unknown) / total, 4) if total else 0.0,
            counted=self.counts.get(None),
            **term,
        )

    def term(self, now: datetime) -> Term:
        """For how long a display may believe what is said now."""
        valid_s = self.settings.presence.validity_s
        return Term(
            as_of=now,
            valid_until=now + timedelta(seconds=valid_s),
            valid_for_s=valid_s,
            clock=ClockState.SYNCED if self.clock.synced() else ClockState.UNSYNCED,
        )

    def snapshots(self, spot_ids: Iterable[str] | None) -> list[tuple[str, bytes]]:
        """(spot id, cloud record) of the present of `spot_ids`, or of all that were ever heard."""
        chosen = list(self.ingest.believed) if spot_ids is None else spot_ids
        made = ((each, self._snapshot(each)) for each in chosen)
        return [(spot_id, payload) for spot_id, payload in made if payload]

    @property
    def _awareness(self) -> dict[str, str | int]:
        """Up to which of the lot's own words a snapshot that is made now says how things are."""
        return {"told_by": self.told_by, "told_seq": self.told_seq} if self.told_seq else {}

    def _snapshot(self, spot_id: str) -> bytes | None:
        believed = self.ingest.believed.get(spot_id)
        spot = self.ingest.spots.get(spot_id)
        if believed is None or spot is None:
            return None
        what = self.shown(spot_id)
        record = {
            "event_id": f"{believed.agent_id}:{believed.epoch}:{believed.seq}:snapshot",
            "event_type": EventType.SNAPSHOT.value,
            "spot_id": spot_id,
            "status": cloud_status(what.status),
            "own_status": cloud_status(believed.status),
            "timestamp": rfc3339(believed.since),
            "confidence": believed.confidence,
            "health": believed.health.value,
            "health_reason": what.reason,
            "facility_id": self.settings.facility_id,
            "lot_id": self.settings.lot_id,
            "zone_id": spot.zone_id,
            "agent_id": believed.agent_id,
            "epoch": believed.epoch,
            "seq": believed.seq,
            "clock": ClockState.SYNCED.value,
            "historical": False,
            "made_at": rfc3339(self.clock.wall()),
            "store_id": self.store.store_id,
            **self._awareness,
        }
        return json.dumps(record, separators=(",", ":")).encode()
