"""The gateway's process. The only module of the gateway that knows concrete classes."""

import logging
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

from gateway import metrics
from gateway.broker_watch import BrokerWatch
from gateway.config import GatewaySettings
from gateway.forwarder import Forwarder
from gateway.ownership import Owned, own
from gateway.service import Service
from gateway.sinks import registry
from gateway.store import GatewayStore
from lotkeeper import __version__
from runtime.clock import SystemClock
from runtime.stopping import at_stop
from runtime.systemd import notify

if TYPE_CHECKING:
    from gateway.notifier import Notifier

log = logging.getLogger(__name__)

WATCHDOG_S = 5.0
LOOK_S = 2.0
"""A tool that looks whether the gateway runs holds its lock for a moment."""
THREAD_TURN_S = 0.0005
"""Python's own 5 ms would be waited for behind each call of SQLite while paho reads a flood."""


def run(settings: GatewaySettings) -> int:
    """Run until SIGTERM or SIGINT. Exit status 0, or 1 after a failure that a restart may mend."""
    try:
        with own(settings.store.path, LOOK_S):
            return _run(settings)
    except Owned as error:
        log.error("%s", error)
        return 1


def _run(settings: GatewaySettings) -> int:
    sys.setswitchinterval(THREAD_TURN_S)
    clock = SystemClock(settings.clock)
    store = GatewayStore(settings.store.path, settings.store.limit_bytes)
    store.register_sinks([sink.name for sink in settings.sinks])
    with store.transaction():
        store.outbox.forget_others([target.name for target in settings.alerts.notify])
    service = Service(settings, store, clock)
    service.forwarders += [
        Forwarder(
            sink.name,
            settings.lot_id,
            registry.build(sink.kind, sink.options),
            store,
            service.lot.snapshots,
            settings.forward,
            clock,
            partial(service.heartbeat_for, sink.name) if "heartbeats" in sink.words else None,
        )
        for sink in settings.sinks
    ]
    service.notifiers += _notifiers(settings, store, clock)
    stopping = threading.Event()
    at_stop(stopping.set)
    if settings.metrics.port:
        registry_ = metrics.registry_of(service.lot, service.forwarders)
        metrics.serve(registry_, settings.metrics.host, settings.metrics.port)
    service.start()
    notify("READY=1")
    log.info(
        "lotkeeper %s: lot %s, %d spots, %d sinks",
        __version__,
        settings.lot_id,
        len(settings.spots),
        len(settings.sinks),
    )
    failure = _supervise(stopping, service, clock)
    notify("STOPPING=1")
    service.stop()
    store.close()
    return 1 if failure else 0


def _notifiers(
    settings: GatewaySettings, store: GatewayStore, clock: SystemClock
) -> "list[Notifier]":
    if not settings.alerts.notify:
        return []
    from gateway.notifier import Notifier  # and what it takes to start processes

    return [
        Notifier(target, settings.lot_id, settings.zone, store, clock)
        for target in settings.alerts.notify
    ]


def _supervise(
    stopping: threading.Event, service: Service, clock: SystemClock
) -> BaseException | None:
    """Feed the watchdog while the service moves, until told to stop or until a thread fails."""
    threads: list[Service | Forwarder | Notifier] = [
        service,
        *service.forwarders,
        *service.notifiers,
    ]
    broker = BrokerWatch(service.settings.mqtt, service.link)
    while not stopping.wait(WATCHDOG_S):
        for thread in threads:
            if thread.failure:
                return thread.failure
        if not service.link.alive:
            return RuntimeError("the MQTT thread died")
        if clock.monotonic() - service.progress_s < WATCHDOG_S:
            notify("WATCHDOG=1")
        broker.look(clock.monotonic())
    return None
