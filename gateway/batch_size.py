"""How many records one call to an upstream holds: so many that a change behind it need not wait.

A call that is refused as a whole or takes long, answered or not, is followed by a smaller one;
what goes through quickly, by a larger one. A failure that comes at once says nothing of the size.

Else a batch that a thin uplink cannot carry within the sink's time-out would be offered for ever,
and a state that changes would wait for the past to get through.
"""

CALL_S = 0.5
"""A call that takes longer is too large: a change waits for the one under way and for its own."""
FEW = 10
"""Fewer would not make a call shorter: what is left is the way there and back."""


class BatchSize:
    """Between one record and `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.records = most
        """What the next call may hold."""

    def went(self, size: int, took_s: float) -> None:
        """A call of `size` records was answered within `took_s` seconds."""
        if took_s > CALL_S:
            self.records = min(max(int(size * CALL_S / took_s), FEW), self._most)
        elif took_s <= CALL_S / 2:
            # Twice what went quickly: a single state that did says nothing of a large batch.
            self.records = max(self.records, min(size * 2, self._most))

    def failed(self, size: int, took_s: float, *, refused: bool) -> None:
        """A call of `size` records was refused for what is in it, or failed for the moment."""
        if refused or took_s > CALL_S:
            self.records = max(size // 2, 1)
