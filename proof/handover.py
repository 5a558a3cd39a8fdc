"""What Postgres, the lake and the queries say, against what happened at a fleet's bays."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

import measures
from cloud.analytics import duck
from cloud.analytics.queries import queries
from cloud.lake.store import Store
from contract.upstream import cloud_status
from proof.plain import PlainLot, differences
from simulator.fleet.lots import Fleet, Stay

STAYS = """
SELECT lot_id, spot_id, started_at, started_by, ended_at, ended_by FROM sessions
ORDER BY lot_id, spot_id, started_at
"""
SPOTS = "SELECT lot_id, spot_id, status, since FROM current_spot_state"
LOTS = "SELECT lot_id, capacity, current_occupancy, unknown_spots FROM current_lot_occupancy"


def present_faults(fleet: Fleet, conn: psycopg.Connection) -> list[str]:
    """Where spots, lots and stays in Postgres are not what happened."""
    spots = {(lot, spot): (status, at) for lot, spot, status, at in conn.execute(SPOTS)}
    truly = {
        (lot_id, event.spot_id): (cloud_status(event.status), event.since)
        for lot_id, lot in fleet.lots.items()
        for event in lot.events
    }
    lots = {row[0]: tuple(row[1:]) for row in conn.execute(LOTS)}
    lots_truly = {
        lot_id: (len(lot.bays), lot.occupied, 0) for lot_id, lot in sorted(fleet.lots.items())
    }
    return [
        *_odd("spot", spots.items(), truly.items()),
        *_odd("lot", lots.items(), lots_truly.items()),
        *_odd("stay", (Stay(*row) for row in conn.execute(STAYS)), fleet.stays()),
    ]


def query_faults(
    fleet: Fleet,
    store: Store,
    begin: datetime,
    end: datetime,
    zone: str,
    tickets: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[str]:
    """Where a named query over [begin, end) is not the plain reckoning; `tickets` are by lot."""
    period, local = measures.Period(begin, end), ZoneInfo(zone)
    lots = [
        PlainLot(lot, period, local, tickets.get(lot_id, ())) for lot_id, lot in fleet.lots.items()
    ]
    found = []
    for name, each in queries().items():
        rows = duck.run(store, each, begin, end, zone).to_pylist()
        found += differences(name, rows, lots)
    return found


def _odd(what: str, said: Iterable[Any], truly: Iterable[Any]) -> list[str]:
    said_list, truth = list(said), set(truly)
    found = [f"{what} said, and not true: {each}" for each in set(said_list) - truth]
    found += [f"{what} true, and not said: {each}" for each in truth - set(said_list)]
    if len(said_list) != len(set(said_list)):
        found.append(f"{what}: {len(said_list) - len(set(said_list))} are said twice")
    return found
