"""`lotkeeper cloud query`"""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloud.shown import for_json, plain, show

if TYPE_CHECKING:
    import pyarrow as pa

    from cloud.config import CloudSettings


def query(
    name: Annotated[str, typer.Argument(help="Which; none: list them.")] = "",
    begin: Annotated[str, typer.Option("--from", help="A day or RFC 3339; 7 days ago.")] = "",
    end: Annotated[str, typer.Option("--to", help="A day or RFC 3339, not included; now.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write .csv or .parquet instead.")] = None,
    config: Annotated[Path, typer.Option("--config", "-c", help="The cloud's TOML file.")] = Path(
        "/etc/lotkeeper/cloud.toml"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Ask the past one of the named queries, by Athena where it is configured, else by DuckDB.

    Days are of the configured time zone. Exit 0, 1 not done, 2 usage or bad configuration.
    """
    from cloud.analytics.queries import UnknownQuery, queries
    from cloud.analytics.queries import query as named
    from cloud.cli import _fail, _settings

    if not name:
        for each in queries().values():
            typer.echo(f"{each.name:<22}{each.about.says}")
        return
    settings = _settings(config)
    if settings.lake is None:
        _fail(f"{config}: [lake] is missing: say where the past is kept", 2)
    try:
        found = named(name)
        since, until = period(begin, end, settings.lake.time_zone, datetime.now(UTC))
    except (UnknownQuery, ValueError) as error:
        _fail(str(error), 2)
    try:
        table = runner(settings)(found, since, until, settings.lake.time_zone)
    except Exception as error:  # an engine's own, of which there are two
        _fail(f"{name}: {error}", 1)
    if out is not None:
        _write(table, out)
    elif as_json:
        typer.echo(json.dumps(table.to_pylist(), default=for_json))
    else:
        show(table.column_names, [list(row.values()) for row in table.to_pylist()])


def runner(settings: "CloudSettings") -> Callable[..., "pa.Table"]:
    """The configured engine: (query, begin, end, zone) -> table."""
    assert settings.lake is not None
    if settings.athena is not None:
        import boto3

        from cloud.analytics.athena import Athena

        athena = settings.athena
        client = boto3.client("athena", region_name=athena.region, endpoint_url=athena.endpoint_url)
        return Athena(client, athena.database, athena.workgroup).run
    from functools import partial

    from cloud.analytics import duck
    from cloud.lake.store import Store

    return partial(duck.run, Store(settings.lake.url))


def period(begin: str, end: str, zone: str, now: datetime) -> tuple[datetime, datetime]:
    """Its ends. Raises ValueError, which names the option.

    >>> period("2024-03-01", "2024-03-02", "Europe/Berlin", datetime(2024, 4, 1, tzinfo=UTC))[0]
    datetime.datetime(2024, 3, 1, 0, 0, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))
    """
    until = _moment("--to", end, zone) if end else now
    since = _moment("--from", begin, zone) if begin else until - timedelta(days=7)
    if since >= until:
        raise ValueError(f"--from {since} is not before --to {until}")
    return since, until


def _moment(option: str, said: str, zone: str) -> datetime:
    from zoneinfo import ZoneInfo

    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise ValueError(f"{option} {said!r}: write 2024-03-20 or 2024-03-20T10:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def _write(table: "pa.Table", out: Path) -> None:
    from cloud.cli import _fail

    if out.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, out)
    elif out.suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(table.column_names)
        writer.writerows([plain(value) for value in row.values()] for row in table.to_pylist())
        out.write_text(text.getvalue(), newline="")
    else:
        _fail(f"--out {out}: end it with .csv or .parquet", 2)
    typer.echo(f"{out}: {table.num_rows} rows", err=True)
