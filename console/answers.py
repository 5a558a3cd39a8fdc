"""Answers of what lies elsewhere, kept for a moment: fifty who look ask once.

Where it is away, that is kept too, and one tries again while the others are told at once: they
would hold every thread of the process for as long as it takes to find out.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Said = TypeVar("Said")


class Away(Exception):
    """What was asked does not answer; the text says since when. Why stands in the log alone."""

    def __init__(self, whom: str, since: datetime) -> None:
        super().__init__(f"{whom} has given no answer since {since:%Y-%m-%d %H:%M:%S} UTC")
        self.whom = whom
        self.since = since


class Answer(Generic[Said]):
    """What `ask` answers, kept for `keep_s`. `away`: its errors that say so. For any thread."""

    def __init__(
        self,
        whom: str,
        ask: Callable[[], Said],
        keep_s: float,
        away: tuple[type[Exception], ...],
    ) -> None:
        self._whom = whom
        self._ask = ask
        self._keep_s = keep_s
        self._away = away
        self._said: Said | None = None
        self._until_s = 0.0
        self._since: datetime | None = None
        self._asking = threading.Lock()

    def told(self) -> Said:
        """The answer. Raises Away."""
        since = self._since
        if not self._asking.acquire(blocking=since is None):
            assert since is not None
            raise Away(self._whom, since)
        try:
            if time.monotonic() >= self._until_s:
                self._renew()
            if self._since is not None:
                raise Away(self._whom, self._since)
            assert self._said is not None
            return self._said
        finally:
            self._asking.release()

    def _renew(self) -> None:
        try:
            self._said = self._ask()
        except self._away as error:
            if self._since is None:
                log.error("%s: %s", self._whom, error)
            self._said, self._since = None, self._since or datetime.now(UTC)
        else:
            self._since = None
        self._until_s = time.monotonic() + self._keep_s
