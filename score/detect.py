"""A detector over recorded readings, and the events in what it says. Pure."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from agent.detector import Change, Detector, Passage, Said, State
from contract.words import Status
from drivers import Reading
from score.match import Event


class Step(NamedTuple):
    """A reading, the detector's state after it, and what it said to it."""

    reading: Reading
    state: State
    said: list[Said]


def steps(
    detector: Detector, readings: Iterable[Reading], restarts_s: Sequence[float] = ()
) -> Iterator[Step]:
    """The detector over each reading, at the reading's own time, as the agent would run it.

    At each of `restarts_s` (rising, monotonic seconds) its state is saved and resumed, as an agent
    that is started again does. `state` is the same object throughout between restarts. Raises
    TypeError where the readings are not of the detector's kind.
    """
    state, restarts = None, list(restarts_s)
    for reading in readings:
        now_s = reading.monotonic_s
        if state is None:
            state = detector.initial(now_s)
        while restarts and now_s >= restarts[0]:
            restarts.pop(0)
            state = detector.resume(json.loads(json.dumps(state.to_json())), now_s)
        state, said = detector.step(state, reading, now_s)
        yield Step(reading, state, said)


def events(said: Iterable[Said]) -> list[Event]:
    """The arrivals, departures and passages among what was said.

    A status that was unknown before, at the first start or after a fault, is neither, unless it
    differs from the one that was settled last: the vehicle came or went meanwhile.
    """
    found = []
    for each in said:
        if isinstance(each, Passage):
            found.append(Event(each.at_s, "passage"))
        elif isinstance(each, Change) and (each.previous, each.status) == ARRIVAL:
            found.append(Event(each.at_s, "arrival"))
        elif isinstance(each, Change) and (each.previous, each.status) == DEPARTURE:
            found.append(Event(each.at_s, "departure"))
    return found


ARRIVAL = (Status.FREE, Status.OCCUPIED)
DEPARTURE = (Status.OCCUPIED, Status.FREE)
