"""A lot's present as the browser draws it: short words, since a thousand bays are sent at once."""

from datetime import UTC, datetime
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
        if change.now is None:
            continue
        if change.kind == "spot":
            drawn["spots"][change.name] = _spot(SpotState.model_validate(change.now))
        elif change.kind in ("zone", "lot"):
            counted = Occupancy.model_validate(change.now)
            if change.kind == "zone":
                drawn["zones"][change.name] = _counts(counted)
            else:
                drawn |= {"lot": _counts(counted), **fresh(counted, now or datetime.now(UTC))}
    return drawn


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
