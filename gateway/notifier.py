"""Tells one target of alerts: a thread that sends what is due, and tries again with a back-off.

A notice leaves the queue when it was sent. One that was sent by a gateway that then died is sent
again: at least once.
"""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC
from subprocess import PIPE
from zoneinfo import ZoneInfo

from gateway.config import ForwardSettings, NotifySettings
from gateway.message import message
from gateway.notices import Notice
from gateway.retries import BackOff
from gateway.store import GatewayStore
from runtime.clock import Clock
from runtime.config import ConfigError, read_secret

log = logging.getLogger(__name__)

SENDER = [sys.executable, "-m", "gateway.send_notice"]
SEND_S = 60.0
"""A server that takes longer does not answer."""
LOOK_S = 300.0
"""A wall clock may be set while the thread waits for a time of it."""
RETRY_FIRST_S, RETRY_MAX_S = 5.0, 900.0


class Notifier:
    """One target's thread."""

    def __init__(
        self,
        settings: NotifySettings,
        lot_id: str,
        zone: ZoneInfo,
        store: GatewayStore,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.sent = 0
        self.error = ""
        """Why the last sending failed, "" if it did not."""
        self.failure: BaseException | None = None
        self._lot_id = lot_id
        self._zone = zone
        self._store = store
        self._clock = clock
        self._back_off = BackOff(
            ForwardSettings(retry_first_s=RETRY_FIRST_S, retry_max_s=RETRY_MAX_S)
        )
        self._child: subprocess.Popen[str] | None = None
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tell-{settings.name}", daemon=True)

    def start(self) -> None:
        """Send in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more; what is being sent is let go."""
        self._stopping.set()
        self._news.set()
        child = self._child
        if child is not None and child.poll() is None:
            child.kill()

    def join(self, seconds: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(seconds)

    def notice(self) -> None:
        """There may be something to tell."""
        self._news.set()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._clock.wait(self._news, self.step())
                self._news.clear()
        except BaseException as error:
            log.exception("telling %s failed", self.settings.name)
            self.failure = error

    def step(self) -> float:
        """Tell what is due; answers how long (s) there is nothing to do if nothing changes."""
        while not self._stopping.is_set():
            with self._store.lock:
                due = self._store.outbox.due(self.settings.name, self._clock.wall())
            if not due:
                return self._idle_s()
            self.error = self._send(due)
            if self.error:
                name = self.settings.name
                log.warning("%s is not told of %d alerts: %s", name, len(due), self.error)
                self._clock.wait(self._stopping, self._back_off.next_s(None))
                continue
            self._back_off.reset()
            self.sent += len(due)
            with self._store.transaction():
                self._store.outbox.told(due)
        return 0.0

    def _idle_s(self) -> float:
        with self._store.lock:
            next_due = self._store.outbox.next_due(self.settings.name)
        if next_due is None:
            return LOOK_S
        left_s = (next_due - self._clock.wall().astimezone(UTC)).total_seconds()
        return min(max(left_s, 0.0), LOOK_S)

    def _send(self, due: list[Notice]) -> str:
        """Why it could not be sent, "" if it was."""
        told = message(self._lot_id, due, self._zone)
        return send(self.settings, told, self._remember)

    def _remember(self, child: "subprocess.Popen[str]") -> None:
        self._child = child


def send(
    settings: NotifySettings,
    told: Mapping[str, str],
    begun: Callable[["subprocess.Popen[str]"], None] = lambda child: None,
) -> str:
    """Send one message to a target; answers why it could not be sent, "" if it was.

    `begun` is given the process that sends, for who may want to end it.
    """
    try:
        asked = json.dumps({"url": read_secret(settings.url_file), **told})
        with subprocess.Popen(SENDER, text=True, stdin=PIPE, stdout=PIPE, stderr=PIPE) as child:
            begun(child)
            return _outcome(child, asked)
    except (ConfigError, OSError) as error:
        return str(error)


def _outcome(child: "subprocess.Popen[str]", asked: str) -> str:
    try:
        _, told = child.communicate(asked, SEND_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return f"no answer within {SEND_S:.0f} s"
    if child.returncode == 0:
        return ""
    return told.strip()[-500:] or f"the sender ended with status {child.returncode}"
