"""What people and programs may ask over MQTT: one function a name.

A question reads; an order changes the store inside the same transaction that keeps its
answer, so that the same `transaction` is done once and answered alike.
"""

import base64
import json
import uuid
from typing import Any

from pydantic import ValidationError

from contract.requests import Request, Response
from contract.upstream import rfc3339
from contract.words import EventType
from gateway import alert_requests, config_requests, device_requests, telemetry
from gateway.batch import Arrived
from gateway.desk import Answer, Desk, Refused, limit_of, spot_of
from gateway.letters import SINK
from gateway.metrics import account
from gateway.witness import tell_count, tell_spot

MOST_VEHICLES = 1_000_000
TELEMETRY = "telemetry"


def answer(desk: Desk, name: str, payload: bytes) -> Response | None:
    """The response to a request; None where it has no transaction to answer to."""
    try:
        request = Request.model_validate_json(payload)
    except ValidationError:
        return None
    with desk.lot.store.lock:  # it reads here and there: nobody else meanwhile
        return _answered(desk, name, request)


def _answered(desk: Desk, name: str, request: Request) -> Response:
    store = desk.lot.store
    # A question may be answered anew each time: nothing is kept of it.
    if name not in QUESTIONS and (kept := store.answered(name, request.transaction)):
        return Response.model_validate_json(kept)
    try:
        if name == TELEMETRY:
            with store.transaction():  # each item is known by its own id: no answer is kept
                return _ok(request, telemetry.take(desk, request.data))
        if name in QUESTIONS:
            return _ok(request, QUESTIONS[name](desk, request.data))
        if name in ORDERS:
            return _ordered(desk, name, request)
    except Refused as refusal:
        return Response(transaction=request.transaction, status="error", error=str(refusal))
    known = ", ".join(sorted([*QUESTIONS, *ORDERS, TELEMETRY]))
    return Response(
        transaction=request.transaction, status="error", error=f"no request {name!r}; {known}"
    )


def _ok(request: Request, data: dict[str, Any]) -> Response:
    return Response(transaction=request.transaction, status="ok", data=data)


def _ordered(desk: Desk, name: str, request: Request) -> Response:
    store = desk.lot.store
    with store.transaction():
        response = _ok(request, ORDERS[name](desk, request.data))
        store.keep_answer(name, request.transaction, response.model_dump_json())
    desk.lot.refresh()
    return response


def _ping(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    return {"store_id": desk.lot.store.store_id}


def _status(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    return account(desk.lot, desk.forwarders)


def _occupancy(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    lot, *zones = desk.lot.occupancies(desk.lot.clock.wall())
    return {
        "lot": lot.model_dump(mode="json"),
        "zones": [zone.model_dump(mode="json") for zone in zones],
    }


def _spots(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    states = desk.lot.spot_states(desk.lot.ingest.spots, desk.lot.clock.wall())
    return {"spots": [state.model_dump(mode="json") for state in states]}


def _agents(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    lot = desk.lot
    return {
        "agents": [
            {
                "agent_id": agent_id,
                "silence": lot.silence(agent_id),
                "clone_suspected": presence.clone_suspected,
                "health": (
                    lot.healths[agent_id].model_dump(mode="json")
                    if agent_id in lot.healths
                    else None
                ),
            }
            for agent_id, presence in sorted(lot.presences.items())
        ]
    }


def _letters(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    rows = desk.lot.store.db.execute(
        "SELECT id, received_at, origin, agent_id, reason, detail FROM dead_letters "
        "ORDER BY id DESC LIMIT ?",
        (limit_of(data),),
    )
    names = [column[0] for column in rows.description]
    return {"dead_letters": [dict(zip(names, row, strict=True)) for row in rows]}


def _letter(desk: Desk, data: dict[str, Any]) -> tuple[Any, ...]:
    number = data.get("id")
    if type(number) is not int or not 0 < number < 2**63:
        raise Refused(f"id = {number!r}: a dead letter's number; ask dead-letters-list")
    row = desk.lot.store.db.execute(
        "SELECT id, received_at, origin, agent_id, reason, detail, payload, counted "
        "FROM dead_letters WHERE id=?",
        (number,),
    ).fetchone()
    if row is None:
        raise Refused(f"id = {number}: no such dead letter; ask dead-letters-list")
    return tuple(row)


def _show_letter(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    number, received_at, origin, agent_id, reason, detail, payload, _ = _letter(desk, data)
    return {
        "id": number,
        "received_at": received_at,
        "origin": origin,
        "agent_id": agent_id,
        "reason": reason,
        "detail": detail,
        "payload_base64": base64.b64encode(payload).decode(),
    }


def _drop_letter(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    number = _letter(desk, data)[0]
    desk.lot.store.letters.drop(number)
    return {"dropped": number}


def _replay_letter(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """What an agent's topic brought is taken in anew; what a sink refused is offered it again.

    Answers the `sink` and the `spool_seq` behind which its verdict is known; or, of an agent's,
    `refused` with the reason where it is a letter again, under the new id `letter`.
    """
    number, _, origin, agent_id, _, _, payload, counted = _letter(desk, data)
    store = desk.lot.store
    sink = origin.removeprefix(SINK) if origin.startswith(SINK) else None
    if sink is not None and sink not in store.spool.cursors():
        raise Refused(f"id = {number}: its sink {sink!r} is no longer configured; drop the letter")
    event_id = _event_id_of(number, payload) if sink is not None else ""
    store.letters.take_out(number)
    batch = desk.lot.ingest.replay(Arrived(agent_id, origin, payload), counted=bool(counted))
    desk.taken.append(batch)
    if sink is not None:
        return {
            "replayed": number,
            "sink": sink,
            "spool_seq": store.spool.last_seq,
            "event_id": event_id,
            "last_letter": store.letters.last_id(),
        }
    if not batch.letters:
        return {"replayed": number}
    poison = batch.letters[-1].poison
    refused = f"{poison.reason}: {poison.detail}"
    return {"replayed": number, "letter": store.letters.last_id(), "refused": refused}


def _event_id_of(number: int, payload: bytes) -> str:
    """The key of a record that a sink refused; a salvaged letter may hold anything."""
    try:
        return str(json.loads(payload)["event_id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Refused(
            f"id = {number}: its payload is no record any more; drop the letter"
        ) from None


def _close_spot(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    spot_id, now = spot_of(desk, data), desk.lot.clock.wall()
    desk.lot.store.db.execute(
        "INSERT OR REPLACE INTO closed_spots VALUES (?, ?, ?)",
        (spot_id, rfc3339(now), str(data.get("note", ""))[:200]),
    )
    tell_spot(desk.lot, EventType.SPOT_CLOSED, spot_id, now)
    return {"spot_id": spot_id, "status": "closed"}


def _open_spot(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    spot_id = spot_of(desk, data)
    desk.lot.store.db.execute("DELETE FROM closed_spots WHERE spot_id=?", (spot_id,))
    tell_spot(desk.lot, EventType.SPOT_OPENED, spot_id, desk.lot.clock.wall())
    return {"spot_id": spot_id, "status": "open"}


def _correct_count(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """A person counted: an entry of the ledger that brings its sum to what they saw."""
    zone_id, count = data.get("zone_id"), data.get("count")
    zones = {zone.zone_id for zone in desk.lot.settings.zones if zone.counted_capacity is not None}
    if not isinstance(zone_id, str) or zone_id not in zones:
        raise Refused(f"zone_id = {zone_id!r}: not a counted zone of this lot")
    if type(count) is not int or not 0 <= count <= MOST_VEHICLES:
        raise Refused(f"count = {count!r}: a whole number from 0 to {MOST_VEHICLES}")
    store = desk.lot.store
    delta = count - store.counts().get(zone_id, 0)
    at = rfc3339(desk.lot.clock.wall())
    note = str(data.get("note", ""))[:200]
    event_id = f"correction:{uuid.uuid4().hex}"
    store.enter_count(event_id, zone_id, "correction", delta, at, note)
    tell_count(desk.lot, event_id, zone_id, delta, note)
    return {"zone_id": zone_id, "count": count, "delta": delta}


QUESTIONS: dict[str, Answer] = {
    "ping": _ping,
    "status": _status,
    "occupancy": _occupancy,
    "spots": _spots,
    "agents": _agents,
    "dead-letters-list": _letters,
    "dead-letters-show": _show_letter,
    **alert_requests.QUESTIONS,
    **config_requests.QUESTIONS,
    **device_requests.QUESTIONS,
}
ORDERS: dict[str, Answer] = {
    "dead-letters-drop": _drop_letter,
    "dead-letters-replay": _replay_letter,
    "spot-close": _close_spot,
    "spot-open": _open_spot,
    "count-correct": _correct_count,
    **alert_requests.ORDERS,
    **config_requests.ORDERS,
    **device_requests.ORDERS,
}
