"""`lotkeeper gateway configure | config | identify | recalibrate`: an agent, from the gateway."""

import getpass
import time
from pathlib import Path
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

LOOK_S = 0.5
"""How often an awaited verdict is asked for."""
GRACE_S = 60.0
"""Beyond the trial, for the starts around it."""

app = typer.Typer(help="What is desired of agents, and what they have.", no_args_is_help=True)

AgentId = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's id.")]
SpotId = Annotated[str, typer.Argument(metavar="SPOT", help="A spot's or lane's id.")]
TrialOption = Annotated[
    float, typer.Option("--trial", min=5, max=3600, help="Seconds until all must be back.")
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Until the agent applied it, or not.")]
SecondsOption = Annotated[
    float, typer.Option("--seconds", min=1, max=60, help="How long the spot is looked at.")
]


def add_to(gateway: typer.Typer) -> None:
    """Make these commands of `gateway`."""
    gateway.add_typer(app, name="config")
    gateway.command(
        epilog="Example: lotkeeper gateway configure pi-07 spots.toml --trial 300 --wait"
    )(configure)
    gateway.command(epilog="Example: lotkeeper gateway identify pi-07 A1, and wave a hand")(
        identify
    )
    gateway.command(epilog="Example: lotkeeper gateway recalibrate pi-07 A1, the bay empty")(
        recalibrate
    )


def configure(
    agent: AgentId,
    file: Annotated[Path, typer.Argument(help="TOML: sections of an agent.toml.")],
    config: ConfigOption = DEFAULT,
    trial: TrialOption = 120.0,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Desire a configuration of an agent, which tries it and goes back where it fails.

    The file's sections spots, lanes and publish take the place of the agent's own. Exit 0 desired
    (with --wait: applied), 1 refused, rolled back or not done, 2 usage.
    """
    from runtime.config import ConfigError, read_document

    try:
        sections = read_document(file)
    except ConfigError as error:
        fail(str(error), 2)
    _desire(settings_of(config), agent, sections, trial, wait, as_json)


@app.command(epilog="Example: lotkeeper gateway config clear pi-07 --wait")
def clear(
    agent: AgentId,
    config: ConfigOption = DEFAULT,
    trial: TrialOption = 120.0,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Desire nothing but the agent's own agent.toml. Exit 0, 1 not done, 2 usage."""
    _desire(settings_of(config), agent, {}, trial, wait, as_json)


@app.command(
    "list", epilog="Example: lotkeeper gateway config list --json | jq '.agents[] | select(.drift)'"
)
def list_configs(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """Each agent's desired and reported revision. Exit 0, 1 not done, 2 usage."""
    found = _order(settings_of(config), "config-list", {})
    if as_json:
        say_json(found)
        return
    for each in found["agents"]:
        typer.echo(_line(each))


@app.command(epilog="Example: lotkeeper gateway config show pi-07 --json | jq .config")
def show(
    agent: AgentId,
    revision: Annotated[str | None, typer.Argument(help="Default: the newest.")] = None,
    config: ConfigOption = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """What is desired of an agent, and what became of each revision. Exit 0, 1 not done, 2 usage.

    For programs `config` is a document that configure takes again, as JSON.
    """
    from gateway.provision import toml

    data = {"agent_id": agent, **({"revision": revision} if revision else {})}
    found = _order(settings_of(config), "config-show", data)
    if as_json:
        say_json(found)
        return
    typer.echo(_line(found))
    for each in found["revisions"]:
        reason = f": {each['reason']}" if each["reason"] else ""
        typer.echo(f"  {each['revision']:<14} {each['at']} {each['by']} {each['state']}{reason}")
    typer.echo(f"# {found['revision']}")
    for name, section in found["config"].items():
        text = toml.tables(name, section) if isinstance(section, list) else toml.pairs(section)
        typer.echo(text if isinstance(section, list) else f"[{name}]\n{text}", nl=False)


def identify(
    agent: AgentId,
    spot: SpotId,
    config: ConfigOption = DEFAULT,
    seconds: SecondsOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Does the sensor of this spot react? Wave a hand under it. Exit 0 it does, 1 not, 2 usage."""
    found = _errand(config, "spot-identify", agent, spot, seconds)
    if as_json:
        say_json(found)
    else:
        word = "reacted" if found["reacted"] else "did not react"
        typer.echo(f"{spot} {word}; its status is {found['status']}")
        for each in found["sensors"]:
            said = each["value"] if each["quality"] == "ok" else each["quality"]
            typer.echo(f"  {each['kind']} on {each['bus']}: {said} {each['unit']}")
    raise typer.Exit(0 if found["reacted"] else 1)


def recalibrate(
    agent: AgentId,
    spot: SpotId,
    config: ConfigOption = DEFAULT,
    seconds: SecondsOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Learn the empty bay anew: nobody may stand there. Exit 0, 1 not done, 2 usage."""
    found = _errand(config, "spot-recalibrate", agent, spot, seconds)
    if as_json:
        say_json(found)
        return
    for each in found["sensors"]:
        what = each["floor_mm"] if each["unit"] == "mm" else each["baseline"]
        typer.echo(f"{spot}, {each['kind']}: {what} {each['unit']}, noise {each['noise']}")
    for warning in found["warnings"]:
        typer.secho(f"  {warning}", fg="yellow")


def _desire(
    settings: "GatewaySettings",
    agent: str,
    sections: dict[str, Any],
    trial_s: float,
    wait: bool,
    as_json: bool,
) -> None:
    data = {"agent_id": agent, "config": sections, "trial_s": trial_s, "by": getpass.getuser()}
    made = _order(settings, "config-set", data)
    revision = made["revision"]
    if not wait:
        if as_json:
            say_json(made)
        else:
            typer.echo(f"revision {revision} is desired of {agent}: lotkeeper gateway config list")
        return
    found = _awaited(settings, agent, revision, trial_s)
    if as_json:
        say_json(found)
    else:
        reason = f": {found['reason']}" if found["reason"] else ""
        typer.echo(f"revision {revision} of {agent}: {found['state']}{reason}")
    raise typer.Exit(0 if found["state"] == "applied" else 1)


def _awaited(
    settings: "GatewaySettings", agent: str, revision: str, trial_s: float
) -> dict[str, Any]:
    """Ends the command where the agent does not say what became of it in time."""
    from gateway.configs import UNDER_WAY

    end_s = time.monotonic() + trial_s + GRACE_S
    data = {"agent_id": agent, "revision": revision}
    found = _order(settings, "config-show", data)
    while found["state"] in UNDER_WAY:
        if time.monotonic() > end_s:
            fail(f"{agent} has not said what became of {revision}: is it there?", 1)
        time.sleep(LOOK_S)
        found = _order(settings, "config-show", data)
    return found


def _errand(config: Path, name: str, agent: str, spot: str, seconds: float) -> dict[str, Any]:
    from gateway.errands import PATIENCE_S

    data = {"agent_id": agent, "spot_id": spot, "seconds": seconds}
    return _order(settings_of(config), name, data, seconds + PATIENCE_S + 5)


def _order(
    settings: "GatewaySettings", name: str, data: dict[str, Any], timeout_s: float = 5.0
) -> dict[str, Any]:
    from gateway.tools.office import order

    with told():
        return order(settings, name, data, timeout_s).data


def _line(each: dict[str, Any]) -> str:
    reason = f": {each['reason']}" if each["reason"] else ""
    drift = " DRIFT" if each["drift"] else ""
    silence = f" ({each['silence']})" if each["silence"] else ""
    return (
        f"{each['agent_id']:<16} desired {each['desired'] or 'agent.toml':<14} "
        f"reported {each['reported'] or 'agent.toml':<14} {each['state']}{reason}{silence}{drift}"
    )
