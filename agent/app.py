"""The agent's process: threads for its buses, one for the broker, and the watchdog.

A new configuration is taken up by beginning anew in the same process (execv): what it is tried on
is a whole start, systemd sees no end, and a thread that hangs in the old one is gone.

The only module of the agent that knows concrete classes.
"""

import logging
import os
import sqlite3
import sys
import threading
from pathlib import Path

from agent import acknowledged
from agent.commands import Commands
from agent.config import AgentSettings
from agent.core import Agent, BusThread, buses
from agent.ending import ANEW, Ending
from agent.publisher import Publisher
from agent.remote import Remote
from agent.store import AgentStore
from agent.trying import TrialThread
from lotkeeper import __version__
from runtime.clock import SystemClock
from runtime.config import ConfigError
from runtime.stopping import at_stop
from runtime.systemd import notify

log = logging.getLogger(__name__)

WATCHDOG_S = 5.0
SILENT_S = 20.0
"""A heartbeat's PUBACK that is later than this says that the link only seems to stand."""


class StoreUnavailable(Exception):
    """The agent's database can be neither opened nor made."""


def run(remote: Remote) -> int:
    """Run until SIGTERM or SIGINT. Exit status 0, 1 after a failure that a restart may mend, or
    ANEW where the process is to begin anew with another configuration.

    Raises ConfigError for secrets and certificates that cannot be used, StoreUnavailable.
    """
    settings = remote.settings
    clock = SystemClock(settings.clock)
    store = _opened(settings)
    agent = Agent(settings, clock, store, __version__)
    agent.config = remote.report
    publisher = Publisher(agent, clock.monotonic)
    threads = buses(agent)
    ending = Ending()
    at_stop(ending.stop)
    publisher.commands = Commands(agent, remote, publisher.answer, ending.begin_anew)
    for thread in threads:
        thread.start()
    publisher.start()
    notify("READY=1")
    log.info("watching %d sensors on %d buses", len(agent.watches), len(threads))
    if remote.kept.trial:
        TrialThread(agent, publisher, remote, ending).start()
    failure = _supervise(ending.event, threads, publisher, clock)
    if failure:
        _blame_trial(remote, failure, ending)
    notify("RELOADING=1\nWATCHDOG=1" if ending.anew else "STOPPING=1")
    for thread in threads:
        thread.stopping.set()
    publisher.stop()
    for thread in threads:
        thread.join(5)
    if failure is None:
        agent.close()
    if ending.anew:
        return ANEW
    return 1 if failure else 0


def _blame_trial(remote: Remote, failure: BaseException, ending: Ending) -> None:
    """What fails during a trial is its fault."""
    if (tried := remote.kept.trial) and remote.roll_back(tried.revision, f"it failed: {failure!r}"):
        ending.begin_anew()


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
        acknowledged.tell(publisher.store.epoch, publisher.store.acked_seq)
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
        status = run(Remote(Path(arguments[0])))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, StoreUnavailable) as error:
        print(error, file=sys.stderr)
        return 1
    if status == ANEW:
        # -P: the working directory is no place to import from
        os.execv(sys.executable, [sys.executable, "-P", "-m", "agent.app", *arguments])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
