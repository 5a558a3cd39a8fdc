"""What is added to the sums in one transaction: spans, moves and stays, each once or minus once."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar

from gateway.history.schema import ARRIVAL, DAY_MS, DEPARTURE, LOT, QUARTER_MS, UNKNOWN
from gateway.history.timeline import Span, Stay, pieces
from measures.dwells import bin_of

FREE_MS, OCCUPIED_MS, ARRIVALS, DEPARTURES = 0, 1, 3, 4
"""Columns of a row of `quarters`; the first three are in the order of the statuses."""
COLUMN = {0: 0, 1: 1, 3: 2}
"""The column of a status; what is unknown is what is left of a quarter."""

Key = TypeVar("Key", bound=tuple[int, ...])


class Sums:
    """Differences, gathered in memory until `write`."""

    def __init__(self) -> None:
        self._quarters: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * 5)
        self._days: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * 3)
        self._dwells: defaultdict[tuple[int, int, int], list[int]] = defaultdict(lambda: [0] * 2)

    def move(self, zone: int, kind: int, at_ms: int) -> None:
        """A vehicle came or left."""
        if kind in (ARRIVAL, DEPARTURE):
            column = ARRIVALS if kind == ARRIVAL else DEPARTURES
            for each in (zone, LOT):
                self._quarters[each, at_ms // QUARTER_MS][column] += 1

    def spans(self, spot: int, found: Iterable[Span], sign: int) -> None:
        """Time of a spot."""
        for span in found:
            if span.status == UNKNOWN:
                continue
            column = COLUMN[span.status]
            for quarter, part_ms in pieces(span, QUARTER_MS):
                self._quarters[span.zone, quarter][column] += sign * part_ms
                self._quarters[LOT, quarter][column] += sign * part_ms
            for day, part_ms in pieces(span, DAY_MS):
                self._days[day, spot][column] += sign * part_ms

    def stays(self, found: Iterable[Stay], sign: int) -> None:
        """Stays that ended."""
        for stay in found:
            stay_s = round(stay.stay_ms / 1000)
            for zone in (stay.zone, LOT):
                row = self._dwells[zone, stay.left_ms // DAY_MS, bin_of(stay_s)]
                row[0] += sign
                row[1] += sign * stay_s

    def write(self, db: sqlite3.Connection) -> None:
        """In a transaction: add everything to what the file holds, and begin anew."""
        db.executemany(
            "INSERT INTO quarters VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "free_ms=free_ms+excluded.free_ms, occupied_ms=occupied_ms+excluded.occupied_ms, "
            "closed_ms=closed_ms+excluded.closed_ms, arrivals=arrivals+excluded.arrivals, "
            "departures=departures+excluded.departures",
            _rows(self._quarters),
        )
        db.executemany(
            "INSERT INTO spot_days VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "free_ms=free_ms+excluded.free_ms, occupied_ms=occupied_ms+excluded.occupied_ms, "
            "closed_ms=closed_ms+excluded.closed_ms",
            _rows(self._days),
        )
        db.executemany(
            "INSERT INTO dwells VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "stays=stays+excluded.stays, sum_s=sum_s+excluded.sum_s",
            _rows(self._dwells),
        )
        for sums in (self._quarters, self._days, self._dwells):
            sums.clear()


def _rows(sums: Mapping[Key, list[int]]) -> list[tuple[int, ...]]:
    """In the order of the tables, so that each page is written once."""
    return [(*key, *row) for key, row in sorted(sums.items()) if any(row)]
