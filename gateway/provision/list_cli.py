"""`lotkeeper gateway list` and `show`: what is registered. Exit 0 done, 1 not done, 2 bad usage."""

from typing import Annotated

import typer

from gateway.provision.cli import DirOption, NameArgument, told
from gateway.provision.places import ROOT, Places
from gateway.tools.common import JsonOption, say_json


def list_identities(directory: DirOption = ROOT, as_json: JsonOption = False) -> None:
    """Every identity of the lot: its role, its state, until when."""
    from gateway.provision import register
    from gateway.provision.site import now, open_site

    moment = now()
    with told():
        open_site(Places(directory))
        known = register.read(Places(directory).register)
    rows = [
        {
            "name": name,
            "role": str(each.role),
            "state": each.state(moment),
            "until": max((c.until.isoformat() for c in each.valid(moment)), default=None),
        }
        for name, each in sorted(known.identities.items())
    ]
    if as_json:
        say_json(rows)
        return
    for row in rows:
        until = (row["until"] or "")[:10]
        typer.echo(f"{row['name']:<20} {row['role']:<9} {row['state']:<12} {until}".rstrip())


def show(
    name: NameArgument,
    directory: DirOption = ROOT,
    as_json: JsonOption = False,
    agent_toml: Annotated[
        bool, typer.Option("--agent-toml", help="Its configuration by today's plan, nothing else.")
    ] = False,
) -> None:
    """One identity: its certificates, its invitation, its spots, its rights at the broker."""
    from gateway.provision import broker, bundle, register
    from gateway.provision.site import open_site

    with told():
        site = open_site(Places(directory))
        if agent_toml:
            typer.echo(bundle.agent_toml(site.lot, name).content.decode(), nl=False)
            return
        identity = register.read(Places(directory).register).of(name)
    told_of = identity.model_dump(mode="json", exclude={"invitation": {"token_sha256"}})
    told_of["spots"] = [spot.spot_id for spot in site.lot.spots_of(name)]
    told_of["rights"] = broker.rights(site.lot.lot_id, name, identity.role)
    if as_json:
        say_json({"name": name, **told_of})
        return
    typer.echo(f"{name}, {identity.role}; spots: {' '.join(told_of['spots']) or 'none planned'}")
    for each in identity.certificates:
        ended = f"revoked {each.revoked:%Y-%m-%d}" if each.revoked else f"until {each.until:%F}"
        typer.echo(f"certificate {each.serial} {ended}")
    if identity.invitation:
        used = "used" if identity.invitation.used_by else "open"
        typer.echo(f"invitation {used}, until {identity.invitation.until:%F %H:%M} UTC")
    for right in told_of["rights"]:
        typer.echo(right)


def add_to(app: typer.Typer) -> None:
    """Put these commands into `lotkeeper gateway`."""
    app.command("list", epilog="Example: lotkeeper gateway list --json")(list_identities)
    app.command(epilog="Example: lotkeeper gateway show pi-07")(show)
