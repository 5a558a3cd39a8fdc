"""What a demo does when it does not come up; the rest stands in tests/e2e."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.demo import Demo, Options
from simulator.processes import NotReady


def test_a_broker_that_does_not_come_up_is_told_and_all_is_stopped(tmp_path: Path) -> None:
    demo = short_demo(tmp_path)
    demo.site.broker.command = ["false"]
    with pytest.raises(NotReady, match=r"broker ended at once: .*broker\.log"):
        demo.run()
    assert not demo.site.door.open


@pytest.fixture
def default_signals() -> Iterator[None]:
    """Pytest's own handlers again, whatever a demo made of them."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_the_second_ends_at_once(
    number: signal.Signals, tmp_path: Path
) -> None:
    """The first one interrupts nothing, so that an agent in the middle of a commit ends it."""
    demo = short_demo(tmp_path)
    signal.signal(number, demo.quit)
    signal.raise_signal(number)
    assert demo.run()["settled"] is True
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def short_demo(folder: Path) -> Demo:
    options = Options(
        folder=folder,
        duration_s=30,
        speed=60,
        broker="iotcore",
        seed=1,
        faults=[],
        headless=True,
        console=False,
        picture=None,
        say=print,
    )
    return Demo(options)
