"""When to call a failing sink again: jittered back-off, or what the upstream asked for."""

import threading

from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.stop import stop_when_event_set
from tenacity.wait import wait_exponential_jitter

from gateway.config import ForwardSettings


class Again(Exception):
    """A failure that another call may mend, and how long the upstream asked to wait."""

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


def retries(settings: ForwardSettings, stopping: threading.Event) -> Retrying:
    """Calls until it does not raise `Again`; answers None when `stopping` was set meanwhile."""
    back_off = wait_exponential_jitter(
        multiplier=settings.retry_first_s,
        max=settings.retry_max_s,
        jitter=settings.retry_first_s,
    )

    def _pause(seconds: float) -> None:
        stopping.wait(seconds)

    return Retrying(
        retry=retry_if_exception_type(Again),
        wait=lambda state: max(back_off(state), _asked_wait(state)),
        stop=stop_when_event_set(stopping),
        sleep=_pause,
        retry_error_callback=lambda state: None,
    )


def _asked_wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return (isinstance(error, Again) and error.retry_after_s) or 0.0
