"""The scenarios of an accuracy table: everything on, each interference alone, faults, stresses."""

from dataclasses import replace

from simulator.world.distance import NOT_OF, RANGING, STRESS
from simulator.world.faults import kinds_of
from simulator.world.field import AFTER_NOISE, MAGNETIC, TIGHT
from simulator.world.scenario import Family, Scenario


def interferences(family: Family) -> frozenset[str]:
    """Every one that does something to a family's sensors, stresses apart."""
    bare = Scenario("", family)
    apart = STRESS | NOT_OF.get(family, frozenset({"sunlight"}))
    ranging = frozenset(RANGING) - apart if bare.ranges else frozenset[str]()
    magnetic = (frozenset(MAGNETIC) | frozenset(AFTER_NOISE)) - {TIGHT}
    return ranging | (magnetic if bare.senses_field else frozenset[str]())


def everything(family: Family) -> Scenario:
    """All stated interference together, every season."""
    whole = Scenario("all", family, interferences(family))
    return replace(whole, hears=whole.senses_field)


def rows(family: Family) -> list[tuple[Scenario, float]]:
    """A family's rows, each with its share of the arrivals that "all" gets."""
    whole = everything(family)
    found = [
        (whole, 1.0),
        (replace(whole, name="all, a day of 2-42 C", season="hot"), 0.1),
        (replace(whole, name="all, and faults", faults=kinds_of(whole)), 0.1),
    ]
    if whole.senses_field:
        bare = replace(whole, name="all, no thermometer", thermometer=False)
        deaf = replace(whole, name="all, next bay not heard", hears=False)
        next_door = frozenset({"neighbours"})
        heard = Scenario("neighbours alone, heard", family, next_door, hears=True)
        tight = replace(
            whole,
            name="all, a tight bay: neighbours at 10-35 %",
            interference=(whole.interference - next_door) | {TIGHT},
        )
        found += [(bare, 0.1), (deaf, 0.1), (heard, 0.1), (tight, 0.15)]
    if whole.ranges:
        loiterers = whole.interference | STRESS
        found.append((replace(whole, name="all, and loiterers", interference=loiterers), 0.05))
    found.append((Scenario("nothing", family), 0.05))
    found += [
        (Scenario(f"{name} alone", family, frozenset({name})), 0.05)
        for name in sorted(whole.interference)
    ]
    return found
