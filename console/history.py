"""The gateway's history file as a `Past`; `gateway.history` says what is in it.

The sums reach to each spot's newest event. What follows it is put to them here: that spot's tail,
as far as the gateway was heard.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from console.folding import By, Part, Run, parts_of, put, runs_of
from console.history_log import read
from console.past import Found, Wanted
from gateway.config import GatewaySettings
from gateway.history.schema import DAY_MS, KIND, LOT, reading
from gateway.history.timeline import FOREVER_MS, Hole, Said, Span, spans
from gateway.sinks import registry
from gateway.tools.reading import Unreadable
from measures import Dwell, Period, Share, bin_of, quantile

_NEWEST = """
SELECT spot, at_ms, status, zone, stream FROM spots CROSS JOIN events
ON (stream, seq) = (
    SELECT stream, seq FROM events WHERE spot = spots.id AND at_ms < ?
    ORDER BY at_ms DESC, stream DESC, seq DESC LIMIT 1
)
"""
"""(before) -> the newest event of each spot from before then."""


class HistoryFile:
    """The file of the lot's history sink; without one, nothing is kept."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._zone = settings.zone
        self._layout = {spot.spot_id for spot in settings.spots}
        options = [sink.options for sink in settings.sinks if sink.kind == KIND]
        config = registry.load(KIND).Config
        self._path: Path | None = config.model_validate(options[0]).path if options else None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        if self._path is None or not self._path.exists():
            yield None
            return
        try:
            with reading(self._path) as db:
                yield db
        except RuntimeError as error:
            raise Unreadable(str(error)) from None

    def kept_from(self) -> datetime | None:
        """See `Past`."""
        return self._time("SELECT MAX(before_ms, (SELECT MIN(at_ms) FROM events)) FROM cut")

    def newest(self) -> datetime | None:
        """See `Past`."""
        return self._time("SELECT MAX(at_ms) FROM events")

    def _time(self, query: str) -> datetime | None:
        with self._reading() as db:
            at_ms = db.execute(query).fetchone()[0] if db else None
        return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)

    def log(self, wanted: Wanted) -> Found:
        """See `Past`."""
        with self._reading() as db:
            return read(db, wanted) if db else Found([], 0, None)

    # Sums by the wall clock -------------------------------------------------------------------

    def parts(self, period: Period, zone_id: str | None, by: By) -> list[Part]:
        """See `Past`."""
        runs = runs_of(period, self._zone)
        found = [(run, parts_of(run, by)) for run in runs]
        with self._reading() as db:
            zone = _zone(db, zone_id) if db else None
            if db and zone is not None:
                tails = self._tails(db, period, zone)
                for run, parts in found:
                    _add_sums(db, zone, run, by, parts)
                    put(parts, tails, run, by)
        if by is By.HOUR:
            return [part for _, parts in found for part in parts.values()]
        return _together(parts for _, parts in found)

    def _tails(self, db: sqlite3.Connection, period: Period, zone: int) -> list[Span]:
        tails = self._spans(db, FOREVER_MS, _known_ms(period), {})
        return [span for each in tails.values() for span in each if zone in (LOT, span.zone)]

    def _spans(
        self,
        db: sqlite3.Connection,
        before_ms: int,
        until_ms: int,
        then: Mapping[int, list[Said]],
    ) -> dict[str, list[Span]]:
        """The spots of the layout from their newest event before `before_ms` on, with what was
        said `then`."""
        agent_of = dict(db.execute("SELECT id, agent FROM streams").fetchall())
        silent, closed = _silences(db), _closures(db)
        found: dict[str, list[Span]] = {name: [] for name in self._layout}
        newest = {}
        for spot, at_ms, status, zone, stream in db.execute(_NEWEST, (before_ms,)):
            newest[spot] = [Said(at_ms, status, zone, agent_of[stream])]
        names = dict(db.execute("SELECT id, name FROM spots").fetchall())
        for spot in newest.keys() | then.keys():
            if names[spot] in found:
                said = [*newest.get(spot, ()), *then.get(spot, ())]
                found[names[spot]] = spans(said, silent, closed[spot], until_ms)
        return found

    # Stays and spots --------------------------------------------------------------------------

    def dwell(self, period: Period, zone_id: str | None) -> Dwell:
        """See `Past`."""
        bins: Counter[int] = Counter()
        sum_s = 0
        with self._reading() as db:
            zone = _zone(db, zone_id) if db else None
            if db and zone is not None:
                days, edges = _days_of(period)
                for number, stays, of_days_s in db.execute(
                    "SELECT bin, SUM(stays), SUM(sum_s) FROM dwells "
                    "WHERE zone = ? AND day >= ? AND day < ? GROUP BY bin",
                    (zone, days.start, days.stop),
                ):
                    bins[number] += stays
                    sum_s += of_days_s
                for edge in edges:
                    for stay_s in _stays(db, zone, edge):
                        bins[bin_of(stay_s)] += 1
                        sum_s += stay_s
        count = bins.total()
        average_s = sum_s / count if count else None
        return Dwell(count, average_s, quantile(bins, 0.5), quantile(bins, 0.95))

    def by_spot(self, period: Period) -> dict[str, Share]:
        """See `Past`."""
        days, edges = _days_of(period)
        begin_s, end_s = period.bounds_s
        times: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        with self._reading() as db:
            if db:
                known_ms = _known_ms(period)
                for name, free, occupied, closed in db.execute(
                    "SELECT name, free_ms, occupied_ms, closed_ms FROM (SELECT spot, "
                    "SUM(free_ms) AS free_ms, SUM(occupied_ms) AS occupied_ms, "
                    "SUM(closed_ms) AS closed_ms FROM spot_days WHERE day >= ? AND day < ? "
                    "GROUP BY spot) JOIN spots ON spots.id = spot",
                    (days.start, days.stop),
                ):
                    times[name] = [free, occupied, 0, closed]
                tails = self._spans(db, FOREVER_MS, known_ms, {})
                _within(times, tails, (days.start * DAY_MS, days.stop * DAY_MS))
                for begin_ms, end_ms in edges:
                    then = _said(db, begin_ms, end_ms)
                    known = self._spans(db, begin_ms, min(end_ms, known_ms), then)
                    _within(times, known, (begin_ms, end_ms))
        return {name: _share(times[name], end_s - begin_s) for name in sorted(self._layout)}


def _zone(db: sqlite3.Connection, zone_id: str | None) -> int | None:
    """The zone's number; None of one that nothing was ever heard of."""
    if zone_id is None:
        return LOT
    row = db.execute("SELECT id FROM zones WHERE name = ?", (zone_id,)).fetchone()
    return row and int(row[0])


def _add_sums(db: sqlite3.Connection, zone: int, run: Run, by: By, parts: dict[int, Part]) -> None:
    quarters, cycle, shift = by.value
    rows = db.execute(
        "SELECT (quarter + ?) / ? % ? AS key, SUM(free_ms), SUM(occupied_ms), SUM(closed_ms), "
        "SUM(arrivals), SUM(departures) FROM quarters "
        "WHERE zone = ? AND quarter >= ? AND quarter < ? GROUP BY key",
        (run.ahead + shift, quarters, cycle, zone, run.first, run.last),
    )
    for key, free_ms, occupied_ms, closed_ms, arrivals, departures in rows:
        parts[key].times_ms = [free_ms, occupied_ms, closed_ms]
        parts[key].arrivals, parts[key].departures = arrivals, departures


def _together(runs: Iterable[dict[int, Part]]) -> list[Part]:
    """The parts of all runs by their keys."""
    found: dict[int, Part] = {}
    for parts in runs:
        for key, part in parts.items():
            if key in found:
                found[key].add(part)
            else:
                found[key] = part
    return [found[key] for key in sorted(found)]


def _silences(db: sqlite3.Connection) -> defaultdict[int, list[Hole]]:
    found: defaultdict[int, list[Hole]] = defaultdict(list)
    for agent, begin_ms, end_ms in db.execute(
        "SELECT agent, begin_ms, IFNULL(born_ms, ?) FROM silences "
        "WHERE heard_ms IS NULL OR born_ms IS NOT NULL",
        (FOREVER_MS,),
    ):
        found[agent].append((begin_ms, end_ms))
    return found


def _closures(db: sqlite3.Connection) -> defaultdict[int, list[Hole]]:
    found: defaultdict[int, list[Hole]] = defaultdict(list)
    query = "SELECT spot, begin_ms, IFNULL(end_ms, ?) FROM closures"
    for spot, begin_ms, end_ms in db.execute(query, (FOREVER_MS,)):
        found[spot].append((begin_ms, end_ms))
    return found


def _days_of(period: Period) -> tuple[range, list[Hole]]:
    """The whole days, UTC, of a period, and what of it lies before and behind them, in ms."""
    begin_ms, end_ms = (round(each * 1000) for each in period.bounds_s)
    first, last = -(-begin_ms // DAY_MS), end_ms // DAY_MS
    if first >= last:
        return range(0), [(begin_ms, end_ms)]
    edges = [(begin_ms, first * DAY_MS), (last * DAY_MS, end_ms)]
    return range(first, last), [(a, b) for a, b in edges if a < b]


def _stays(db: sqlite3.Connection, zone: int, edge: Hole) -> Iterator[int]:
    rows = db.execute(
        "SELECT stay_s FROM events INDEXED BY by_time "
        "WHERE at_ms >= ? AND at_ms < ? AND ? IN (zone, 0) AND stay_s IS NOT NULL",
        (*edge, zone),
    )
    return (stay_s for (stay_s,) in rows)


def _said(db: sqlite3.Connection, begin_ms: int, end_ms: int) -> dict[int, list[Said]]:
    found: defaultdict[int, list[Said]] = defaultdict(list)
    rows = db.execute(
        "SELECT spot, at_ms, status, zone, agent FROM spots CROSS JOIN events INDEXED BY by_spot "
        "ON spot = spots.id AND at_ms >= ? AND at_ms < ? "
        "CROSS JOIN streams ON streams.id = stream ORDER BY spots.id, at_ms, stream, seq",
        (begin_ms, end_ms),
    )
    for spot, *said in rows:
        found[spot].append(Said(*said))
    return found


def _within(
    times: defaultdict[str, list[int]], known: Mapping[str, list[Span]], bounds: Hole
) -> None:
    """Put what lies within the bounds to the spots' times, by status."""
    for name, of_spot in known.items():
        for span in of_spot:
            low_ms, high_ms = max(span.begin_ms, bounds[0]), min(span.end_ms, bounds[1])
            if low_ms < high_ms:
                times[name][span.status] += high_ms - low_ms


def _share(times: list[int], length_s: float) -> Share:
    free, occupied, _, closed = (each / 1000 for each in times)
    return Share(occupied, free, max(length_s - free - occupied - closed, 0.0), closed)


def _known_ms(period: Period) -> int:
    begin_s, end_s = period.bounds_s
    known_s = period.known_until.timestamp() if period.known_until else end_s
    return round(max(min(known_s, end_s), begin_s) * 1000)
