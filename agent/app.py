"""The agent's process: threads for its buses, one for the broker, and the watchdog.

The only module of the agent that knows concrete classes.
"""

import logging
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from agent.config import AgentSettings
from agent.core import Agent, BusThread, buses
from agent.publisher import Publisher
from agent.store import AgentStore
from lotkeeper import __version__
from runtime.clock import SystemClock
from runtime.config import ConfigError, load
from runtime.systemd import notify

log = logging.getLogger(__name__)

WATCHDOG_S = 5.0
SILENT_S = 20.0
"""A heartbeat's PUBACK that is later than this says that the link only seems to stand."""


class StoreUnavailable(Exception):
    """The agent's database can be neither opened nor made."""


def run(settings: AgentSettings) -> int:
    """Run until SIGTERM or SIGINT. Exit status 0, or 1 after a failure that a restart may mend.

    Raises ConfigError for secrets and certificates that cannot be used, StoreUnavailable.
    """
    clock = SystemClock(settings.clock)
    store = _opened(settings)
    agent = Agent(settings, clock, store, __version__)
    publisher = Publisher(agent, clock.monotonic)
    threads = buses(agent)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    for thread in threads:
        thread.start()
    publisher.start()
    notify("READY=1")
    log.info("watching %d sensors on %d buses", len(agent.watches), len(threads))
    failure = _supervise(stopping, threads, publisher, clock)
    notify("STOPPING=1")
    for thread in threads:
        thread.stopping.set()
    publisher.stop()
    for thread in threads:
        thread.join(5)
    if failure is None:
        agent.close()
    return 1 if failure else 0


def _opened(settings: AgentSettings) -> AgentStore:
    path = settings.spool.path
    try:
        return AgentStore(path, settings.spool.limit_bytes)
    except (OSError, sqlite3.Error, RuntimeError) as error:
        raise StoreUnavailable(f"{path}: {error}; check spool.path and its owner") from error


def _supervise(
    stopping: threading.Event,
    threads: list[BusThread],
    publisher: Publisher,
    clock: SystemClock,
) -> BaseException | None:
    """Feed the watchdog from real progress until told to stop or until a thread has failed."""
    watched: list[BusThread | Publisher] = [*threads, publisher]
    while not stopping.wait(WATCHDOG_S):
        for thread in watched:
            if thread.failure:
                return thread.failure
        if not publisher.link.alive:
            return RuntimeError("the MQTT thread died")
        hung = [thread for thread in threads if thread.hung()]
        for thread in hung:
            log.error("bus %s hangs", thread.bus)
            thread.miss_all()
        if len(hung) < len(threads) and _answered(publisher, clock.monotonic()):
            notify("WATCHDOG=1")
    return None


def _answered(publisher: Publisher, now_s: float) -> bool:
    """Whether the broker, where there is one, has answered lately; its absence is no failure."""
    limit_s = SILENT_S + publisher.settings.publish.heartbeat_s
    return not publisher.link.connected or now_s - publisher.round_trip_s < limit_s


def main(arguments: list[str]) -> int:
    """`python -m agent.app CONFIG [--verbose]`: what `lotkeeper agent run` becomes."""
    logging.basicConfig(
        level=logging.DEBUG if "--verbose" in arguments else logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
    )
    try:
        return run(load(Path(arguments[0]), AgentSettings))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except StoreUnavailable as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
