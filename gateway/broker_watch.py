"""Whether the broker hangs: it takes connections, and answers nobody.

A broker that ended is systemd's to start again. To systemd one that was stopped, or waits for ever,
runs on: mosquitto feeds no watchdog. So the gateway, who speaks to it all the time, tells:

    a message is not acknowledged, or there is no link, for OWED_S
    -> nor is a new connection answered, for ANSWER_S
    -> the file `broker-hangs` in the unit's RuntimeDirectory
    -> lotkeeper-broker-restart.path: SIGKILL for mosquitto, which systemd then starts

Two witnesses: the first alone may be a thread of ours, the second alone a slow moment. Another
machine's broker is not judged: what does not answer there may be the network.
"""

import logging
import socket

from runtime.config import is_loopback
from runtime.mqtt import Link, MqttSettings
from runtime.systemd import runtime_directory

log = logging.getLogger(__name__)

OWED_S = 10.0
"""Counted from a look before the next heartbeat (10 s): with ANSWER_S it is told within 25 s."""
ANSWER_S = 3.0
HANGS = "broker-hangs"
NONSENSE = bytes(16)
"""Neither MQTT nor TLS: who lives cuts it off, whoever may log in."""


class BrokerWatch:
    """To be asked every few seconds."""

    def __init__(self, settings: MqttSettings, link: Link) -> None:
        self._address = settings.host, settings.port
        self._link = link
        self._answers = -1
        self._since_s = 0.0

    def look(self, now_s: float) -> bool:
        """Whether it hangs; systemd is asked to end it then. Takes up to ANSWER_S."""
        owes = self._link.under_way > 0 or not self._link.connected
        if not owes or self._link.answers != self._answers:
            self._answers, self._since_s = self._link.answers, now_s
        if now_s - self._since_s < OWED_S or not is_loopback(self._address[0]):
            return False
        self._since_s = now_s
        if answers(*self._address):
            return False
        _tell()
        return True


def _tell() -> None:
    folder = runtime_directory()
    if folder is None:
        log.error("the broker hangs: systemctl kill --signal=KILL mosquitto")
        return
    log.error("the broker hangs: systemd is to end it")
    (folder / HANGS).touch()


def answers(host: str, port: int) -> bool:
    """Whether who takes connections there does anything with them; nobody is none who hangs."""
    try:
        with socket.create_connection((host, port), ANSWER_S) as connection:
            connection.sendall(NONSENSE)
            connection.recv(1)
    except TimeoutError:
        return False
    except OSError:
        return True
    return True
