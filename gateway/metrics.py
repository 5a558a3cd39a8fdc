"""The account of what came and went, for Prometheus, requests and the heartbeat.

For each agent: sent = accepted (duplicates apart). For the spool and each sink:
appended = delivered + waiting + dead-lettered + dropped.
"""

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.books import of_sink, sink_book
from gateway.forwarder import Forwarder
from gateway.lot import Lot


def account(lot: Lot, forwarders: Iterable[Forwarder]) -> dict[str, Any]:
    """Everything that was accepted, and where it is."""
    totals = lot.ingest.totals
    return {
        "store_id": lot.store.store_id,
        "accepted": lot.store.accepted(),
        "totals": dict(totals),
        "dead_letters": lot.store.letters.counts(),
        "sinks": {each.sink_name: sink_account(lot, each) for each in forwarders},
        "agents": {name: lot.state(name) for name in sorted(lot.presences)},
    }


def sink_account(lot: Lot, forwarder: Forwarder) -> dict[str, Any]:
    """One sink's account and health."""
    name = forwarder.sink_name
    with lot.store.lock:
        book = sink_book(lot.store.depth(name), lot.store.books.of(of_sink(name)))
    health = forwarder.health
    return {
        "appended": book.appended,
        "delivered": book.delivered,
        "waiting": book.waiting,
        "dead_lettered": book.dead_lettered,
        "dropped": sum(book.dropped.values()),
        "dropped_by": book.dropped,
        "balanced": book.balanced,
        "snapshots": health.snapshots,
        "draining": health.draining,
        "failing": health.failing_since_s is not None,
        "error": health.error,
        "hint": health.hint,
    }


class LotCollector(Collector):
    """Reads the account when Prometheus asks."""

    def __init__(self, lot: Lot, forwarders: list[Forwarder]) -> None:
        self._lot = lot
        self._forwarders = forwarders

    def collect(self) -> Iterable[Metric]:
        """The metrics of this moment."""
        yield from self._ingest()
        yield from self._sinks()
        yield from self._spots()
        yield from self._alerts()

    def _ingest(self) -> Iterable[Metric]:
        accepted = CounterMetricFamily(
            "lotkeeper_accepted_records", "Records taken in, by agent", labels=["agent"]
        )
        for agent_id, count in self._lot.store.accepted().items():
            accepted.add_metric([agent_id], count)
        yield accepted
        outcomes = CounterMetricFamily(
            "lotkeeper_ingest", "What ingest did since this start", labels=["outcome"]
        )
        for outcome, count in list(self._lot.ingest.totals.items()):
            outcomes.add_metric([outcome], count)
        yield outcomes
        letters = CounterMetricFamily(
            "lotkeeper_dead_letters", "Messages refused since this start", labels=["reason"]
        )
        for reason, count in list(self._lot.ingest.reasons.items()):
            letters.add_metric([reason], count)
        yield letters

    def _sinks(self) -> Iterable[Metric]:
        records = GaugeMetricFamily(
            "lotkeeper_sink_records",
            "appended = delivered + waiting + dead_lettered + dropped, by sink",
            labels=["sink", "where"],
        )
        failing = GaugeMetricFamily(
            "lotkeeper_sink_failing", "1 while a sink's calls fail", labels=["sink"]
        )
        for forwarder in self._forwarders:
            told = sink_account(self._lot, forwarder)
            for where in ("appended", "delivered", "waiting", "dead_lettered", "dropped"):
                records.add_metric([forwarder.sink_name, where], told[where])
            failing.add_metric([forwarder.sink_name], float(told["failing"]))
        yield records
        yield failing
        size = GaugeMetricFamily("lotkeeper_spool_bytes", "Bytes in the spool, and its limit")
        size.add_metric([], self._lot.store.spool.bytes)
        yield size

    def _spots(self) -> Iterable[Metric]:
        spots = GaugeMetricFamily(
            "lotkeeper_spots", "Spots by what is shown of them", labels=["status"]
        )
        lot = self._lot.occupancies(self._lot.clock.wall())[0]
        for status in ("occupied", "free", "unknown", "closed"):
            spots.add_metric([status], getattr(lot, status))
        yield spots
        agents = GaugeMetricFamily("lotkeeper_agent_online", "1 while heard", labels=["agent"])
        for agent_id in list(self._lot.presences):
            agents.add_metric([agent_id], float(not self._lot.silence(agent_id)))
        yield agents

    def _alerts(self) -> Iterable[Metric]:
        alerts = GaugeMetricFamily("lotkeeper_alerts", "Open alerts", labels=["kind", "severity"])
        counts = Counter((each.kind, each.severity.value) for each in self._lot.store.alerts.open)
        for (kind, severity), count in counts.items():
            alerts.add_metric([kind, severity], count)
        yield alerts
        notices = GaugeMetricFamily(
            "lotkeeper_notices", "Notices of alerts that wait to be told", labels=["target"]
        )
        with self._lot.store.lock:
            waiting = self._lot.store.outbox.waiting()
        for target in self._lot.settings.alerts.notify:
            notices.add_metric([target.name], waiting.get(target.name, 0))
        yield notices


def registry_of(lot: Lot, forwarders: list[Forwarder]) -> CollectorRegistry:
    """A registry that reads the lot's account when it is asked."""
    registry = CollectorRegistry()
    registry.register(LotCollector(lot, forwarders))
    return registry


def serve(registry: CollectorRegistry, host: str, port: int) -> tuple[WSGIServer, threading.Thread]:
    """Answer Prometheus on `host`:`port`, in a thread of its own."""
    return start_http_server(port, addr=host, registry=registry)
