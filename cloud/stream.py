"""A stream of records, and the loop that takes from it: read, make durable, then move the place.

What was read and not yet durable is read again by whoever goes on, so a consumer may be killed at
any moment. Takers stand what comes twice.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from cloud.present import Delivered
from cloud.watching import Lag, Watch

log = logging.getLogger(__name__)


class Stream(Protocol):
    """Records in the order of their partitions; `Delivered.source` is the same at each reading."""

    def poll(self, limit: int, wait_s: float) -> Sequence[Delivered]:
        """Up to `limit` records, fewer behind `wait_s`. Raises `StreamError`."""
        ...

    def commit(self) -> None:
        """All that was polled is durable. Raises `StreamError`."""
        ...

    def on_revoked(self, give_away: Callable[[], bool], forget: Callable[[], None]) -> None:
        """Partitions go to another consumer: `give_away` makes durable what was polled, and says
        whether it could. Where they are another's already, `forget` lets it go.
        """
        ...

    def lag(self) -> Lag:
        """What waits behind what was polled, as far as the stream tells."""
        ...

    def close(self) -> None: ...


class Taker(Protocol):
    """What records go into."""

    def take(self, batch: Sequence[Delivered], now: datetime) -> bool:
        """Take `batch`, which may be empty; True where all that was ever taken is durable."""
        ...

    def flush(self, now: datetime) -> None:
        """Make durable all that was taken."""
        ...

    def forget(self) -> None:
        """Let go what is not durable: another consumer reads it."""
        ...


class StreamError(Exception):
    """The stream cannot be read now; it may go on by itself."""


def consume(
    stream: Stream,
    taker: Taker,
    watch: Watch,
    stop: threading.Event,
    limit: int = 500,
    wait_s: float = 0.5,
) -> None:
    """Until `stop`. Raises what `taker` raises, and `StreamError`; nothing is lost by it."""

    def give_away() -> bool:
        try:
            taker.flush(datetime.now(UTC))
        except Exception:
            log.exception("not durable at a rebalance: the next consumer reads it again")
            taker.forget()
            return False
        return True

    stream.on_revoked(give_away, taker.forget)
    while not stop.is_set():
        batch = stream.poll(limit, wait_s)
        now = datetime.now(UTC)
        if taker.take(batch, now):
            stream.commit()
        watch.polled(len(batch), stream.lag())
    taker.flush(datetime.now(UTC))
    stream.commit()
