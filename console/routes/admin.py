"""The audit log, for administrators."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import AwareDatetime, BaseModel

from console.desk import TheDesk, admin
from console.models import Page, PageQuery, shows

router = APIRouter(tags=["audit"], dependencies=[admin])


class AuditEntry(BaseModel):
    """One change: who asked what of which lot, and what came of it."""

    model_config = shows(
        id=1,
        at="2026-03-01T11:45:00.000Z",
        token_id="1f0c8a6a",
        who="front-desk",
        lot_id="lot-1",
        action="alerts-acknowledge",
        data={"alert_id": "overstay.A1", "by": "front-desk", "note": "on my way"},
        outcome="done",
    )

    id: int
    at: AwareDatetime
    token_id: str
    who: str
    lot_id: str
    action: str
    data: dict[str, Any]
    outcome: str


@router.get("/audit")
def audit(desk: TheDesk, query: Annotated[PageQuery, InQuery()]) -> Page[AuditEntry]:
    """Every change that was asked for here, the newest first."""
    found, total = desk.audit.newest(query.limit, query.offset)
    entries = [AuditEntry(**asdict(each)) for each in found]
    return Page[AuditEntry](items=entries, total=total, limit=query.limit, offset=query.offset)
