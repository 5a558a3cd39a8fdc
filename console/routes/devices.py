"""Registering, changing and retiring devices: done by the gateway, and kept in its store.

An agent that speaks MQTT is its certificate and its lines in the layout: those are made on the
gateway's machine, and no API gives them out. It can be given a name and a note here.
"""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, Strict

from console.desk import Admin, TheDesk, TheLot, admin
from console.lots import Lot
from console.models import Device
from console.orders import Key, order
from console.problems import Problem
from console.routes.alerts import NOTE_CHARACTERS, Words
from console.routes.spots import device as shown
from contract.words import Id

router = APIRouter(tags=["devices"], dependencies=[admin])

NAME_CHARACTERS = 64
MOST_SPOTS = 1000
Name = Annotated[str, Field(max_length=NAME_CHARACTERS)]
Note = Annotated[str, Field(max_length=NOTE_CHARACTERS)]
Spots = Annotated[list[Id], Field(max_length=MOST_SPOTS)]
Silence = Annotated[float, Field(ge=10, le=30 * 86_400), Strict()]
NEW: dict[str, Any] = {
    "device_id": "cam-1",
    "name": "Camera at the ramp",
    "spots": ["B1"],
    "silent_after_s": 3600,
}


class NewDevice(BaseModel):
    """A device without MQTT. Its spots are in the layout and nobody else's; when it was silent
    for `silent_after_s` they are unknown.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [NEW]})

    device_id: Id
    kind: Literal["http", "mqtt"] = "http"
    name: Name = ""
    note: Note = ""
    spots: Spots = []
    silent_after_s: Silence = 3600.0


class DeviceChange(BaseModel):
    """What is left out, or null, stays as it is. Of an agent, name and note alone."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Camera at the exit"}]}
    )

    name: Name | None = None
    note: Note | None = None
    spots: Spots | None = None
    silent_after_s: Silence | None = None


@router.post("/lots/{lot_id}/devices", status_code=HTTPStatus.CREATED)
def register(desk: TheDesk, lot: TheLot, token: Admin, new: NewDevice, key: Key = None) -> Device:
    """Register a device without MQTT, or one anew that was retired."""
    if new.kind == "mqtt":
        raise Problem(
            HTTPStatus.CONFLICT,
            f"kind = 'mqtt': an agent needs a certificate, which is made on the gateway's machine "
            f"and leaves it in a bundle alone: lotkeeper gateway add-agent {new.device_id}",
        )
    order(desk, lot, token, "device-add", new.model_dump(exclude={"kind"}), key)
    return shown(lot, new.device_id)


@router.patch("/lots/{lot_id}/devices/{agent_id}")
def change(
    desk: TheDesk, lot: TheLot, agent_id: str, token: Admin, said: DeviceChange, key: Key = None
) -> Device:
    """Change a device, or an agent's name and note."""
    _must_be_known(lot, agent_id)
    data = {"device_id": agent_id, **said.model_dump(exclude_none=True)}
    order(desk, lot, token, "device-update", data, key)
    return shown(lot, agent_id)


@router.post("/lots/{lot_id}/devices/{agent_id}/retire")
def retire(
    desk: TheDesk, lot: TheLot, agent_id: str, token: Admin, said: Words, key: Key = None
) -> Device:
    """Take nothing more from it; its spots are nobody's, and what it said stays."""
    _must_be_known(lot, agent_id)
    data = {"device_id": agent_id} | ({"note": said.note} if said.note else {})
    order(desk, lot, token, "device-retire", data, key)
    return shown(lot, agent_id)


def _must_be_known(lot: Lot, agent_id: str) -> None:
    """Raises Problem 404."""
    shown(lot, agent_id)
