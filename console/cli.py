"""`lotkeeper console ...`"""

import json
import logging
import os
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from console.config import ConsoleSettings
    from console.people import People
    from console.tokens import Scope, Tokens

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The pages and the HTTP API over one or more lots.",
    no_args_is_help=True,
)
tokens = typer.Typer(help="Who may use the API.", no_args_is_help=True)
app.add_typer(tokens, name="token")
users = typer.Typer(help="Who may log in to the pages.", no_args_is_help=True)
app.add_typer(users, name="user")

DEFAULT = Path("/etc/lotkeeper/console.toml")
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The console's TOML file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command(epilog="Example: lotkeeper console run --config ./console.toml")
def run(config: ConfigOption = DEFAULT) -> None:
    """Serve the pages and the API until stopped. Exit 0 stopped, 1 failed, 2 bad configuration."""
    settings = _settings(config)
    from console.app import run as serve
    from runtime.config import ConfigError

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        serve(settings)
    except ConfigError as error:
        _fail(str(error), 2)
    except (OSError, sqlite3.Error) as error:
        _fail(f"{settings.store.path}, {settings.rate.path}: {error}", 1)


@app.command(epilog="Example: lotkeeper console validate -c console.toml")
def validate(config: ConfigOption = DEFAULT) -> None:
    """Check a configuration and those of its lots. Exit 0 good, 2 with each fault named."""
    settings = _settings(config)
    from console.lots import open_lots
    from runtime.config import ConfigError

    try:
        lots = open_lots(settings)
    except ConfigError as error:
        _fail(str(error), 2)
    shown = [f"lots {', '.join(lots)}"] if lots else []
    shown += ["a fleet"] if settings.fleet else []
    typer.echo(f"{config}: {settings.http.host}:{settings.http.port}, {', '.join(shown)}")


@app.command(epilog="Example: lotkeeper console seed ./demo --days 14")
def seed(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")] = Path("demo-facility"),
    days: Annotated[int, typer.Option(min=1, max=366, help="How far back its past goes.")] = 14,
    host: Annotated[str, typer.Option(help="Of the broker that its gateways would use.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the same.")] = 1883,
) -> None:
    """Fill a folder with an invented facility to look at; one that is filled is left as it is.

    Exit 0, 1 not done.
    """
    from console.seed import NotSeeded
    from console.seed import seed as fill

    try:
        made, fresh = fill(folder, days, (host, port))
    except (NotSeeded, OSError, sqlite3.Error) as error:
        _fail(str(error), 1)
    config = folder / "console.toml"
    typer.echo(
        f"{folder}: {'made' if fresh else 'is there'}: facility {made.facility_id}, lots "
        f"{', '.join(made.lots)}, {made.records} records from {made.begin} to {made.until}\n"
        f"  lotkeeper console user add YOU --scope admin -c {config}\n"
        f"  lotkeeper console run -c {config}"
    )


@tokens.command(epilog="Example: lotkeeper console token add front-desk --scope operator")
def add(
    name: Annotated[str, typer.Argument(help="Whose it is; the audit log names it.")],
    scope: Annotated[str, typer.Option(help="viewer, operator, admin or device.")] = "viewer",
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Valid so long.")] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(metavar="LOT/DEVICE", help="Whom a device's token speaks for; or LOT/*."),
    ] = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Make a token and print it, once. Exit 0, 1 not done, 2 usage."""
    chosen = _scope(scope)
    if (scope == "device") != bool(device):
        _fail("--scope device needs one --device LOT/DEVICE or more, and no other takes any", 2)
    try:
        typer.echo(_tokens(config).add(name, chosen, days, device or ()))
    except ValueError as error:
        _fail(str(error), 2)


@tokens.command("list", epilog="Example: lotkeeper console token list --json | jq '.[].name'")
def list_tokens(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """Every token there ever was; never the token itself. Exit 0, 1 not done, 2 usage."""
    from dataclasses import asdict

    kept = _tokens(config)
    found = [(each, sorted(kept.devices_of(each))) for each in kept.all()]
    if as_json:
        typer.echo(json.dumps([{**asdict(each), "devices": mine} for each, mine in found]))
        return
    for each, mine in found:
        ends = f"revoked {each.revoked}" if each.revoked else f"until {each.expires or 'revoked'}"
        said = [each.token_id, f"{each.scope:<8}", f"{each.name:<24}", each.created, ends, *mine]
        typer.echo("  ".join(said))


@tokens.command(epilog="Example: lotkeeper console token revoke 1f0c8a6a")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="From list.")],
    config: ConfigOption = DEFAULT,
) -> None:
    """End a token now, in every process. Exit 0, 1 no such token, 2 usage."""
    if not _tokens(config).revoke(token_id):
        _fail(f"no token {token_id!r} that still stands: lotkeeper console token list", 1)
    typer.echo(f"revoked {token_id}")


@users.command("add", epilog="Example: lotkeeper console user add ann --scope operator")
def add_user(
    name: Annotated[str, typer.Argument(help="What they log in with; the audit log names it.")],
    scope: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "viewer",
    config: ConfigOption = DEFAULT,
) -> None:
    """Let somebody log in; the password is asked for, or read from standard input's first line.

    Exit 0, 1 not done, 2 usage.
    """
    people, allowed = _people(config), _scope(scope)
    try:
        people.add(name, allowed, _password())
    except ValueError as error:
        _fail(str(error), 2)
    typer.echo(f"{name} may log in as {allowed}")


@users.command("list", epilog="Example: lotkeeper console user list --json | jq '.[].name'")
def list_users(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """Everybody who may log in. Exit 0, 1 not done, 2 usage."""
    found = _people(config).all()
    if as_json:
        shown = [
            {"name": each.name, "scope": each.scope, "created": each.created} for each in found
        ]
        typer.echo(json.dumps(shown))
        return
    for each in found:
        typer.echo(f"{each.scope:<8}  {each.name:<24}  {each.created}")


@users.command("remove", epilog="Example: lotkeeper console user remove ann")
def remove_user(
    name: Annotated[str, typer.Argument(help="From list.")], config: ConfigOption = DEFAULT
) -> None:
    """Log somebody out everywhere, for good. Exit 0, 1 nobody of that name, 2 usage."""
    if not _people(config).remove(name):
        _fail(f"nobody logs in as {name!r}: lotkeeper console user list", 1)
    typer.echo(f"removed {name}")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _scope(scope: str) -> "Scope":
    from console.tokens import Scope

    if scope not in list(Scope):
        _fail(f"--scope = {scope!r}: one of {', '.join(Scope)}", 2)
    return Scope(scope)


def _settings(config: Path) -> "ConsoleSettings":
    from console.config import read
    from runtime.config import ConfigError

    try:
        return read(config, os.environ)
    except ConfigError as error:
        _fail(str(error), 2)


def _tokens(config: Path) -> "Tokens":
    from console.tokens import Tokens

    return Tokens(_store(config))


def _people(config: Path) -> "People":
    from console.people import People

    return People(_store(config))


def _store(config: Path) -> Path:
    path = _settings(config).store.path
    from console import database
    from gateway.ownership import give_back

    try:
        database.make(path, database.KEPT)
        give_back(path)
    except (OSError, sqlite3.Error) as error:
        _fail(f"{path}: {error}: run it as root or as the console's user", 1)
    return path


def _fail(words: str, status: int) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(status)
