"""A lot's present as the browser draws it: short words, since a thousand bays are sent at once."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from console.hub import Change
from console.lots import Lot
from contract.occupancy import Occupancy, SpotState
from contract.words import ClockState

Drawn = dict[str, Any]


def picture(lot: Lot, now: datetime | None = None) -> Drawn:
    """The whole lot now. Raises Unreadable where neither the gateway nor its store can be read."""
    present = lot.present()
    return {
        "heard": present.heard,
        **fresh(present.whole, now or datetime.now(UTC)),
        "spots": {spot_id: _spot(state) for spot_id, state in present.spots.items()},
        "zones": {zone_id: _counts(zone) for zone_id, zone in present.zones.items()},
        "lot": _counts(present.whole),
    }


def delta(changes: list[Change], now: datetime | None = None) -> Drawn:
    """What is to be drawn anew; a spot that is not in the layout is passed over by the browser."""
    drawn: Drawn = {"spots": {}, "zones": {}}
    for change in changes:
        known = _read(change)
        if isinstance(known, SpotState):
            drawn["spots"][change.name] = _spot(known)
        elif known is not None and change.kind == "zone":
            drawn["zones"][change.name] = _counts(known)
        elif known is not None:
            drawn |= {"lot": _counts(known), **fresh(known, now or datetime.now(UTC))}
    return drawn


@lru_cache(maxsize=4096)
def _read(change: Change) -> SpotState | Occupancy | None:
    """Once for all open pages, to which the same change is told."""
    if change.now is None or change.kind not in ("spot", "zone", "lot"):
        return None
    return (SpotState if change.kind == "spot" else Occupancy).model_validate(change.now)


def fresh(counted: Occupancy, now: datetime) -> Drawn:
    """As of when it is, and for how many seconds it may be shown, from its arrival on.

    The gateway's clock counts only where it is known to be right (`contract.occupancy`).
    """
    left_s = (counted.valid_until - now).total_seconds()
    if counted.valid_for_s is not None:
        trusted = counted.clock is ClockState.SYNCED
        left_s = min(left_s, counted.valid_for_s) if trusted else counted.valid_for_s
    return {"as_of": _ms(counted.as_of), "left_s": max(0.0, round(left_s, 1))}


def _spot(state: SpotState) -> list[Any]:
    return [state.status.value, state.since and _ms(state.since), state.reason]


def _counts(of: Occupancy) -> list[int]:
    return [of.total, of.free, of.occupied, of.unknown, of.closed]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
