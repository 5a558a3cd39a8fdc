"""How long a card lasts: its endurance against what a lot writes to it a day. Pure."""

CEILING = {
    "agent": {1: 12_000, 10: 2_800, 100: 1_500},
    "gateway": {1: 20_000, 10: 3_600, 100: 1_700},
}
"""Bytes an event that a store may write at so many in a commit: a fifth more than measured."""


def over_ceiling(kind: str, batch: int, bytes_per_event: float) -> list[str]:
    """What to say of a store that writes more than it may; nothing of one that does not.

    >>> over_ceiling("agent", 1, 30_000)
    ['agent, 1 a commit: 30,000 bytes an event, of 12,000 that it may write']
    """
    most = CEILING.get(kind, {}).get(batch)
    if most is None or bytes_per_event <= most:
        return []
    said = f"{kind}, {batch} a commit: {bytes_per_event:,.0f} bytes an event"
    return [f"{said}, of {most:,} that it may write"]


def days_of_life(tbw: float, events_per_day: float, bytes_per_event: float) -> float:
    """Days until `tbw` decimal terabytes are written. Raises ValueError where nothing is written.

    A rating counts what the host writes in long runs. What a card writes inside itself for small
    writes no host can see: hold a wide margin, or ask the maker.

    >>> days_of_life(1, 1000, 1_000_000)
    1000.0
    """
    if events_per_day <= 0 or bytes_per_event <= 0:
        raise ValueError("events a day and bytes an event must be above 0")
    return tbw * 1e12 / (events_per_day * bytes_per_event)


def syncs_between_marks(trace: str) -> int:
    """Calls of fsync and fdatasync between the two SIGURG of an strace log.

    A call that another thread's interrupts is logged twice, the second time as `resumed`.
    """
    parts = trace.split("--- SIGURG ")
    if len(parts) != 3:
        raise ValueError(f"{len(parts) - 1} marks in the trace, where two were to be")
    return parts[1].count("fsync(") + parts[1].count("fdatasync(")
