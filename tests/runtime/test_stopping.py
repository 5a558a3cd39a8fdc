"""A signal that comes at any moment ends a process in order."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from runtime.stopping import SIGNALS, at_stop


@pytest.fixture
def event() -> Iterator[threading.Event]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    made = threading.Event()
    at_stop(made.set)
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.timeout(10)
def test_a_signal_in_the_midst_of_waiting_is_heard(event: threading.Event, number: int) -> None:
    """Red, by the time limit, where the handler itself sets the event."""
    with event._cond:  # as `wait` does before it sleeps
        os.kill(os.getpid(), number)
    assert event.wait(5)
