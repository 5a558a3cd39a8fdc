"""A detector set before a bay: what it said against the truth.

An event is dated by the detector; it is matched to the truth within TOLERANCE_S. Events of which
a fault hid the truth (from 20 s before it to 150 s after it) are counted apart.

Status is wrong where it is published free from SETTLING_S after a vehicle stands until it begins
to leave, or occupied from SETTLING_S after it is gone until the next one comes. A fault may take
FAULT_S to be noticed, `stuck` 120 samples and so STUCK_S. `unknown` is never wrong.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf

from agent.detector import (
    Change,
    Detector,
    DetectorSettings,
    FusedSettings,
    MagneticSettings,
    RangingSettings,
    State,
)
from agent.detector.moving import Movement
from contract.words import Status
from drivers import Reading
from score.match import Event, Kind, Tally, match
from simulator.world.bay import RANGING_S, Bay
from simulator.world.scenario import Scenario
from simulator.world.traffic import FIRST_S
from simulator.world.trouble import Trouble, trouble

TOLERANCE_S = 30.0
SETTLING_S = 30.0
FAULT_S = 75.0
STUCK_S = 150.0
EARLY_S = 0.1
"""A ping's time is not exact."""
HIDDEN_S = (20.0, 150.0)

Span = tuple[float, float]


@dataclass(frozen=True)
class Outcome:
    """What came of one bay. Seconds count from the end of the first quarter of an hour."""

    bay: str
    tally: Tally
    hidden: int
    told_s: tuple[float, ...]
    """How long after the truth each found event was published."""
    wrong: tuple[Span, ...]
    unknown_s: float
    watched_s: float
    troubles: tuple[Trouble, ...]


@dataclass
class Spoken:
    """What a detector said of a bay: events with the time at which they were told, and statuses."""

    told: dict[Event, float] = field(default_factory=dict)
    statuses: list[tuple[float, Status]] = field(default_factory=list)

    def hear(self, change: Change, now_s: float) -> None:
        """Take a change; only between free and occupied is it an event."""
        self.statuses.append((now_s, change.status))
        if change.previous in (Status.UNKNOWN, change.status) or change.status is Status.UNKNOWN:
            return
        kind: Kind = "arrival" if change.status is Status.OCCUPIED else "departure"
        self.told[Event(change.at_s, kind)] = now_s


def settings_of(scenario: Scenario) -> DetectorSettings:
    """The default settings of a family's detector."""
    if scenario.family == "fused":
        return FusedSettings()
    return MagneticSettings() if scenario.family == "magnetic" else RangingSettings()


def run(scenario: Scenario, seed: str, until_s: float) -> Outcome:
    """Let a detector live through a bay's life; where it hears, two through two bays' lives."""
    bays = [Bay(scenario, seed, until_s)]
    if scenario.hears:
        bays.append(Bay(scenario, seed, until_s, next_door=True))
    spoken = listen(Detector(settings_of(scenario)), bays)
    return together([judged(bay, said) for bay, said in zip(bays, spoken, strict=True)])


def judged(bay: Bay, spoken: Spoken) -> Outcome:
    """What a detector said of a bay against the bay's truth."""
    tally = match(truth(bay), spoken.told, TOLERANCE_S)
    seen, hidden = _unhidden(tally, bay)
    wrong = wrong_spans(bay, spoken.statuses)
    return Outcome(
        bay=bay.seed,
        tally=seen,
        hidden=hidden,
        told_s=tuple(spoken.told[pair.found] - pair.truth.at_s for pair in seen.pairs),
        wrong=tuple(wrong),
        unknown_s=sum(
            end - max(begin, FIRST_S)
            for begin, end, status in published(spoken.statuses, bay.until_s)
            if status is Status.UNKNOWN and end > FIRST_S
        ),
        watched_s=bay.until_s - FIRST_S,
        troubles=tuple(_troubles(bay, seen, wrong)),
    )


def together(outcomes: list[Outcome]) -> Outcome:
    """Those of bays side by side as one."""
    return Outcome(
        bay=outcomes[0].bay,
        tally=sum((each.tally for each in outcomes), Tally()),
        hidden=sum(each.hidden for each in outcomes),
        told_s=tuple(told for each in outcomes for told in each.told_s),
        wrong=tuple(span for each in outcomes for span in each.wrong),
        unknown_s=sum(each.unknown_s for each in outcomes),
        watched_s=sum(each.watched_s for each in outcomes),
        troubles=tuple(trouble for each in outcomes for trouble in each.troubles),
    )


def listen(detector: Detector, bays: list[Bay]) -> list[Spoken]:
    """Step a detector through all readings of a bay, or of several that hear each other."""
    listeners = [Listener(detector, detector.initial(0.0)) for _ in bays]
    if len(bays) == 1:
        for now_s, reading in bays[0].readings():
            listeners[0].take(reading, now_s)
    else:
        streams = [_numbered(bay, number) for number, bay in enumerate(bays)]
        for now_s, number, reading in heapq.merge(*streams, key=lambda each: each[:2]):
            listeners[number].take(reading, now_s)
            _tell(listeners, listeners[number])
    return [each.spoken for each in listeners]


@dataclass
class Listener:
    """A detector: its state, what it said, when its ranger measured, the last movement told."""

    detector: Detector
    state: State
    spoken: Spoken = field(default_factory=Spoken)
    ranged_s: float = -inf
    told: Movement | None = None

    def take(self, reading: Reading | None, now_s: float) -> None:
        """Step the detector; a ranger that may sleep does."""
        if self.state.waker is not None and (reading is None or reading.unit == "mm"):
            wait_s = self.detector.sample_s(self.state, "mm", RANGING_S, now_s)
            if now_s - self.ranged_s < wait_s - EARLY_S:
                return
            self.ranged_s = now_s
        self.state, said = self.detector.step(self.state, reading, now_s)
        for each in said:
            if isinstance(each, Change):
                self.spoken.hear(each, now_s)


def _numbered(bay: Bay, number: int) -> Iterator[tuple[float, int, Reading | None]]:
    return ((now_s, number, reading) for now_s, reading in bay.readings())


def _tell(listeners: list[Listener], speaker: Listener) -> None:
    """A magnetometer's movement goes to the others once, as an agent does it."""
    movement = speaker.state.magnetic.moved
    is_new = movement is not None and movement is not speaker.told
    speaker.told = movement
    for each in listeners:
        if each is not speaker:
            each.detector.attend(
                each.state, "next door", speaker.detector.measured_s(speaker.state)
            )
            if is_new and movement is not None:
                each.detector.hear(each.state, movement, "next door")


def truth(bay: Bay) -> list[Event]:
    """When vehicles begin to come in, and begin to leave."""
    return sorted(
        event
        for visit in bay.visits
        for event in (Event(visit.arrival_s, "arrival"), Event(visit.departure_s, "departure"))
    )


def published(
    statuses: Iterable[tuple[float, Status]], until_s: float
) -> Iterable[tuple[float, float, Status]]:
    """From when to when what was published."""
    begin_s, last = 0.0, Status.UNKNOWN
    for time_s, status in statuses:
        yield begin_s, time_s, last
        begin_s, last = time_s, status
    yield begin_s, until_s, last


def wrong_spans(bay: Bay, statuses: Iterable[tuple[float, Status]]) -> list[Span]:
    """Where what was published was wrong, out of the time allowed to settle."""
    spans = {Status.FREE: _must_not_be_free(bay), Status.OCCUPIED: _must_not_be_occupied(bay)}
    excused = [
        (fault.begin_s, fault.begin_s + (STUCK_S if fault.kind == "stuck" else FAULT_S))
        for fault in bay.faults
    ]
    wrong: list[Span] = []
    for begin_s, end_s, status in published(statuses, bay.until_s):
        for span in _common([(begin_s, end_s)], spans.get(status, [])):
            wrong += without(span, excused)
    return wrong


def without(span: Span, excused: Iterable[Span]) -> list[Span]:
    """What is left of a span where others, in order, are cut out of it."""
    left, begin_s = [], span[0]
    for from_s, to_s in excused:
        if begin_s < min(from_s, span[1]):
            left.append((begin_s, min(from_s, span[1])))
        begin_s = max(begin_s, to_s)
    if begin_s < span[1]:
        left.append((begin_s, span[1]))
    return left


def _must_not_be_free(bay: Bay) -> list[Span]:
    return [(visit.standing_s + SETTLING_S, visit.departure_s) for visit in bay.visits]


def _must_not_be_occupied(bay: Bay) -> list[Span]:
    begins = [0.0, *(visit.gone_s + SETTLING_S for visit in bay.visits)]
    ends = [*(visit.arrival_s for visit in bay.visits), bay.until_s]
    return list(zip(begins, ends, strict=True))


def _common(one: list[Span], others: list[Span]) -> list[Span]:
    """What lies in a span of both."""
    pairs = ((max(a, c), min(b, d)) for a, b in one for c, d in others)
    return [(begin, end) for begin, end in pairs if begin < end]


def _unhidden(tally: Tally, bay: Bay) -> tuple[Tally, int]:
    """The tally without the events that a fault hid, and how many true ones those are."""
    before_s, after_s = HIDDEN_S

    def hidden(event: Event) -> bool:
        return any(f.begin_s - before_s <= event.at_s < f.end_s + after_s for f in bay.faults)

    seen = Tally(
        tuple(pair for pair in tally.pairs if not hidden(pair.truth)),
        *(
            tuple(event for event in events if not hidden(event))
            for events in (tally.missed, tally.false, tally.doubled)
        ),
    )
    return seen, len(tally.truths) - len(seen.truths)


def _troubles(bay: Bay, tally: Tally, wrong: list[Span]) -> Iterator[Trouble]:
    """Everything that went wrong, kind by kind."""
    sorts = {"missed": tally.missed, "false": tally.false, "doubled": tally.doubled}
    for sort, events in sorts.items():
        for event in events:
            yield trouble(bay, f"{sort} {event.kind}", event.at_s, event.at_s)
    for begin_s, end_s in wrong:
        yield trouble(bay, "wrong status", begin_s, end_s)
