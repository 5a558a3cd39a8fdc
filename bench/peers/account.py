"""What became of the events that were sent: delivered, lost, duplicated, out of order. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Event = tuple[str, int]
"""(bay, its number): a bay's numbers grow in the order in which its events were sent."""


@dataclass(frozen=True, slots=True)
class Account:
    """`sent` events against what arrived at the uplink."""

    sent: int
    delivered: int
    """Different events of those sent that arrived at least once."""
    duplicated: int
    """Arrivals beyond the first of an event."""
    out_of_order: int
    """First arrivals behind a later event of the same bay."""
    foreign: int
    """Arrivals of events that nobody sent."""

    @property
    def lost(self) -> int:
        """Events that never arrived."""
        return self.sent - self.delivered


def account(sent: Iterable[Event], arrived: Sequence[Event]) -> Account:
    """Hold what arrived, in its order, against what was sent.

    >>> account([("a", 1), ("a", 2), ("a", 3)], [("a", 2), ("a", 1), ("a", 2)])
    Account(sent=3, delivered=2, duplicated=1, out_of_order=1, foreign=0)
    """
    wanted = set(sent)
    seen: set[Event] = set()
    newest: dict[str, int] = {}
    duplicated = out_of_order = foreign = 0
    for bay, number in arrived:
        if (bay, number) not in wanted:
            foreign += 1
        elif (bay, number) in seen:
            duplicated += 1
        else:
            seen.add((bay, number))
            out_of_order += number < newest.get(bay, number)
            newest[bay] = max(number, newest.get(bay, number))
    return Account(len(wanted), len(seen), duplicated, out_of_order, foreign)
