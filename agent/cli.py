"""`lotkeeper agent ...`"""

import json
import os
import sqlite3
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agent.tools import commands, identity_commands
from agent.tools.options import DEFAULT, ConfigOption, desired_over, settings_of, written_in

if TYPE_CHECKING:
    from sqlite_utils import Database

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The process on one Pi that watches spots.",
    no_args_is_help=True,
)


@app.command(epilog="Example: lotkeeper agent run --config ./agent.toml")
def run(
    config: ConfigOption = DEFAULT,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
) -> None:
    """Watch the configured spots until stopped. Exit 0 stopped, 1 failed, 2 bad configuration.

    The agent takes this process's place, so that it does not carry the command's memory.
    """
    import agent.app  # noqa: F401  # what is missing or misconfigured is told here

    written_in(config)
    # -P: the working directory is no place to import from
    command = [sys.executable, "-P", "-m", "agent.app", str(config)]
    os.execv(sys.executable, [*command, *(["--verbose"] if verbose else [])])


@app.command(epilog="Example: lotkeeper agent validate -c agent.toml && systemctl restart ...")
def validate(config: ConfigOption = DEFAULT) -> None:
    """Check a configuration. Exit 0 good, 2 with each fault named."""
    settings = written_in(config)
    typer.echo(
        f"{config}: agent {settings.agent_id} of lot {settings.lot_id}, "
        f"{len(settings.spots)} spots, {len(settings.lanes)} lanes"
    )
    if words := desired_over(settings):
        typer.echo(words)


COUNTS = "SELECT COUNT(*) AS rows, COALESCE(SUM(seq > ? AND lost = 0), 0) AS waiting FROM spool"


@app.command(epilog="Example: lotkeeper agent status --json | jq .waiting")
def status(
    config: ConfigOption = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """What the agent's store holds: spots and their last record, and what waits for the gateway."""
    from sqlite_utils import Database

    path = settings_of(config).spool.path
    if not path.exists():
        typer.echo(f"{path}: no store yet; the agent makes it when it first runs", err=True)
        raise typer.Exit(1)
    database = Database(sqlite3.connect(f"file:{path}?mode=ro", uri=True))
    spots = [
        {"name": row["name"], "seq": row["seq"], "record": json.loads(row["record"] or "null")}
        for row in database["watched"].rows
    ]
    counts = next(database.query(COUNTS, [_acknowledged(database)]))
    if as_json:
        typer.echo(json.dumps({**counts, "spots": spots}))
        return
    typer.echo(f"{counts['waiting']} records wait for the gateway, {counts['rows']} are kept")
    for spot in spots:
        record = spot["record"] or {}
        typer.echo(
            f"{spot['name']:<16} {record.get('status', '-'):<10} {record.get('timestamp', '-')}"
        )


def _acknowledged(database: "Database") -> int:
    """The last record that the gateway has, as the store or the running agent knows it."""
    from agent.acknowledged import told

    kept = database.execute("SELECT seq FROM spool_cursors").fetchone()[0]
    epoch = database.execute("SELECT value FROM agent WHERE name='epoch'").fetchone()[0]
    return max(int(kept), told(epoch))


app.command(epilog="Example: lotkeeper agent check --json | jq '.sensors[] | {name, value}'")(
    commands.check
)
app.command(epilog="Example: lotkeeper agent watch A1 A2; --json --seconds 60 for a log of it.")(
    commands.watch
)
app.command(epilog="Example: lotkeeper agent identify, or lotkeeper agent identify A1")(
    commands.identify
)
app.command(epilog="Example: lotkeeper agent calibrate A1; without a car: --empty-only.")(
    commands.calibrate
)
app.command(epilog="Example: lotkeeper agent record monday.csv A1 A2 --seconds 600")(
    commands.record
)
app.command(epilog="Example: lotkeeper agent enroll --invitation /media/usb/pi-07/invitation")(
    identity_commands.enroll
)
app.command(epilog="Example: lotkeeper agent rotate && systemctl try-restart lotkeeper-agent")(
    identity_commands.rotate
)
app.command(
    "needs-renewal", epilog="Example: lotkeeper agent needs-renewal && lotkeeper agent rotate"
)(identity_commands.needs_renewal)
