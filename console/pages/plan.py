"""Where the bays of a floor are drawn: as they lie, where every spot says so; else in rows by zone.

A layout gives points, not outlines. So a bay's width and turn come from its nearest neighbour, and
its length from what lies before and behind it: rows, angled rows and kerbs come out as they are.
"""

from collections.abc import Sequence
from itertools import groupby, zip_longest
from math import atan2, cos, degrees, hypot, radians
from typing import Any, NamedTuple

from contract.spots import Position
from gateway.config import GatewaySettings, SpotSettings

WIDTH_M, LENGTH_M = 2.4, 4.8
"""A bay where no neighbour says more: the least of most codes, as ITE's parking geometry."""
SIDE_BY_SIDE_M = 3.9
"""Neighbours further apart do not stand door to door: along a kerb, or alone."""
KERB_M = 8.0
METRES_PER_DEGREE = 111_320.0


class Box(NamedTuple):
    """A bay on the screen: its centre, metres to the right and down, and degrees clockwise."""

    x_m: float
    y_m: float
    width_m: float
    length_m: float
    turn: float


def plan(settings: GatewaySettings) -> dict[str, Any]:
    """What a page draws: zones, floors and bays; a bay's `box` is null where it has no place."""
    floors = []
    by_floor = sorted(settings.spots, key=lambda spot: spot.floor)
    for floor, group in groupby(by_floor, key=lambda spot: spot.floor):
        spots = list(group)
        boxes = [_rounded(box) for box in placed(spots) or []]
        bays = [
            [spot.spot_id, spot.zone_id, sorted(spot.kinds), box]
            for spot, box in zip_longest(spots, boxes)
        ]
        floors.append({"floor": floor, "bays": bays})
    zones = [
        {
            "id": zone.zone_id,
            "name": zone.name or zone.zone_id,
            "counted": zone.counted_capacity is not None,
        }
        for zone in settings.zones
    ]
    return {"floors": floors, "zones": zones, "time_zone": settings.time_zone}


def placed(spots: Sequence[SpotSettings]) -> list[Box] | None:
    """The boxes of one floor's spots; None where one has no place, or two have the same."""
    points = _points([spot.position for spot in spots])
    if points is None or len(set(points)) < len(points):
        return None
    return [_box(point, _others(point, points)) for point in points]


def _points(positions: Sequence[Position | None]) -> list[tuple[float, float]] | None:
    known = [each for each in positions if each is not None]
    if len(known) < len(positions):
        return None
    plan_m = [(p.x_m, -p.y_m) for p in known if p.x_m is not None and p.y_m is not None]
    if len(plan_m) == len(known):
        return plan_m
    globe = [
        (p.longitude, p.latitude)
        for p in known
        if p.longitude is not None and p.latitude is not None
    ]
    if len(globe) < len(known):
        return None
    east0, north0 = globe[0]
    shrink = cos(radians(north0))
    return [
        ((east - east0) * METRES_PER_DEGREE * shrink, (north0 - north) * METRES_PER_DEGREE)
        for east, north in globe
    ]


def _others(
    point: tuple[float, float], points: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """The way to each point that is near enough to matter."""
    near = [
        (x - point[0], y - point[1])
        for x, y in points
        if abs(x - point[0]) <= KERB_M and abs(y - point[1]) <= KERB_M and (x, y) != point
    ]
    return sorted(near, key=lambda way: hypot(*way))


def _box(point: tuple[float, float], ways: Sequence[tuple[float, float]]) -> Box:
    if not ways or hypot(*ways[0]) > KERB_M:
        return Box(*point, WIDTH_M, LENGTH_M, 0.0)
    across = ways[0]
    apart_m = hypot(*across)
    turn = _upright(degrees(atan2(across[1], across[0])))
    if apart_m > SIDE_BY_SIDE_M:  # nose to tail
        return Box(*point, WIDTH_M, min(LENGTH_M, 0.9 * apart_m), _upright(turn + 90))
    width_m = min(0.92 * apart_m, 1.2 * WIDTH_M)
    behind_m = min((abs(_along(way, across)) for way in ways if _is_behind(way, across)), default=9)
    return Box(*point, width_m, max(1.2 * width_m, min(LENGTH_M, 0.94 * behind_m)), turn)


def _upright(turn: float) -> float:
    """The same line within a quarter turn of upright."""
    return (turn + 90) % 180 - 90


def _along(way: tuple[float, float], across: tuple[float, float]) -> float:
    return (way[0] * -across[1] + way[1] * across[0]) / hypot(*across)


def _is_behind(way: tuple[float, float], across: tuple[float, float]) -> bool:
    """Whether that bay's width overlaps with this one's, seen along this one."""
    sideways = (way[0] * across[0] + way[1] * across[1]) / hypot(*across)
    return abs(sideways) < 0.8 * hypot(*across) and abs(_along(way, across)) > 0.5


def _rounded(box: Box) -> list[float]:
    return [round(each, 2) for each in box]
