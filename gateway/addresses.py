"""A spool row for some sinks alone: its key says so, `A1/@cloud,lake`. Pure.

What one sink refused, or what one sink had not had when a store was damaged, must not go to
the others a second time. The part before the slash stays the spot, so that order holds.
"""

from collections.abc import Iterable

_MARK = "/@"


def addressed(key: str, sinks: Iterable[str]) -> str:
    """`key` for `sinks` alone, whomever it was addressed to before.

    >>> addressed("A1/health_changed", ["lake", "cloud"])
    'A1/@cloud,lake'
    """
    return f"{key.partition('/')[0]}{_MARK}{','.join(sorted(sinks))}"


def addressees(key: str) -> set[str] | None:
    """The sinks that a row is for; None for all.

    >>> addressees("A1/@cloud")
    {'cloud'}
    >>> addressees("A1/health_changed")
    """
    _, mark, names = key.partition(_MARK)
    return set(names.split(",")) if mark else None


def is_for(key: str, sink: str) -> bool:
    """Whether `sink` is offered a row of this key."""
    sinks = addressees(key)
    return sinks is None or sink in sinks
