"""Single keys of a terminal."""

import io
import os
import pty
import queue
import sys
import termios
from collections.abc import Iterator

import pytest

from simulator.keys import keys


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of a terminal that is standard input."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as stdin, os.fdopen(ours, "wb", buffering=0) as other_end:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield other_end.fileno()


def taken(pressed: "queue.SimpleQueue[str]", count: int) -> list[str]:
    return [pressed.get(timeout=5) for _ in range(count)]


def test_keys_come_without_enter(terminal: int) -> None:
    with keys() as pressed:
        os.write(terminal, b"c")
        assert taken(pressed, 1) == ["c"]


def test_keys_pressed_together_all_come_at_once(terminal: int) -> None:
    with keys() as pressed:
        os.write(terminal, b"cgq")
        assert taken(pressed, 3) == ["c", "g", "q"]


def test_the_terminal_is_as_it_was(terminal: int) -> None:
    before = termios.tcgetattr(sys.stdin)
    with keys():
        assert termios.tcgetattr(sys.stdin) != before
    assert termios.tcgetattr(sys.stdin) == before


def test_and_after_an_error_too(terminal: int) -> None:
    before = termios.tcgetattr(sys.stdin)
    with pytest.raises(KeyboardInterrupt), keys():
        raise KeyboardInterrupt
    assert termios.tcgetattr(sys.stdin) == before


def test_an_ended_input_presses_nothing(terminal: int) -> None:
    """Control-D where a line begins reads as nothing at all; no key is made of it for ever."""
    with keys() as pressed:
        settings = termios.tcgetattr(sys.stdin)
        settings[3] |= termios.ICANON
        termios.tcsetattr(sys.stdin, termios.TCSANOW, settings)
        os.write(terminal, b"\x04")
        with pytest.raises(queue.Empty):
            pressed.get(timeout=0.5)


def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("q"))
    with keys() as pressed:
        assert pressed.empty()
