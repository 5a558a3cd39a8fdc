"""`lotkeeper gateway backup` and `restore`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.provision.cli import DirOption
from gateway.provision.places import ROOT
from gateway.tools.common import DEFAULT, ConfigOption, fail


def backup(
    config: ConfigOption = DEFAULT,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="A folder, or a file *.tar.gz; - is standard output."),
    ] = None,
    keep: Annotated[
        int, typer.Option("--keep", min=1, help="So many stay in the usual folder.")
    ] = 7,
) -> None:
    """The lot in one file: configuration, CA, register and store, beside the running gateway.

    Without --to it goes into the folder `backups` beside the store. Exit 0 made, even where this
    user may not read all of it, which is then said; 1 not made, 2 usage.
    """
    from gateway.provision.backup import NotBackedUp, back_up
    from gateway.provision.site import now
    from runtime.config import ConfigError

    target = sys.stdout.buffer if str(to) == "-" else to
    if target is sys.stdout.buffer and sys.stdout.isatty():
        fail("standard output is a terminal: pipe it into a file or into gpg", 2)
    try:
        made = back_up(config, now(), target, keep)
    except ConfigError as error:
        fail(str(error), 2)
    except NotBackedUp as error:
        fail(str(error), 1)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}", 1)
    if made.path:
        typer.echo(f"{made.path}: {len(made.manifest.files)} files")
    for name, why in made.manifest.without.items():
        typer.echo(f"without {name}: {why}; root may read all of it", err=True)
    for path in made.removed:
        typer.echo(f"removed {path}")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `gateway backup` made.")],
    directory: DirOption = ROOT,
) -> None:
    """Put a backup back, into an empty place. All of it is checked before any of it is there."""
    from gateway.provision.restoring import NotRestored, restore

    try:
        done = restore(file, directory)
    except NotRestored as error:
        fail(f"{error}\nnothing was restored", 1)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}; run this as root", 1)
    manifest = done.manifest
    typer.echo(f"lot {manifest.lot_id} as it was at {manifest.made:%F %H:%M} UTC: {done.folder}")
    if done.store:
        typer.echo(f"its store: {done.store}")
    for name, why in manifest.without.items():
        typer.echo(f"the backup is without {name}: {why}", err=True)
    if str(done.folder.absolute()) != manifest.folder:
        typer.echo(f"gateway.toml still names paths in {manifest.folder}: change them", err=True)
    typer.echo("what was revoked since then is not: revoke it again")
    typer.echo("then: lotkeeper gateway init, and systemctl restart mosquitto lotkeeper.target")


def add_to(app: typer.Typer) -> None:
    """Put these commands into `lotkeeper gateway`."""
    app.command(epilog="Example: lotkeeper gateway backup --to - | gpg -c >lot.tar.gz.gpg")(backup)
    app.command(epilog="Example: lotkeeper gateway restore lotkeeper-north-20261121.tar.gz")(
        restore
    )
