"""Orders: to the running gateway over MQTT, or on the file of a stopped one, under its lock."""

import uuid
from dataclasses import dataclass
from typing import Any

from contract.requests import Request, Response
from gateway.ask import NoAnswer, ask
from gateway.config import GatewaySettings
from gateway.desk import Desk
from gateway.errands import COMMANDS
from gateway.ingest import Ingest
from gateway.lot import Lot
from gateway.ownership import Owned, give_back, own
from gateway.requests import answer
from gateway.store import GatewayStore
from runtime.clock import SystemClock

BY_GATEWAY = "the running gateway"
BY_FILE = "the file of the stopped gateway"


class NotDone(Exception):
    """An order could not be given or was refused; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an order, and by whom it was done."""

    data: dict[str, Any]
    by: str


def order(
    settings: GatewaySettings, name: str, data: dict[str, Any], timeout_s: float = 5.0
) -> Done:
    """Have an order done, by whoever owns the database. Raises NotDone, sqlite3.Error.

    Where there is no database on this machine, its gateway is asked. What an agent has to answer,
    only a running gateway can ask.
    """
    path = settings.store.path
    try:
        if not path.exists():
            return Done(_asked(settings, name, data, timeout_s), BY_GATEWAY)
        with own(path):
            return Done(_on_file(settings, name, data), BY_FILE)
    except Owned:
        return Done(_asked(settings, name, data, timeout_s), BY_GATEWAY)
    except PermissionError as error:
        raise NotDone(
            f"{path}: {error.strerror}: run it as root or as the gateway's user"
        ) from None


def _asked(
    settings: GatewaySettings, name: str, data: dict[str, Any], timeout_s: float
) -> dict[str, Any]:
    try:
        return _data_of(ask(settings.asking, settings.lot_id, name, data, timeout_s))
    except NoAnswer as error:
        raise NotDone(str(error)) from None


def _on_file(settings: GatewaySettings, name: str, data: dict[str, Any]) -> dict[str, Any]:
    if name in COMMANDS:
        raise NotDone("only a running gateway can ask an agent: systemctl start lotkeeper-gateway")
    store = GatewayStore(settings.store.path, settings.store.limit_bytes)
    try:
        if store.damaged:
            raise NotDone(
                f"the database was damaged: it now lies in {store.damaged}, and a new one has "
                "begun; lotkeeper gateway buffer salvage takes over what can be read"
            )
        clock = SystemClock(settings.clock)
        ingest = Ingest(settings, store, clock)
        desk = Desk(Lot(settings, store, ingest, clock), [])
        request = Request(transaction=uuid.uuid4().hex, data=data)
        response = answer(desk, name, request.model_dump_json().encode())
        assert response is not None  # it has a transaction
        return _data_of(response)
    finally:
        store.close()
        give_back(settings.store.path)


def _data_of(response: Response) -> dict[str, Any]:
    if response.status == "error":
        raise NotDone(response.error or "refused without a word")
    return response.data or {}
