"""`lotkeeper cloud backfill`"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cloud.backfill.job import Engine, Report

ENGINES = ("duckdb", "spark")


def backfill(
    source: Annotated[str, typer.Argument(help="birmingham (counts) or melbourne (stays).")],
    file: Annotated[str, typer.Argument(help="The CSV file, as it was published; or s3://...")],
    engine: Annotated[str, typer.Option(help="duckdb: in memory; spark: the extra [spark].")] = (
        "duckdb"
    ),
    time_zone: Annotated[str, typer.Option(help="Of the file's times; the source's own.")] = "",
    lake: Annotated[str, typer.Option(help="In the place of the configuration's [lake] url.")] = "",
    config: Annotated[Path, typer.Option("--config", "-c", help="The cloud's TOML file.")] = Path(
        "/etc/lotkeeper/cloud.toml"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Put a historical file into the lake, and say what was dropped of it and why.

    A second run changes nothing, by the other engine neither. Exit 0, 1 not done (run it again),
    2 usage, bad configuration or a file that is none of the source.
    """
    from zoneinfo import available_timezones

    from cloud.backfill.job import backfill as run
    from cloud.backfill.rows import BadFile
    from cloud.backfill.sources import SOURCES
    from cloud.cli import _fail
    from cloud.lake.store import Store

    for name, known in ((source, tuple(SOURCES)), (engine, ENGINES)):
        if name not in known:
            _fail(f"{name!r}: one of {', '.join(known)}", 2)
    zone = time_zone or SOURCES[source].time_zone
    if zone not in available_timezones():
        _fail(f"--time-zone {zone!r}: is no time zone: write one as Europe/Berlin", 2)
    url = lake or _url(config)
    from rich.console import Console
    from rich.progress import Progress

    shown = Console(stderr=True)
    try:
        with (
            Progress(console=shown, transient=True, disable=not shown.is_terminal) as bar,
            _engine(engine) as judge,
        ):
            task = bar.add_task(f"{file}: objects", total=None)
            report = run(
                Store(url),
                SOURCES[source],
                file,
                zone,
                judge,
                lambda done, of: bar.update(task, completed=done, total=of),
            )
    except BadFile as error:
        _fail(str(error), 2)
    except OSError as error:
        _fail(str(error), 1)
    typer.echo(json.dumps(asdict(report)) if as_json else _said(report))


def _url(config: Path) -> str:
    from cloud.cli import _fail, _settings

    settings = _settings(config)
    if settings.lake is None:
        _fail(f"{config}: [lake] is missing: say where the past is kept", 2)
    return settings.lake.url


@contextmanager
def _engine(name: str) -> "Iterator[Engine]":
    """What judges the rows, for as long as the block."""
    from cloud.cli import _fail

    if name == "duckdb":
        from cloud.backfill import duck

        yield duck.judge
        return
    try:
        from cloud.backfill import spark
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyspark":
            raise
        _fail("--engine spark needs PySpark: pip install 'lotkeeper[spark]'", 2)
    if not spark.has_java():
        _fail("--engine spark needs Java 17: apt-get install openjdk-17-jre-headless", 2)
    with spark.session() as running:
        yield partial(spark.judge, running)


def _said(report: "Report") -> str:
    lines = [f"{report.rows:>9} rows of {report.source}, {report.time_zone}"]
    lines += [f"{report.kept:>9} kept, in {report.objects} objects"]
    lines += [f"{count:>9}   of them {word}" for word, count in report.noted.items()]
    lines += [f"{count:>9} dropped: {reason}" for reason, count in report.dropped.items()]
    return "\n".join(lines)
