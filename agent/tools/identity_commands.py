"""`lotkeeper agent enroll`, `rotate`, `needs-renewal`: this Pi's certificate."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from agent.tools.options import DEFAULT, ConfigOption, settings_of

if TYPE_CHECKING:
    from runtime.mqtt import TlsSettings

TLS_FOLDER = Path("/etc/lotkeeper/tls")


def enroll(
    invitation: Annotated[
        Path, typer.Option("--invitation", help="The file with the invitation; - is stdin.")
    ],
    folder: Annotated[
        Path, typer.Option("--tls", help="Where key and certificates go.")
    ] = TLS_FOLDER,
) -> None:
    """Make a key, and have the lot's gateway certify it. Exit 0 done, 1 not done, 2 usage.

    The key stays here. The invitation is used up; its file is removed.
    """
    from agent.identity import NotEnrolled, enrol
    from contract.enrolment import Invitation

    try:
        text = sys.stdin.readline() if str(invitation) == "-" else invitation.read_text()
        invited = Invitation.parse(text)
    except OSError as error:
        _fail(f"{invitation}: {error.strerror}", 2)
    except ValueError as error:
        _fail(f"{invitation}: {error}", 2)
    try:
        enrol(invited, folder)
        if invitation.is_file():
            invitation.unlink()
    except NotEnrolled as error:
        _fail(str(error), 1)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}; run this as root", 1)
    typer.echo(f"{invited.name} of lot {invited.lot_id}: its certificate is in {folder}")


def rotate(config: ConfigOption = DEFAULT) -> None:
    """Renew the certificate by the one that is there. Exit 0 done, 1 not done, 2 usage."""
    from agent.identity import NotEnrolled, renew

    settings = settings_of(config)
    ca, certificate, key = _identity(settings.mqtt.tls, config)
    host, port = settings.mqtt.host, settings.enrolment_port
    try:
        renew(host, port, ca, certificate, key, settings.agent_id)
    except NotEnrolled as error:
        _fail(str(error), 1)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}; run this as root", 1)
    typer.echo(f"{certificate} is renewed; then: systemctl try-restart lotkeeper-agent")


def needs_renewal(config: ConfigOption = DEFAULT) -> None:
    """Whether the certificate's end is near (60 days). Exit 0 yes, 1 not yet, 2 cannot tell."""
    from agent.identity import NotEnrolled, is_due

    _, certificate, _ = _identity(settings_of(config).mqtt.tls, config)
    try:
        due = is_due(certificate)
    except NotEnrolled as error:
        _fail(f"{certificate}: {error}", 2)
    typer.echo("due: lotkeeper agent rotate" if due else "not yet")
    raise typer.Exit(0 if due else 1)


def _identity(tls: "TlsSettings | None", config: Path) -> tuple[Path, Path, Path]:
    if tls is None or tls.cert_file is None or tls.key_file is None:
        _fail(f"{config}: mqtt.tls has no cert_file and key_file: nothing to renew", 2)
    return tls.ca_file, tls.cert_file, tls.key_file


def _fail(words: str, status: int) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(status)
