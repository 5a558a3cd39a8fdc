"""Alerts, and what people do about them; spots that people close and open."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import BaseModel, ConfigDict, Field

from console.desk import Operator, TheDesk, TheLot, operator, viewer
from console.models import Page, PageQuery, arranged, shows
from console.orders import Key, order
from contract.alerts import Alert, AlertState, Severity
from contract.words import Id

router = APIRouter(tags=["alerts"], dependencies=[viewer])
orders = APIRouter(tags=["orders"], dependencies=[operator])
"""Who may order is asked before what the order is about."""

PAST_AT_MOST = 1000
NOTE_CHARACTERS = 500
AlertSort = Literal["-severity", "severity", "-since", "since"]
ALERT: dict[str, Any] = {
    "lot_id": "lot-1",
    "alert_id": "overstay.A1",
    "kind": "overstay",
    "severity": "warning",
    "state": "acknowledged",
    "spot_id": "A1",
    "zone_id": "A",
    "text": "A1: stands longer than 2 h",
    "details": {"stay_s": 9000.0},
    "since": "2026-03-01T09:30:00Z",
    "raised_at": "2026-03-01T11:40:00Z",
    "clock": "synced",
    "acknowledged_at": "2026-03-01T11:45:00Z",
    "acknowledged_by": "front-desk",
    "notes": [{"at": "2026-03-01T11:45:00Z", "by": "front-desk", "text": "on my way"}],
}


class AlertNow(Alert):
    """An alert of a lot."""

    model_config = shows(**ALERT)

    lot_id: Id


class AlertQuery(PageQuery):
    """Which alerts. `past`: those that are over too, the newest 1,000 of each lot."""

    facility: str | None = None
    lot: str | None = None
    kind: str | None = None
    severity: Severity | None = None
    state: AlertState | None = None
    past: bool = False
    sort: AlertSort = "-severity"


class Words(BaseModel):
    """What a person adds."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "coming"}]})

    note: str = Field("", max_length=NOTE_CHARACTERS)


class NoteWords(BaseModel):
    """A line to an alert."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"note": "fuse 3 is out"}]}
    )

    note: str = Field(min_length=1, max_length=NOTE_CHARACTERS, pattern=r"\S")


class SpotOrdered(BaseModel):
    """A spot that was closed or opened."""

    model_config = shows(spot_id="A1", status="closed")

    spot_id: str
    status: Literal["closed", "open"]


@router.get("/alerts")
def alerts(desk: TheDesk, query: Annotated[AlertQuery, InQuery()]) -> Page[AlertNow]:
    """Alerts of every lot, or of those that are asked for, from their stores."""
    found = [
        AlertNow(lot_id=lot.lot_id, **dict(alert))
        for lot in desk.chosen(query.facility, query.lot)
        for alert in lot.source.alerts(PAST_AT_MOST if query.past else 0)
        if query.kind in (None, alert.kind)
        and query.severity in (None, alert.severity)
        and query.state in (None, alert.state)
    ]
    return Page[AlertNow].of(arranged(found, query.sort, _value), query)


@orders.post("/lots/{lot_id}/alerts/{alert_id}/acknowledge")
def acknowledge(
    desk: TheDesk, lot: TheLot, alert_id: str, token: Operator, said: Words, key: Key = None
) -> AlertNow:
    """Say that you have seen it."""
    data = {"alert_id": alert_id, "by": token.name, "note": said.note}
    return _alert(lot.lot_id, order(desk, lot, token, "alerts-acknowledge", data, key))


@orders.post("/lots/{lot_id}/alerts/{alert_id}/resolve")
def resolve(
    desk: TheDesk, lot: TheLot, alert_id: str, token: Operator, said: Words, key: Key = None
) -> AlertNow:
    """End it; it is not told again before it was well, or worse."""
    data = {"alert_id": alert_id, "by": token.name, "note": said.note}
    return _alert(lot.lot_id, order(desk, lot, token, "alerts-resolve", data, key))


@orders.post("/lots/{lot_id}/alerts/{alert_id}/notes")
def note(
    desk: TheDesk, lot: TheLot, alert_id: str, token: Operator, said: NoteWords, key: Key = None
) -> AlertNow:
    """Write a line to it."""
    data = {"alert_id": alert_id, "by": token.name, "note": said.note}
    return _alert(lot.lot_id, order(desk, lot, token, "alerts-note", data, key))


@orders.post("/lots/{lot_id}/spots/{spot_id}/close")
def close(
    desk: TheDesk, lot: TheLot, spot_id: str, token: Operator, said: Words, key: Key = None
) -> SpotOrdered:
    """Close a spot until it is opened."""
    data = {"spot_id": spot_id, "note": said.note}
    return SpotOrdered.model_validate(order(desk, lot, token, "spot-close", data, key))


@orders.post("/lots/{lot_id}/spots/{spot_id}/open")
def reopen(
    desk: TheDesk, lot: TheLot, spot_id: str, token: Operator, key: Key = None
) -> SpotOrdered:
    """Open a spot that was closed."""
    data = {"spot_id": spot_id}
    return SpotOrdered.model_validate(order(desk, lot, token, "spot-open", data, key))


def _alert(lot_id: str, body: dict[str, Any]) -> AlertNow:
    return AlertNow.model_validate({"lot_id": lot_id, **body})


def _value(alert: AlertNow, name: str) -> Any:
    return alert.severity.rank if name == "severity" else alert.since
