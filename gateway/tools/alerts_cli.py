"""`lotkeeper gateway alerts ...`: look at what is open, acknowledge, resolve, note."""

import getpass
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
    from contract.alerts import Alert

app = typer.Typer(help="What a person should look at.", no_args_is_help=True)

AlertId = Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id, from list.")]
NoteOption = Annotated[str, typer.Option("--note", help="A line to keep with it.")]
ByOption = Annotated[str, typer.Option("--by", help="Who; your login name if left out.")]


@app.command("list", epilog="Example: lotkeeper gateway alerts list --json | jq '.open[].text'")
def list_alerts(
    config: ConfigOption = DEFAULT,
    past: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: JsonOption = False,
) -> None:
    """The open alerts, the worst first, read from the file. Exit 0, 1 unreadable, 2 no database."""
    settings = settings_of(config)
    from gateway.alertbook import AlertBook, as_dict
    from gateway.tools.reading import check_schema, reading

    with told(), reading(settings.store.path) as db:
        check_schema(db)
        book = AlertBook(db)
        found = {"open": book.open[:limit], "past": book.past(limit) if past else []}
    if as_json:
        say_json({name: [as_dict(alert) for alert in alerts] for name, alerts in found.items()})
        return
    for alert in (*found["open"], *found["past"]):
        _show(alert)
    if not found["open"] and not past:
        typer.echo("no open alerts")


@app.command(epilog="Example: lotkeeper gateway alerts acknowledge overstay.A1 --note 'on my way'")
def acknowledge(
    alert: AlertId,
    config: ConfigOption = DEFAULT,
    note: NoteOption = "",
    by: ByOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say that you have seen it. Exit 0, 1 not done, 2 usage."""
    _order(config, "alerts-acknowledge", alert, by, note, as_json)


@app.command(
    epilog="Example: lotkeeper gateway alerts resolve invalid.pi-07 --note 'card replaced'"
)
def resolve(
    alert: AlertId,
    config: ConfigOption = DEFAULT,
    note: NoteOption = "",
    by: ByOption = "",
    as_json: JsonOption = False,
) -> None:
    """End it; it is not told again before it was well, or worse. Exit 0, 1 not done, 2 usage."""
    _order(config, "alerts-resolve", alert, by, note, as_json)


@app.command(epilog="Example: lotkeeper gateway alerts note offline.pi-07 'fuse 3 is out'")
def note(
    alert: AlertId,
    text: Annotated[str, typer.Argument(help="What to keep with it.")],
    config: ConfigOption = DEFAULT,
    by: ByOption = "",
    as_json: JsonOption = False,
) -> None:
    """Write a line to it. Exit 0, 1 not done, 2 usage."""
    _order(config, "alerts-note", alert, by, text, as_json)


@app.command("try", epilog="Example: lotkeeper gateway alerts try wardens")
def try_target(
    name: Annotated[str, typer.Argument(help="The name of an [[alerts.notify]].")],
    config: ConfigOption = DEFAULT,
) -> None:
    """Send a target a message now, to see that it comes. Exit 0 sent, 1 not sent, 2 usage."""
    settings = settings_of(config)
    targets = {target.name: target for target in settings.alerts.notify}
    if name not in targets:
        known = ", ".join(targets) or "none is configured"
        fail(f"no [[alerts.notify]] of the name {name!r}: {known}", 2)
    from gateway.notifier import send

    title = f"[{settings.lot_id}] a trial"
    body = f"Alerts of {settings.lot_id} come here, from severity {targets[name].least} on."
    error = send(targets[name], {"title": title, "body": body, "type": "info"})
    if error:
        fail(f"{name}: {error}", 1)
    typer.echo(f"sent to {name}: look whether it came")


def _order(config: Any, name: str, alert_id: str, by: str, text: str, as_json: bool) -> None:
    settings = settings_of(config)
    from contract.alerts import Alert
    from gateway.tools.office import order

    data = {"alert_id": alert_id, "by": by or getpass.getuser(), "note": text}
    with told():
        done = order(settings, name, data)
    if as_json:
        say_json({**done.data, "done_by": done.by})
        return
    _show(Alert.model_validate(done.data))
    typer.echo(f"done by {done.by}")


def _show(alert: "Alert") -> None:
    typer.echo(
        f"{alert.alert_id:<24} {alert.severity:<8} {alert.state:<12} "
        f"{alert.since:%Y-%m-%d %H:%M} {alert.text}"
    )
    for each in alert.notes:
        typer.echo(f"{'':<24} {each.at:%Y-%m-%d %H:%M} {each.by}: {each.text}")
