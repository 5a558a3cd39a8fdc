"""What devices without MQTT say, taken in: judged item by item, committed all together.

The gateway gives each accepted event its place in its device's stream, so that behind here it is
a record like any other. An item that comes again is answered `duplicate` and changes nothing.
"""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from contract.devices import DeviceEvent, DeviceResult, Reason
from contract.events import SpotChanged
from contract.upstream import event_id
from contract.words import ClockState, Status
from gateway.desk import Desk, Refused
from gateway.devices import Place, at_of

MOST_ITEMS = 200
"""In one request, which is one transaction: as many as a commit of agents' messages holds."""
KEPT = timedelta(days=7)
"""An event may come so late; so long its id is known."""
SELDOM = timedelta(hours=1)
IDS_KEPT = 200_000
"""Beyond, the older tenth is forgotten: about 20 MB."""

Said = tuple[Status, str, str]
"""What would make an event say nothing new: status, health and its reason."""


def take(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """In a transaction: take in `items`; answers `results` in their order. Raises Refused."""
    items = data.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
        raise Refused(f"items: a list of 1 to {MOST_ITEMS} events")
    intake = _Intake(desk)
    results = [intake.judge(each) for each in items]
    intake.write()
    return {"results": [each.model_dump(exclude_defaults=True) for each in results]}


class _Intake:
    """One request's items: what is known before them, and what they add to it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ingest = desk.lot.ingest
        self._book = desk.lot.store.devices
        self._now, self._trusted = desk.lot.clock.wall(), desk.lot.clock.synced()
        self._devices = desk.lot.devices
        self._places = self._book.places()
        self._horizon, self._epoch = self._book.horizon, self._book.epoch()
        self._prints: dict[tuple[str, str], bytes] = {}
        self._ats: dict[tuple[str, str], str] = {}
        self._records: list[SpotChanged] = []
        self._seqs: dict[str, int] = {}
        self._moved: dict[str, Place] = {}
        self._said: dict[str, Said] = {}
        self._heard: dict[str, None] = {}

    def judge(self, item: Any) -> DeviceResult:
        """What becomes of one item."""
        try:
            event = DeviceEvent.model_validate(item)
        except ValidationError as error:
            first = error.errors()[0]
            return _refused("invalid", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        return self._stranger(event) or self._known(event) or self._judged(event)

    def _stranger(self, event: DeviceEvent) -> DeviceResult | None:
        device = self._devices.get(event.device_id)
        if device is None or device.kind != "http":
            return _refused("unknown_device", f"{event.device_id} is not registered without MQTT")
        if device.retired:
            return _refused("retired_device", f"{event.device_id} was retired {device.retired}")
        place = self._places.get(event.spot_id)
        if place is None or place.device_id != event.device_id:
            return _refused("foreign_spot", f"{event.spot_id} is no spot of {event.device_id}")
        layout = self._ingest.spots.get(event.spot_id)
        if layout is None:
            return _refused("foreign_spot", f"{event.spot_id} is not in the lot's layout any more")
        if layout.agent_id != event.device_id:
            return _refused(
                "foreign_spot", f"the layout gives {event.spot_id} to {layout.agent_id}"
            )
        return None

    def _known(self, event: DeviceEvent) -> DeviceResult | None:
        key = event.device_id, event.event_id
        known = self._prints.get(key) or self._book.print_of(*key)
        if known is None:
            return None
        if known == _print(event):
            return DeviceResult(outcome="duplicate")
        return _refused("id_reused", f"event_id {event.event_id} was another event's")

    def _judged(self, event: DeviceEvent) -> DeviceResult:
        at, place = at_of(event.timestamp), self._places[event.spot_id]
        if at <= self._horizon or (self._trusted and event.timestamp < self._now - KEPT):
            return _refused("too_old", f"timestamp: {at} is more than {KEPT.days} days ago")
        latest = self._now + timedelta(seconds=self._ingest.settings.ingest.future_s)
        if self._trusted and event.timestamp > latest:
            return _refused("future", f"timestamp: {at} is to come; here it is {at_of(self._now)}")
        newest = max(place.newest, self._book.seen.get(event.spot_id, ""))
        if self._trusted and newest > at_of(latest):
            newest = ""  # taken while nobody here knew the time
        if at < newest:
            return _refused("out_of_order", f"timestamp: {at} is before {newest}, told earlier")
        self._heard[event.device_id] = None
        said = event.status, event.health.value, event.health_reason
        if said == self._believed(event):
            self._book.seen[event.spot_id] = at
            return DeviceResult(outcome="unchanged")
        return self._accept(event, at, place)

    def _believed(self, event: DeviceEvent) -> Said | None:
        if event.spot_id in self._said:
            return self._said[event.spot_id]
        known = self._ingest.believed.get(event.spot_id)
        if known is None or known.agent_id != event.device_id:
            return None
        return known.status, known.health.value, known.health_reason

    def _accept(self, event: DeviceEvent, at: str, place: Place) -> DeviceResult:
        record = self._record(event, place.settled)
        key = event.device_id, event.event_id
        self._records.append(record)
        self._prints[key], self._ats[key] = _print(event), at
        settled = place.settled if event.status is Status.UNKNOWN else event.status
        self._places[event.spot_id] = self._moved[event.spot_id] = replace(
            place, settled=settled, newest=at
        )
        self._said[event.spot_id] = event.status, event.health.value, event.health_reason
        return DeviceResult(outcome="accepted", record=event_id(record))

    def _record(self, event: DeviceEvent, previous: Status) -> SpotChanged:
        clock = self._desk.lot.clock
        committed = self._ingest.streams.get((event.device_id, self._epoch), 0)
        before = self._seqs.get(event.device_id, committed)
        self._seqs[event.device_id] = before + 1
        return SpotChanged(
            agent_id=event.device_id,
            epoch=self._epoch,
            seq=before + 1,
            prev_seq=before,
            timestamp=event.timestamp,
            clock=ClockState.SYNCED,
            monotonic_ms=int(clock.monotonic() * 1000),
            boot_id=clock.boot_id,
            spot_id=event.spot_id,
            status=event.status,
            previous=previous,
            confidence=event.confidence,
            health=event.health,
            health_reason=event.health_reason,
        )

    def write(self) -> None:
        """In a transaction: what was accepted, and what follows from it."""
        self._book.note_events((*key, self._ats[key], found) for key, found in self._prints.items())
        self._book.move(self._moved)
        self._forget()
        batch = self._ingest.hand_in(self._records)
        batch.outcome.heard.update(self._heard)
        self._desk.taken.append(batch)

    def _forget(self) -> None:
        """Many at once: each for itself would be a page of every commit."""
        oldest = self._book.oldest()
        if self._trusted and oldest and oldest < at_of(self._now - KEPT - SELDOM):
            self._book.forget(at_of(self._now - KEPT))
        if self._book.events > IDS_KEPT:
            self._book.forget(self._book.oldest(IDS_KEPT // 10))


def _print(event: DeviceEvent) -> bytes:
    """What tells an event that comes again from another of the same id."""
    return hashlib.sha256(event.model_dump_json().encode()).digest()[:8]


def _refused(reason: Reason, detail: str) -> DeviceResult:
    return DeviceResult(outcome="refused", reason=reason, detail=detail)
