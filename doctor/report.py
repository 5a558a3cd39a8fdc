"""How doctor's findings look: for people and for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from agent.tools.check_report import mark
from agent.tools.findings import Level
from doctor.examine import Examined, is_well


def as_json(found: Sequence[Examined]) -> str:
    """One document: `well`, and each finding with the check that made it."""
    findings = [{"check": each.check, **asdict(each.finding)} for each in found]
    return json.dumps({"well": is_well(found), "findings": findings})


def show(console: Console, found: Sequence[Examined]) -> None:
    """A line a finding, the worst last, where a terminal stands; under it what mends it."""
    order = [Level.OK, Level.NOTE, Level.BAD]
    for each in sorted(found, key=lambda each: order.index(each.finding.level)):
        finding = each.finding
        line = Text.assemble(mark(finding.level), f"\t{finding.where}: {finding.says}")
        console.print(line, soft_wrap=True)
        if finding.hint:
            console.print(Text(f"\t  {finding.hint}", style="dim"), soft_wrap=True)
    bad = sum(each.finding.level is Level.BAD for each in found)
    console.print(
        Text(f"{bad} to mend", style="bold red") if bad else Text("all well", style="bold green")
    )
