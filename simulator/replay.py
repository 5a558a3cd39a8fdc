"""Recorded sessions played through a whole site, with faults, and reconciled at every sink."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.tools.reading import reading
from gateway.tools.reconcile import Reckoning, reckon
from simulator.faults import Breaker, Fault
from simulator.processes import BrokerKind
from simulator.reconcile import Report, reconcile
from simulator.sessions import Sessions
from simulator.site import Site, righted

SETTLE_S = 180.0
TAIL_S = 120.0
"""The lot's time after the last departure, for the detectors to settle."""


@dataclass(frozen=True)
class Result:
    """What a replay found."""

    sessions: Sessions
    reports: list[Report]
    settled: bool
    faults: list[str]
    polls: int
    seconds: float
    occupancy: dict[str, Any]
    occupied_truly: int
    gateway: dict[str, Any] = field(default_factory=dict)
    sent: int = 0
    """Records that the agents ever spooled."""
    books: Reckoning = field(default_factory=lambda: Reckoning(""))

    @property
    def accepted(self) -> int:
        """Records that the gateway took in."""
        return sum(book.accepted for book in self.books.agents.values())

    @property
    def clean(self) -> bool:
        """Nothing lost, doubled, out of order or wrong, at any sink, nor on the display."""
        return (
            self.settled
            and self.books.balanced
            and self.sent == self.accepted
            and all(report.clean for report in self.reports)
            and self.occupancy.get("occupied") == self.occupied_truly
            and self.occupancy.get("unknown") == 0
        )

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "clean": self.clean,
            "rows": self.sessions.rows,
            "short": self.sessions.short,
            "merged": self.sessions.merged,
            "sessions": self.sessions.count,
            "bays": len(self.sessions.bays),
            "settled": self.settled,
            "faults": self.faults,
            "polls": self.polls,
            "seconds": round(self.seconds, 1),
            "occupancy": self.occupancy,
            "occupied_truly": self.occupied_truly,
            "sinks": [report.as_dict() for report in self.reports],
            "gateway": self.gateway,
            "sent": self.sent,
            "accepted": self.accepted,
            "books": self.books.as_dict(),
        }


def play(
    sessions: Sessions,
    faults: list[Fault],
    *,
    lot_id: str,
    folder: Path,
    speed: float,
    broker: BrokerKind,
    bays_an_agent: int,
    hours: float | None,
    progress: Callable[[float, float], None],
) -> Result:
    """Play it all; `progress` is told (lot's seconds, of how many) now and then."""
    end_s = hours * 3600 if hours is not None else sessions.end_s + TAIL_S
    site = Site(
        lot_id,
        sessions.bays,
        sessions.start,
        folder=folder,
        speed=speed,
        broker=broker,
        bays_an_agent=bays_an_agent,
    )
    breaker = Breaker(faults)
    began_s = time.monotonic()
    try:
        site.start()
        for number, now_s in enumerate(site.lot.play(end_s)):
            breaker.step(site, now_s)
            if number % 2000 == 0:
                progress(now_s, end_s)
        breaker.end(site, end_s)
        progress(end_s, end_s)
        return _result(site, sessions, breaker, end_s, began_s)
    finally:
        site.stop()


def _result(
    site: Site, sessions: Sessions, breaker: Breaker, end_s: float, began_s: float
) -> Result:
    settled = site.settled(SETTLE_S)
    reports = [
        reconcile(
            name,
            sessions.bays,
            (righted(each, sessions.start) for each in records),
            sessions.start,
            end_s,
            keyed=keyed,
        )
        for name, records, keyed in (
            ("disk (file sink, as it lies)", site.sink_records(), False),
            ("cloud (front door, by event_id)", site.door_records(), True),
        )
    ]
    with reading(site.folder / "gateway.db") as db:
        books = reckon(db)
    inside = (a <= end_s < d for each in sessions.bays.values() for a, d in each)
    return Result(
        sessions,
        reports,
        settled,
        breaker.done,
        sum(each.agent.polls for each in site.lot.agents if each.plugged),
        time.monotonic() - began_s,
        site.occupancy(),
        sum(inside),
        site.status(),
        sum(each.agent.store.spool.last_seq for each in site.lot.agents if each.plugged),
        books,
    )
