"""The live view of a demo: what a display shows, and who is up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from contract.occupancy import SpotState
from contract.words import Status
from simulator.display import Seen

STYLES = {
    Status.FREE: "black on green",
    Status.OCCUPIED: "white on red",
    Status.UNKNOWN: "white on grey35",
    Status.CLOSED: "black on yellow",
}
KEYS = (
    "[b]c[/] cut the cloud  [b]b[/] kill the broker  [b]g[/] kill the gateway  "
    "[b]a[/] unplug an agent  [b]q[/] quit"
)


@dataclass(frozen=True)
class AgentRow:
    """One agent for the view."""

    agent_id: str
    plugged: bool
    waiting: int
    last_seq: int


@dataclass(frozen=True)
class Frame:
    """All that one picture needs."""

    lot_id: str
    lot_time: str
    speed: float
    spots: Sequence[str]
    seen: Seen
    agents: Sequence[AgentRow]
    cloud_open: bool
    notes: Sequence[str]
    keys: bool
    console: str = ""
    """Where the pages are, and who may log in."""


def render(frame: Frame) -> RenderableType:
    """One picture."""
    parts: list[RenderableType] = [_head(frame)]
    # Above the rest: a low terminal cuts what is below.
    if frame.console:
        parts.append(Text(frame.console, "bold cyan"))
    if frame.keys:
        parts.append(Text.from_markup(KEYS))
    parts += [
        Panel(_spots(frame), title="spots"),
        Columns(
            [
                Panel(_zones(frame), title="zones"),
                Panel(_agents(frame.agents), title="agents"),
                Panel(_sinks(frame), title="sinks"),
            ]
        ),
        Columns(
            [
                Panel(_lines(frame.seen.changes), title="changes"),
                Panel(_lines(frame.notes), title="faults"),
            ]
        ),
    ]
    return Group(*parts)


def _head(frame: Frame) -> Text:
    lot = frame.seen.lot
    text = Text.assemble(
        (f" {frame.lot_id} ", "bold reverse"), f"  {frame.lot_time}  {frame.speed:g}x   "
    )
    if lot and frame.seen.fresh(lot):
        text.append(f"{lot.free} free", "bold green")
        text.append(f"   {lot.occupied} occupied   {lot.unknown} unknown   of {lot.total}   ")
    else:
        text.append("--  no fresh word of the lot   ", "bold red")
    text.append(f"{frame.seen.per_s:.1f} events/s")
    for name, up in (("broker", frame.seen.broker_up), ("gateway", frame.seen.gateway_up)):
        text.append(f"   {name} {'up' if up else 'DOWN'}", "green" if up else "bold red")
    return text


def _spots(frame: Frame) -> Table:
    """A row a zone, a coloured cell a spot."""
    rows: dict[str, list[Text]] = {}
    for spot_id in frame.spots:
        state = frame.seen.spots.get(spot_id)
        cell = Text(f" {spot_id:^5} ", STYLES[_shown(frame.seen, state)])
        rows.setdefault(state.zone_id if state else "", []).append(cell)
    table = Table.grid(padding=(0, 1))
    for zone_id, cells in sorted(rows.items()):
        table.add_row(f"{zone_id:>4}", *cells)
    return table


def _shown(seen: Seen, state: SpotState | None) -> Status:
    return state.status if state and seen.fresh(state) else Status.UNKNOWN


def _zones(frame: Frame) -> Table:
    table = Table.grid(padding=(0, 1))
    for zone_id, zone in sorted(frame.seen.zones.items()):
        fresh = frame.seen.fresh(zone)
        bar = ProgressBar(total=zone.total or 1, completed=zone.occupied if fresh else 0, width=16)
        free = f"{zone.free:3d} free" if fresh else " -- "
        unknown = f"{zone.unknown} unknown" if fresh and zone.unknown else ""
        table.add_row(zone_id, bar, free, unknown)
    return table


def _agents(agents: Iterable[AgentRow]) -> Table:
    table = Table.grid(padding=(0, 2))
    for agent in agents:
        state = Text("on", "green") if agent.plugged else Text("UNPLUGGED", "bold red")
        table.add_row(agent.agent_id, state, f"{agent.waiting} waiting", f"seq {agent.last_seq}")
    return table


def _sinks(frame: Frame) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, sink in sorted(frame.seen.sinks.items()):
        failing = bool(sink.get("failing"))
        state = Text("FAILING" if failing else "ok", "bold red" if failing else "green")
        table.add_row(
            name,
            state,
            f"{sink.get('delivered', 0):.0f} sent",
            f"{sink.get('waiting', 0):.0f} waiting",
        )
    if not frame.seen.sinks:
        table.add_row(Text("no word of the sinks", "bold red"))
    if not frame.cloud_open:
        table.add_row("", Text("cloud cut", "bold red"))
    return table


def _lines(lines: Iterable[str]) -> Text:
    return Text("\n".join(lines) or " ")
