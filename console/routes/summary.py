"""What a dashboard begins with."""

from collections import Counter

from fastapi import APIRouter
from pydantic import BaseModel

from console.desk import TheDesk, viewer
from console.lots import RETIRED
from console.models import COUNTS, Counts, counts, shows

router = APIRouter(tags=["summary"], dependencies=[viewer])

BY_SEVERITY = {"info": 0, "warning": 1, "critical": 0}


class OpenAlerts(BaseModel):
    """How many alerts are open, by severity."""

    model_config = shows(**BY_SEVERITY)

    info: int = 0
    warning: int = 0
    critical: int = 0


class Summary(Counts):
    """All lots together. `gateways_silent` are the lots of which nothing is known now."""

    model_config = shows(
        **COUNTS,
        facilities=1,
        lots=1,
        gateways_silent=[],
        devices_online=1,
        devices_offline=0,
        open_alerts=BY_SEVERITY,
    )

    facilities: int
    lots: int
    gateways_silent: list[str]
    devices_online: int
    devices_offline: int
    open_alerts: OpenAlerts


@router.get("/summary")
def summary(desk: TheDesk) -> Summary:
    """The whole of what this console sees."""
    lots = list(desk.lots.values())
    present = {lot.lot_id: lot.counted() for lot in lots}
    agents = [agent for lot in lots for agent in lot.agents().values()]
    silences = [agent.silence for agent in agents if agent.silence != RETIRED]
    severities = Counter(alert.severity.value for lot in lots for alert in lot.source.alerts(0))
    return Summary(
        facilities=len({lot.settings.facility_id for lot in lots}),
        lots=len(lots),
        gateways_silent=[lot_id for lot_id, each in present.items() if not each.heard],
        devices_online=silences.count(""),
        devices_offline=len(silences) - silences.count(""),
        open_alerts=OpenAlerts(**severities),
        **counts([each.whole for each in present.values()]),
    )
