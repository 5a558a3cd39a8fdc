"""What the lot's displays read: retained topics, the newest of each, within a window.

Only what changed is published, and all of it again before it runs out. Under load a spot that
changed five times is shown once, as it is now; the lot's and the zones' counts go first.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from contract.occupancy import Occupancy, SpotState
from contract.topics import Topics
from contract.words import Status
from gateway.lot import Lot

Publish = Callable[[str, bytes], None]
"""(topic, payload): QoS 1, retained."""

SPOTS_AT_ONCE = 200
"""Spots published behind one commit; the rest follow behind the next, as they are by then."""
REFRESH_SHARE = 3
"""All is published again after this share of its validity, so that two may be lost on the way."""


class Displays:
    """Remembers what is owed to the displays. Used by the service's thread alone."""

    def __init__(self, lot: Lot, topics: Topics, publish: Publish) -> None:
        self._lot = lot
        self._topics = topics
        self._publish = publish
        self._owed: dict[str, None] = {}
        self._counts_owed = True
        self._refresh_s = 0.0
        self._last: dict[str, Status] = {}

    def owe(self, spot_ids: Iterable[str]) -> None:
        """These spots changed."""
        self._owed.update(dict.fromkeys(spot_ids))
        self._counts_owed = True

    def owe_counts(self) -> None:
        """A lane counted, or a spot was closed."""
        self._counts_owed = True

    def owe_all(self) -> None:
        """The broker may have forgotten everything."""
        self.owe(self._lot.ingest.spots)
        self._lot.store.alerts.owe_all()

    def tick(self, now_s: float) -> None:
        """Look for what changes without a record (an agent fell silent) and for what runs out."""
        shown = {spot_id: self._lot.shown(spot_id).status for spot_id in self._lot.ingest.spots}
        changed = [
            spot_id for spot_id, status in shown.items() if self._last.get(spot_id) != status
        ]
        if changed:
            self._last = shown
            self.owe(changed)
        if now_s >= self._refresh_s:
            self._refresh_s = now_s + self._lot.settings.presence.validity_s / REFRESH_SHARE
            self.owe_all()

    def flush(self, now: datetime) -> None:
        """Publish what is owed."""
        if self._counts_owed:
            self._counts_owed = False
            for occupancy in self._lot.occupancies(now):
                self._publish(self._topic(occupancy), _encoded(occupancy))
        due = list(self._owed)[:SPOTS_AT_ONCE]
        for state in self._lot.spot_states(due, now):
            self._last[state.spot_id] = state.status
            self._publish(self._topics.spot(state.spot_id), _encoded(state))
        for spot_id in due:
            del self._owed[spot_id]
        alerts = self._lot.store.alerts.owed
        for alert_id in list(alerts)[:SPOTS_AT_ONCE]:
            self._publish(self._topics.alert(alert_id), alerts.pop(alert_id))

    def _topic(self, occupancy: Occupancy) -> str:
        if occupancy.zone_id is None:
            return self._topics.occupancy
        return self._topics.zone(occupancy.zone_id)


def _encoded(message: Occupancy | SpotState) -> bytes:
    return message.model_dump_json(exclude_none=True).encode()
