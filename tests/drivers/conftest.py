"""Serial lines for drivers' tests: the driver opens `port`, the test is the sensor."""

from collections.abc import Iterator

import pytest

from drivers.testing import AskedTerminal, ManualClock, PseudoTerminal


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def line() -> Iterator[PseudoTerminal]:
    """The line of a sensor that speaks of its own accord."""
    with PseudoTerminal() as line:
        yield line


@pytest.fixture
def asked(clock: ManualClock) -> Iterator[AskedTerminal]:
    """The line of a sensor that is asked."""
    with AskedTerminal(clock) as asked:
        yield asked
