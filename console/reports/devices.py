"""Each device over the range: how much of the time its spots were known. And how it is now."""

from collections.abc import Mapping, Sequence

from console.lots import AgentNow
from console.reports.sight import Sight, notes_of, rounded
from console.reports.table import Cell, Chart, Column, Kind
from measures import Share

COLUMNS = (
    Column("lot_id", "Lot"),
    Column("agent_id", "Device"),
    Column("spots", "Spots", Kind.COUNT),
    Column("coverage", "Coverage", Kind.SHARE),
    Column("unknown_s", "Unknown", Kind.SECONDS, "per spot"),
    Column("worst_spot", "Least known spot"),
    Column("worst_coverage", "Its coverage", Kind.SHARE),
    Column("state", "State now"),
    Column("last_heartbeat", "Last heartbeat", Kind.TIME),
    Column("temperature_c", "Temperature", Kind.NUMBER, "°C"),
    Column("accepted_records", "Records ever", Kind.COUNT),
)
NOTES = (
    "Coverage is the share of the range in which a device's spots were known to be free or "
    "occupied; the time in which people had closed them does not count. A device is given the "
    "spots that it has now.",
)


def rows(sights: Sequence[Sight]) -> list[Sequence[Cell]]:
    """A row a device that has spots, or ever spoke."""
    return [row for sight in sights for row in _rows(sight)]


def charts(sights: Sequence[Sight]) -> tuple[Chart, ...]:
    """Who is blind."""
    along = ("agent_id",) if len(sights) == 1 else ("lot_id", "agent_id")
    return (Chart("Coverage of each device's spots", along, ("coverage",)),)


def notes(sights: Sequence[Sight]) -> tuple[str, ...]:
    """See `notes_of`."""
    return notes_of(sights, *NOTES)


def _rows(sight: Sight) -> list[Sequence[Cell]]:
    shares = sight.lot.past.by_spot(sight.period)
    owners, accepted = sight.lot.owners(), sight.lot.source.accepted()
    found: list[Sequence[Cell]] = []
    for agent_id, agent in sight.lot.agents().items():
        own = {spot: shares[spot] for spot, owner in owners.items() if owner == agent_id}
        seen, now = _seen(own), _now(agent)
        found.append((sight.lot.lot_id, agent_id, *seen, *now, accepted.get(agent_id, 0)))
    return found


def _seen(shares: Mapping[str, Share]) -> Sequence[Cell]:
    covered_s = sum(share.covered_s for share in shares.values())
    unknown_s = sum(share.unknown_s for share in shares.values())
    open_s = covered_s + unknown_s
    known = {spot: share.coverage for spot, share in shares.items() if share.coverage is not None}
    worst = min(known, key=lambda spot: known[spot], default=None)
    return (
        len(shares),
        rounded(covered_s / open_s) if open_s else None,
        rounded(unknown_s / len(shares), 1) if shares else None,
        worst,
        rounded(known[worst]) if worst else None,
    )


def _now(agent: AgentNow) -> Sequence[Cell]:
    health = agent.health
    return (
        agent.silence or "online",
        health.time if health else None,
        health.telemetry.temperature_c if health else None,
    )
