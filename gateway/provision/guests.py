"""Who is connected to the enrolment server, so that none of them holds up another.

    come --(its request is read)--> served --> gone
      |                                          ^
      +--(too slow, or others need the room)-----+

A connection costs its client nothing, so there is no waiting for room: who says nothing goes first,
the oldest of the address that has the most.
"""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

DEADLINE_S = 10.0
"""In which a handshake and a request must be here, whatever trickles in meanwhile."""
STUCK_S = 60.0
"""No answer takes as long: the register's lock, or its disk, hangs."""
ROOM = 32


@dataclass(slots=True)
class Guest:
    """A connection. `served`: its request is here, and what follows is ours."""

    request: socket.socket
    address: str
    since_s: float
    served: bool = False

    def cut(self) -> None:
        """End what its thread waits for. An answer that is lost may be asked for again."""
        with contextlib.suppress(OSError):  # it is gone already
            socket.socket.shutdown(self.request, socket.SHUT_RDWR)


class Guests:
    """Those who are here. Used by the listener's thread and each connection's own."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._here: dict[int, Guest] = {}
        self._lock = threading.Lock()

    def come(self, request: socket.socket, address: str) -> bool:
        """Let one in, and another one out where the room is full; False where all are served."""
        with self._lock:
            while len(self._here) >= ROOM:
                if (silent := self._to_go()) is None:
                    return False
                self._cut(silent)
            self._here[id(request)] = Guest(request, address, self._now_s())
            return True

    def serve(self, request: socket.socket) -> None:
        """Its request is here: it is not cut any more."""
        with self._lock:
            if guest := self._here.get(id(request)):
                guest.served = True

    def leave(self, request: socket.socket) -> None:
        """It is gone."""
        with self._lock:
            self._here.pop(id(request), None)

    def tidy(self) -> bool:
        """Cut who is too slow; answers whether those that are served come on."""
        with self._lock:
            now_s = self._now_s()
            for guest in [each for each in self._here.values() if not each.served]:
                if now_s - guest.since_s > DEADLINE_S:
                    self._cut(guest)
            return all(now_s - each.since_s < STUCK_S for each in self._here.values())

    def _to_go(self) -> Guest | None:
        silent = [each for each in self._here.values() if not each.served]
        if not silent:
            return None
        counts = Counter(each.address for each in silent)
        return max(silent, key=lambda each: (counts[each.address], -each.since_s))

    def _cut(self, guest: Guest) -> None:
        guest.cut()
        del self._here[id(guest.request)]
