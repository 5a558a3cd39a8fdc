"""`lotkeeper gateway init`, `add-agent`, `add-display`. Exit 0 done, 1 not done, 2 bad usage."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.provision.places import BROKER, ROOT, Places
from gateway.tools.common import fail

if TYPE_CHECKING:
    from gateway.provision.bundle import Wanted
    from gateway.provision.files import Planned
    from gateway.provision.first_boot import Login, Wifi
    from gateway.provision.lot import Lot

DirOption = Annotated[Path, typer.Option("--dir", help="Where the lot's files are.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show each file, write none.")]
OutOption = Annotated[Path, typer.Option("--out", help="The folder to make the bundle in.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The device's name.")]
KeyHereOption = Annotated[
    bool, typer.Option("--with-key", help="Make its key here: where it cannot reach this machine.")
]
DaysOption = Annotated[
    int, typer.Option("--days", min=90, max=3650, help="How long its certificate is good.")
]
TokenDaysOption = Annotated[
    int, typer.Option("--invitation-days", min=1, max=90, help="How long it may enrol.")
]


@contextmanager
def told() -> Iterator[None]:
    """What cannot be done ends the command with its words and status 1."""
    from gateway.provision.broker import BrokerNotTold
    from gateway.provision.files import NotWritten
    from gateway.provision.lot import NoLot
    from gateway.provision.register import NotRegistered

    try:
        yield
    except (BrokerNotTold, NotWritten, NoLot, NotRegistered) as error:
        fail(str(error), 1)


def init(
    directory: DirOption = ROOT,
    lot: Annotated[str, typer.Option("--lot", help="The lot's id.")] = "",
    facility: Annotated[str, typer.Option("--facility", help="Its group of lots; the lot.")] = "",
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="A name or address by which devices reach this machine."),
    ] = None,
    time_zone: Annotated[str, typer.Option("--time-zone", help="As Europe/Paris.")] = "",
    zone: Annotated[
        list[str] | None,
        typer.Option("--zone", help="A zone's id; A:24 is one with the spots A1 to A24."),
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="The broker's; 8883.")] = None,
    enrolment_port: Annotated[
        int | None, typer.Option("--enrolment-port", help="Where devices enrol; 8443.")
    ] = None,
    broker_dir: Annotated[
        Path | None, typer.Option("--broker-dir", help=f"Mosquitto's configuration; {BROKER}.")
    ] = None,
    broker_pid_file: Annotated[
        Path | None, typer.Option("--broker-pid-file", help="As mosquitto.conf has it.")
    ] = None,
    dry_run: DryRunOption = False,
) -> None:
    """Set a lot up, or bring its files up to date: CA, own identities, broker, configuration.

    Said again, it changes nothing that is good; what is not said stays as it was.
    """
    from gateway.provision.describe import described
    from gateway.provision.gateway_toml import other_time_zone
    from gateway.provision.setup import plan
    from gateway.provision.site import now

    said = {
        "lot_id": lot,
        "facility_id": facility,
        "hosts": host,
        "time_zone": time_zone,
        "port": port,
        "enrolment_port": enrolment_port,
        "broker": broker_dir,
        "broker_pid_file": broker_pid_file,
    }
    places = Places(directory)
    with told(), writing(places, dry_run):
        setup = plan(places, described(places, said, zone or []), now())
        _write_setup(setup.files, setup.site.lot, dry_run)
    if not dry_run and (words := other_time_zone(places, setup.site.lot)):
        typer.echo(words)


@contextmanager
def writing(places: Places, dry_run: bool) -> Iterator[None]:
    """Alone with the lot's files, unless nothing is to be written."""
    from gateway.provision.register import locked

    if dry_run:
        yield
        return
    with locked(places.register):
        yield


def _write_setup(files: "list[Planned]", lot: "Lot", dry_run: bool) -> None:
    from gateway.provision import broker
    from gateway.provision.files import shown, write

    if dry_run:
        typer.echo(shown(files))
        return
    changed = write(files)
    for each in changed:
        typer.echo(f"wrote {each.path}")
    if not changed:
        typer.echo("all is as it should be: nothing to write")
    elif any(each.path.is_relative_to(lot.broker) for each in changed):
        broker.tell(lot, changed)
        typer.echo("then: systemctl restart mosquitto lotkeeper.target")


def add_agent(
    name: NameArgument,
    out: OutOption = Path(),
    directory: DirOption = ROOT,
    with_key: KeyHereOption = False,
    days: DaysOption = 730,
    invitation_days: TokenDaysOption = 7,
    wifi: Annotated[str, typer.Option("--wifi", help="The network's name.")] = "",
    wifi_password_file: Annotated[
        Path | None, typer.Option("--wifi-password-file", help="Mode 600, on its first line.")
    ] = None,
    wifi_country: Annotated[str, typer.Option("--wifi-country", help="As DE, FR.")] = "",
    ssh_key: Annotated[
        Path | None, typer.Option("--ssh-key", help="A public key that may log in.")
    ] = None,
    user: Annotated[str, typer.Option("--user", help="Who logs in with it.")] = "pi",
    dry_run: DryRunOption = False,
) -> None:
    """Make a device's bundle, OUT/NAME: its configuration, a way in, its card's boot files."""
    from gateway.provision.bundle import Wanted
    from gateway.provision.register import Role

    with told():
        wanted = Wanted(
            name,
            Role.AGENT,
            with_key,
            _wifi(wifi, wifi_password_file, wifi_country),
            _login(user, ssh_key),
            invitation_days,
            days,
        )
        deliver(Places(directory), wanted, out, dry_run)


def add_display(
    name: NameArgument,
    out: OutOption = Path(),
    directory: DirOption = ROOT,
    with_key: KeyHereOption = False,
    days: DaysOption = 730,
    invitation_days: TokenDaysOption = 7,
    console: Annotated[
        bool, typer.Option("--console", help="A console's identity: it may ask the gateway too.")
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Make the bundle of a sign or another reader: it sees the lot's state and writes nothing."""
    from gateway.provision.bundle import Wanted
    from gateway.provision.register import Role

    role = Role.CONSOLE if console else Role.DISPLAY
    with told():
        wanted = Wanted(
            name, role, with_key, invitation_days=invitation_days, certificate_days=days
        )
        deliver(Places(directory), wanted, out, dry_run)


def deliver(places: Places, wanted: "Wanted", out: Path, dry_run: bool) -> None:
    """Write a bundle, the register before it, and have the broker know the newcomer."""
    from gateway.provision import bundle, register
    from gateway.provision.files import shown, write
    from gateway.provision.register import Role
    from gateway.provision.site import now, open_site

    site = open_site(places)
    with writing(places, dry_run):
        known = register.read(places.register)
        files = bundle.below(out / wanted.name, bundle.make(site, known, wanted, now()))
        if dry_run:
            typer.echo(shown(files))
            return
        write([register.planned(places.register, known), *files])
        site.tell_broker(known, now())
    typer.echo(f"made {out / wanted.name}")
    if not wanted.key_here:
        _show_invitation(files)
    if wanted.role is Role.AGENT and not site.lot.spots_of(wanted.name):
        typer.echo(f"the lot's plan has no spot of {wanted.name}: write them into its agent.toml")


def _show_invitation(files: "list[Planned]") -> None:
    import segno

    from gateway.provision.bundle import TOKEN_FILE

    text = next(each for each in files if each.path.name == TOKEN_FILE).content.decode().strip()
    if sys.stdout.isatty():
        typer.echo(text)
        segno.make(text, error="m").terminal(compact=True)
    else:
        typer.echo(f"its invitation is in the file {TOKEN_FILE}, and as a QR code beside it")


def _wifi(ssid: str, password_file: Path | None, country: str) -> "Wifi | None":
    from gateway.provision.first_boot import Wifi
    from runtime.config import ConfigError, read_secret

    if not ssid:
        return None
    if password_file is None or len(country) != 2:
        fail("--wifi needs --wifi-password-file, and --wifi-country of two letters", 2)
    try:
        return Wifi(ssid, read_secret(password_file), country.upper())
    except ConfigError as error:
        fail(str(error), 2)


def _login(user: str, key_file: Path | None) -> "Login | None":
    from gateway.provision.first_boot import Login

    if key_file is None:
        return None
    try:
        text = key_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{key_file}: {error}", 2)
    if "PRIVATE KEY" in text or len(text.splitlines()) != 1:
        fail(f"{key_file}: that is no public key; take the file that ends in .pub", 2)
    return Login(user, text)


def add_to(app: typer.Typer) -> None:
    """Put these commands into `lotkeeper gateway`."""
    app.command(
        epilog="Example: lotkeeper gateway init --lot north --host gw.local --zone A:24 --dry-run"
    )(init)
    app.command(epilog="Example: lotkeeper gateway add-agent pi-07 --out /media/usb")(add_agent)
    app.command(epilog="Example: lotkeeper gateway add-display sign-1 --with-key")(add_display)
