"""What a running gateway says, asked over MQTT and kept for a moment.

Who is heard stands in the gateway's memory alone, so the present is asked of it and not read from
its file. A message that something changed drops what is kept.
"""

import threading
import time
import uuid
from typing import Any

from console.config import LiveSettings
from console.line import Line
from contract.requests import Response
from gateway.ask import NoAnswer


class Live:
    """Questions and orders to one lot's gateway. Used by any thread."""

    def __init__(self, line: Line, settings: LiveSettings) -> None:
        self.line = line
        self._settings = settings
        self._changes = 0
        self._silent, self._silent_until_s = -1, 0.0
        self._kept: dict[str, tuple[float, int, dict[str, Any] | None]] = {}
        self._asking = threading.Lock()

    def told(self, name: str) -> dict[str, Any] | None:
        """The gateway's answer to the question `name`; None where it is silent."""
        with self._asking:  # one asks, the others take its answer
            kept = self._kept.get(name)
            if kept and kept[1] == self._changes and time.monotonic() < kept[0]:
                return kept[2]
            changes = self._changes
            if self._silent == changes and time.monotonic() < self._silent_until_s:
                return None  # who was silent to one question is not asked another for a while
            answer = self._ask(name)
            until_s = time.monotonic() + self._settings.cache_s
            if answer is None:
                self._silent, self._silent_until_s = changes, until_s
            self._kept[name] = (until_s, changes, answer)
            return answer

    def order(
        self, name: str, data: dict[str, Any], transaction: str, takes_s: float = 0.0
    ) -> Response:
        """Have something changed; the same transaction is done once. Raises NoAnswer.

        It is waited for `takes_s` longer than for the answer to a question.
        """
        try:
            return self.line.ask(name, data, self._settings.timeout_s + takes_s, transaction)
        finally:
            self.drop()

    def drop(self) -> None:
        """Something changed: what is kept is not told any more."""
        self._changes += 1

    def _ask(self, name: str) -> dict[str, Any] | None:
        try:
            answer = self.line.ask(name, {}, self._settings.timeout_s, uuid.uuid4().hex)
        except NoAnswer:
            return None
        return answer.data if answer.status == "ok" else None
