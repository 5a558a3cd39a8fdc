"""What a consumer says of itself: to Prometheus, and to systemd's watchdog."""

from datetime import datetime
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from runtime.systemd import notify


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

    def __init__(self, part: str) -> None:
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
        """A turn of the loop is done: the process lives."""
        self._records.labels(self._part, "polled").inc(count)
        if lag.records is not None:
            self._lag.labels(self._part).set(lag.records)
        if lag.seconds is not None:
            self._lag_s.labels(self._part).set(lag.seconds)
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

    def serve(self, host: str, port: int) -> None:
        """Metrics under http://host:port/metrics. Raises OSError."""
        start_http_server(port, host, registry=self.registry)
