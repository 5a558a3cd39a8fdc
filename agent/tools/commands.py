"""The installer's verbs of `lotkeeper agent`. Exit 0 good, 1 something is wrong, 2 wrong usage."""

import json
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.tools.options import DEFAULT, ConfigOption, JsonOption, SecondsOption, settings_of

if TYPE_CHECKING:
    from agent.config import AgentSettings
    from agent.tools.calibrate import Calibration
    from agent.tools.sensors import Channel

SPOT_HELP = "A spot's or lane's id."
INTERRUPTED = 130
"""What a shell answers for a command that Ctrl-C ended."""


def check(
    config: ConfigOption = DEFAULT,
    as_json: JsonOption = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, help="How long each sensor is read.")
    ] = 3.0,
) -> None:
    """Are the wires there, and does each sensor say something? Exit 0 all good, 1 not.

    Looks at buses, ports, pins and permissions, opens each configured sensor and reads it.
    """
    from rich.console import Console

    from agent.tools.check import look
    from agent.tools.check_report import show

    settings = settings_of(config)
    with _told():
        found = look(_channels(settings, []), _held_by(settings.spool.path), seconds)
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        show(Console(highlight=False), found)
    raise typer.Exit(0 if found.good else 1)


def watch(
    spots: Annotated[
        list[str] | None, typer.Argument(metavar="SPOT", help=f"{SPOT_HELP} Default: all.")
    ] = None,
    config: ConfigOption = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line a reading.")] = False,
    seconds: SecondsOption = None,
) -> None:
    """Readings, thresholds and state as they come: plots on a terminal, else a line a reading.

    Ctrl-C ends it. The status is what the agent would publish, dwell included.
    """
    import time

    from agent.tools.kept import kept_state
    from agent.tools.live import watch
    from agent.tools.track import begin

    settings = settings_of(config)
    watched = _channels(settings, spots or [])
    with _told():
        _refuse_beside_the_agent(settings.spool.path)
        kept = {each.name: kept_state(settings.spool.path, each.name) for each in watched}
        watch(begin(watched, kept, time.monotonic()), seconds, as_json)


def identify(
    spot: Annotated[
        str | None, typer.Argument(metavar="SPOT", help=f"{SPOT_HELP} Default: all.")
    ] = None,
    config: ConfigOption = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line a reaction.")] = False,
    seconds: SecondsOption = None,
) -> None:
    """Which physical bay is which spot? Hold a hand or a board under a sensor.

    Shows the spot whose sensor reacts, big.
    With SPOT: that sensor's readings, and a bell at each change.
    Ctrl-C ends it. With --seconds: exit 1 where nothing reacted.
    """
    from agent.tools.identify import identify

    settings = settings_of(config)
    watched = _channels(settings, [spot] if spot else [])
    with _told():
        _refuse_beside_the_agent(settings.spool.path)
        reacted = identify(watched, seconds, as_json, named=spot is not None)
        if seconds is not None and not reacted:
            typer.echo(
                "nothing reacted; `lotkeeper agent check` tells which sensors speak", err=True
            )
            raise typer.Exit(1)


def record(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The new recording.")],
    spots: Annotated[
        list[str] | None, typer.Argument(metavar="SPOT", help=f"{SPOT_HELP} Default: all.")
    ] = None,
    config: ConfigOption = DEFAULT,
    seconds: SecondsOption = None,
) -> None:
    """Write down what the sensors say, and from the keys of this terminal what really happened.

    The keys: 1 to 9 choose a spot, a arrival, d departure, p passage of a lane, q ends.
    The sensor kind `replay` plays the file, `lotkeeper score` judges a detector by it.
    """
    from agent.record import record
    from agent.tools.sensors import UnknownSpot

    settings = settings_of(config)
    with _told():
        _refuse_beside_the_agent(settings.spool.path)
        try:
            record(settings, out, spots or [], seconds, keys=sys.stdin, say=typer.echo)
        except (FileExistsError, UnknownSpot) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from None
        except OSError as error:
            typer.echo(f"{out}: {error.strerror}; choose another place", err=True)
            raise typer.Exit(1) from None


def calibrate(
    spot: Annotated[str, typer.Argument(help=SPOT_HELP)],
    config: ConfigOption = DEFAULT,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, help="How long each step listens.")
    ] = 15.0,
    empty_only: Annotated[
        bool, typer.Option("--empty-only", help="No car at hand: learn the empty bay alone.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not wait for Enter.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Keep nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Learn the empty bay, see how clearly a car is told from it, and keep what was learnt.

    The agent must be stopped meanwhile; it starts from what was kept.
    Exit 1 where a car is not seen or the readings are no good.
    """
    settings = settings_of(config)
    watched = _channels(settings, [spot])
    if not yes and not sys.stdin.isatty():
        typer.echo("no terminal to press Enter on: use --yes", err=True)
        raise typer.Exit(2)
    store = settings.spool.path
    with _told(interrupted="nothing was kept"):
        _refuse_beside_the_agent(store)
        found = _calibrated(watched, seconds, empty_only, yes, as_json)
        if not dry_run:
            _keep(settings, found)
    _tell(spot, found, None if dry_run else store, as_json)
    raise typer.Exit(0 if all(each.good for each in found) else 1)


def _calibrated(
    watched: "list[Channel]", seconds: float, empty_only: bool, yes: bool, as_json: bool
) -> "list[Calibration]":
    from rich.console import Console

    from agent.tools.calibrate import calibrate

    console = Console(highlight=False, stderr=as_json)

    def ask(text: str) -> None:
        if not yes:
            # A key that was pressed before the question is no answer to it.
            termios.tcflush(sys.stdin, termios.TCIFLUSH)
        console.print(text)
        if not yes:
            input()

    return calibrate(watched, seconds, empty_only, ask, console)


def _keep(settings: "AgentSettings", found: "list[Calibration]") -> None:
    from agent.tools.kept import keep

    state = {field: value for each in found for field, value in each.state().items()}
    channel = found[0].channel
    keep(settings.spool, channel.name, channel.detector, state)


def _tell(spot: str, found: "list[Calibration]", store: Path | None, as_json: bool) -> None:
    """`store` is where it was kept."""
    from agent.tools.holder import SERVICE

    if as_json:
        sensors = [each.to_json() for each in found]
        typer.echo(json.dumps({"name": spot, "kept": store is not None, "sensors": sensors}))
        return
    for warning in [warning for each in found for warning in each.warnings]:
        typer.secho(f"   {warning}", fg="yellow")
    if store is None:
        typer.echo("   nothing was kept (--dry-run)")
    else:
        typer.echo(f"   kept in {store}; start the agent again: systemctl start {SERVICE}")


def _channels(settings: "AgentSettings", names: Sequence[str]) -> "list[Channel]":
    from agent.tools.sensors import UnknownSpot, channels

    try:
        return channels(settings, names)
    except UnknownSpot as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def _held_by(store: Path) -> str | None:
    """What to say where an agent runs."""
    from agent.tools.holder import STOP_IT, holder_of
    from agent.tools.kept import StoreRefused, run_as_owner

    try:
        holder = holder_of(store)
    except PermissionError as error:
        raise StoreRefused(f"{error}; {run_as_owner(store)}") from error
    return f"{holder}; {STOP_IT}" if holder else None


def _refuse_beside_the_agent(store: Path) -> None:
    held = _held_by(store)
    if held:
        typer.echo(held, err=True)
        raise typer.Exit(1)


@contextmanager
def _told(interrupted: str = "") -> Iterator[None]:
    """What an installer can mend is told in a line, exit 1; Ctrl-C and Ctrl-D end with 130."""
    from agent.tools.calibrate import SensorFailed
    from agent.tools.kept import StoreRefused
    from agent.tools.learn import NotLearnt

    try:
        yield
    except (NotLearnt, SensorFailed, StoreRefused) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, EOFError):
        typer.echo(interrupted, err=True)
        raise typer.Exit(INTERRUPTED) from None
