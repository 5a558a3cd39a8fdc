"""What no agent can tell: when it fell silent and was heard again, which spots people closed.

Only sinks that keep the past want it (`gateway.history`), so the rows are addressed to them; the
records are no agent's and stand in the books as the gateway's own.

What was told is not remembered: the first look of a process tells all of it again, and a reader
knows what it knows. A silence may have begun with the gateway's own end, of which the newest
record is the last trace where it was killed.
"""

from datetime import datetime, timedelta

from contract.upstream import own_record
from contract.words import EventType
from gateway.addresses import addressed
from gateway.books import OWN, STORE
from gateway.config import GatewaySettings
from gateway.history.schema import KIND
from gateway.lot import Lot


def listeners(settings: GatewaySettings) -> list[str]:
    """The sinks that are told."""
    return [sink.name for sink in settings.sinks if sink.kind == KIND]


def tell_agent(lot: Lot, kind: EventType, agent_id: str, at: datetime) -> None:
    """In a transaction: say that an agent is silent, or is heard."""
    _tell(lot, "", kind, at, agent_id=agent_id)


def tell_spot(lot: Lot, kind: EventType, spot_id: str, at: datetime) -> None:
    """In a transaction: say that people have closed a spot, or opened it."""
    if spot_id in lot.ingest.spots:
        _tell(lot, spot_id, kind, at, spot_id=spot_id, zone_id=lot.ingest.spots[spot_id].zone_id)


def _tell(lot: Lot, key: str, kind: EventType, at: datetime, **of: str) -> None:
    sinks = listeners(lot.settings)
    if not sinks:
        return
    settings, store = lot.settings, lot.store
    place = {"facility_id": settings.facility_id, "lot_id": settings.lot_id}
    body = own_record(kind, at, **place, store_id=store.store_id, **of)
    store.spool.append([store.entry(body, addressed(key, sinks), durable=True)])
    store.books.note(STORE, OWN)


class Witness:
    """Looks at the lot for silences. Used by the service's thread alone."""

    def __init__(self, lot: Lot) -> None:
        self._lot = lot
        self._heard: dict[str, bool] | None = None
        """As it was told, by agent."""

    def look(self) -> bool:
        """Tell what changed since the last look; answers whether there was anything."""
        if not listeners(self._lot.settings):
            return False
        told, heard = self._heard, self._hearing()
        self._heard = heard
        changed = [each for each in heard if told is None or told.get(each) != heard[each]]
        if not changed and told is not None:
            return False
        with self._lot.store.transaction():
            for agent_id in changed:
                self._tell(agent_id, heard[agent_id])
            if told is None:
                self._tell_closed()
        return True

    def leave(self) -> None:
        """The gateway ends: from now on it hears nobody."""
        heard = [agent_id for agent_id, yes in (self._heard or {}).items() if yes]
        if heard:
            with self._lot.store.transaction():
                for agent_id in heard:
                    tell_agent(self._lot, EventType.AGENT_SILENT, agent_id, self._lot.clock.wall())

    def _hearing(self) -> dict[str, bool]:
        known = {each.agent_id for each in self._lot.ingest.believed.values()}
        return {agent_id: not self._lot.silence(agent_id) for agent_id in sorted(known)}

    def _tell(self, agent_id: str, heard: bool) -> None:
        now = self._lot.clock.wall()
        if heard:
            tell_agent(self._lot, EventType.AGENT_HEARD, agent_id, now)
        else:
            since = self._last_sign(agent_id, now)
            tell_agent(self._lot, EventType.AGENT_SILENT, agent_id, since)

    def _tell_closed(self) -> None:
        rows = self._lot.store.db.execute("SELECT spot_id, since FROM closed_spots").fetchall()
        for spot_id, since in rows:
            tell_spot(self._lot, EventType.SPOT_CLOSED, spot_id, datetime.fromisoformat(since))

    def _last_sign(self, agent_id: str, now: datetime) -> datetime:
        """When it was heard last; before this process, when anybody was."""
        heard_s = self._lot.presences[agent_id].heard_s
        if heard_s is not None:
            return now - timedelta(seconds=max(self._lot.clock.monotonic() - heard_s, 0.0))
        return min(now, max(each.since for each in self._lot.ingest.believed.values()))
