"""The replay as a person runs it: progress while it plays, a table when it is done."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.ask import NoAnswer
from simulator.faults import Asked, Fault, asked, plan, plan_asked, seconds
from simulator.invented import invented_sessions
from simulator.processes import BrokerKind, NotReady
from simulator.reconcile import Report
from simulator.replay import Result, play
from simulator.sessions import BadSession, Sessions, load_sessions

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


INVENTED_HOURS = 6.0
START = datetime(2024, 3, 20, tzinfo=UTC)


def run_replay(
    path: Path | None,
    *,
    spots: int,
    folder: Path,
    bays: int | None,
    hours: float | None,
    seed: int,
    speed: float,
    cut_cloud: str | None,
    kill_broker: int,
    kill_gateway: int,
    fault: Sequence[str],
    broker: BrokerKind,
    bays_an_agent: int,
    quiet: bool,
) -> Result:
    """Load or invent a day, plan, play. Exits 2 with the reason where the input is bad."""
    cut_s = _cut_s(cut_cloud)
    wanted = _wanted(fault)
    hours = hours or (None if path else INVENTED_HOURS)
    sessions = _sessions(path, spots, bays, hours, seed)
    last_s = hours * 3600 if hours is not None else sessions.end_s
    begin_s, end_s = 0.05 * last_s, 0.95 * last_s
    faults: list[Fault] = [
        *plan(seed, begin_s, end_s, cut_cloud_s=cut_s, brokers=kill_broker, gateways=kill_gateway),
        *plan_asked(seed, begin_s, end_s, wanted),
    ]
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True, quiet=quiet)) as progress:
        task = progress.add_task(f"{len(sessions.bays)} bays, {sessions.count} sessions", total=1.0)
        try:
            return play(
                sessions,
                sorted(faults),
                lot_id="melbourne" if path else "test-lot",
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


def _sessions(
    path: Path | None, spots: int, bays: int | None, hours: float | None, seed: int
) -> Sessions:
    if path is None:
        return invented_sessions(bays or spots, hours or INVENTED_HOURS, seed, START)
    try:
        return load_sessions(path, bays=bays, hours=hours)
    except (BadSession, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def _wanted(fault: Sequence[str]) -> list[Asked]:
    try:
        return [each for text in fault for each in asked(text)]
    except ValueError as error:
        typer.echo(f"--fault {error}", err=True)
        raise typer.Exit(2) from None


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
    console.print(f"[bold]{sessions.rows}[/] sessions of [bold]{len(sessions.bays)}[/] bays")
    if sessions.merged or sessions.short:
        console.print(
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
    _print_books(console, result)
    console.print(
        f"the display shows {result.occupancy.get('occupied')} occupied, "
        f"{result.occupancy.get('unknown')} unknown; truly {result.occupied_truly} are occupied"
    )
    console.print("[bold green]CLEAN[/]" if result.clean else "[bold red]NOT CLEAN[/]")


def _print_books(console: Console, result: Result) -> None:
    books = result.books
    console.print(f"the agents sent {result.sent} records, the gateway accepted {result.accepted}")
    for name, book in books.sinks.items():
        console.print(
            f"sink {name}: {book.appended} appended = {book.delivered} delivered + {book.waiting} "
            f"waiting + {book.dead_lettered} refused + {sum(book.dropped.values())} dropped",
            highlight=False,
        )
    for reason, count in books.letters.items():
        console.print(f"dead letters: {count} {reason}", highlight=False)
    for words in books.faults:
        console.print(f"[red]{words}", highlight=False)


def _table(reports: list[Report]) -> Table:
    table = Table("", *(report.sink for report in reports))
    for title, name in ROWS:
        table.add_row(title, *(str(getattr(report, name)) for report in reports))
    return table
