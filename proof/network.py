"""Connections between clients and the broker, as TCP gives them.

What is sent on a connection arrives in order, late, or never: bytes are lost only with their
connection. A cut is heard at once (`reset`) or not at all (`silent`): then what was sent is held,
arrives when the network is back, and is lost if either end has given the connection up by then,
as both do after their keepalive (MQTT 3.1.1 section 3.1.2.10: the server after one and a half).
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Literal

from proof.schedule import Do, Schedule

Cut = Literal["reset", "silent"]
SERVER_GIVES_UP = 1.5
CLIENT_GIVES_UP = 1.8
"""In keepalives: paho pings after one and waits another for the answer, from its last traffic."""


class Way:
    """One direction of a connection."""

    def __init__(self) -> None:
        self.queue: deque[Do] = deque()
        self.stalled = 0
        self.last_s = 0.0


class Connection:
    """One TCP connection; each end is told once that it is gone."""

    def __init__(self, network: "Network", client: str, lost: Do) -> None:
        self.network = network
        self.client = client
        self.up, self.down = Way(), Way()
        self.client_open = self.server_open = True
        self.client_lost: Do = lost
        self.server_lost: Do = lambda: None

    def send_up(self, do: Do) -> None:
        """`do` at the broker's end."""
        self._send(self.up, do)

    def send_down(self, do: Do) -> None:
        """`do` at the client's end."""
        self._send(self.down, do)

    def _send(self, way: Way, do: Do) -> None:
        schedule = self.network.schedule
        at_s = max(schedule.now_s + self.network.latency_s(), way.last_s)
        way.last_s = at_s
        way.queue.append(do)
        schedule.after(at_s - schedule.now_s, partial(self.arrive, way))

    def arrive(self, way: Way) -> None:
        """The oldest of what was sent, if the network lets it through."""
        if self.client in self.network.cuts:
            way.stalled += 1
        elif way.queue:
            do = way.queue.popleft()
            if self.server_open if way is self.up else self.client_open:
                do()

    def heal(self) -> None:
        """The network is back: what was held goes on; an end that was given up is told."""
        if not (self.client_open and self.server_open):
            self.reset()
            return
        for way in (self.up, self.down):
            for _ in range(way.stalled):
                self.network.schedule.after(self.network.latency_s(), partial(self.arrive, way))
            way.stalled = 0

    def close_client(self) -> None:
        """The client gives it up, or hears of its end."""
        if self.client_open:
            self.client_open = False
            self.client_lost()

    def close_server(self) -> None:
        """The broker gives it up, or hears of its end."""
        if self.server_open:
            self.server_open = False
            self.server_lost()

    def reset(self) -> None:
        """Both ends hear of its end."""
        self.close_server()
        self.close_client()


class Network:
    """Who reaches the broker now, and how late."""

    def __init__(self, schedule: Schedule, rng: Random) -> None:
        self.schedule = schedule
        self.rng = rng
        self.cuts: dict[str, Cut] = {}
        self.keepalives_s: dict[str, float] = {}
        self.connections: dict[str, list[Connection]] = {}
        self.slowness_s = 0.02
        """The longest that anything takes which is not held."""

    def latency_s(self) -> float:
        """Of one packet."""
        return self.rng.uniform(0.001, self.slowness_s)

    def connect(self, client: str, keepalive_s: float, lost: Do) -> Connection:
        """A connection of `client`."""
        connection = Connection(self, client, lost)
        self.keepalives_s[client] = keepalive_s
        known = [each for each in self._of(client) if each.client_open or each.server_open]
        self.connections[client] = [*known, connection]
        return connection

    def cut(self, client: str, how: Cut) -> None:
        """From now on nothing passes."""
        self.cuts[client] = how
        if how == "reset":
            self._each(client, Connection.reset)
            return
        keepalive_s = self.keepalives_s.get(client, 0.0)
        for share, give_up in (
            (SERVER_GIVES_UP, Connection.close_server),
            (CLIENT_GIVES_UP, Connection.close_client),
        ):
            for connection in self._of(client):
                self.schedule.after(share * keepalive_s, partial(self._expire, connection, give_up))

    def heal(self, client: str) -> None:
        """The network of `client` is back."""
        if self.cuts.pop(client, None):
            self._each(client, Connection.heal)

    def vanish(self, client: str) -> None:
        """The client's machine is gone without a word: the broker learns it by its keepalive."""
        for connection in self._of(client):
            connection.client_open = False
            self.schedule.after(
                SERVER_GIVES_UP * self.keepalives_s[client], connection.close_server
            )

    def end(self, client: str) -> None:
        """The client's process is gone; its kernel sends what was written, and then the end."""
        for connection in self._of(client):
            connection.client_open = False
            connection.send_up(connection.close_server)

    def _expire(self, connection: Connection, give_up: Callable[[Connection], None]) -> None:
        if connection.client in self.cuts:
            give_up(connection)

    def _each(self, client: str, do: Callable[[Connection], None]) -> None:
        for connection in self._of(client):
            do(connection)

    def _of(self, client: str) -> list[Connection]:
        return list(self.connections.get(client, ()))
