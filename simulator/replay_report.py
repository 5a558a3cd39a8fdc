"""The replay as a person runs it: progress while it plays, a table when it is done."""

from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.ask import NoAnswer
from simulator.faults import plan, seconds
from simulator.processes import BrokerKind, NotReady
from simulator.reconcile import Report
from simulator.replay import Result, play
from simulator.sessions import BadSession, load_sessions

ROWS = (
    ("sessions to find", "sessions"),
    ("ARRIVAL/DEPARTURE pairs", "pairs"),
    ("lost", "lost"),
    ("spurious", "spurious"),
    ("doubled", "doubled"),
    ("out of order per spot", "out_of_order"),
    ("wrong at the end", "wrong_at_end"),
    ("gaps", "gaps"),
    ("redelivered, removed by key", "redelivered"),
    ("snapshots", "snapshots"),
    ("time error p50 / s", "error_p50_s"),
    ("time error p95 / s", "error_p95_s"),
    ("time error max / s", "error_max_s"),
)


def run_replay(
    path: Path,
    *,
    folder: Path,
    bays: int | None,
    hours: float | None,
    seed: int,
    speed: float,
    cut_cloud: str | None,
    kill_broker: int,
    kill_gateway: int,
    broker: BrokerKind,
    bays_an_agent: int,
    quiet: bool,
) -> Result:
    """Load, plan, play. Exits 2 with the reason where the input is bad."""
    cut_s = _cut_s(cut_cloud)
    try:
        sessions = load_sessions(path, bays=bays, hours=hours)
    except (BadSession, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    last_s = hours * 3600 if hours is not None else sessions.end_s
    faults = plan(
        seed, 0.05 * last_s, 0.95 * last_s, cut_cloud_s=cut_s, brokers=kill_broker,
        gateways=kill_gateway,
    )  # fmt: skip
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True, quiet=quiet)) as progress:
        task = progress.add_task(f"{len(sessions.bays)} bays, {sessions.count} sessions", total=1.0)
        try:
            return play(
                sessions,
                faults,
                folder=folder,
                speed=speed,
                broker=broker,
                bays_an_agent=bays_an_agent,
                hours=hours,
                progress=lambda now_s, of_s: progress.update(task, completed=now_s / of_s),
            )
        except (NotReady, NoAnswer) as error:
            typer.echo(f"{error}; with --keep FOLDER the logs stay", err=True)
            raise typer.Exit(1) from None


def _cut_s(cut_cloud: str | None) -> float:
    try:
        return seconds(cut_cloud) if cut_cloud else 0.0
    except ValueError as error:
        typer.echo(f"--cut-cloud {error}", err=True)
        raise typer.Exit(2) from None


def print_result(result: Result) -> None:
    """The reconciliation, as a table with a verdict."""
    console = Console()
    sessions = result.sessions
    console.print(
        f"[bold]{sessions.rows}[/] sessions of [bold]{len(sessions.bays)}[/] bays in the file; "
        f"{sessions.merged} touch another of their bay by the rounding and are one with it; "
        f"{sessions.short} of 0 minutes are played as 30 s"
    )
    console.print(
        f"played in {result.seconds:.0f} s, {result.polls} sensor readings since the last "
        f"start of an agent; nothing left waiting: {'yes' if result.settled else '[red]no[/]'}"
    )
    for line in result.faults:
        console.print(f"  lot time {line}", highlight=False)
    console.print(_table(result.reports))
    for report in result.reports:
        for sample in report.samples:
            console.print(f"[red]{report.sink}: {sample}", highlight=False)
    console.print(
        f"the display shows {result.occupancy.get('occupied')} occupied, "
        f"{result.occupancy.get('unknown')} unknown; the file says {result.occupied_truly} occupied"
    )
    console.print("[bold green]CLEAN[/]" if result.clean else "[bold red]NOT CLEAN[/]")


def _table(reports: list[Report]) -> Table:
    table = Table("", *(report.sink for report in reports))
    for title, name in ROWS:
        table.add_row(title, *(str(getattr(report, name)) for report in reports))
    return table
