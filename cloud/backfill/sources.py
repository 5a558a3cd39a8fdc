"""The sources that a backfill knows: their columns, their zone, and what their rows become."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from cloud.lake.schema import SCHEMA, partition
from contract.words import EventType

Row = dict[str, Any]

OCCUPANCY = pa.schema(
    [
        pa.field("lot_id", pa.string(), nullable=False),
        pa.field("timestamp", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("capacity", pa.int64(), nullable=False),
        pa.field("occupied", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Source:
    """`noted` are the columns of `{name}.sql` that say what was done to rows that are kept; `made`
    makes of a row those of the lake, and `place` the folder under `folder` of a moment.
    """

    name: str
    columns: tuple[str, ...]
    time_zone: str
    noted: tuple[str, ...]
    folder: str
    schema: pa.Schema
    made: Callable[[Row], list[Row]]
    place: Callable[[datetime], str]


def month(moment: datetime) -> str:
    """The folder of a month of UTC.

    >>> month(datetime(2016, 10, 4, 8, tzinfo=UTC))
    'year=2016/month=10'
    """
    return f"{moment.astimezone(UTC):year=%Y/month=%m}"


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _count(row: Row) -> list[Row]:
    said = {name: row[name] for name in ("lot_id", "capacity", "occupied")}
    return [said | {"timestamp": _at(row["at_s"])}]


def _stay(row: Row) -> list[Row]:
    """A bay's arrival and departure. The event's id is of the departure, which trimming leaves as
    it is. `seq` puts a departure before the arrival of the same moment; what is `taken_at` then
    is the event's own time, so that every run says the same.
    """
    found = []
    for kind, status, at_s, behind in (
        (EventType.ARRIVAL, "occupied", row["arrived_s"], 1),
        (EventType.DEPARTURE, "vacant", row["departed_s"], 0),
    ):
        found.append(
            {
                "spot_id": row["spot_id"],
                "status": status,
                "timestamp": _at(at_s),
                "event_id": f"melbourne:{row['spot_id']}:{row['departed_s']}:{kind.value}",
                "event_type": kind.value,
                "lot_id": "melbourne",
                "agent_id": "backfill",
                "epoch": "backfill",
                "seq": at_s * 1_000_000 + behind,
                "clock": "synced",
                "historical": True,
                "taken_at": _at(at_s),
            }
        )
    return found


SOURCES = {
    each.name: each
    for each in (
        Source(
            "birmingham",
            ("SystemCodeNumber", "Capacity", "Occupancy", "LastUpdated"),
            "Europe/London",
            ("clock_twice",),
            "occupancy",
            OCCUPANCY,
            _count,
            month,
        ),
        Source(
            "melbourne",
            ("BayId", "DepartureTime", "duration"),
            "Australia/Melbourne",
            ("short", "trimmed", "clock_twice"),
            "events",
            SCHEMA,
            _stay,
            partition,
        ),
    )
}
