"""The live view of a fleet: each lot, and how far its records have come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from simulator.fleet.analyst import ASKED, Asked

KEYS = "[b]p[/] kill -9 a consumer of the present  [b]l[/] kill -9 one of the lake  [b]q[/] quit"


@dataclass(frozen=True)
class LotRow:
    """One lot, as Postgres has it; `truly` is how many bays are occupied."""

    lot_id: str
    capacity: int
    occupied: int
    free: int
    truly: int


@dataclass(frozen=True)
class Sample:
    """All that one picture needs: how many records are where."""

    time: str
    speed: float
    lots: Sequence[LotRow]
    told: int
    delivered: int
    present: int
    stays: int
    dead_letters: int
    consumers: dict[str, str]
    """Each one's state."""
    asked: Asked
    notes: Sequence[str]


def line(sample: Sample) -> str:
    """`sample` where there is no terminal."""
    occupied = sum(lot.occupied for lot in sample.lots)
    truly = sum(lot.truly for lot in sample.lots)
    return (
        f"{sample.time}  told {sample.told}, in the stream {sample.delivered}, in Postgres "
        f"{sample.present} ({sample.stays} stays), in the lake {sample.asked.objects} objects; "
        f"{occupied} bays occupied, truly {truly}"
    )


def render(sample: Sample) -> RenderableType:
    """One picture."""
    head = Text.assemble((" fleet ", "bold reverse"), f"  {sample.time}  {sample.speed:g}x")
    return Group(
        head,
        Text.from_markup(KEYS),  # a low terminal cuts what is below
        Panel(_lots(sample.lots), title="lots, as Postgres has them"),
        Columns(
            [
                Panel(_way(sample), title="records"),
                Panel(_consumers(sample.consumers), title="consumers"),
                Panel(Text("\n".join(sample.notes) or " "), title="notes"),
            ]
        ),
        Panel(_asked(sample.asked), title=f"the lake: {ASKED} since the beginning, by DuckDB"),
    )


def _lots(lots: Iterable[LotRow]) -> Table:
    table = Table.grid(padding=(0, 2))
    for lot in lots:
        style = "green" if lot.occupied == lot.truly else "yellow"
        table.add_row(
            lot.lot_id,
            ProgressBar(total=lot.capacity or 1, completed=lot.occupied, width=32),
            f"{lot.occupied:4d} of {lot.capacity}",
            f"{lot.free:4d} free",
            Text(f"truly {lot.truly} occupied", style),
        )
    return table


def _way(sample: Sample) -> Table:
    """Each place with what it holds, and what waits before it."""
    table = Table.grid(padding=(0, 2))
    before = sample.told
    for name, count in (
        ("told by agents", sample.told),
        ("in the stream", sample.delivered),
        ("in Postgres", sample.present),
    ):
        waits = f"{before - count} wait" if before > count else ""
        table.add_row(name, f"{count}", Text(waits, "yellow"))
        before = count
    table.add_row("stays", f"{sample.stays}", "")
    if sample.dead_letters:
        table.add_row("dead letters", f"{sample.dead_letters}", "", style="bold red")
    return table


def _consumers(consumers: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, state in consumers.items():
        table.add_row(name, Text(state, "green" if state.startswith("up") else "bold red"))
    return table


def _asked(asked: Asked) -> Table:
    table = Table.grid(padding=(0, 2))
    for row in asked.rows:
        dwell_s = row["average_dwell_s"]
        table.add_row(
            row["lot_id"],
            f"{row['arrivals']} arrivals",
            f"{row['per_bay_hour'] or 0:.2f} a bay and hour",
            f"{dwell_s / 60:.0f} min each" if dwell_s else "",
        )
    table.add_row(
        f"{asked.objects} objects", f"{asked.compacted} hours compacted", f"{asked.took_ms:.0f} ms"
    )
    return table
