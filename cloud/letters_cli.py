"""`lotkeeper cloud dead-letters ...`: look at what was refused, offer it again, drop it."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from cloud.database_cli import DEFAULT, ConfigOption, JsonOption, database, fail

app = typer.Typer(help="Records that the present refused, and why.", no_args_is_help=True)

Numbers = Annotated[list[int], typer.Argument(help="The letters' ids, from list.", min=1)]


@app.command("list", epilog="Example: lotkeeper cloud dead-letters list --source parking-events/3")
def list_letters(
    config: ConfigOption = DEFAULT,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    source: Annotated[str, typer.Option(help="Of places that begin so alone.")] = "",
    as_json: JsonOption = False,
) -> None:
    """The newest dead letters. Exit 0, 1 no database, 2 bad configuration."""
    from cloud.letters import letters

    with database(config) as (_, conn):
        found = letters(conn, limit, source)
    if as_json:
        typer.echo(json.dumps([each.as_dict(payload=False) for each in found]))
        return
    for each in found:
        typer.echo(f"{each.number:>6} {each.at:%Y-%m-%d %H:%M:%S} {each.source:<28} {each.reason}")


@app.command("show", epilog="Example: lotkeeper cloud dead-letters show 7")
def show_letter(
    number: Annotated[int, typer.Argument(help="The letter's id, from list.", min=1)],
    config: ConfigOption = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """One dead letter with its payload. Exit 0, 1 no such letter, 2 bad configuration."""
    from cloud.letters import letter

    with database(config) as (_, conn):
        found = letter(conn, number)
    if found is None:
        fail(f"id = {number}: no such dead letter; lotkeeper cloud dead-letters list", 1)
    told = found.as_dict()
    if as_json:
        typer.echo(json.dumps(told))
        return
    for name in ("id", "at", "source", "reason"):
        typer.echo(f"{name:<8} {told[name]}")
    typer.echo(told["payload"])


@app.command("replay", epilog="Example: lotkeeper cloud dead-letters replay 7 8 9")
def replay_letters(
    numbers: Numbers, config: ConfigOption = DEFAULT, as_json: JsonOption = False
) -> None:
    """Offer letters again, after their cause was mended: the oldest first.

    What was taken meanwhile by another way is known by its event_id, and changes nothing. Exit 0
    each was taken, 1 one was not, 2 bad configuration.
    """
    from cloud.letters import replay
    from cloud.present import Present

    with database(config) as (settings, conn):
        assert settings.postgres is not None
        present = Present(conn, settings.postgres.keep, settings.default_lot)
        outcomes = replay(conn, present, sorted(set(numbers)), datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in outcomes]))
    else:
        for each in outcomes:
            typer.echo(str(each), err=not each.taken)
    raise typer.Exit(int(not all(each.taken for each in outcomes)))


@app.command("drop", epilog="Example: lotkeeper cloud dead-letters drop 7 --yes")
def drop_letters(
    numbers: Numbers,
    config: ConfigOption = DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Forget letters for good. Exit 0 done, 1 one was not there, 2 usage."""
    from cloud.letters import drop

    chosen = sorted(set(numbers))
    if not yes:
        words = ", ".join(map(str, chosen))
        if not sys.stdin.isatty():
            fail(f"drop {words} for good? There is nobody to ask: say --yes", 2)
        typer.confirm(f"Drop {words} for good?", abort=True)
    with database(config) as (_, conn):
        dropped = {number: drop(conn, number) for number in chosen}
    if as_json:
        typer.echo(json.dumps([{"id": each, "dropped": done} for each, done in dropped.items()]))
    else:
        for number, done in dropped.items():
            typer.echo(f"{number}: {'dropped' if done else 'no such dead letter'}", err=not done)
    raise typer.Exit(int(not all(dropped.values())))
