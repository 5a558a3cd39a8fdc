"""The table: minimum, median and maximum of each figure over the runs of a scenario. Pure."""

import statistics
from collections.abc import Iterable, Sequence

from bench.peers.scenarios import Run

COLUMNS = (
    "scenario",
    "side",
    "events/s",
    "to the first",
    "lost",
    "duplicated",
    "out of order",
    "on disk",
    "RSS MB",
    "B/event",
    "senders' B/event",
)


def spread(values: Sequence[float | None]) -> str:
    """Minimum, median and maximum; one number where they are the same.

    >>> spread([3, 1, 2]), spread([4, 4, 4]), spread([None]), spread([0.25, 0.5])
    ('1 / 2 / 3', '4', '', '0.25 / 0.38 / 0.50')
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    shown = [number(v) for v in (min(known), statistics.median(known), max(known))]
    return shown[0] if len(set(shown)) == 1 else " / ".join(shown)


def number(value: float) -> str:
    """Two decimals below ten, none above, none for what is whole.

    >>> number(3.0), number(3.14159), number(12345.6)
    ('3', '3.14', '12,346')
    """
    whole = value == int(value) or abs(value) >= 10
    return f"{value:,.0f}" if whole else f"{value:.2f}"


def ratios(runs: Sequence[Run], first: Sequence[Run]) -> list[float | None]:
    """Rates against those of the first side, run by run."""
    return [
        mine.rate_per_s / theirs.rate_per_s if theirs.rate_per_s else None
        for mine, theirs in zip(runs, first, strict=True)
    ]


def row(scenario: str, side: str, runs: Sequence[Run], first: Sequence[Run]) -> list[str]:
    """One line of the table."""
    figures: list[list[float | None]] = [
        [run.rate_per_s for run in runs],
        ratios(runs, first),
        [run.account.lost for run in runs],
        [run.account.duplicated for run in runs],
        [run.account.out_of_order for run in runs],
        [run.stored for run in runs],
        [run.gateway_mb for run in runs],
        [run.gateway_bytes for run in runs],
        [run.sender_bytes for run in runs],
    ]
    return [scenario, side, *map(spread, figures)]


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """A table with a head."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
