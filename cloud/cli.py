"""`lotkeeper cloud ...`"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from typing import Annotated

import typer

from cloud import letters_cli, logs
from cloud.analytics.cli import query
from cloud.backfill.cli import backfill
from cloud.cost.cli import cost
from cloud.database_cli import DEFAULT, ConfigOption, JsonOption, database, fail, settings_of
from cloud.shown import for_json, show

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Takes in what gateways forward: the present in Postgres, the past in a lake.",
    no_args_is_help=True,
)

_fail, _settings = fail, settings_of
app.add_typer(letters_cli.app, name="dead-letters")


@app.command(epilog="Example: lotkeeper cloud consume present --config ./cloud.toml")
def consume(
    part: Annotated[str, typer.Argument(help="present (Postgres) or lake (Parquet).")],
    config: ConfigOption = DEFAULT,
) -> None:
    """Consume the stream until stopped; run more of them, and they share it.

    Exit 0 stopped, 1 failed, 2 bad configuration.
    """
    settings = _settings(config)
    from cloud.app import PARTS, run
    from cloud.stream import StreamError
    from runtime.config import ConfigError

    if part not in PARTS:
        _fail(f"{part!r}: one of {', '.join(PARTS)}", 2)
    logs.start()
    try:
        run(settings, part)
    except ConfigError as error:
        _fail(f"{config}: {error}", 2)
    except (OSError, StreamError) as error:
        _fail(str(error), 1)


@app.command(epilog="Example: lotkeeper cloud migrate && lotkeeper cloud consume present")
def migrate(config: ConfigOption = DEFAULT) -> None:
    """Bring the database's schema up to this version. Exit 0, 1 not done, 2 bad configuration."""
    from cloud.postgres import migrate as apply

    with database(config) as (_, conn):
        done = apply(conn)
    typer.echo("\n".join(done) or "nothing to do: the schema is this version's")


@app.command(epilog="Example: lotkeeper cloud retain --dry-run; then once a day without it")
def retain(
    config: ConfigOption = DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let go what the database has beyond `keep_days`, by whole months; make the next month's.

    Exit 0 done, 1 not done (a further run goes on), 2 bad configuration.
    """
    from cloud import retention

    with database(config) as (settings, conn):
        assert settings.postgres is not None
        act = retention.stale if dry_run else retention.retain
        gone = act(conn, settings.postgres.keep, datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in gone]))
        return
    for each in gone:
        typer.echo(f"{'would go' if dry_run else 'gone'}: {each}")
    if not gone:
        typer.echo(f"nothing is older than {settings.postgres.keep_days} days")


@app.command(epilog="Example: lotkeeper cloud lots --json")
def lots(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """How full each lot is now, and how long ago its gateway was heard; `read_only_dsn` is asked.

    Exit 0, 1 no database, 2 bad configuration.
    """
    from psycopg.rows import dict_row

    with database(config, reads=True) as (_, conn), conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            "SELECT o.*, extract(epoch FROM now() - g.last_at)::float8 AS gateway_age_s "
            "FROM current_lot_occupancy o LEFT JOIN current_gateways g USING (lot_id) "
            "ORDER BY lot_id"
        ).fetchall()
    if as_json:
        typer.echo(json.dumps(found, default=for_json))
        return
    shown = {
        "lot": "lot_id",
        "capacity": "capacity",
        "occupied": "current_occupancy",
        "free": "free_spots",
        "unknown": "unknown_spots",
        "closed": "closed_spots",
        "rate": "occupancy_rate",
        "heard, s ago": "gateway_age_s",
    }
    show(list(shown), [[row[name] for name in shown.values()] for row in found])


@app.command(epilog="Example: lotkeeper cloud tables -c ./cloud.toml")
def tables(config: ConfigOption = DEFAULT) -> None:
    """The database's tables in Markdown, with a diagram. Exit 0, 1 no database, 2 configuration."""
    from cloud.tables import page

    with database(config) as (_, conn):
        typer.echo(page(conn), nl=False)


@app.command(epilog="Example: lotkeeper cloud compact --json, once an hour")
def compact(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """Make one object of each settled hour's many, without doubles. One at a time.

    Exit 0 done, 1 not done (a further run goes on), 2 bad configuration.
    """
    settings = _settings(config)
    from cloud.lake.compaction import compact as run
    from cloud.lake.store import Store
    from cloud.lake.taker import EVENTS

    if settings.lake is None:
        _fail(f"{config}: [lake] is missing: say where the past is kept", 2)
    try:
        for done in run(Store(settings.lake.url), EVENTS, datetime.now(UTC)):
            said = {"hour": done.hour, "objects": done.objects, "rows": done.rows}
            if as_json:
                typer.echo(json.dumps(said | {"doubles": done.doubles}))
            else:
                typer.echo(
                    f"{done.hour}: {done.objects} objects, {done.rows} rows, {done.doubles} doubles"
                )
    except OSError as error:
        _fail(str(error), 1)


app.command(epilog="Example: lotkeeper cloud cost --bays 5000 --linger 60")(cost)
app.command(
    epilog="Example: lotkeeper cloud backfill birmingham dataset.csv -c ./cloud.toml --json"
)(backfill)
app.command(epilog="Example: lotkeeper cloud query turnover --from 2024-03-01 --to 2024-04-01")(
    query
)


@app.command(epilog="Example: lotkeeper cloud analyse, once an hour")
def analyse(config: ConfigOption = DEFAULT) -> None:
    """Run the named queries of the last day, week and month, and keep what they say in the lake.

    Exit 0 done, 1 some were not, 2 bad configuration.
    """
    settings = _settings(config)
    from cloud.analytics.cli import runner
    from cloud.analytics.job import KEPT, run_all
    from cloud.lake.store import Store

    if settings.lake is None:
        _fail(f"{config}: [lake] is missing: say where the past is kept", 2)
    logs.start()
    zone, done = settings.lake.time_zone, 0
    try:
        store = Store(settings.lake.url)
        for place, rows in run_all(runner(settings), store, datetime.now(UTC), zone):
            typer.echo(f"{place}: {rows} rows")
            done += 1
    except OSError as error:
        _fail(str(error), 1)
    raise typer.Exit(int(done < sum(map(len, KEPT.values()))))


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
def demo(context: typer.Context) -> None:
    """A fleet of lots and the cloud behind them on this machine; `demo --help` has its options."""
    try:
        # By name: it runs gateways, of which the cloud knows nothing.
        import_module("simulator.fleet.cli").app(context.args, prog_name="lotkeeper cloud demo")
    except ModuleNotFoundError as error:
        _fail(f"{error}: pip install 'lotkeeper[fleet]' brings it", 1)


@app.command(epilog="Example: lotkeeper cloud door --config ./cloud.toml")
def door(config: ConfigOption = DEFAULT) -> None:
    """Serve the front door, HTTP for lots without a gateway, until stopped.

    Exit 0 stopped, 1 failed, 2 bad configuration.
    """
    settings = _settings(config)
    from cloud.door.outlet import open_door
    from cloud.door.server import serve
    from runtime.config import ConfigError

    if settings.door is None:
        _fail(f"{config}: [door] is missing: say who may speak and where the records go", 2)
    logs.start()
    try:
        serve(open_door(settings.door), settings.door.host, settings.door.port)
    except ConfigError as error:
        _fail(f"{config}: {error}", 2)


@app.command(epilog="Example: lotkeeper cloud token riverside-north 'airport-*' >> tokens")
def token(
    lots: Annotated[list[str], typer.Argument(help="Lots that it speaks for; * stands for any.")],
) -> None:
    """Make a token for the front door. Its line goes to standard output, the token itself, once, to
    standard error. Exit 0, 2 usage.
    """
    from cloud.door.tokens import BadTokens, make, parse

    made, line = make(lots)
    try:
        parse(line)
    except BadTokens as error:
        _fail(str(error).partition(": ")[2], 2)
    typer.echo(line)
    typer.echo(f"the token, shown once: {made}", err=True)


@app.command(epilog="Example: lotkeeper cloud validate -c cloud.toml")
def validate(config: ConfigOption = DEFAULT) -> None:
    """Check a configuration. Exit 0 good, 2 with each fault named."""
    settings = _settings(config)
    parts = {
        "stream": settings.stream and settings.stream.name,
        "lake": settings.lake and settings.lake.url,
        "postgres": settings.postgres and f"{settings.postgres.keep_days} days",
    }
    said = ", ".join(f"{name} {what}" for name, what in parts.items() if what)
    typer.echo(f"{config}: {said or 'nothing is configured'}")
