"""What the named queries must say of a fleet, reckoned from what happened, without SQL."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from math import isclose
from typing import Any
from zoneinfo import ZoneInfo

import measures
from cloud.analytics.queries import query
from contract.upstream import cloud_status
from measures.share import Share
from simulator.fleet.lots import FleetLot

Row = dict[str, Any]
BINS_MIN = (0, 15, 30, 60, 120, 240, 480)
KEYS = {
    "lot_id",
    "zone_id",
    "spot_id",
    "agent_id",
    "day",
    "hour",
    "weekday",
    "from_min",
    "currency",
}


@dataclass(frozen=True)
class PlainLot:
    """One lot over a period. Its methods are the queries, by their names; rows in any order."""

    lot: FleetLot
    period: measures.Period
    zone: ZoneInfo
    tickets: Sequence[Mapping[str, Any]] = ()

    @cached_property
    def known(self) -> list[measures.Span]:
        """Each bay's spans within the period."""
        return measures.spans(self._events, self.period, list(self.lot.bays))

    @cached_property
    def whole(self) -> list[measures.Span]:
        """The same from the first event on."""
        first = min(event.since for event in self.lot.events)
        return measures.spans(self._events, replace(self.period, begin=first), list(self.lot.bays))

    @cached_property
    def stays(self) -> list[measures.Stay]:
        """All that are known by the period's end."""
        return measures.stays(self.whole)

    @cached_property
    def _events(self) -> list[measures.Event]:
        return [event for event in self.lot.events if event.since < self.period.end]

    @cached_property
    def _hours(self) -> list[measures.Cell]:
        return measures.cells(self.period, self.zone)

    @cached_property
    def _arrivals(self) -> list[tuple[str, float]]:
        """(bay, when) of those in the period."""
        begin_s, end_s = self.period.bounds_s
        return [
            (stay.spot_id, stay.arrived_s)
            for stay in self.stays
            if stay.arrived_s is not None and begin_s <= stay.arrived_s < end_s
        ]

    def _of_zones(self) -> Iterator[tuple[str, list[measures.Span]]]:
        zones = self.lot.zones
        for zone in dict.fromkeys(zones.values()):
            yield zone, [span for span in self.known if zones[span.spot_id] == zone]

    def _day(self, at_s: float) -> Any:
        return datetime.fromtimestamp(at_s, self.zone).date()

    # The queries -----------------------------------------------------------------------------

    def coverage(self) -> Iterator[Row]:
        for zone, known in self._of_zones():
            for day, share in measures.by_day(known, self._hours).items():
                yield {
                    "zone_id": zone,
                    "day": day,
                    "covered_s": share.covered_s,
                    "unknown_s": share.unknown_s,
                    "closed_s": share.closed_s,
                    "coverage": share.coverage,
                    "lot_gaps": 0,
                }

    def current_status(self) -> Iterator[Row]:
        last = {span.spot_id: span for span in self.whole}
        for bay, span in last.items():
            yield {
                "zone_id": self.lot.zones[bay],
                "spot_id": bay,
                "status": cloud_status(span.status),
                "since": datetime.fromtimestamp(span.begin_s, UTC),
            }

    def daily_patterns(self) -> Iterator[Row]:
        for (weekday, hour), share in measures.heat_map(self.known, self._hours).items():
            values = {"covered_s": share.covered_s, "occupancy": share.occupancy()}
            yield {"weekday": weekday + 1, "hour": hour, **values}

    def device_availability(self) -> Iterator[Row]:
        births = min(event.since for event in self.lot.events)
        last = {self.lot.agents[event.spot_id].agent_id: event.since for event in self._events}
        for agent_id, at in last.items():
            yield {
                "agent_id": agent_id,
                "starts": int(births >= self.period.begin),
                "last_record": at,
                "silent_s": 0.0,
                "availability": 1.0,
            }

    def dwell_distribution(self) -> Iterator[Row]:
        begin_s, end_s = self.period.bounds_s
        lengths = [
            stay.dwell_s / 60
            for stay in self.stays
            if stay.dwell_s is not None and begin_s <= (stay.left_s or 0.0) < end_s
        ]
        binned = Counter(max(each for each in BINS_MIN if each <= length) for length in lengths)
        for from_min, count in binned.items():
            yield {"from_min": from_min, "stays": count, "share": count / len(lengths)}

    def historical_trends(self) -> Iterator[Row]:
        arrivals = Counter(self._day(at_s) for _, at_s in self._arrivals)
        for day, share in measures.by_day(self.known, self._hours).items():
            values = {"occupancy": share.occupancy(), "coverage": share.coverage}
            yield {"day": day, "arrivals": arrivals[day], **values}

    def occupancy_by_hour(self) -> Iterator[Row]:
        hours = measures.cells(self.period, ZoneInfo("UTC"))
        for zone, known in self._of_zones():
            for cell, share in measures.by_cell(known, hours).items():
                yield {
                    "zone_id": zone,
                    "hour": datetime.fromtimestamp(cell.begin_s // 3600 * 3600, UTC),
                    "occupied_s": share.occupied_s,
                    "covered_s": share.covered_s,
                    "open_s": share.open_s,
                    "occupancy": share.occupancy(),
                }

    def peak_usage(self) -> Iterator[Row]:
        shares = measures.by_hour(self.known, self._hours)
        for hour in measures.peak_hours(shares):
            yield {"hour": hour, "occupancy": shares[hour].occupancy()}

    def revenue(self) -> Iterator[Row]:
        of_day: defaultdict[tuple[Any, str], list[Mapping[str, Any]]] = defaultdict(list)
        for ticket in self.tickets:
            at = datetime.fromisoformat(ticket["timestamp"])
            if self.period.begin <= at < self.period.end:
                of_day[self._day(at.timestamp()), ticket["currency"]].append(ticket)
        for (day, currency), tickets in of_day.items():
            states = Counter(each["state"] for each in tickets)
            yield {
                "day": day,
                "currency": currency,
                "tickets": len(tickets),
                **{state: states[state] for state in ("paid", "lost", "waived")},
                "amount_minor": sum(each["amount_minor"] for each in tickets),
            }

    def spot_utilisation(self) -> Iterator[Row]:
        arrivals = Counter(bay for bay, _ in self._arrivals)
        for bay, share in measures.by_spot(self.known).items():
            yield {
                "zone_id": self.lot.zones[bay],
                "spot_id": bay,
                "arrivals": arrivals[bay],
                "occupied_s": share.occupied_s,
                "covered_s": share.covered_s,
                "utilisation": share.occupancy(),
            }

    def turnover(self) -> Iterator[Row]:
        share: Share = measures.overall(self.known)
        dwell = measures.dwell(self.stays, self.period)
        yield {
            "arrivals": len(self._arrivals),
            "per_bay_hour": measures.turnover(self.stays, share, self.period),
            "stays": dwell.stays,
            "average_dwell_s": dwell.average_s,
            "median_dwell_s": dwell.median_s,
            "p95_dwell_s": dwell.p95_s,
        }


def differences(name: str, rows: Iterable[Row], lots: Iterable[PlainLot]) -> list[str]:
    """Where what the query `name` said is not what the plain reckoning says."""
    keys = [column for column in query(name).about.columns if column in KEYS]
    said = {_key(row, keys): row for row in rows}
    expected = {
        _key(row, keys): row
        for lot in lots
        for row in ({"lot_id": lot.lot.lot_id, **each} for each in getattr(lot, name)())
    }
    found = [f"{name}: {key} is not in both" for key in said.keys() ^ expected.keys()]
    for key in said.keys() & expected.keys():
        for column, value in expected[key].items():
            if not _same(said[key][column], value):
                found.append(f"{name}: {key}: {column} is {said[key][column]}, not {value}")
    return found


def _key(row: Row, keys: Sequence[str]) -> tuple[Any, ...]:
    return tuple(_in_utc(row[column]) for column in keys)


def _in_utc(value: Any) -> Any:
    """The lake's moments are of UTC, without a zone."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _same(said: Any, value: Any) -> bool:
    if isinstance(said, float) and isinstance(value, int | float):
        return isclose(said, value, rel_tol=1e-9, abs_tol=1e-6)
    return bool(_in_utc(said) == value)
