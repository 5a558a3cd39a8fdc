"""`lotkeeper cloud cost`"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cloud.cost.designs import Load

FULL = 100
"""Events in a record that is well filled: 20 KB of the usual 200 B, within a PUT unit."""


def cost(
    bays: Annotated[int, typer.Option(min=1, help="All lots' bays together.")],
    events_per_day: Annotated[float, typer.Option(min=0.01, help="Of a bay.")] = 10,
    linger: Annotated[
        float, typer.Option(min=0, help="Seconds that a lot's gateway waits to fill a record.")
    ] = 0,
    lot_bays: Annotated[int, typer.Option(min=1, help="Bays of one lot, for --linger.")] = 200,
    event_bytes: Annotated[int, typer.Option(min=1, max=10_000, help="Of an event.")] = 200,
    peak: Annotated[float, typer.Option(min=1, help="Busiest second by the mean one.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """What a month on AWS costs by design, with one event a record and with more of them.

    Dollars by list prices that are kept in cloud/cost/prices.py, not asked of AWS. Exit 0, 2 usage.
    """
    from cloud.cost.designs import Load, joined

    load = Load(bays, events_per_day, event_bytes, peak)
    waited = [1 + joined(min(bays, lot_bays), events_per_day, linger)] if linger else []
    fills = [1.0, *waited, float(FULL)]
    if as_json:
        typer.echo(json.dumps(_said(load, fills)))
    else:
        _show(load, fills)


def _said(load: "Load", fills: list[float]) -> dict[str, object]:
    from dataclasses import asdict

    from cloud.cost import prices
    from cloud.cost.designs import designs

    months = [
        {"design": each.name, "events_a_record": fill, "month": each.month, "items": each.items}
        for fill in fills
        for each in designs(load, fill)
    ]
    priced = {"region": prices.REGION, "as_of": prices.AS_OF, "currency": "USD"}
    return {"load": asdict(load), "prices": priced, "months": months}


def _show(load: "Load", fills: list[float]) -> None:
    from rich.console import Console
    from rich.table import Table

    from cloud.cost import prices
    from cloud.cost.designs import designs

    title = f"{load.bays:,} bays, {load.month:,.0f} events a month: $ a month, by events a record"
    shown = Table("design", title=title)
    for fill in fills:
        shown.add_column(f"{fill:.3g}", justify="right")
    shown.add_column(f"of which, at {fills[-1]:.3g}")
    for row in zip(*(designs(load, fill) for fill in fills), strict=True):
        paid = ", ".join(f"{what} {dollars:,.2f}" for what, dollars in row[-1].items.items())
        shown.add_row(row[0].name, *[f"{each.month:,.2f}" for each in row], paid)
    Console().print(shown)
    typer.echo(f"List prices of {prices.REGION}, {prices.AS_OF}; check them before you budget.")
