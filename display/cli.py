"""`lotkeeper display ...`"""

import json
import logging
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from display.board import ShownLine
    from display.config import DisplaySettings

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A lot's free spots on a terminal, blank when nobody vouches for them.",
    no_args_is_help=True,
)

DEFAULT = Path("/etc/lotkeeper/display.toml")
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The display's TOML file.")]


@app.command(
    epilog="Examples: lotkeeper display run -c display.toml; "
    "lotkeeper display run --once --json | jq '.lines[0].free'; "
    "lotkeeper display run --json | my-sign"
)
def run(
    config: ConfigOption = DEFAULT,
    once: Annotated[
        bool, typer.Option("--once", help="Tell once, as soon as no line is blank.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: an object a change, on a line.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="With --once: tell what there is after so many seconds.")
    ] = 5.0,
) -> None:
    """Show the lines until stopped, full-screen on a terminal.

    Exit 0 stopped, 1 failed, or a line is blank with --once, 2 bad usage or configuration.
    """
    settings = _settings(config)
    if not (once or as_json or sys.stdout.isatty()):
        _fail("the output is no terminal: --json, or --once, is for programs", 2)
    from display.app import LinkDied, Watch, full_screen, on_changes, stopped_by_signals
    from runtime.clock import SystemClock
    from runtime.config import ConfigError

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    tell = partial(_tell, settings, as_json)
    try:
        watch = Watch(settings, SystemClock(settings.clock))
        with stopped_by_signals(watch):
            if once:
                lines = watch.once(wait)
                tell(lines)
                raise typer.Exit(int(any(line.reason for line in lines)))
            if as_json:
                watch.run(on_changes(tell))
            else:
                full_screen(settings, watch)
    except ConfigError as error:
        _fail(str(error), 2)
    except LinkDied as error:
        _fail(str(error), 1)


def _tell(settings: "DisplaySettings", as_json: bool, lines: "Sequence[ShownLine]") -> None:
    if as_json:
        body = {"display_id": settings.display_id, "lot_id": settings.lot_id}
        print(json.dumps({**body, "lines": [asdict(line) for line in lines]}), flush=True)
        return
    for line in lines:
        said = line.free if line.free is not None else line.shows
        print(f"{line.label:<24} {said} {line.reason}".rstrip())


@app.command(epilog="Example: lotkeeper display validate -c display.toml")
def validate(config: ConfigOption = DEFAULT) -> None:
    """Check a configuration. Exit 0 good, 2 with each fault named."""
    settings = _settings(config)
    typer.echo(
        f"{config}: display {settings.display_id} of lot {settings.lot_id}, "
        f"{len(settings.lines)} lines"
    )


def _settings(path: Path) -> "DisplaySettings":
    from display.config import DisplaySettings
    from runtime.config import ConfigError, load

    try:
        return load(path, DisplaySettings)
    except ConfigError as error:
        _fail(str(error), 2)


def _fail(words: str, status: int) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(status)
