"""A lot as the console sees it: its layout, its store, and what its gateway says now.

A gateway that is silent makes every spot unknown, but those that people have closed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from console.config import ConsoleSettings
from console.history import HistoryFile
from console.line import Line
from console.live import Live
from console.past import Past
from console.source import GatewayFile, Source
from contract.health import AgentHealth
from contract.occupancy import Occupancy, SpotState
from contract.words import ClockState, Status
from gateway.config import GatewaySettings, SpotSettings
from gateway.occupancy import Shown, Term, spot_state, tally
from runtime.config import ConfigError, load

SILENT = "gateway_silent"
RETIRED = "retired"


@dataclass(frozen=True)
class Counted:
    """A lot's counts at one moment. `heard`: its gateway told them; else all is unknown."""

    heard: bool
    whole: Occupancy
    zones: dict[str, Occupancy]


@dataclass(frozen=True)
class Present(Counted):
    """A lot at one moment, with each spot."""

    spots: dict[str, SpotState]


@dataclass(frozen=True, slots=True)
class AgentNow:
    """An agent as its gateway knows it; `silence` says why it cannot be believed, "" if it can."""

    silence: str
    clone_suspected: bool = False
    health: AgentHealth | None = None


@dataclass(frozen=True, eq=False)
class Lot:
    """One lot that the console shows."""

    settings: GatewaySettings
    name: str
    source: Source
    live: Live
    display: bool = False

    @property
    def lot_id(self) -> str:
        """As the gateway's configuration says."""
        return self.settings.lot_id

    @cached_property
    def layout(self) -> dict[str, SpotSettings]:
        """The spots by their ids."""
        return {spot.spot_id: spot for spot in self.settings.spots}

    @cached_property
    def past(self) -> Past:
        """What is kept of its past."""
        return HistoryFile(self.settings)

    def counted(self) -> Counted:
        """Its counts now, for less than `present`. Raises Unreadable where neither the gateway
        nor its store can be asked.
        """
        counts = self.live.told("occupancy")
        return self._unknown(datetime.now(UTC)) if counts is None else _counted(counts)

    def present(self) -> Present:
        """The lot now. Raises Unreadable where neither the gateway nor its store can be asked."""
        spots, counts = self.live.told("spots"), self.live.told("occupancy")
        if spots is None or counts is None:
            return self._unknown(datetime.now(UTC))
        states = [SpotState.model_validate(each) for each in spots["spots"]]
        known = {state.spot_id: state for state in states if state.spot_id in self.layout}
        return Present(**vars(_counted(counts)), spots=known)

    def agents(self) -> dict[str, AgentNow]:
        """Every agent and device that the layout, the gateway or its store knows."""
        told, registered = self.live.told("agents"), self.source.devices()
        known = {spot.agent_id for spot in self.settings.spots if spot.agent_id}
        silence = SILENT if told is None else "unconfirmed"
        everybody = {*known, *self.source.accepted(), *registered}
        found = {agent_id: AgentNow(silence) for agent_id in everybody}
        for each in (told or {}).get("agents", []):
            found[each["agent_id"]] = _agent(each)
        gone = {each.device_id for each in registered.values() if each.retired}
        found |= {device_id: AgentNow(RETIRED) for device_id in gone}
        return dict(sorted(found.items()))

    def owners(self) -> dict[str, str]:
        """Who speaks for each spot, where that is anybody in particular."""
        named = {spot.spot_id: spot.agent_id for spot in self.settings.spots if spot.agent_id}
        devices = self.source.devices().values()
        return {spot: each.device_id for each in devices for spot in each.spots} | named

    def _unknown(self, now: datetime) -> Present:
        valid_s = self.settings.presence.validity_s
        term = Term(as_of=now, valid_until=now, valid_for_s=valid_s, clock=ClockState.SYNCED)
        closed, records = self.source.closed_spots(), self.source.last_records()
        shown = {
            spot_id: Shown(Status.CLOSED) if spot_id in closed else Shown(Status.UNKNOWN, SILENT)
            for spot_id in self.layout
        }
        zones = {
            zone.zone_id: tally(
                self.lot_id,
                zone.zone_id,
                [Status.UNKNOWN] * zone.counted_capacity
                if zone.counted_capacity is not None
                else [shown[each].status for each in self.in_zone(zone.zone_id)],
                term,
            )
            for zone in self.settings.zones
        }
        return Present(
            False,
            tally(self.lot_id, None, _statuses(zones.values()), term),
            zones,
            {
                spot_id: spot_state(spot, records.get(spot_id), shown[spot_id], term)
                for spot_id, spot in self.layout.items()
            },
        )

    def in_zone(self, zone_id: str) -> list[str]:
        """The spots of a zone."""
        return [spot_id for spot_id, spot in self.layout.items() if spot.zone_id == zone_id]


def _counted(told: dict[str, Any]) -> Counted:
    zones = [Occupancy.model_validate(each) for each in told["zones"]]
    by_id = {zone.zone_id: zone for zone in zones if zone.zone_id}
    return Counted(True, Occupancy.model_validate(told["lot"]), by_id)


def _statuses(zones: Iterable[Occupancy]) -> list[Status]:
    return [
        status
        for zone in zones
        for status, count in ((Status.CLOSED, zone.closed), (Status.UNKNOWN, zone.unknown))
        for _ in range(count)
    ]


def _agent(told: dict[str, Any]) -> AgentNow:
    health = AgentHealth.model_validate(told["health"]) if told["health"] else None
    return AgentNow(told["silence"], told["clone_suspected"], health)


def open_lots(settings: ConsoleSettings) -> dict[str, Lot]:
    """The configured lots by their ids. Raises ConfigError."""
    found: dict[str, Lot] = {}
    for each in settings.lots:
        lot = load(each.gateway, GatewaySettings)
        if lot.lot_id in found:
            raise ConfigError(f"{each.gateway}: lot_id = {lot.lot_id!r} is another's in [[lots]]")
        mqtt = each.mqtt or lot.asking
        live = Live(Line(mqtt, lot.lot_id), settings.live)
        found[lot.lot_id] = Lot(lot, each.name, GatewayFile(lot.store.path), live, each.display)
    return dict(sorted(found.items()))
