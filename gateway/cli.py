"""`lotkeeper gateway ...`"""

import base64
import json
import logging
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The process that runs one lot.",
    no_args_is_help=True,
)
letters = typer.Typer(help="Messages that were refused, and why.", no_args_is_help=True)
app.add_typer(letters, name="dead-letters")

DEFAULT = Path("/etc/lotkeeper/gateway.toml")
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The gateway's TOML file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command(epilog="Example: lotkeeper gateway run --config ./gateway.toml")
def run(
    config: ConfigOption = DEFAULT,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
) -> None:
    """Run the lot until stopped. Exit 0 stopped, 1 failed, 2 bad configuration."""
    from gateway.app import run as run_gateway

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
    )
    raise typer.Exit(run_gateway(_settings(config)))


@app.command(epilog="Example: lotkeeper gateway validate -c gateway.toml")
def validate(config: ConfigOption = DEFAULT) -> None:
    """Check a configuration. Exit 0 good, 2 with each fault named."""
    settings = _settings(config)
    typer.echo(
        f"{config}: lot {settings.lot_id} of {settings.facility_id}, {len(settings.zones)} zones, "
        f"{len(settings.spots)} spots, {len(settings.sinks)} sinks"
    )


@app.command(epilog="Example: lotkeeper gateway status --json | jq .sinks")
def status(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """The running gateway's account: what came in, and where it is. Exit 1: no answer."""
    data = _ask(config, "status", {})
    if as_json:
        typer.echo(json.dumps(data))
        return
    typer.echo(f"accepted      {sum(data['accepted'].values())}")
    for name, sink in data["sinks"].items():
        state = f"failing: {sink['error']}" if sink["failing"] else "ok"
        typer.echo(
            f"sink {name:<8} {sink['delivered']} delivered, {sink['waiting']} waiting, "
            f"{sink['dead_lettered']} refused, {sink['dropped']} dropped; {state}"
        )
    for reason, count in data["dead_letters"].items():
        typer.echo(f"dead letters  {count} {reason}")
    for agent, state in data["agents"].items():
        typer.echo(f"agent {agent:<8} {state}")


@app.command(epilog="Example: lotkeeper gateway occupancy")
def occupancy(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """The lot's and its zones' occupancy now. Exit 1: no answer."""
    data = _ask(config, "occupancy", {})
    if as_json:
        typer.echo(json.dumps(data))
        return
    for each in (data["lot"], *data["zones"]):
        name = each.get("zone_id") or each["lot_id"]
        typer.echo(
            f"{name:<16} {each['occupied']:>5} occupied {each['free']:>5} free "
            f"{each['unknown']:>5} unknown {each['closed']:>5} closed of {each['total']}"
        )


@letters.command("list", epilog="Example: lotkeeper gateway dead-letters list --json")
def list_letters(
    config: ConfigOption = DEFAULT,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: JsonOption = False,
) -> None:
    """The newest dead letters."""
    found = _ask(config, "dead-letters-list", {"limit": limit})["dead_letters"]
    if as_json:
        typer.echo(json.dumps(found))
        return
    for each in found:
        typer.echo(
            f"{each['id']:>6} {each['received_at']} {each['agent_id'] or each['origin']:<16} "
            f"{each['reason']:<18} {each['detail']}"
        )


Number = Annotated[int, typer.Argument(help="The dead letter's id, from list.")]


@letters.command("show", epilog="Example: lotkeeper gateway dead-letters show 7")
def show_letter(
    number: Number, config: ConfigOption = DEFAULT, as_json: JsonOption = False
) -> None:
    """One dead letter with its payload."""
    found = _ask(config, "dead-letters-show", {"id": number})
    if as_json:
        typer.echo(json.dumps(found))
        return
    payload = base64.b64decode(found.pop("payload_base64"))
    for name, value in found.items():
        typer.echo(f"{name:<12} {value}")
    typer.echo(payload.decode(errors="backslashreplace"))


@letters.command("replay", epilog="Example: lotkeeper gateway dead-letters replay 7")
def replay_letter(number: Number, config: ConfigOption = DEFAULT) -> None:
    """Take a dead letter in again, after its cause was mended."""
    _ask(config, "dead-letters-replay", {"id": number})
    typer.echo(f"{number} taken in again; a letter that is refused once more gets a new id")


@letters.command("drop", epilog="Example: lotkeeper gateway dead-letters drop 7")
def drop_letter(number: Number, config: ConfigOption = DEFAULT) -> None:
    """Forget a dead letter."""
    _ask(config, "dead-letters-drop", {"id": number})
    typer.echo(f"{number} dropped")


def _ask(config: Path, name: str, data: dict[str, Any]) -> dict[str, Any]:
    from gateway.ask import NoAnswer, ask

    settings = _settings(config)
    try:
        response = ask(settings.mqtt, settings.lot_id, name, data)
    except NoAnswer as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if response.status == "error":
        typer.echo(response.error, err=True)
        raise typer.Exit(1)
    return response.data or {}


def _settings(path: Path):  # type: ignore[no-untyped-def]  # the model is imported only when used
    from gateway.config import GatewaySettings
    from runtime.config import ConfigError, load

    try:
        return load(path, GatewaySettings)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
