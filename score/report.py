"""Tallies for people and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from rich.console import Console
from rich.table import Table

from score.intervals import Interval, percentile, wilson
from score.match import KINDS, Tally

COUNTED = ("true", "found", "missed", "false", "doubled")
HEADS = ("true", "found", "missed", "false", "twice", "found %", "right %", "late, s")
LEGEND = (
    "found %: of the true; right %: of what the detector told; with 95 % intervals; "
    "late: found minus true, median and 95th percentile"
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A sensor's tally."""

    recording: str
    sensor: str
    kind: str
    readings: int
    seconds: float
    tally: Tally


def total(scored: Sequence[Scored]) -> Tally:
    """All sensors' tallies in one."""
    return sum((each.tally for each in scored), Tally())


def shares(tally: Tally) -> tuple[float, float]:
    """The shares of the true events that were found, and of the told ones that are right.

    1 where there is nothing of which to have a share.
    """
    pairs = len(tally.pairs)
    told = pairs + len(tally.false) + len(tally.doubled)
    true = len(tally.truths)
    return (pairs / true if true else 1.0), (pairs / told if told else 1.0)


def counts(tally: Tally) -> dict[str, Any]:
    """A tally as plain data: counts, 95 % intervals, seconds."""
    pairs, true = len(tally.pairs), len(tally.truths)
    told = pairs + len(tally.false) + len(tally.doubled)
    p50, p95 = (percentile(tally.latencies_s, share) for share in (0.5, 0.95))
    return {
        "true": true,
        "found": pairs,
        "missed": len(tally.missed),
        "false": len(tally.false),
        "doubled": len(tally.doubled),
        "found_of_true_95": [round(bound, 4) for bound in wilson(pairs, true)],
        "right_of_told_95": [round(bound, 4) for bound in wilson(pairs, told)],
        "latency_s_p50": None if p50 is None else round(p50, 3),
        "latency_s_p95": None if p95 is None else round(p95, 3),
    }


def by_kind(tally: Tally) -> dict[str, Any]:
    """The counts of each kind of event that there is in a tally, and of all."""
    kinds = {kind: tally.of(kind) for kind in KINDS}
    return {
        **{kind + "s": counts(each) for kind, each in kinds.items() if each != Tally()},
        "all": counts(tally),
    }


def as_dict(scored: Sequence[Scored]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "sensors": [
            {
                "recording": each.recording,
                "sensor": each.sensor,
                "kind": each.kind,
                "readings": each.readings,
                "seconds": round(each.seconds, 3),
                "events": by_kind(each.tally),
            }
            for each in scored
        ],
        "sum": by_kind(total(scored)),
    }


def show(scored: Sequence[Scored], console: Console) -> None:
    """A table a sensor, and one of the sum where there are several."""
    for each in scored:
        title = (
            f"{each.sensor} ({each.kind}), {each.recording}: "
            f"{each.readings} readings in {each.seconds:.0f} s"
        )
        console.print(title, style="bold")
        console.print(_table(each.tally), "")
    if len(scored) > 1:
        console.print(f"{len(scored)} sensors", style="bold")
        console.print(_table(total(scored)), "")
    console.print(LEGEND)


def _table(tally: Tally) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    for column in HEADS:
        table.add_column(column, justify="right", no_wrap=True)
    rows = by_kind(tally)
    for name, row in rows.items():
        if name != "all" or len(rows) != 2:  # one kind alone is all
            table.add_row(name, *_cells(row))
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    told = row["found"] + row["false"] + row["doubled"]
    p50, p95 = row["latency_s_p50"], row["latency_s_p95"]
    return [
        *(str(row[name]) for name in COUNTED),
        _share(row["found"], row["true"], Interval(*row["found_of_true_95"])),
        _share(row["found"], told, Interval(*row["right_of_told_95"])),
        "-" if p50 is None else f"{p50:.1f} {p95:.1f}",
    ]


def _share(hits: int, trials: int, interval: Interval) -> str:
    """A share in percent and its interval, rounded outwards so that it never claims too much."""
    if not trials:
        return "-"
    low, high = floor(100 * interval.low), ceil(100 * interval.high)
    share = "100" if hits == trials else f"{100 * hits / trials:.1f}"
    return f"{share} ({low}-{high})"
