"""`lotkeeper gateway revoke`, `replace`, `rotate`, `needs-renewal`: identities that end.

Exit 0 done, 1 not done, 2 bad usage; `needs-renewal` says its own.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.provision.cli import (
    DaysOption,
    DirOption,
    DryRunOption,
    KeyHereOption,
    NameArgument,
    OutOption,
    TokenDaysOption,
    deliver,
    told,
    writing,
)
from gateway.provision.places import ROOT, Places
from gateway.tools.common import fail

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def revoke(name: NameArgument, directory: DirOption = ROOT, yes: YesOption = False) -> None:
    """Shut a device out for good: its certificates, its invitation, its connection."""
    if not yes:
        _ask_whether(name)
    _revoke(Places(directory), name)


def _ask_whether(name: str) -> None:
    if not sys.stdin.isatty():
        fail(f"revoke {name}? There is nobody to ask: say --yes", 2)
    typer.confirm(f"Revoke {name}? It can do nothing more until it is replaced", abort=True)


def _revoke(places: Places, name: str) -> None:
    from gateway.provision.broker import Told
    from gateway.provision.revoking import revoke
    from gateway.provision.setup import own_identities
    from gateway.provision.site import now, open_site

    with told():
        site = open_site(places)
        if name in {own.name for own in own_identities(site)}:
            fail(f"{name} is this machine itself: `lotkeeper gateway rotate --revoke-old`", 2)
        count, told_broker = revoke(site, name, now())
    typer.echo(f"{name}: {count} certificates revoked")
    if told_broker is not Told.NOTHING_NEW:
        typer.echo(str(told_broker))


def replace(
    name: NameArgument,
    out: OutOption = Path(),
    directory: DirOption = ROOT,
    with_key: KeyHereOption = False,
    days: DaysOption = 730,
    invitation_days: TokenDaysOption = 7,
    yes: YesOption = False,
) -> None:
    """A new bundle under an old name, for another Pi in its place; the old one is revoked."""
    from gateway.provision import register
    from gateway.provision.bundle import Wanted

    places = Places(directory)
    with told():
        role = register.read(places.register).of(name).role
        if not yes:
            _ask_whether(name)
        _revoke(places, name)
        wanted = Wanted(
            name, role, with_key, invitation_days=invitation_days, certificate_days=days
        )
        deliver(places, wanted, out, dry_run=False)


def rotate(
    directory: DirOption = ROOT,
    revoke_old: Annotated[
        bool, typer.Option("--revoke-old", help="The old keys may be in other hands.")
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """New keys and certificates for this machine: gateway, commands, broker, enrolment.

    The old ones run out by themselves, so that what runs goes on until it is restarted.
    """
    from gateway.provision import broker, lot, register
    from gateway.provision.files import shown, write
    from gateway.provision.setup import Setup, own_identities, plan_own
    from gateway.provision.site import Site, now, read_authority

    places, moment = Places(directory), now()
    with told(), writing(places, dry_run):
        site = Site(places, lot.read(places), read_authority(places))
        setup = Setup(site, register.read(places.register))
        if revoke_old:
            for own in own_identities(site):
                setup.known.revoke(own.name, moment)
        plan_own(setup, moment, anew=True)
        setup.files += broker.guards(site.lot, site.authority, setup.known, moment)
        if dry_run:
            typer.echo(shown(setup.files))
            return
        changed = write(setup.files)
        for each in changed:
            typer.echo(f"wrote {each.path}")
        if revoke_old:
            broker.tell(site.lot, changed)
    typer.echo("then: systemctl restart mosquitto lotkeeper.target")


def needs_renewal(directory: DirOption = ROOT) -> None:
    """Whether this machine's certificates are to be renewed. Exit 0 yes, 1 not yet, 2 unknown."""
    from gateway.provision import register
    from gateway.provision.files import NotWritten
    from gateway.provision.lot import NoLot
    from gateway.provision.setup import is_good, own_identities
    from gateway.provision.site import now, open_site

    moment = now()
    try:
        site = open_site(Places(directory))
        known = register.read(site.places.register)
        due = [own.name for own in own_identities(site) if not is_good(site, known, own, moment)]
    except (NoLot, NotWritten) as error:
        fail(str(error), 2)
    if not due:
        typer.echo("not yet")
        raise typer.Exit(1)
    typer.echo(f"due: {', '.join(due)}; lotkeeper gateway rotate")


def enrolment(
    directory: DirOption = ROOT,
    bind: Annotated[str, typer.Option("--bind", help="The address to listen on.")] = "0.0.0.0",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every request.")] = False,
) -> None:
    """Serve invited devices over HTTPS until stopped, and those that renew their certificates."""
    import logging
    import threading

    from gateway.provision.enrolment import Office, Server
    from gateway.provision.site import now, open_site
    from runtime.stopping import at_stop
    from runtime.systemd import notify

    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    with told():
        site = open_site(Places(directory))
        try:
            server = Server((bind, site.lot.enrolment_port), Office(site, now))
        except OSError as error:
            fail(f"{bind}:{site.lot.enrolment_port}: {error.strerror}", 1)
    stopping = threading.Event()
    at_stop(stopping.set)
    thread = threading.Thread(target=server.serve_forever, name="enrolment")
    thread.start()
    logging.info("enrolment of lot %s on port %d", site.lot.lot_id, site.lot.enrolment_port)
    notify("READY=1")
    stopping.wait()
    notify("STOPPING=1")
    server.shutdown()
    thread.join()
    server.server_close()


def add_to(app: typer.Typer) -> None:
    """Put these commands into `lotkeeper gateway`."""
    app.command(epilog="Example: lotkeeper gateway enrolment, while devices are installed")(
        enrolment
    )
    app.command(epilog="Example: lotkeeper gateway revoke pi-07 --yes")(revoke)
    app.command(epilog="Example: lotkeeper gateway replace pi-07 --out /media/usb")(replace)
    app.command(epilog="Example: lotkeeper gateway rotate --dry-run")(rotate)
    app.command(
        "needs-renewal",
        epilog="Example: lotkeeper gateway needs-renewal && lotkeeper gateway rotate",
    )(needs_renewal)
