"""What people aim at: an occupancy for a lot or a zone, by weekday and hour of its wall clock."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from console.database import opened

_COLUMNS = "target_id, lot_id, zone_id, weekdays, from_hour, to_hour, occupancy"


@dataclass(frozen=True, slots=True)
class Aim:
    """An occupancy, 0 to 1, on these weekdays (0 is Monday) from an hour to before another.

    Of the whole lot where `zone_id` is None.
    """

    zone_id: str | None
    weekdays: tuple[int, ...]
    from_hour: int
    to_hour: int
    occupancy: float

    def meets(self, other: "Aim") -> bool:
        """Whether both say something of one hour of one zone."""
        return (
            self.zone_id == other.zone_id
            and bool({*self.weekdays} & {*other.weekdays})
            and self.from_hour < other.to_hour
            and other.from_hour < self.to_hour
        )


@dataclass(frozen=True, slots=True)
class TargetRow:
    """An aim that is kept, under its number."""

    target_id: int
    lot_id: str
    aim: Aim


class Overlap(ValueError):
    """Another target says something of the same hour; the text names it."""


class Targets:
    """The targets in the console's database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self, lot_id: str) -> list[TargetRow]:
        """Every target of a lot and its zones, in the order they were made."""
        with opened(self._path) as db:
            query = f"SELECT {_COLUMNS} FROM targets WHERE lot_id=? ORDER BY target_id"
            return [_row(*row) for row in db.execute(query, (lot_id,))]

    def of(self, lot_id: str, zone_id: str | None) -> list[TargetRow]:
        """Those of the lot itself, or of one zone."""
        return [each for each in self.all(lot_id) if each.aim.zone_id == zone_id]

    def add(self, lot_id: str, aim: Aim) -> TargetRow:
        """Make one. Raises Overlap."""
        with opened(self._path) as db:
            db.execute("BEGIN IMMEDIATE")
            _require_room(db.execute(_OF_LOT, (lot_id,)), aim, None)
            made = db.execute(
                "INSERT INTO targets (lot_id, zone_id, weekdays, from_hour, to_hour, occupancy) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (lot_id, *_values(aim)),
            )
        assert made.lastrowid is not None
        return TargetRow(made.lastrowid, lot_id, aim)

    def change(self, lot_id: str, target_id: int, aim: Aim) -> TargetRow | None:
        """Put another in its place; None where there is none. Raises Overlap."""
        with opened(self._path) as db:
            db.execute("BEGIN IMMEDIATE")
            _require_room(db.execute(_OF_LOT, (lot_id,)), aim, target_id)
            done = db.execute(
                "UPDATE targets SET zone_id=?, weekdays=?, from_hour=?, to_hour=?, occupancy=? "
                "WHERE lot_id=? AND target_id=?",
                (*_values(aim), lot_id, target_id),
            )
        return TargetRow(target_id, lot_id, aim) if done.rowcount else None

    def remove(self, lot_id: str, target_id: int) -> bool:
        """False where there is none."""
        with opened(self._path) as db:
            query = "DELETE FROM targets WHERE lot_id=? AND target_id=?"
            return bool(db.execute(query, (lot_id, target_id)).rowcount)


_OF_LOT = f"SELECT {_COLUMNS} FROM targets WHERE lot_id=?"


def target_at(targets: Iterable[TargetRow], weekday: int, hour: int) -> float | None:
    """What is aimed at in an hour of the wall clock; None where nothing is."""
    for target in targets:
        aim = target.aim
        if weekday in aim.weekdays and aim.from_hour <= hour < aim.to_hour:
            return aim.occupancy
    return None


def _require_room(rows: Iterable[tuple[object, ...]], aim: Aim, but: int | None) -> None:
    for row in rows:
        other = _row(*row)  # type: ignore[arg-type]
        if other.target_id != but and aim.meets(other.aim):
            raise Overlap(
                f"target {other.target_id} is for some of the same hours: change it, or choose "
                "other weekdays or hours"
            )


def _values(aim: Aim) -> tuple[str | None, str, int, int, float]:
    return aim.zone_id, json.dumps(aim.weekdays), aim.from_hour, aim.to_hour, aim.occupancy


def _row(
    target_id: int,
    lot_id: str,
    zone_id: str | None,
    weekdays: str,
    from_hour: int,
    to_hour: int,
    occupancy: float,
) -> TargetRow:
    aim = Aim(zone_id, tuple(json.loads(weekdays)), from_hour, to_hour, occupancy)
    return TargetRow(target_id, lot_id, aim)
