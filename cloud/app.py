"""A consumer's process. The only module of the cloud that joins streams with what takes them."""

import logging
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import psycopg
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_when_event_set,
    wait_random_exponential,
)

from cloud.config import CloudSettings, PostgresSettings, StreamSettings
from cloud.gateways import GatewayAges
from cloud.kafka import KafkaStream
from cloud.kinesis import KinesisStream
from cloud.lake.store import Store
from cloud.lake.taker import LakeTaker
from cloud.leases import Leases
from cloud.postgres import connect
from cloud.present import Delivered, Present
from cloud.stream import Stream, Taker, consume
from cloud.watching import Watch
from runtime.config import ConfigError
from runtime.stopping import at_stop
from runtime.systemd import notify

log = logging.getLogger(__name__)

PARTS = ("present", "lake")


class PresentTaker:
    """A `Taker` into Postgres. While the database is away it waits; the stream keeps what comes."""

    def __init__(
        self,
        settings: PostgresSettings,
        watch: Watch,
        stop: threading.Event,
        default_lot: str | None,
    ) -> None:
        self._settings = settings
        self._watch = watch
        self._default_lot = default_lot
        self._present: Present | None = None
        self._retrying = Retrying(
            retry=retry_if_exception_type(psycopg.OperationalError),
            wait=wait_random_exponential(multiplier=0.2, max=10),
            stop=stop_when_event_set(stop),
            before_sleep=self._let_go,
            reraise=True,
        )

    def take(self, batch: Sequence[Delivered], now: datetime) -> bool:
        """See `Taker`. Raises psycopg.OperationalError once it is to stop."""
        if batch:
            self._retrying(self._write, batch, now)
        return True

    def flush(self, now: datetime) -> None:
        """See `Taker`: all that was taken is durable."""

    def forget(self) -> None:
        """See `Taker`."""

    def _write(self, batch: Sequence[Delivered], now: datetime) -> None:
        if self._present is None:
            conn = connect(self._settings.dsn, self._settings.iam_region)
            self._present = Present(conn, self._settings.keep, self._default_lot)
        written = self._present.write(batch, now)
        self._watch.written(written.taken, written.fresh, written.letters)
        self._watch.aged(written.newest, now)

    def _let_go(self, state: RetryCallState) -> None:
        """A connection that failed is not used again."""
        error = state.outcome.exception() if state.outcome else None
        log.warning("the database is away, %d records wait: %s", len(state.args[0]), error)
        if self._present is not None:
            self._present.close()
            self._present = None
        self._watch.alive()


def make_taker(settings: CloudSettings, part: str, watch: Watch, stop: threading.Event) -> Taker:
    """What `part` puts records into. Raises ConfigError, OSError."""
    if part == "present":
        if settings.postgres is None:
            raise ConfigError("[postgres] is missing: say where the present is kept")
        watch.registry.register(GatewayAges(settings.postgres.reading))
        return PresentTaker(settings.postgres, watch, stop, settings.default_lot)
    if settings.lake is None:
        raise ConfigError("[lake] is missing: say where the past is kept")
    lake = settings.lake
    store = Store(lake.url)
    return LakeTaker(store, lake.limits, lines=lake.lines, default_lot=settings.default_lot)


def open_stream(settings: StreamSettings, postgres: PostgresSettings | None, part: str) -> Stream:
    """What `part` consumes, as one of the group that shares it. Raises ConfigError."""
    group = f"{settings.group}-{part}"
    if settings.kafka is not None:
        return KafkaStream(settings.kafka, group)
    access = settings.kinesis
    assert access is not None
    if postgres is None:
        raise ConfigError("[postgres] is missing: it keeps who reads which shard of the stream")
    reader = f"{group}/{access.region}/{access.stream_name}"
    leases = Leases(partial(connect, postgres.dsn, postgres.iam_region), reader, access.lease_s)
    return KinesisStream(access, leases)


def run(settings: CloudSettings, part: str) -> None:
    """Consume until SIGTERM or SIGINT. Raises ConfigError, StreamError, OSError."""
    if settings.stream is None:
        raise ConfigError("[stream.kafka] is missing, or [stream.kinesis]: say what is consumed")
    stop = threading.Event()
    at_stop(stop.set)
    watch = Watch(part)
    taker = make_taker(settings, part, watch, stop)
    if settings.metrics.port:
        watch.serve(settings.metrics.host, settings.metrics.port)
    stream = open_stream(settings.stream, settings.postgres, part)
    notify("READY=1")
    try:
        consume(stream, taker, watch, stop)
    except psycopg.OperationalError as error:
        if not stop.is_set():
            raise
        log.warning("stopped while the database was away; nothing is lost: %s", error)
    finally:
        stream.close()
