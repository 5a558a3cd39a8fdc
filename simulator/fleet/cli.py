"""`lotkeeper cloud demo`: a fleet of lots and the cloud behind them on this machine."""

import json
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from simulator.folder import folder_of_run

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A fleet of lots and the cloud behind them on this machine, with a live view.",
)

EPILOG = "Examples: lotkeeper cloud demo | lotkeeper cloud demo --headless --duration 30 --json"


@app.command(epilog=EPILOG)
def demo(
    lots: Annotated[int, typer.Option(min=1, max=100, help="Lots, each with its gateway.")] = 5,
    spots: Annotated[int, typer.Option(min=1, max=500, help="Spots of each lot.")] = 40,
    duration: Annotated[
        float | None, typer.Option(min=1, help="Seconds to run; until q or Ctrl-C if not given.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=1, max=3600, help="Seconds of the lots' time a second.")
    ] = 60,
    headless: Annotated[
        bool, typer.Option(help="A line now and then, as where there is no terminal.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with the account as JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Another seed, other vehicles.")] = 1,
    keep: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, help="Keep databases, lake, logs, cloud.toml and console.toml here."
        ),
    ] = None,
) -> None:
    """Lots with their gateways, a Kafka broker, two consumers, Postgres, a lake and queries.

    Nothing listens beyond 127.0.0.1. Exit 0 all arrived everywhere, 1 something did not come up or
    did not arrive, 2 bad usage.
    """
    import psycopg

    from simulator.fleet.demo import FleetDemo, Options
    from simulator.processes import NotReady

    logging.basicConfig(level=logging.CRITICAL)
    with folder_of_run(keep) as folder:
        run = FleetDemo(
            Options(
                folder=folder,
                lots=lots,
                spots=spots,
                duration_s=duration,
                speed=speed,
                seed=seed,
                headless=headless or as_json or not sys.stdout.isatty(),
                say=lambda line: typer.echo(line, err=as_json),
            )
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, run.quit)
        try:
            summary = run.run()
        except (NotReady, OSError, psycopg.Error) as error:
            typer.echo(f"{error}; with --keep FOLDER the logs stay", err=True)
            raise typer.Exit(1) from None
    _tell(summary, as_json)
    raise typer.Exit(0 if summary["complete"] and not summary["query_failure"] else 1)


def _tell(summary: dict[str, object], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary))
    elif summary["complete"]:
        typer.echo(
            f"{summary['told']} records of {summary['spots']} spots: as many in the stream, in "
            f"Postgres and in the lake; {summary['stays']} stays"
        )
    else:
        typer.echo(f"not everything arrived: {summary['faults']}", err=True)
