"""Lots of which it is known what happens at each bay, and that tell it through their gateways."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import measures
from contract.events import StreamRecord
from contract.words import Status
from gateway.config import GatewaySettings
from gateway.sinks import Sink
from lotkeeper import __version__
from runtime.clock import SystemClock
from simulator.fleet.edge import AgentStream, Edge, message

Interval = tuple[float, float]
Bays = Mapping[str, Sequence[Interval]]
"""Of each bay when it is occupied, in seconds since the fleet's start; sorted, without touching."""

COMMIT = 200
FACILITY = "fleet"


class Stay(NamedTuple):
    """In the words of the cloud's table `sessions`."""

    lot_id: str
    spot_id: str
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    ended_by: str | None


class FleetLot:
    """One lot with its gateway. `bays_an_agent` bays share an agent, `bays_a_zone` a zone."""

    def __init__(
        self,
        lot_id: str,
        bays: Bays,
        folder: Path,
        sink: Sink,
        *,
        bays_an_agent: int = 20,
        bays_a_zone: int = 20,
    ) -> None:
        self.lot_id = lot_id
        self.bays = bays
        names = list(bays)
        self.zones = {bay: f"Z{n // bays_a_zone + 1}" for n, bay in enumerate(names)}
        self._streams = [
            AgentStream(f"{lot_id}-pi-{n + 1}", __version__)
            for n in range(-(-len(names) // bays_an_agent))
        ]
        self.agents = {bay: self._streams[n // bays_an_agent] for n, bay in enumerate(names)}
        self.events: list[measures.Event] = []
        """What happened, as far as it was told."""
        self._now: dict[str, Status] = {}
        self.edge = Edge(self._settings(folder), sink, SystemClock("always"))

    @property
    def told(self) -> int:
        """Records of all streams."""
        return sum(each.seq for each in self._streams)

    @property
    def event_ids(self) -> set[str]:
        """Of all that was told."""
        return {f"{t.agent_id}:e1:{seq + 1}" for t in self._streams for seq in range(t.seq)}

    @property
    def occupied(self) -> int:
        """Bays that are so now, as far as it was told."""
        return sum(status is Status.OCCUPIED for status in self._now.values())

    def begin(self, at: datetime) -> None:
        """Its agents are born, and say how each bay is."""
        for stream in self._streams:
            mine = [bay for bay in self.bays if self.agents[bay] is stream]
            birth = stream.birth(mine, at)
            first = [self._say(bay, _occupied(self.bays[bay], 0.0), at) for bay in mine]
            self._commit(stream, [birth, *first])

    def tell(self, changes: Iterable[tuple[datetime, str, bool]]) -> None:
        """(when, bay, whether it is occupied from then on), in order."""
        of_agent: defaultdict[str, list[StreamRecord]] = defaultdict(list)
        for at, bay, occupied in changes:
            of_agent[self.agents[bay].agent_id].append(self._say(bay, occupied, at))
        for stream in self._streams:
            self._commit(stream, of_agent[stream.agent_id])

    def _say(self, bay: str, occupied: bool, at: datetime) -> StreamRecord:
        status = self._now[bay] = Status.OCCUPIED if occupied else Status.FREE
        self.events.append(measures.Event(bay, status, at))
        return self.agents[bay].change(bay, status, at)

    def _commit(self, stream: AgentStream, records: Sequence[StreamRecord]) -> None:
        for start in range(0, len(records), COMMIT):
            self.edge.commit(stream.agent_id, message(records[start : start + COMMIT]))

    def _settings(self, folder: Path) -> GatewaySettings:
        return GatewaySettings.model_validate(
            {
                "facility_id": FACILITY,
                "lot_id": self.lot_id,
                "store": {"path": folder / f"{self.lot_id}.db"},
                "forward": {"retry_max_s": 2, "drain_per_s": 20_000},
                "zones": [{"zone_id": zone} for zone in dict.fromkeys(self.zones.values())],
                "spots": [
                    {"spot_id": bay, "zone_id": zone, "agent_id": self.agents[bay].agent_id}
                    for bay, zone in self.zones.items()
                ],
            }
        )


class Fleet:
    """Lots whose bays' intervals are known, told up to a moment. One thread uses it."""

    def __init__(
        self,
        lots: Mapping[str, Bays],
        start: datetime,
        folder: Path,
        make_sink: Callable[[], Sink],
    ) -> None:
        self.start = start
        self.told_s = 0.0
        self.lots = {
            lot_id: FleetLot(lot_id, bays, folder, make_sink()) for lot_id, bays in lots.items()
        }
        self._changes = _changes(lots)
        self._next = next(self._changes, None)

    @property
    def now(self) -> datetime:
        """How far it is told."""
        return self.start + timedelta(seconds=self.told_s)

    def begin(self) -> None:
        """Gateways begin to forward, agents are born."""
        for lot in self.lots.values():
            lot.edge.forwarder.start()
            lot.begin(self.start)

    def tell_until(self, until_s: float) -> None:
        """Tell all that happens before `until_s`, in seconds since the start."""
        due = sorted(self._due(until_s), key=itemgetter(1))  # stable: in order within a lot
        for lot_id, changes in groupby(due, key=itemgetter(1)):
            self.lots[lot_id].tell(
                (self.start + timedelta(seconds=at_s), bay, occupied)
                for at_s, _, bay, occupied in changes
            )
        self.told_s = max(self.told_s, until_s)

    def _due(self, until_s: float) -> Iterator[tuple[float, str, str, bool]]:
        while self._next is not None and self._next[0] < until_s:
            yield self._next
            self._next = next(self._changes, None)

    @property
    def over(self) -> bool:
        """Whether nothing more happens."""
        return self._next is None

    @property
    def told(self) -> int:
        """Records of all agents."""
        return sum(lot.told for lot in self.lots.values())

    @property
    def waiting(self) -> int:
        """Records that gateways have not handed on."""
        return sum(lot.edge.book.waiting for lot in self.lots.values())

    @property
    def delivered(self) -> int:
        """Records that the gateways' sinks took."""
        return sum(lot.edge.book.delivered for lot in self.lots.values())

    def stays(self) -> Iterator[Stay]:
        """Those that are told, in order of lot, bay and begin."""
        for lot_id, lot in sorted(self.lots.items()):
            for bay, intervals in sorted(lot.bays.items()):
                begun = (each for each in intervals if each[0] < self.told_s)
                yield from (self._stay(lot_id, bay, each) for each in begun)

    def _stay(self, lot_id: str, bay: str, interval: Interval) -> Stay:
        """Who stood there from the start on was seen, and did not arrive."""
        begin_s, end_s = interval
        begins = self.start + timedelta(seconds=max(begin_s, 0.0))
        ends = self.start + timedelta(seconds=end_s) if end_s < self.told_s else None
        by = "seen" if begin_s <= 0 else "arrival"
        return Stay(lot_id, bay, begins, by, ends, None if ends is None else "departure")

    def failures(self) -> list[str]:
        """What gateways say of their sinks, and forwarders that ended."""
        found = []
        for lot in self.lots.values():
            forwarder = lot.edge.forwarder
            if forwarder.failure or forwarder.health.failing_since_s is not None:
                found.append(f"{lot.lot_id}: {forwarder.failure or forwarder.health.error}")
        return found

    def close(self) -> None:
        """Stop every gateway."""
        for lot in self.lots.values():
            lot.edge.close()


def _changes(lots: Mapping[str, Bays]) -> Iterator[tuple[float, str, str, bool]]:
    """(when, lot, bay, whether it is occupied from then on) of all, in order, from the start on."""
    return heapq.merge(
        *(_of_bay(lot_id, bay, each) for lot_id, bays in lots.items() for bay, each in bays.items())
    )


def _of_bay(
    lot_id: str, bay: str, intervals: Sequence[Interval]
) -> Iterator[tuple[float, str, str, bool]]:
    for begin_s, end_s in intervals:
        for at_s, occupied in ((begin_s, True), (end_s, False)):
            if at_s > 0:
                yield at_s, lot_id, bay, occupied


def _occupied(intervals: Sequence[Interval], at_s: float) -> bool:
    return any(begin_s <= at_s < end_s for begin_s, end_s in intervals)
