"""A fleet: what the cloud's Postgres says of all lots now. It is read, and never written.

Each question is a connection of its own: one that is kept would have to be found dead first, after
each failover of the database and each quiet night behind a firewall.
"""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from console.analytics import Analytics
from console.answers import Answer
from console.config import FleetSettings, LiveSettings
from console.fleet_models import FleetAlert, FleetDevice, FleetLot
from runtime.postgres import connect_to_read

Row = TypeVar("Row", bound=BaseModel)

DATABASE = "The fleet's database"
LOTS = """
SELECT lot_id, l.facility_id, o.capacity, o.current_occupancy, o.free_spots AS free,
    o.unknown_spots AS unknown, o.closed_spots AS closed, o.counted,
    o.occupancy_rate::float8 AS occupancy_rate, o.last_updated, g.state = 'heard' AS gateway_heard,
    extract(epoch FROM greatest(now(), g.last_at) - g.last_at)::float8 AS gateway_age_s,
    g.last_at AS last_heartbeat, coalesce(a.standing, 0) AS open_alerts
FROM lots l LEFT JOIN current_lot_occupancy o USING (lot_id)
LEFT JOIN (SELECT lot_id, state, last_at FROM current_devices WHERE kind = 'gateway') g
    USING (lot_id)
LEFT JOIN (SELECT lot_id, count(*) AS standing FROM current_alerts GROUP BY lot_id) a USING (lot_id)
ORDER BY lot_id
"""
ALERTS = """
SELECT lot_id, alert_id, alert_kind AS kind, severity, state, agent_id, spot_id, zone_id, text,
    since, raised_at, acknowledged_at, acknowledged_by
FROM current_alerts ORDER BY raised_at DESC, lot_id, alert_id
"""
DEVICES = """
SELECT lot_id, device_id, kind, state, since, last_at AS last_heard, version
FROM current_devices ORDER BY lot_id, kind DESC, device_id
"""


class Fleet:
    """What is asked of a fleet. Its methods raise `answers.Away`."""

    def __init__(self, settings: FleetSettings, live: LiveSettings) -> None:
        self._settings = settings
        self._live = live
        self.analytics = Analytics(settings.analytics) if settings.analytics else None
        self._lots = self._answer(LOTS, FleetLot)
        self._alerts = self._answer(ALERTS, FleetAlert)
        self._devices = self._answer(DEVICES, FleetDevice)

    def lots(self) -> list[FleetLot]:
        """Every lot, by id."""
        return self._lots.told()

    def alerts(self) -> list[FleetAlert]:
        """The alerts that stand, the newest first."""
        return self._alerts.told()

    def devices(self) -> list[FleetDevice]:
        """Gateways and agents, by lot."""
        return self._devices.told()

    def _answer(self, statement: str, model: type[Row]) -> Answer[list[Row]]:
        import psycopg

        def ask() -> list[Row]:
            return self._rows(statement, model)

        # What it says and this version does not understand is no answer either.
        away = (psycopg.Error, ValidationError)
        return Answer(DATABASE, ask, self._live.cache_s, away)

    def _rows(self, statement: str, model: type[Row]) -> list[Row]:
        from psycopg.rows import class_row

        with (
            connect_to_read(self._settings, self._live.timeout_s) as conn,
            conn.cursor(row_factory=class_row(model)) as cursor,
        ):
            return cursor.execute(statement.encode()).fetchall()
