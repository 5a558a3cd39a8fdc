"""`lotkeeper simulate`: agents without hardware, recorded days, recordings of sensors."""

import json
import logging
import signal
from pathlib import Path
from typing import Annotated

import typer

from simulator.faults import NAMES
from simulator.folder import folder_of_run

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Agents with simulated sensors against any broker; replays of recorded days.",
)

EPILOG = (
    "Examples: lotkeeper simulate --broker 10.0.0.5:1883 --lot lot-1 --spots 24 | "
    "lotkeeper simulate --fault 'kill-gateway*3,cut-cloud@2h+30m,clock-jump' | "
    "lotkeeper simulate --fault duplicate,poison --fault freeze-broker --json | "
    "lotkeeper simulate --replay sessions.csv --cut-cloud 1h --kill-broker 2 "
    "--kill-gateway 10 --report | lotkeeper simulate --passes passes.txt"
)
FAULTS = "; ".join(f"{name}: {kind.help}" for name, kind in NAMES.items())


@app.command(epilog=EPILOG)
def simulate(
    broker: Annotated[
        str, typer.Option(help="HOST:PORT of the broker that the agents publish to.")
    ] = "127.0.0.1:1883",
    protocol: Annotated[str, typer.Option(help="MQTT 5 or 3.1.1.")] = "5",
    lot: Annotated[str, typer.Option(help="The lot's id.")] = "simulated",
    spots: Annotated[int, typer.Option(min=1, max=5000, help="Spots A1, A2, ...")] = 24,
    agents: Annotated[int, typer.Option(min=1, max=100, help="Agents that share them.")] = 3,
    speed: Annotated[
        float | None,
        typer.Option(min=0, help="Lot seconds a second, 0: at once [60; replays, faults 3600]."),
    ] = None,
    duration: Annotated[float, typer.Option(min=1, help="Seconds to run.")] = 3600,
    seed: Annotated[int, typer.Option(help="Another seed, another day or plan of faults.")] = 1,
    http: Annotated[
        str | None, typer.Option(help="Post cloud records to this URL instead of a broker.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="A bearer token for --http, in a file of mode 600.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="A CSV of recorded sessions, played through a whole site.")
    ] = None,
    bays: Annotated[int | None, typer.Option(min=1, help="Of the file, this many bays.")] = None,
    hours: Annotated[
        float | None, typer.Option(min=1, help="Of the file, these hours; of a test lot [6].")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="Faults on a test lot of its own, or on the --replay: names with commas between, "
            f"each with *times or @when, and +how long of the lot's time. {FAULTS}."
        ),
    ] = None,
    cut_cloud: Annotated[
        str | None, typer.Option(help="Cut the cloud for this long of the lot's time, e.g. 1h.")
    ] = None,
    kill_broker: Annotated[int, typer.Option(min=0, help="Kill -9 the broker so often.")] = 0,
    kill_gateway: Annotated[int, typer.Option(min=0, help="Kill -9 the gateway so often.")] = 0,
    use_mosquitto: Annotated[
        bool, typer.Option("--mosquitto", help="Replay through the system's mosquitto.")
    ] = False,
    bays_an_agent: Annotated[int, typer.Option(min=1, max=500)] = 100,
    keep: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Keep databases, logs and sinks in this new folder."),
    ] = None,
    report: Annotated[bool, typer.Option(help="Print the reconciliation.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    passes: Annotated[
        Path | None, typer.Option(help="A magnetometer recording: count its vehicles.")
    ] = None,
) -> None:
    """Play a lot. Exit 0 all well, 1 something lost, doubled or wrong, 2 bad usage."""
    logging.basicConfig(level=logging.CRITICAL if replay or fault else logging.WARNING)
    if passes:
        from simulator.passes import show_passes

        raise typer.Exit(show_passes(passes, as_json))
    if http and fault:
        typer.echo("--fault: breaks a lot of its own, which has its own cloud: no --http", err=True)
        raise typer.Exit(2)
    if replay is None and not fault:
        from simulator.stream import stream

        raise typer.Exit(
            stream(
                broker=broker,
                protocol=protocol,
                lot_id=lot,
                spots=spots,
                agents=agents,
                speed=60 if speed is None else speed,
                duration_s=duration,
                seed=seed,
                http=http,
                token_file=token_file,
            )
        )
    from simulator.replay_report import run_replay

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: all ends in order
    with folder_of_run(keep) as folder:
        result = run_replay(
            replay,
            spots=spots,
            fault=fault or [],
            folder=folder,
            bays=bays,
            hours=hours,
            seed=seed,
            speed=3600 if speed is None else speed,
            cut_cloud=cut_cloud,
            kill_broker=kill_broker,
            kill_gateway=kill_gateway,
            broker="mosquitto" if use_mosquitto else "iotcore",
            bays_an_agent=bays_an_agent if replay else -(-(bays or spots) // agents),
            quiet=as_json,
        )
        if as_json:
            typer.echo(json.dumps(result.as_dict()))
        elif report:
            from simulator.replay_report import print_result

            print_result(result)
    raise typer.Exit(0 if result.clean else 1)
