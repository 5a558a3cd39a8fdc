"""`lotkeeper demo`: a whole simulated lot on this machine."""

import json
import logging
import signal
from pathlib import Path
from typing import Annotated

import typer

from simulator.folder import folder_of_run

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A whole simulated lot on this machine, with a live view.",
)

EPILOG = (
    "Examples: lotkeeper demo | lotkeeper demo --fault cloud@20s+10s --fault gateway@30s | "
    "lotkeeper demo --headless --json --duration 20"
)


@app.command(epilog=EPILOG)
def demo(
    duration: Annotated[
        float | None, typer.Option(min=1, help="Seconds to run; until q or Ctrl-C if not given.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=1, max=600, help="Lot seconds a second: 1 with the console, else 60."),
    ] = None,
    console: Annotated[
        bool | None,
        typer.Option(help="The console's pages, with a day to look back on; not where --headless."),
    ] = None,
    headless: Annotated[bool, typer.Option(help="A line now and then, no view.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with the account as JSON.")] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="cloud, broker, gateway or agent, @ when, + how long: cloud@20s+10s."),
    ] = None,
    mosquitto: Annotated[
        bool, typer.Option("--mosquitto", help="The system's mosquitto, not the embedded broker.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Another seed, another day.")] = 1,
    picture: Annotated[
        Path | None, typer.Option(help="Keep the last view as an SVG picture.")
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Keep databases, logs and sinks in this new folder."),
    ] = None,
) -> None:
    """A broker, three agents with 24 spots, a gateway, a console and a cloud to cut.

    Nothing listens beyond 127.0.0.1. Exit 0 all well, 1 something did not come up or did not
    arrive, 2 bad usage.
    """
    from simulator.demo import Demo, Options
    from simulator.faults import written
    from simulator.processes import NotReady

    logging.basicConfig(level=logging.CRITICAL)
    try:
        faults = [written(each) for each in fault or []]
    except ValueError as error:
        typer.echo(f"--fault {error}", err=True)
        raise typer.Exit(2) from None
    headless = headless or as_json
    with_console = not headless if console is None else console
    with folder_of_run(keep) as folder:
        options = Options(
            folder=folder,
            duration_s=duration,
            speed=speed or (1 if with_console else 60),
            broker="mosquitto" if mosquitto else "iotcore",
            seed=seed,
            faults=faults,
            headless=headless,
            console=with_console,
            picture=picture,
            say=lambda line: typer.echo(line, err=as_json),
        )
        try:
            lot = Demo(options)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lot.quit)
            summary = lot.run()
        except NotReady as error:
            typer.echo(f"{error}; with --keep FOLDER the logs stay", err=True)
            raise typer.Exit(1) from None
    _tell(summary, as_json)
    raise typer.Exit(0 if summary["settled"] else 1)


def _tell(summary: dict[str, object], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary))
    elif summary["settled"]:
        typer.echo(f"{summary['accepted']} records, all at the sinks")
    else:
        typer.echo("not everything arrived: run again with --keep and see the logs", err=True)
