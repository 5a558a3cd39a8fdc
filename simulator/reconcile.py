"""What happened against what a sink holds: nothing lost, doubled, out of order or wrong. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

EARLY_S = 5.0
LATE_S = 60.0
"""An event may be this much before or after what it tells of."""

Interval = tuple[float, float]
Record = Mapping[str, Any]


@dataclass
class Report:
    """The reconciliation of one sink."""

    sink: str
    sessions: int = 0
    pairs: int = 0
    lost: int = 0
    spurious: int = 0
    doubled: int = 0
    redelivered: int = 0
    out_of_order: int = 0
    wrong_at_end: int = 0
    gaps: int = 0
    events: int = 0
    snapshots: int = 0
    error_p50_s: float = 0.0
    error_p95_s: float = 0.0
    error_max_s: float = 0.0
    samples: list[str] = field(default_factory=list)
    """The first few findings, in words."""

    @property
    def clean(self) -> bool:
        """Whether the sink tells the whole truth and nothing else."""
        return self.pairs == self.sessions and not (
            self.lost
            or self.spurious
            or self.doubled
            or self.out_of_order
            or self.wrong_at_end
            or self.gaps
        )

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "clean": self.clean}


def reconcile(
    sink: str,
    truth: Mapping[str, Sequence[Interval]],
    records: Iterable[Record],
    start: datetime,
    end_s: float,
    *,
    keyed: bool,
) -> Report:
    """Compare a sink's records, in the order they came, with each bay's true intervals.

    `keyed`: a record that comes again is one redelivery, removed by its event_id as the
    sink's readers do; otherwise it is counted as doubled.
    """
    report = Report(sink, sessions=sum(len(each) for each in truth.values()))
    events = _events(report, records, keyed)
    errors: list[float] = []
    for bay, intervals in truth.items():
        _check_bay(report, bay, intervals, events.get(bay, []), start, end_s, errors)
    for bay in events.keys() - truth.keys():
        _find(report, "spurious", f"{bay}: not in the file", len(events[bay]))
    if errors:
        errors.sort()
        report.error_p50_s = round(errors[len(errors) // 2], 2)
        report.error_p95_s = round(errors[int(len(errors) * 0.95)], 2)
        report.error_max_s = round(errors[-1], 2)
    return report


def _events(report: Report, records: Iterable[Record], keyed: bool) -> dict[str, list[Record]]:
    """Each bay's status events in the order they came; repeats and disorder are counted."""
    seen: dict[str, tuple[Any, ...]] = {}
    last: dict[tuple[str, str], int] = {}
    events: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        kind = record["event_type"]
        if kind == "SNAPSHOT":
            report.snapshots += 1
            continue
        if "told_by" in record:  # the gateway's own words: they may come again
            continue
        told = tuple(record.get(name) for name in ("spot_id", "timestamp", "event_type", "status"))
        if (before := seen.setdefault(record["event_id"], told)) is not told:
            _repeated(report, record["event_id"], same=before == told, keyed=keyed)
            continue
        if kind == "GAP":
            _find(report, "gaps", f"gap of {record['count']}: {record['reason']}")
        if kind not in ("ARRIVAL", "DEPARTURE", "STATUS"):
            continue
        report.events += 1
        place = record["spot_id"], record["epoch"]
        if record["seq"] <= last.get(place, 0):
            _find(report, "out_of_order", f"{record['event_id']} behind {last[place]}")
        last[place] = record["seq"]
        events[record["spot_id"]].append(record)
    return events


def _repeated(report: Report, event_id: str, *, same: bool, keyed: bool) -> None:
    if not same:
        _find(report, "spurious", f"{event_id} again, of something else")
    elif keyed:
        report.redelivered += 1
    else:
        _find(report, "doubled", f"{event_id} twice")


def _check_bay(
    report: Report,
    bay: str,
    intervals: Sequence[Interval],
    events: Sequence[Record],
    start: datetime,
    end_s: float,
    errors: list[float],
) -> None:
    """Each arrival and departure within the played time is told once, at about its time."""
    expected = [
        (at_s, kind)
        for arrival_s, departure_s in intervals
        for at_s, kind in ((arrival_s, "ARRIVAL"), (departure_s, "DEPARTURE"))
        if at_s <= end_s
    ]
    told = [
        (_seconds(event["timestamp"], start), event["event_type"])
        for event in events
        if event["event_type"] in ("ARRIVAL", "DEPARTURE")
    ]
    for event in events:
        at_s = _seconds(event["timestamp"], start)
        if event["event_type"] == "STATUS" and event["status"] != _truth(intervals, at_s):
            _find(report, "spurious", f"{bay}: {event['status']} at {at_s:.0f} s")
    found = _match(report, bay, expected, told, errors)
    closed = sum(1 for arrival_s, departure_s in intervals if departure_s <= end_s)
    open_ = len(intervals) - closed
    report.pairs += min(found["ARRIVAL"] - open_, found["DEPARTURE"]) + open_
    want = _truth(intervals, end_s)
    state = next((event["status"] for event in reversed(events)), "nothing")
    if state != want:
        _find(report, "wrong_at_end", f"{bay}: {state} at the end, truly {want}")


def _truth(intervals: Sequence[Interval], at_s: float) -> str:
    return "occupied" if any(a <= at_s < d for a, d in intervals) else "vacant"


def _match(
    report: Report,
    bay: str,
    expected: Sequence[tuple[float, str]],
    told: Sequence[tuple[float, str]],
    errors: list[float],
) -> dict[str, int]:
    found = {"ARRIVAL": 0, "DEPARTURE": 0}
    position = 0
    for at_s, kind in told:
        while position < len(expected) and expected[position][0] + LATE_S < at_s:
            _find(
                report, "lost", f"{bay}: {expected[position][1]} at {expected[position][0]:.0f} s"
            )
            position += 1
        if (
            position < len(expected)
            and expected[position][1] == kind
            and at_s - expected[position][0] >= -EARLY_S
        ):
            errors.append(abs(at_s - expected[position][0]))
            found[kind] += 1
            position += 1
        else:
            _find(report, "spurious", f"{bay}: {kind} at {at_s:.0f} s")
    for at_s, kind in expected[position:]:
        _find(report, "lost", f"{bay}: {kind} at {at_s:.0f} s")
    return found


def _seconds(timestamp: str, start: datetime) -> float:
    return (datetime.fromisoformat(timestamp) - start).total_seconds()


def _find(report: Report, what: str, words: str, count: int = 1) -> None:
    setattr(report, what, getattr(report, what) + count)
    if len(report.samples) < 10:
        report.samples.append(f"{what}: {words}")
