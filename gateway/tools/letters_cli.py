"""`lotkeeper gateway dead-letters ...`: look at what was refused, offer it again, drop it."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.tools.common import (
    DEFAULT,
    ConfigOption,
    JsonOption,
    fail,
    say_json,
    settings_of,
    told,
)

if TYPE_CHECKING:
    from gateway.config import GatewaySettings
    from gateway.tools.letters import Letter

app = typer.Typer(help="Messages and records that were refused, and why.", no_args_is_help=True)

Numbers = Annotated[list[int], typer.Argument(help="The letters' ids, from list.", min=1)]
LOOK_S = 0.2
MOST = 100_000


@app.command("list", epilog="Example: lotkeeper gateway dead-letters list --sink cloud")
def list_letters(
    config: ConfigOption = DEFAULT,
    limit: Annotated[int, typer.Option(min=1, max=MOST)] = 100,
    reason: Annotated[str, typer.Option(help="Of this reason alone.")] = "",
    sink: Annotated[str, typer.Option(help="Refused by this sink alone.")] = "",
    as_json: JsonOption = False,
) -> None:
    """The newest dead letters, read from the file. Exit 0, 1 unreadable, 2 no database."""
    settings = settings_of(config)
    from gateway.tools.letters import letters
    from gateway.tools.reading import check_schema, reading

    with told(), reading(settings.store.path) as db:
        check_schema(db)
        found = letters(db, limit=limit, reason=reason, sink=sink)
    if as_json:
        say_json([_without_payload(each) for each in found])
        return
    for each in found:
        where = each.sink or each.agent_id or each.origin
        typer.echo(f"{each.id:>6} {each.received_at} {where:<16} {each.reason:<18} {each.detail}")


@app.command("show", epilog="Example: lotkeeper gateway dead-letters show 7")
def show_letter(
    number: Annotated[int, typer.Argument(help="The letter's id, from list.", min=1)],
    config: ConfigOption = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """One dead letter with its payload; secrets are masked. Exit 0, 1 no such letter, 2 usage."""
    settings = settings_of(config)
    from gateway.tools.letters import letter
    from gateway.tools.reading import check_schema, reading

    with told(), reading(settings.store.path) as db:
        check_schema(db)
        found = letter(db, number)
    if found is None:
        fail(f"id = {number}: no such dead letter; lotkeeper gateway dead-letters list", 1)
    if as_json:
        say_json(found.as_dict())
        return
    for name, value in _without_payload(found).items():
        if value:
            typer.echo(f"{name:<12} {value}")
    typer.echo(found.payload)


@app.command("replay", epilog="Example: lotkeeper gateway dead-letters replay 7 8 9")
def replay_letters(
    numbers: Numbers,
    config: ConfigOption = DEFAULT,
    wait: Annotated[float, typer.Option(min=0, help="Seconds for the sinks' verdicts.")] = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Offer letters again, after their cause was mended: the oldest first.

    A record that a sink refused goes to that sink alone, marked historical, under the event_id
    that its readers know it by. Exit 0 each was taken or waits for its sink, 1 one was refused
    again or could not be offered, 2 usage.
    """
    settings = settings_of(config)
    from gateway.tools.replay import replay

    with told():
        outcomes = replay(settings, sorted(set(numbers)), wait, time.monotonic)
    if as_json:
        say_json([each.as_dict() for each in outcomes])
    else:
        for each in outcomes:
            typer.echo(str(each))
    raise typer.Exit(1 if any(each.failed for each in outcomes) else 0)


@app.command("drop", epilog="Example: lotkeeper gateway dead-letters drop 7 --yes")
def drop_letters(
    numbers: Numbers,
    config: ConfigOption = DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Forget letters, counted as dropped by the operator. Exit 0 done, 1 not, 2 usage."""
    settings = settings_of(config)
    chosen = sorted(set(numbers))
    if not yes:
        _ask_whether(settings, chosen)
    from gateway.tools.office import NotDone, order

    failed = False
    told_of: list[dict[str, Any]] = []
    with told():
        for number in chosen:
            try:
                by = order(settings, "dead-letters-drop", {"id": number}).by
                told_of.append({"id": number, "dropped": True, "by": by})
            except NotDone as error:
                failed = True
                told_of.append({"id": number, "dropped": False, "error": str(error)})
    if as_json:
        say_json(told_of)
    for each in [] if as_json else told_of:
        words = f"dropped, by {each['by']}" if each["dropped"] else f"not dropped: {each['error']}"
        typer.echo(f"{each['id']}: {words}", err=not each["dropped"])
    raise typer.Exit(int(failed))


def _ask_whether(settings: "GatewaySettings", numbers: list[int]) -> None:
    words = ", ".join(map(str, numbers))
    if not _is_terminal():
        fail(f"drop {words} for good? There is nobody to ask: say --yes", 2)
    typer.confirm(f"Drop {words} of {settings.lot_id} for good?", abort=True)


def _is_terminal() -> bool:
    import sys

    return sys.stdin.isatty()


def _without_payload(letter: "Letter") -> dict[str, Any]:
    told_of = letter.as_dict()
    del told_of["payload"]
    return told_of
