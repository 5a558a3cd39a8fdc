"""How `lotkeeper agent check` looks."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.tools.check import Checked, Heard
from agent.tools.findings import Finding, Level
from agent.tools.summary import told

COLOURS = {Level.OK: "green", Level.NOTE: "yellow", Level.BAD: "red"}


def mark(level: Level) -> Text:
    """The word, in its colour on a terminal."""
    return Text(level.value, style=COLOURS[level])


def show(console: Console, found: Checked) -> None:
    """The tables, then what to mend, and one closing line."""
    if found.wires:
        console.print(wires_table(found.wires))
    if found.sensors:
        console.print(sensors_table(found.sensors))
    for hint, findings in to_mend(found).items():
        for finding in findings:
            line = Text.assemble(mark(finding.level), f"  {finding.where}: {finding.says}")
            console.print(line, soft_wrap=True)
        console.print(f"     {hint}\n", soft_wrap=True)
    console.print(closing(found), soft_wrap=True)


def to_mend(found: Checked) -> dict[str, list[Finding]]:
    """What is not well, by what to do about it: one cause often has several effects."""
    by_hint: dict[str, list[Finding]] = {}
    for finding in found.findings:
        if finding.level is not Level.OK:
            by_hint.setdefault(finding.hint, []).append(finding)
    return by_hint


def closing(found: Checked) -> Text:
    """The verdict."""
    if found.held:
        return Text(f"sensors not read: {found.held}", style="bold red")
    bad = sum(finding.level is Level.BAD for finding in found.findings)
    return Text(f"{bad} to mend", style="bold red") if bad else Text("all good", style="bold green")


def wires_table(findings: Sequence[Finding]) -> Table:
    """Buses, ports and pins."""
    table = Table("wire", "", "", box=SIMPLE_HEAD)
    for finding in findings:
        table.add_row(finding.where, mark(finding.level), Text(finding.says))
    return table


def sensors_table(sensors: Sequence[Heard]) -> Table:
    """What each sensor said."""
    table = Table(box=SIMPLE_HEAD)
    for heading in ("spot", "kind", "", "says", "noise", "per s", "readings"):
        table.add_column(heading, overflow="fold")
    for heard in sensors:
        table.add_row(*_row(heard))
    return table


def _row(heard: Heard) -> tuple[str | Text, ...]:
    summary, channel = heard.summary, heard.channel
    shares = " ".join(f"{quality.value} {share:.0%}" for quality, share in summary.shares.items())
    known = summary.good > 0
    return (
        Text(channel.label, style="bold"),
        channel.kind,
        mark(heard.finding.level),
        told(summary.value, summary.unit) if known else Text("-"),
        f"{summary.noise:.1f} {summary.unit}" if known else "-",
        f"{summary.rate_hz:.1f}" if known else "-",
        shares or "none",
    )
