"""Who is let in, and who makes room: on real sockets, by a clock of the test's."""

import socket
from collections.abc import Iterator

import pytest

from gateway.provision import guests
from gateway.provision.guests import Guests


class Hall:
    """A room with a clock; each guest is a pair of sockets."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.guests = Guests(lambda: self.now_s)
        self.pairs: dict[str, tuple[socket.socket, socket.socket]] = {}

    def come(self, name: str, address: str) -> bool:
        self.now_s += 0.001
        self.pairs[name] = socket.socketpair()
        return self.guests.come(self.pairs[name][0], address)

    def serve(self, name: str) -> None:
        self.guests.serve(self.pairs[name][0])

    def cut(self) -> set[str]:
        """Whose other end has heard the end."""
        found = set()
        for name, (_, far) in self.pairs.items():
            far.setblocking(False)
            try:
                if far.recv(1) == b"":
                    found.add(name)
            except BlockingIOError:
                pass
        return found


@pytest.fixture
def hall(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    monkeypatch.setattr(guests, "ROOM", 4)
    made = Hall()
    yield made
    for pair in made.pairs.values():
        for each in pair:
            each.close()


def test_the_oldest_of_the_address_that_has_the_most_goes_first(hall: Hall) -> None:
    for name, address in (("good", "a"), ("evil1", "b"), ("evil2", "b"), ("evil3", "b")):
        assert hall.come(name, address)
    assert hall.come("evil4", "b")
    assert hall.cut() == {"evil1"}
    assert hall.come("other", "c")
    assert hall.cut() == {"evil1", "evil2"}


def test_who_is_served_stays_and_a_full_house_takes_nobody(hall: Hall) -> None:
    for name in "abcd":
        assert hall.come(name, "a")
        hall.serve(name)
    assert not hall.come("e", "b")
    assert hall.cut() == set()
    hall.guests.leave(hall.pairs["a"][0])
    assert hall.come("f", "b")


def test_who_is_slow_is_cut_and_who_is_served_is_not(hall: Hall) -> None:
    hall.come("slow", "a")
    hall.come("served", "a")
    hall.serve("served")
    hall.now_s = guests.DEADLINE_S + 1
    assert hall.guests.tidy()
    assert hall.cut() == {"slow"}


def test_what_hangs_while_it_is_served_is_told(hall: Hall) -> None:
    """The watchdog is not fed then."""
    hall.come("served", "a")
    hall.serve("served")
    hall.now_s = guests.STUCK_S + 1
    assert not hall.guests.tidy()
