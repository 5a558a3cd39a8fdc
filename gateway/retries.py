"""When to call a failing sink again: jittered back-off, or what the upstream asked for."""

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_exponential_jitter

from gateway.config import ForwardSettings


class BackOff:
    """The pause behind each of a row of failures, about twice the one before it."""

    def __init__(self, settings: ForwardSettings) -> None:
        self._wait = wait_exponential_jitter(
            multiplier=settings.retry_first_s,
            max=settings.retry_max_s,
            jitter=settings.retry_first_s,
        )
        self.reset()

    def reset(self) -> None:
        """A call has succeeded."""
        self._state = RetryCallState(Retrying(), None, (), {})

    def next_s(self, asked_s: float | None) -> float:
        """A call has failed: the seconds until the next, at least what the upstream asked for."""
        pause_s: float = self._wait(self._state)
        self._state.attempt_number += 1
        return max(pause_s, asked_s or 0.0)
