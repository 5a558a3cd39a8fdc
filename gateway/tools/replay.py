"""Dead letters offered again, one by one, and what became of each."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gateway.config import GatewaySettings
from gateway.tools.letters import refused_again, verdict_known
from gateway.tools.office import BY_FILE, Done, NotDone, order
from gateway.tools.reading import reading

LOOK_S = 0.1

What = Literal["taken", "refused", "waits", "not offered"]


@dataclass(slots=True)
class Outcome:
    """What became of a letter."""

    id: int
    what: What
    words: str
    by: str = ""
    sink: str = ""
    letter: int | None = None
    """Its new number, where it was refused again."""

    @property
    def failed(self) -> bool:
        """Whether an operator has to look at it again."""
        return self.what in ("refused", "not offered")

    def __str__(self) -> str:
        return f"{self.id}: {self.words}" + (f" (by {self.by})" if self.by else "")

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Offered:
    outcome: Outcome
    spool_seq: int
    event_id: str
    last_letter: int


def replay(
    settings: GatewaySettings, numbers: Sequence[int], wait_s: float, now: Callable[[], float]
) -> list[Outcome]:
    """Offer the letters in the order of their numbers, then wait for what the sinks say.

    Raises Unreadable where there is no database beside the gateway to see it in.
    """
    outcomes: list[Outcome] = []
    offered: list[_Offered] = []
    for number in numbers:
        try:
            done = order(settings, "dead-letters-replay", {"id": number})
        except NotDone as error:
            outcomes.append(Outcome(number, "not offered", f"not offered: {error}"))
            continue
        outcome = _first_word(number, done)
        outcomes.append(outcome)
        if outcome.what == "waits" and done.by != BY_FILE:
            data = done.data
            offered.append(
                _Offered(outcome, data["spool_seq"], data["event_id"], data["last_letter"])
            )
    _await(settings, offered, now() + wait_s, now)
    return outcomes


def _first_word(number: int, done: Done) -> Outcome:
    data = done.data
    if "refused" in data:
        words = f"refused again, now letter {data['letter']}: {data['refused']}"
        return Outcome(number, "refused", words, done.by, letter=data["letter"])
    if "sink" not in data:
        return Outcome(number, "taken", "taken in", done.by)
    starts = ", when the gateway starts" if done.by == BY_FILE else ""
    words = f"waits for the sink {data['sink']}{starts}"
    return Outcome(number, "waits", words, done.by, data["sink"])


def _await(
    settings: GatewaySettings,
    offered: list[_Offered],
    deadline_s: float,
    now: Callable[[], float],
) -> None:
    pause = threading.Event()
    while offered:
        with reading(settings.store.path) as db:
            known = [e for e in offered if verdict_known(db, e.outcome.sink, e.spool_seq)]
            for each in known:
                _settle(each, refused_again(db, each.outcome.sink, each.last_letter, each.event_id))
        offered = [each for each in offered if each not in known]
        if now() >= deadline_s:
            return
        if offered:
            pause.wait(LOOK_S)  # another process's commit cannot be awaited


def _settle(offered: _Offered, letter: Any) -> None:
    outcome = offered.outcome
    if letter is None:
        outcome.what, outcome.words = "taken", f"taken by the sink {outcome.sink}"
    else:
        outcome.what, outcome.letter = "refused", letter.id
        outcome.words = f"refused again, now letter {letter.id}: {letter.detail}"
