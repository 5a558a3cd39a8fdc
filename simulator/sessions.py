"""Recorded parking sessions as the truth of bays.

City of Melbourne's file gives a bay's departure to the second and the stay's length in minutes,
so an arrival is known to the minute only: sessions of one bay may touch or overlap by the
rounding, and a stay of 0 minutes lasted less than one.
"""

import csv
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from contract.words import ID_PATTERN

ZONE = ZoneInfo("Australia/Melbourne")
SHORT_S = 30.0
"""What a stay of 0 minutes is played as: the middle of what it can have been. None is shorter."""
TOUCH_S = 20.0
"""Sessions of a bay that are nearer are one: two dwells of the detector, within the rounding."""
END_S = 60.0
"""What begins or ends later than this before the last hour's end cannot be told any more."""
COLUMNS = ("BayId", "DepartureTime", "duration")

Interval = tuple[float, float]
_Row = tuple[datetime, datetime, bool]
"""Arrival, departure, and whether it was too short to be played as it stands."""


class BadSession(ValueError):
    """A row that cannot be read; the text names file, line, field and value."""


@dataclass(frozen=True)
class Sessions:
    """Each bay's intervals, in seconds since `start`, and what was made of the file's rows."""

    start: datetime
    bays: dict[str, list[Interval]]
    rows: int
    short: int
    merged: int

    @property
    def count(self) -> int:
        """Sessions to be found at the sink."""
        return sum(len(intervals) for intervals in self.bays.values())

    @property
    def end_s(self) -> float:
        """The last departure."""
        return max(intervals[-1][1] for intervals in self.bays.values())


def load_sessions(
    path: Path, *, bays: int | None = None, hours: float | None = None, lead_s: float = 600.0
) -> Sessions:
    """The file's sessions, of the first `bays` bays and of the first `hours` where given.

    The clock starts `lead_s` before the first arrival. Raises BadSession, OSError.
    """
    chosen = dict(sorted(_read(path).items())[:bays])
    start = min(each[0] for each_bay in chosen.values() for each in each_bay) - timedelta(
        seconds=lead_s
    )
    if hours is not None:
        last = start + timedelta(hours=hours) - timedelta(seconds=END_S)
        chosen = {bay: [each for each in rows if each[0] < last] for bay, rows in chosen.items()}
        chosen = {bay: rows for bay, rows in chosen.items() if rows}
    short = sum(each[2] for rows in chosen.values() for each in rows)
    rows = sum(len(each) for each in chosen.values())
    intervals = {bay: _merged(each, start) for bay, each in chosen.items()}
    merged = rows - sum(len(each) for each in intervals.values())
    if hours is not None:
        intervals = {bay: over_the_end(each, hours * 3600) for bay, each in intervals.items()}
    return Sessions(start, intervals, rows, short, merged)


def _read(path: Path) -> dict[str, list[_Row]]:
    """Each bay's rows, in the file's order."""
    raw: defaultdict[str, list[_Row]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        try:
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or [])]:
                raise BadSession(f"{path}: no column {', '.join(missing)} in its first line")
            for row in reader:
                where = f"{path}:{reader.line_num}"
                raw[_bay(row["BayId"], where)].append(_times(row, where))
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadSession(f"{path}: not a CSV file in UTF-8: {error}") from None
    if not raw:
        raise BadSession(f"{path}: holds no session")
    return raw


def _bay(value: str | None, where: str) -> str:
    if not re.fullmatch(ID_PATTERN, value or ""):
        raise BadSession(f"{where}: BayId = {value!r}: 1 to 64 letters, digits, _ . or -")
    return str(value)


def _times(row: dict[str, str], where: str) -> _Row:
    try:
        departure = datetime.strptime(row["DepartureTime"], "%Y-%m-%d %H:%M:%S")
    except (TypeError, ValueError):
        value = row["DepartureTime"]
        raise BadSession(f"{where}: DepartureTime = {value!r}: not YYYY-MM-DD HH:MM:SS") from None
    try:
        minutes = float(row["duration"])
    except (TypeError, ValueError):
        minutes = -1.0
    if not 0 <= minutes < 1_000_000:
        raise BadSession(f"{where}: duration = {row['duration']!r}: minutes, 0 or more")
    leaves = departure.replace(tzinfo=ZONE).astimezone(UTC)
    stay_s = max(minutes * 60, SHORT_S)
    return leaves - timedelta(seconds=stay_s), leaves, minutes * 60 < SHORT_S


def _merged(rows: list[_Row], start: datetime) -> list[Interval]:
    """In order, with what touches made one."""
    merged: list[Interval] = []
    for arrival, departure, _ in sorted(rows):
        begin = (arrival - start).total_seconds()
        end = (departure - start).total_seconds()
        if merged and begin - merged[-1][1] < TOUCH_S:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def over_the_end(intervals: list[Interval], end_s: float) -> list[Interval]:
    """A stay that ends too near the end to be seen ends after it."""
    return [(a, d if d < end_s - END_S else max(d, end_s + 3600)) for a, d in intervals]
