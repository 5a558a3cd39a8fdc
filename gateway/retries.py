"""When to call a failing sink again: a back-off that is drawn, behind what the upstream asked for.

Drawn from the whole of a growing span: gateways that lost one cloud together, and wait their
longest, would else all come back in the same second, again and again.
"""

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_random_exponential

from gateway.config import ForwardSettings


class BackOff:
    """The pause behind each of a row of failures, out of a span twice as long as the one before."""

    def __init__(self, settings: ForwardSettings) -> None:
        self._wait = wait_random_exponential(
            multiplier=settings.retry_first_s,
            max=settings.retry_max_s,
            min=settings.retry_first_s / 2,
        )
        self.reset()

    def reset(self) -> None:
        """A call has succeeded."""
        self._state = RetryCallState(Retrying(), None, (), {})

    def next_s(self, asked_s: float | None) -> float:
        """A call has failed: the seconds until the next, later than what the upstream asked for."""
        pause_s: float = self._wait(self._state)
        self._state.attempt_number += 1
        return pause_s + (asked_s or 0.0)
