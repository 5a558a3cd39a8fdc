"""What a consumer says of itself: to Prometheus, to who asks whether it goes on, to systemd."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple
from wsgiref.simple_server import WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from runtime.systemd import notify

STUCK_S = 120.0
"""A turn of the loop takes seconds; an object that a slow bucket takes is one turn too."""


class Lag(NamedTuple):
    """What waits in a stream: how many records (Kafka tells), how old the oldest is at most, in
    seconds (Kinesis tells). None where it is not known.
    """

    records: int | None = None
    seconds: float | None = None


class Watch:
    """Metrics of one consumer, by its part (`present`, `lake`). Never by lot or bay: a deployment
    has too many.
    """

    def __init__(self, part: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._alive_s = monotonic()
        self.registry = CollectorRegistry()
        self._records = Counter(
            "lotkeeper_cloud_records",
            "Records polled, by what became of them.",
            ["part", "outcome"],
            registry=self.registry,
        )
        self._lag = Gauge(
            "lotkeeper_cloud_lag_records",
            "Records that wait in the stream.",
            ["part"],
            registry=self.registry,
        )
        self._lag_s = Gauge(
            "lotkeeper_cloud_lag_seconds",
            "How old the oldest record that waits in the stream is at most.",
            ["part"],
            registry=self.registry,
        )
        self._age = Gauge(
            "lotkeeper_cloud_age_seconds",
            "How old the newest live record of the last batch was when it was written.",
            ["part"],
            registry=self.registry,
        )
        self._part = part

    def polled(self, count: int, lag: Lag) -> None:
        """A turn of the loop is done."""
        self._records.labels(self._part, "polled").inc(count)
        if lag.records is not None:
            self._lag.labels(self._part).set(lag.records)
        if lag.seconds is not None:
            self._lag_s.labels(self._part).set(lag.seconds)
        self.alive()

    def alive(self) -> None:
        """The process goes on: a turn is done, or it waits for the database."""
        self._alive_s = self._monotonic()
        notify("WATCHDOG=1")

    def written(self, taken: int, fresh: int, letters: int) -> None:
        """What became of a batch."""
        self._records.labels(self._part, "taken").inc(taken)
        self._records.labels(self._part, "fresh").inc(fresh)
        self._records.labels(self._part, "dead_letter").inc(letters)

    def aged(self, newest: datetime | None, now: datetime) -> None:
        """The newest live record of a batch is of `newest`."""
        if newest is not None:
            self._age.labels(self._part).set((now - newest).total_seconds())

    def serve(self, host: str, port: int) -> WSGIServer:
        """Metrics under http://host:port/metrics; /health, 503 once nothing went on for STUCK_S,
        which asks no database. Raises OSError.
        """
        server, _ = start_http_server(port, host, registry=self.registry)
        metrics = server.get_app()

        def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            if environ["PATH_INFO"] == "/health":
                return self._health(start)
            assert metrics is not None
            return metrics(environ, start)

        server.set_app(answer)
        return server

    def _health(self, start: StartResponse) -> Iterable[bytes]:
        still_s = self._monotonic() - self._alive_s
        start("200 OK" if still_s < STUCK_S else "503 Service Unavailable", [])
        return [f"a turn of the loop was done {still_s:.0f} s ago\n".encode()]
