"""Requests about alerts: list, acknowledge, resolve, note; and what a vehicle may use."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from contract.upstream import rfc3339
from contract.words import Kind
from gateway.alarms import moment
from gateway.alertbook import as_dict
from gateway.alerts.engine import (
    Change,
    Moment,
    NotOpen,
    State,
    acknowledge,
    note,
    resolve,
)
from gateway.alerts.sensor import parts, score
from gateway.desk import Answer, Desk, Refused, limit_of, spot_of, text_of
from gateway.facts import Gatherer

BY_CHARACTERS = 64
NOTE_CHARACTERS = 500

Act = Callable[[State, str, str, str, Moment], tuple[State, list[Change]]]


def _list(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """The open ones, the worst first; with `all`, the newest that are over too."""
    book, limit = desk.lot.store.alerts, limit_of(data)
    found = {"open": [as_dict(alert) for alert in book.open[:limit]]}
    if data.get("all") is True:
        found["past"] = [as_dict(alert) for alert in book.past(limit)]
    return found


def _sensors(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """Each sensor's score with its parts; None where nothing is known of it now."""
    facts = Gatherer(desk.lot).facts(linked=True)
    found = {spot_id: parts(facts, spot) for spot_id, spot in facts.spots.items()}
    return {
        "sensors": [
            {"spot_id": spot_id, "score": score(each), "parts": [asdict(part) for part in each]}
            for spot_id, each in found.items()
        ]
    }


def _order(act: Act) -> Answer:
    def ordered(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
        alert_id = data.get("alert_id")
        if not isinstance(alert_id, str):
            raise Refused(f"alert_id = {alert_id!r}: an alert's id; ask alerts-list")
        by = text_of(data, "by", BY_CHARACTERS) or "operator"
        text = text_of(data, "note", NOTE_CHARACTERS)
        if act is note and not text:
            raise Refused("note is missing: what is to be written to the alert")
        book = desk.lot.store.alerts
        try:
            state, changes = act(book.state, alert_id, by, text, moment(desk.lot))
        except NotOpen as error:
            raise Refused(f"alert_id = {alert_id!r}: {error}; ask alerts-list") from None
        book.take(state, changes)
        return as_dict(state.alerts[alert_id])

    return ordered


def _say_vehicle(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """What the vehicle may use that stands at a spot now, until it leaves."""
    spot_id, kinds = spot_of(desk, data), data.get("kinds")
    known = [kind.value for kind in Kind]
    if not isinstance(kinds, list) or not all(kind in known for kind in kinds):
        raise Refused(f"kinds = {kinds!r}: a list of any of {', '.join(known)}; [] for none")
    believed = desk.lot.ingest.believed.get(spot_id)
    if believed is None or believed.arrived is None:
        raise Refused(f"spot_id = {spot_id!r}: nobody stands there")
    said = frozenset(Kind(kind) for kind in kinds)
    desk.lot.store.alerts.say_vehicle(spot_id, rfc3339(believed.arrived), said)
    return {"spot_id": spot_id, "kinds": sorted(said), "since": rfc3339(believed.arrived)}


QUESTIONS: dict[str, Answer] = {"alerts-list": _list, "sensors": _sensors}
ORDERS: dict[str, Answer] = {
    "alerts-acknowledge": _order(acknowledge),
    "alerts-resolve": _order(resolve),
    "alerts-note": _order(note),
    "spot-vehicle": _say_vehicle,
}
