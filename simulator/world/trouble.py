"""What went wrong in a bay, and what was going on there: where to look for the cause."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from simulator.world.bay import Bay
from simulator.world.traffic import Visit

AROUND_S = 20.0
SHORT_S = 60.0
WEAK_MG = 60.0
FAST_C_PER_H = 5.0

_NAMES = {"beats": "crosstalk", "outages": "outage", "mains": "mains"}


class Trouble(NamedTuple):
    """A missed, false or doubled event, or a span of wrong status; `near` is what was going on."""

    what: str
    begin_s: float
    end_s: float
    near: str


def trouble(bay: Bay, what: str, begin_s: float, end_s: float) -> Trouble:
    """With what was going on from shortly before its beginning."""
    found = [
        *_spans(bay, begin_s),
        *_weather(bay, begin_s),
        *_faults(bay, begin_s),
        *_vehicles(bay, begin_s),
    ]
    return Trouble(what, begin_s, end_s, ", ".join(found))


def _spans(bay: Bay, time_s: float) -> Iterator[str]:
    around = np.arange(time_s - AROUND_S, time_s + AROUND_S, 0.5)
    on = bay.scenario.interference
    for name, spans in {**bay.spans, "rain": bay.weather.rain}.items():
        is_on = name in on or (name == "beats" and "crosstalk" in on)
        is_on |= name == "outages" and bool(on & {"lost_pings", "lost_samples"})
        if is_on and spans.hold(around).any():
            yield _NAMES.get(name, name)


def _weather(bay: Bay, time_s: float) -> Iterator[str]:
    if "temperature" in bay.scenario.interference:
        before_c, now_c = bay.weather.sensor_c(np.array([time_s - 600.0, time_s]))
        if abs(now_c - before_c) > FAST_C_PER_H / 6.0:
            yield "temperature moves"


def _faults(bay: Bay, time_s: float) -> Iterator[str]:
    for fault in bay.faults:
        if fault.begin_s - AROUND_S <= time_s < fault.end_s + 150.0:
            yield f"fault {fault.kind} of {'+'.join(sorted(fault.units))}"


def _vehicles(bay: Bay, time_s: float) -> Iterator[str]:
    before = [visit for visit in bay.visits if visit.arrival_s - AROUND_S <= time_s]
    if before:
        yield from _visit(bay, before, time_s)
    if bay.neighbour.stays.hold(np.array([time_s]))[0]:
        yield "next door is in"
    for visit in bay.neighbour_visits:
        if min(abs(visit.arrival_s - time_s), abs(visit.departure_s - time_s)) < AROUND_S:
            yield "next door moves"


def _visit(bay: Bay, before: list[Visit], time_s: float) -> Iterator[str]:
    visit = before[-1]
    is_here = time_s < visit.gone_s + AROUND_S
    if is_here and visit.departure_s - visit.standing_s < SHORT_S:
        yield "short stay"
    if before[1:] and visit.arrival_s - before[-2].gone_s < SHORT_S:
        yield "short gap"
    if is_here and bay.scenario.senses_field:
        at_rest = bay.signatures[len(before) - 1].at_rest_mg
        if float(np.linalg.norm(at_rest)) < WEAK_MG:
            yield "weak field"


GOING_ON = (_spans, _weather, _faults, _vehicles)
