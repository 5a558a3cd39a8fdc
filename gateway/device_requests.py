"""Requests about devices: which are registered, and registering, changing and retiring one.

An agent is what the layout and its certificate say; a person may give it a name and a note here.
"""

from dataclasses import asdict, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.upstream import rfc3339
from contract.words import Id
from gateway.desk import Answer, Desk, Refused
from gateway.devices import Device

SILENT_AFTER_S = 3600.0
LONGEST_S = 30 * 86_400.0
BY_CERTIFICATE = (
    "an agent that speaks MQTT gets its certificate by `lotkeeper gateway add-agent`, its spots by "
    "`lotkeeper gateway import`, and is ended by `lotkeeper gateway revoke`"
)


class _Said(BaseModel):
    """What a request may say of a device; None leaves it as it is."""

    model_config = ConfigDict(extra="ignore")

    device_id: Id
    name: str | None = Field(None, max_length=64)
    note: str | None = Field(None, max_length=500)
    spots: list[Id] | None = Field(None, max_length=1000)
    silent_after_s: float | None = Field(None, ge=10, le=LONGEST_S)


def _list(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    return {"devices": [_told(each) for each in desk.lot.devices.values()]}


def _add(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """A device without MQTT; one that was retired may come back."""
    said = _said(data)
    known = desk.lot.devices.get(said.device_id)
    if known and known.speaks:
        raise Refused(
            f"device_id = {said.device_id!r}: registered already; device-update changes it"
        )
    if known.kind == "mqtt" if known else _is_agent(desk, said.device_id):
        raise Refused(f"device_id = {said.device_id!r} is an agent's: {BY_CERTIFICATE}")
    now = rfc3339(desk.lot.clock.wall())
    fresh = Device(said.device_id, "http", "", "", SILENT_AFTER_S, now, None)
    return _put(desk, replace(known, retired=None) if known else fresh, said)


def _update(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    said = _said(data)
    known = desk.lot.devices.get(said.device_id)
    if known is None and _is_agent(desk, said.device_id):
        now = rfc3339(desk.lot.clock.wall())
        known = Device(said.device_id, "mqtt", "", "", 0.0, now, None)
    if known is None or known.retired:
        raise Refused(f"device_id = {said.device_id!r}: not registered; device-add registers it")
    if known.kind == "mqtt" and (said.spots is not None or said.silent_after_s is not None):
        raise Refused(f"device_id = {said.device_id!r}: {BY_CERTIFICATE}")
    return _put(desk, known, said)


def _retire(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """Nothing is taken from it any more, its spots are nobody's; what it said stays."""
    said = _said(data)
    known = desk.lot.devices.get(said.device_id)
    if (known is None or known.kind == "mqtt") and _is_agent(desk, said.device_id):
        raise Refused(f"device_id = {said.device_id!r}: {BY_CERTIFICATE}")
    if known is None or known.retired:
        raise Refused(f"device_id = {said.device_id!r}: not registered; devices-list shows who is")
    retired = replace(known, retired=rfc3339(desk.lot.clock.wall()), spots=())
    return _put(desk, retired, _Said(device_id=said.device_id, note=said.note))


def _said(data: dict[str, Any]) -> _Said:
    try:
        return _Said.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Refused(f"{where} = {first['input']!r}: {first['msg']}") from None


def _is_agent(desk: Desk, device_id: str) -> bool:
    lot = desk.lot
    mine = {spot.agent_id for spot in lot.settings.spots}
    return device_id in mine or device_id in lot.presences or device_id in lot.store.accepted()


def _put(desk: Desk, known: Device, said: _Said) -> dict[str, Any]:
    changes = said.model_dump(exclude_none=True)
    if said.spots is not None:
        changes["spots"] = tuple(dict.fromkeys(said.spots))
        _must_be_free(desk, known.device_id, said.spots)
    device = replace(known, **changes)
    desk.lot.store.devices.put(device)
    return _told(device)


def _told(device: Device) -> dict[str, Any]:
    return asdict(device) | {"spots": list(device.spots)}


def _must_be_free(desk: Desk, device_id: str, spots: list[str]) -> None:
    """A spot has one who speaks for it. Raises Refused."""
    layout = desk.lot.ingest.spots
    for spot_id in spots:
        if spot_id not in layout:
            raise Refused(f"spots: {spot_id!r} is not in the lot's layout")
        if layout[spot_id].agent_id not in (None, device_id):
            raise Refused(f"spots: {spot_id!r} belongs to {layout[spot_id].agent_id} already")


QUESTIONS: dict[str, Answer] = {"devices-list": _list}
ORDERS: dict[str, Answer] = {
    "device-add": _add,
    "device-update": _update,
    "device-retire": _retire,
}
