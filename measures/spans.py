"""From events to spans: each spot has exactly one status at each moment of a period."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from contract.words import Status


class Event(NamedTuple):
    """A spot has this status since then, until its next event."""

    spot_id: str
    status: Status
    since: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """From `begin` to before `end`. Raises ValueError where a time lacks its zone.

    What lies behind `known_until` is unknown: nobody has seen it yet.
    """

    begin: datetime
    end: datetime
    known_until: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("begin", "end", "known_until"):
            value = getattr(self, name)
            if value is not None and value.utcoffset() is None:
                raise ValueError(f"{name} = {value}: give it a time zone")
        if self.end.timestamp() < self.begin.timestamp():
            raise ValueError(f"end = {self.end} is before begin = {self.begin}")

    @property
    def bounds_s(self) -> tuple[float, float]:
        """Both ends in seconds since 1970: no subtraction crosses a change of the clocks."""
        return self.begin.timestamp(), self.end.timestamp()


class Span(NamedTuple):
    """A spot's status from `begin_s` to before `end_s`, in seconds since 1970."""

    spot_id: str
    status: Status
    begin_s: float
    end_s: float


def spans(
    events: Iterable[Event], period: Period, spot_ids: Collection[str] | None = None
) -> list[Span]:
    """The spots' spans within `period`, spot by spot, in order, without gaps.

    Before its first event a spot is unknown. Of `spot_ids` each has spans, one without events is
    unknown throughout; others are left out. Without it, those that have events. Events may come in
    any order; of two of one spot at one moment, the later given stands.
    """
    of_spot: dict[str, list[tuple[float, Status]]] = defaultdict(list)
    for event in events:
        of_spot[event.spot_id].append((event.since.timestamp(), event.status))
    chosen = of_spot.keys() if spot_ids is None else spot_ids
    return [span for spot_id in sorted(chosen) for span in _of(spot_id, of_spot[spot_id], period)]


def _of(spot_id: str, changes: list[tuple[float, Status]], period: Period) -> list[Span]:
    begin_s, end_s = period.bounds_s
    known_s = min(end_s, period.known_until.timestamp() if period.known_until else end_s)
    found: list[Span] = []
    status, since_s = Status.UNKNOWN, begin_s
    for at_s, next_status in sorted(changes, key=lambda change: change[0]):
        if at_s >= known_s:
            break
        if next_status is not status:
            _add(found, Span(spot_id, status, since_s, max(at_s, begin_s)))
            status, since_s = next_status, max(at_s, begin_s)
    _add(found, Span(spot_id, status, since_s, max(known_s, begin_s)))
    _add(found, Span(spot_id, Status.UNKNOWN, max(known_s, begin_s), end_s))
    return found


def _add(found: list[Span], span: Span) -> None:
    """Append a span that lasts; one that goes on is made longer."""
    if span.end_s <= span.begin_s:
        return
    if found and found[-1].status is span.status and found[-1].end_s == span.begin_s:
        found[-1] = found[-1]._replace(end_s=span.end_s)
    else:
        found.append(span)


def silenced(
    known: Iterable[Span], silences: Mapping[str, Sequence[tuple[datetime, datetime]]]
) -> list[Span]:
    """The spans with each spot's `silences` (from, to before) unknown: its agent was not heard.

    Events do not tell a silence: behind one, an agent sends what it saw meanwhile or that nothing
    changed. Give those in which nothing was seen at all. A closed spot stays closed.
    """
    gaps = {
        spot_id: sorted((begin.timestamp(), end.timestamp()) for begin, end in found)
        for spot_id, found in silences.items()
    }
    result: list[Span] = []
    of_spot: list[Span] = []
    for span in known:
        if of_spot and of_spot[-1].spot_id != span.spot_id:
            result += of_spot
            of_spot = []
        for part in _cut(span, gaps.get(span.spot_id, [])):
            _add(of_spot, part)
    return result + of_spot


def _cut(span: Span, gaps: Sequence[tuple[float, float]]) -> Iterable[Span]:
    at_s = span.begin_s
    if span.status is not Status.CLOSED:
        for begin_s, end_s in gaps:
            low_s, high_s = max(begin_s, at_s), min(end_s, span.end_s)
            if low_s < high_s:
                yield span._replace(begin_s=at_s, end_s=low_s)
                yield span._replace(status=Status.UNKNOWN, begin_s=low_s, end_s=high_s)
                at_s = high_s
    yield span._replace(begin_s=at_s)
