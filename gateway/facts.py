"""Gathers what the alert rules look at. What costs a system call is asked for now and then."""

import logging
import shutil
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from contract.upstream import rfc3339
from contract.words import Kind
from gateway.alerts.facts import AgentFacts, DesiredFacts, Facts, Later, SpotFacts
from gateway.certificates import expiry
from gateway.lot import Lot
from gateway.occupancy import Believed
from gateway.presence import Presence

log = logging.getLogger(__name__)

SELDOM_S = 60.0
LETTERS_LOOKED_AT = 1000
"""The newest letters; more in an hour are as many."""
HOUR = timedelta(hours=1)


class Gatherer:
    """The lot as facts. Used by the service's thread alone."""

    def __init__(self, lot: Lot) -> None:
        self._lot = lot
        self._started_s = lot.clock.monotonic()
        self._seldom_s = -SELDOM_S
        self._own: Counter[str] = Counter()
        self._letters: Mapping[str, int] = {}
        self._certificates: Mapping[str, datetime] = {}
        self._disk = (1, 1)

    def facts(self, *, linked: bool) -> Facts:
        """The lot now; `linked`: the broker is there."""
        lot = self._lot
        now, now_s = lot.clock.wall(), lot.clock.monotonic()
        self._look_seldom(now, now_s)
        spots = lot.ingest.spots.values()
        self._own = Counter(spot.agent_id for spot in spots if spot.agent_id)
        gone = {each.device_id for each in lot.devices.values() if each.retired}
        return Facts(
            now=now,
            synced=lot.clock.synced(),
            up_s=now_s - self._started_s,
            linked=linked,
            agents={
                agent_id: self._agent(agent_id, now, now_s)
                for agent_id in sorted((self._own.keys() | lot.presences.keys()) - gone)
            },
            spots=Later(lambda: self._spots(now, now_s)),
            occupancies=Later(lambda: {each.zone_id or "": each for each in lot.occupancies(now)}),
            spool_bytes=lot.store.spool.bytes,
            spool_limit_bytes=lot.settings.store.limit_bytes,
            disk_free_bytes=self._disk[0],
            disk_total_bytes=self._disk[1],
            certificates=self._certificates,
        )

    def _spots(self, now: datetime, now_s: float) -> dict[str, SpotFacts]:
        return {spot_id: self._spot(spot_id, now, now_s) for spot_id in self._lot.ingest.spots}

    def _clock_off_s(self, agent_id: str, now: datetime, now_s: float) -> float | None:
        health = self._lot.healths.get(agent_id)
        if health is None or health.time is None or agent_id not in self._lot.beaten_s:
            return None
        return (health.time - now).total_seconds() + now_s - self._lot.beaten_s[agent_id]

    def _agent(self, agent_id: str, now: datetime, now_s: float) -> AgentFacts:
        presence = self._lot.presences.get(agent_id) or Presence()
        return AgentFacts(
            silence=self._lot.silence(agent_id),
            silent_s=None if presence.heard_s is None else now_s - presence.heard_s,
            spots=self._own[agent_id],
            clone_suspected=presence.clone_suspected,
            health=self._lot.healths.get(agent_id),
            clock_off_s=self._clock_off_s(agent_id, now, now_s),
            letters=self._letters.get(agent_id, 0),
            desired=self._desired(agent_id),
        )

    def _desired(self, agent_id: str) -> DesiredFacts | None:
        newest = self._lot.store.configs.newest.get(agent_id)
        if newest is None:
            return None
        return DesiredFacts(newest.command.revision, newest.state, newest.reason)

    def _spot(self, spot_id: str, now: datetime, now_s: float) -> SpotFacts:
        lot = self._lot
        spot, believed = lot.ingest.spots[spot_id], lot.ingest.believed.get(spot_id)
        agent_id = believed.agent_id if believed else spot.agent_id or ""
        health = lot.healths.get(agent_id)
        sensor = health.spots.get(spot_id) if health else None
        sensed_at = None
        if sensor is not None and sensor.age_s is not None and agent_id in lot.beaten_s:
            sensed_at = now - timedelta(seconds=now_s - lot.beaten_s[agent_id] + sensor.age_s)
        return SpotFacts(
            zone_id=spot.zone_id,
            status=lot.shown(spot_id).status,
            agent_id=agent_id,
            arrived=believed.arrived if believed else None,
            max_stay_s=lot.max_stay_s[spot.zone_id],
            sensor=sensor,
            sensed_at=sensed_at,
            kinds=spot.kinds,
            vehicle_kinds=self._vehicle(spot_id, believed),
        )

    def _vehicle(self, spot_id: str, believed: Believed | None) -> frozenset[Kind] | None:
        told = self._lot.vehicles.get(spot_id)
        if told is None or believed is None or believed.arrived is None:
            return None
        return told[1] if told[0] == rfc3339(believed.arrived) else None

    def _look_seldom(self, now: datetime, now_s: float) -> None:
        if now_s - self._seldom_s < SELDOM_S:
            return
        self._seldom_s = now_s
        self._letters = self._letters_since(rfc3339(now - HOUR))
        usage = shutil.disk_usage(self._lot.settings.store.path.parent)
        self._disk = (usage.free, usage.total)
        self._certificates = self._ends()

    def _letters_since(self, at: str) -> dict[str, int]:
        with self._lot.store.lock:
            rows = self._lot.store.db.execute(
                "SELECT agent_id, SUM(received_at > ?) FROM ("
                "SELECT agent_id, received_at FROM dead_letters ORDER BY id DESC LIMIT ?"
                ") WHERE agent_id != '' GROUP BY agent_id",
                (at, LETTERS_LOOKED_AT),
            )
            return dict(rows.fetchall())

    def _ends(self) -> dict[str, datetime]:
        tls = self._lot.settings.mqtt.tls
        files: dict[str, Path | None] = {}
        if tls is not None:
            files = {"mqtt.ca_file": tls.ca_file, "mqtt.cert_file": tls.cert_file}
        found = {}
        for name, path in files.items():
            try:
                if path is not None:
                    found[name] = expiry(path)
            except (OSError, ValueError) as error:
                log.warning("%s: when it expires cannot be read: %s", name, error)
        return found
