"""`lotkeeper gateway import`: the lot's plan from a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.provision.cli import DirOption, DryRunOption, told, writing
from gateway.provision.places import ROOT, Places
from gateway.tools.common import fail

if TYPE_CHECKING:
    from gateway.provision.importing import Plan
    from gateway.provision.lot import Lot


def import_lot(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .toml of spots.")],
    directory: DirOption = ROOT,
    remove: Annotated[
        bool, typer.Option("--remove", help="Spots that the file does not have go.")
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Take the lot's spots from a file: zones, floors, sizes, kinds, places, agents, sensors.

    Exit 0 taken, 1 every fault is named and nothing was taken, 2 usage.
    """
    from gateway.provision import gateway_toml, lot
    from gateway.provision.files import shown, write
    from gateway.provision.importing import BadPlan, read

    places = Places(directory)
    try:
        plan = read(file)
    except BadPlan as error:
        fail(f"{error}\nnothing was taken", 1)
    with told(), writing(places, dry_run):
        old = lot.read(places)
        new = _taken(old, plan, remove)
        files = [lot.planned(places, new), gateway_toml.planned(places, new)]
        if dry_run:
            typer.echo(shown(files))
            return
        changed = write(files)
    _tell(old, new)
    if changed:
        typer.echo("then: systemctl restart lotkeeper-gateway")


def _taken(old: "Lot", plan: "Plan", remove: bool) -> "Lot":
    named = {spot.spot_id for spot in plan.spots}
    gone = [spot.spot_id for spot in old.spots if spot.spot_id not in named]
    if gone and not remove:
        fail(
            f"the file does not have {', '.join(gone)}: add them, or say --remove\n"
            "nothing was taken",
            1,
        )
    listed = {zone.zone_id for zone in plan.zones}
    zones = [*plan.zones, *(zone for zone in old.zones if zone.zone_id not in listed)]
    return old.model_copy(update={"zones": zones, "spots": plan.spots})


def _tell(old: "Lot", new: "Lot") -> None:
    before = {spot.spot_id: spot for spot in old.spots}
    after = {spot.spot_id: spot for spot in new.spots}
    both = before.keys() & after.keys()
    changed = [name for name in both if before[name] != after[name]]
    typer.echo(
        f"{len(after)} spots in {len(new.zones)} zones: {len(after.keys() - both)} new, "
        f"{len(changed)} changed, {len(before.keys() - both)} removed"
    )
    agents = sorted({spot.agent_id for spot in new.spots if spot.agent_id})
    if agents:
        typer.echo(f"agents: {' '.join(agents)}")


def add_to(app: typer.Typer) -> None:
    """Put this command into `lotkeeper gateway`."""
    app.command("import", epilog="Example: lotkeeper gateway import lot.csv --dry-run")(import_lot)
