"""What no agent can tell, and goes up beside what they tell: when one fell silent and was heard
again, which spots people closed, what they counted, which alerts there are.

A word stands in the spool, in the transaction of what it tells; it is no agent's record and stands
in the books as the gateway's own. A sink that does not want it (`own` of [[sinks]]) is left out of
the row's address.

What was told is not remembered: the first look of a process tells all of it again, and a reader
knows what it knows. A silence may have begun with the gateway's own end, of which the newest
record is the last trace where it was killed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from contract.alerts import Alert
from contract.upstream import Teller
from contract.words import ClockState, EventType
from gateway.addresses import addressed
from gateway.alerts.engine import Change, What
from gateway.books import OWN, STORE
from gateway.config import GatewaySettings, Word

if TYPE_CHECKING:
    from gateway.lot import Lot

_NEWS = {What.RAISED, What.CHANGED, What.ACKNOWLEDGED, What.RESOLVED}
"""What becomes of an alert and is told; notes are the lot's own."""


def listeners(settings: GatewaySettings, word: Word) -> list[str]:
    """The sinks that are told such words."""
    return [sink.name for sink in settings.sinks if word in sink.words]


def teller(lot: "Lot") -> Teller:
    """In a transaction: who says the next word of `lot`."""
    settings, store = lot.settings, lot.store
    clock = ClockState.SYNCED if lot.clock.synced() else ClockState.UNSYNCED
    place = settings.facility_id, settings.lot_id
    return Teller(*place, store.devices.epoch(), store.spool.last_seq + 1, clock)


def tell_agent(lot: "Lot", kind: EventType, agent_id: str, at: datetime) -> None:
    """In a transaction: say that an agent is silent, or is heard."""
    body = teller(lot).word(kind, at, agent_id=agent_id)
    _tell(lot, "silences", agent_id, body)


def tell_spot(lot: "Lot", kind: EventType, spot_id: str, at: datetime) -> None:
    """In a transaction: say that people have closed a spot, or opened it."""
    if spot_id in lot.ingest.spots:
        zone_id = lot.ingest.spots[spot_id].zone_id
        body = teller(lot).word(kind, at, spot_id=spot_id, zone_id=zone_id)
        _tell(lot, "closings", spot_id, body)


def tell_count(lot: "Lot", event_id: str, zone_id: str, delta: int, why: str) -> None:
    """In a transaction: say by how much people have put a zone's count right."""
    body = teller(lot).correction(event_id, zone_id, delta, lot.clock.wall(), why)
    _tell(lot, "counts", "", body)


def tell_alerts(lot: "Lot", changes: Sequence[Change]) -> None:
    """In a transaction: say what has become of alerts."""
    for change in changes:
        if change.what in _NEWS:
            tell_alert(lot, change.alert, lot.clock.wall())


def tell_alert(lot: "Lot", alert: Alert, at: datetime) -> None:
    """In a transaction: say how an alert is since `at`."""
    _tell(lot, "alerts", alert.alert_id, teller(lot).alert(alert, at))


def _tell(lot: "Lot", word: Word, subject: str, body: dict[str, Any]) -> None:
    """Under a key of its own, which keeps the newest where the spool thins out."""
    sinks, store = listeners(lot.settings, word), lot.store
    if not sinks:
        return
    every = len(sinks) == len(lot.settings.sinks)
    key = f"{subject}/{word}" if every else addressed(subject, sinks)
    store.spool.append([store.entry(body, key, durable=True)])
    store.books.note(STORE, OWN)


class Witness:
    """Looks at the lot for silences. Used by the service's thread alone."""

    def __init__(self, lot: "Lot") -> None:
        self._lot = lot
        self._heard: dict[str, bool] | None = None
        """As it was told, by agent."""

    def look(self) -> bool:
        """Tell what changed since the last look; answers whether there was anything."""
        told, heard = self._heard, self._hearing()
        self._heard = heard
        changed = [each for each in heard if told is None or told.get(each) != heard[each]]
        before = self._lot.store.spool.last_seq
        if changed or told is None:
            with self._lot.store.transaction():
                for agent_id in changed:
                    self._tell(agent_id, heard[agent_id])
                if told is None:
                    self._begin()
        self._lot.told_seq = self._lot.store.spool.last_seq
        return self._lot.told_seq > before

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

    def _begin(self) -> None:
        """A sink may be new: what people did, and what they were told, before."""
        self._lot.told_by = self._lot.store.devices.epoch()
        for alert in self._lot.store.alerts.open:
            at = alert.acknowledged_at or alert.raised_at or alert.since
            tell_alert(self._lot, alert, at)
        rows = self._lot.store.db.execute("SELECT spot_id, since FROM closed_spots").fetchall()
        for spot_id, since in rows:
            tell_spot(self._lot, EventType.SPOT_CLOSED, spot_id, datetime.fromisoformat(since))

    def _last_sign(self, agent_id: str, now: datetime) -> datetime:
        """When it was heard last; before this process, when anybody was."""
        heard_s = self._lot.presences[agent_id].heard_s
        if heard_s is not None:
            return now - timedelta(seconds=max(self._lot.clock.monotonic() - heard_s, 0.0))
        return min(now, max(each.since for each in self._lot.ingest.believed.values()))
