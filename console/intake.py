"""Telemetry on its way to a lot's gateway, which alone commits it, in parts and in their order.

A part is taken whole or not at all. Behind one that is not answered none is sent: what is later
must not come first. Who sends the same again has nothing taken twice.
"""

import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from console.lots import Lot
from console.problems import Problem
from contract.devices import DeviceEvent, DeviceResult
from gateway.ask import NoAnswer

PART = 200
"""Items in one of the gateway's transactions."""
COMMIT_S = 6.0
"""A commit of so many may take a while on a card that is busy."""


def send(lot: Lot, events: Sequence[DeviceEvent]) -> list[DeviceResult | None]:
    """What became of each; None of those that were not answered. Raises NoAnswer where none was."""
    results: list[DeviceResult | None] = []
    for begin in range(0, len(events), PART):
        try:
            results += _sent(lot, events[begin : begin + PART])
        except NoAnswer:
            if not results:
                raise
            break
    return results + [None] * (len(events) - len(results))


def _sent(lot: Lot, events: Sequence[DeviceEvent]) -> list[DeviceResult]:
    data: dict[str, Any] = {"items": [each.model_dump(mode="json") for each in events]}
    response = lot.live.order("telemetry", data, uuid.uuid4().hex, COMMIT_S)
    if response.status == "error" or response.data is None:
        raise Problem(
            HTTPStatus.CONFLICT, response.error or "the gateway refuses telemetry without a word"
        )
    return [DeviceResult.model_validate(each) for each in response.data["results"]]
