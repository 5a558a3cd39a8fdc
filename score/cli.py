"""`lotkeeper score`: detectors over recordings, against the truth."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import Progress

from agent.detector import Detector
from drivers import Reading
from score import InputError, inputs, report
from score.detect import events, steps
from score.inputs import DEFAULTS, Format, Sensor
from score.match import Tally, match
from score.report import Scored
from score.trace import traced
from score.truth import assign

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="How well detectors do over recordings of which the truth is known.",
)

EPILOG = (
    "Examples: lotkeeper score day.csv --config agent.toml | "
    "lotkeeper score day.csv night.csv --kind ranging --picture pictures/ | "
    "lotkeeper score passes.txt --format field_counts --kind passage --tolerance-s 3 --json"
)
SUFFIXES = (".png", ".svg")
PIPED_COLUMNS = 120
SAMPLES = "Readings a second of recordings without times."


class Asked(NamedTuple):
    """What to score and how."""

    config: Path | None
    kind: str | None
    names: list[str]
    form: Format
    rate_hz: float
    tolerance_s: float


@app.command(epilog=EPILOG)
def score(
    recordings: Annotated[list[Path], typer.Argument(help="Recordings.", show_default=False)],
    truth: Annotated[
        list[Path] | None,
        typer.Option(help="What was true: one file for all, or one for each.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="An agent.toml: its detectors' settings.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help=f"Or this detector as it comes: {', '.join(DEFAULTS)}.")
    ] = None,
    sensor: Annotated[
        list[str] | None, typer.Option(help="Of the recordings, this sensor alone; repeatable.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How they are written.")] = "recording",
    rate_hz: Annotated[float, typer.Option(min=0.001, help=SAMPLES)] = 24.0,
    tolerance_s: Annotated[
        float, typer.Option(min=0, help="How far a found event may lie from the true one.")
    ] = 10.0,
    fail_under: Annotated[
        float, typer.Option(min=0, max=100, help="Percent found and percent right that suffice.")
    ] = 100.0,
    picture: Annotated[
        Path | None, typer.Option(help="Draw into a folder, or one sensor into FILE.svg or .png.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Run detectors over RECORDINGS and hold what they find against the truth.

    The truth of day.csv is in day.truth.csv unless --truth says otherwise. Exit 0: all found, none
    false or doubled (or --fail-under kept); 1: not so; 2: bad usage or input.
    """
    try:
        if (config is None) == (kind is None):
            raise InputError(f"give either --config agent.toml or --kind {'|'.join(DEFAULTS)}")
        asked = Asked(config, kind, sensor or [], form, rate_hz, tolerance_s)
        with _progress() as progress:
            found = _sensors(recordings, truth or [], asked, progress)
            scored = _scored(found, tolerance_s, picture, progress)
    except InputError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(report.as_dict(scored)))
    else:
        report.show(scored, Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS))
    enough = all(100 * share >= fail_under for share in report.shares(report.total(scored)))
    raise typer.Exit(0 if enough else 1)


@contextmanager
def _progress() -> Iterator[Progress]:
    """On a terminal, and gone when all is done."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def _sensors(
    recordings: list[Path], truths: list[Path], asked: Asked, progress: Progress
) -> list[Sensor]:
    """Every sensor that is asked for, with its truth."""
    read = {path: _read(path, asked, progress) for path in recordings}
    by_recording = assign(read, truths, asked.tolerance_s)
    names = {name for readings in read.values() for name in readings}
    settings = (
        inputs.configured_settings(asked.config)
        if asked.config
        else inputs.default_settings(asked.kind or "", names)
    )
    found = []
    for path, readings in read.items():
        chosen = {each: readings[each] for each in readings if each in (asked.names or readings)}
        found += inputs.sensors(path, chosen, by_recording[path], settings)
    for name in asked.names:
        if name not in names:
            raise InputError(
                f"--sensor {name} was not recorded; there are {', '.join(sorted(names))}"
            )
    return found


def _read(path: Path, asked: Asked, progress: Progress) -> dict[str, list[Reading]]:
    size = path.stat().st_size if path.exists() else 0
    task = progress.add_task(f"reading {path.name}", total=size)
    told = _in_chunks(lambda count: progress.advance(task, count))
    try:
        return inputs.read_recording(path, asked.form, asked.rate_hz, told)
    finally:
        progress.remove_task(task)


def _in_chunks(tell: Callable[[int], None], size: int = 100_000) -> Callable[[int], None]:
    """Tell some times a second, not at every line."""
    waiting = 0

    def note(count: int) -> None:
        nonlocal waiting
        waiting += count
        if waiting >= size:
            tell(waiting)
            waiting = 0

    return note


def _scored(
    sensors: list[Sensor], tolerance_s: float, picture: Path | None, progress: Progress
) -> list[Scored]:
    found = []
    for sensor, path in zip(sensors, _pictures(sensors, picture), strict=True):
        readings = progress.track(sensor.readings, description=f"detecting {sensor.name}")
        trace = traced(sensor.settings, len(sensor.readings)) if path else None
        said = []
        for step in steps(Detector(sensor.settings), readings):
            said += step.said
            if trace:
                trace.note(step)
        progress.remove_task(progress.task_ids[-1])
        tally = match(sensor.truth, events(said), tolerance_s)
        if path and trace:
            from score.picture import draw  # matplotlib takes a while to load

            draw(path, sensor, trace, tally)
        found.append(_summary(sensor, tally))
    return found


def _summary(sensor: Sensor, tally: Tally) -> Scored:
    readings = sensor.readings
    seconds = readings[-1].monotonic_s - readings[0].monotonic_s
    kind = sensor.settings.kind
    return Scored(sensor.recording, sensor.name, kind, len(readings), seconds, tally)


def _pictures(sensors: list[Sensor], picture: Path | None) -> list[Path | None]:
    """Each sensor's picture, if pictures are wanted. Makes the folder."""
    if picture is None:
        return [None] * len(sensors)
    if picture.suffix in SUFFIXES:
        if len(sensors) > 1:
            raise InputError(
                f"--picture {picture} is one file for {len(sensors)} sensors: name a folder, "
                "or choose one by --sensor"
            )
        return [picture]
    picture.mkdir(parents=True, exist_ok=True)
    return [picture / f"{Path(each.recording).stem}-{each.name}.png" for each in sensors]
