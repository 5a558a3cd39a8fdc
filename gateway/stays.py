"""Since when the vehicle at a spot has stood there, as its records come in. No clock here.

Where a snapshot overtakes a backlog, it tells of a stay without saying when that began: only the
records behind it do, so they are followed until they have come to the one it was made of.
"""

from dataclasses import replace
from datetime import datetime

from contract.events import Snapshot, SpotChanged
from gateway.occupancy import Believed, arrival


class Stays:
    """Follows the records that snapshots have overtaken. One thread uses it."""

    def __init__(self) -> None:
        self._began: dict[str, datetime | None] = {}
        """When the stay began, by spot, as of the last record that was overtaken."""

    def began(self, record: SpotChanged | Snapshot, current: Believed | None) -> datetime | None:
        """When the stay began that a record tells of which is believed; `current` was before."""
        known = current.arrived if current else None
        if isinstance(record, Snapshot):
            self._began.setdefault(record.spot_id, known)
            return arrival(record.status, None, record.timestamp, known)
        self._began.pop(record.spot_id, None)
        return arrival(record.status, record.previous, record.timestamp, known)

    def follow(self, record: SpotChanged, current: Believed) -> dict[str, Believed]:
        """What is believed anew now that a record older than `current` came, by spot."""
        if (record.agent_id, record.epoch) != (current.agent_id, current.epoch):
            return {}
        known = self._began.get(record.spot_id)
        began = arrival(record.status, record.previous, record.timestamp, known)
        self._began[record.spot_id] = began
        if (record.status, record.timestamp) != (current.status, current.since):
            return {}
        return {record.spot_id: replace(current, arrived=began)}
