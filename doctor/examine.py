"""All subjects in turn: probe, then check."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from agent.tools.findings import Finding, Level
from doctor.machine import Machine
from doctor.subjects import (
    accounts,
    broker,
    certificates,
    clock,
    configuration,
    console,
    interfaces,
    journal,
    pins,
    power,
    services,
    storage,
    watchdog,
)
from doctor.wants import wants_of

SUBJECTS: tuple[ModuleType, ...] = (
    configuration,
    services,
    interfaces,
    pins,
    accounts,
    power,
    clock,
    storage,
    journal,
    watchdog,
    broker,
    console,
    certificates,
)


@dataclass(frozen=True, slots=True)
class Examined:
    """A finding, and which check of which subject made it."""

    check: str
    finding: Finding


def examine(machine: Machine) -> list[Examined]:
    """What every check says."""
    wants = wants_of(machine)
    found = []
    for subject in SUBJECTS:
        facts = subject.probe(machine, wants)
        name = subject.__name__.rpartition(".")[2]
        for check in subject.CHECKS:
            said = check(facts)
            each = said if isinstance(said, list) else [said]
            found += [Examined(f"{name}.{check.__name__}", finding) for finding in each]
    return found


def is_well(found: Sequence[Examined]) -> bool:
    """Whether nothing is to be mended."""
    return all(each.finding.level is not Level.BAD for each in found)
