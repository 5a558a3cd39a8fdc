"""The gateway's machine: the real service, forwarders, store and sinks, stepped."""

import json
import shutil
from functools import partial
from typing import cast

from gateway.config import GatewaySettings
from gateway.forwarder import Forwarder
from gateway.service import Service
from gateway.sinks import Sink
from gateway.store import GatewayStore
from proof.bays import LOT, mqtt_settings
from proof.hosts import Host, Surroundings
from proof.ledger import GatewayLedger
from proof.link import SimulatedLink, link_maker
from proof.machine import Process
from proof.plan import GATEWAY
from proof.schedule import Thread
from proof.upstream import CloudSink, DiskSink

SINKS = ("cloud", "disk")
TICK_S = 1.0
IDLE_S = 3.0


def gateway_settings(around: Surroundings) -> GatewaySettings:
    """The gateway.toml of the lot: a zone an agent. Its sinks are named there, and made here."""
    plan = around.plan
    return GatewaySettings.model_validate(
        {
            "facility_id": "f1",
            "lot_id": LOT,
            "mqtt": mqtt_settings(around),
            "store": {"path": around.folder / "gateway.db", "limit_bytes": plan.limit_bytes},
            "ingest": dict(plan.ingest),
            "presence": {
                "offline_after_s": 20.0 * plan.scale,
                "validity_s": 20.0 * plan.scale,
                "heartbeat_s": 8.0 * plan.scale,
            },
            "forward": {**plan.forward, "heartbeat_s": 20.0 * plan.scale},
            "sinks": [
                {"name": each, "kind": "file", "path": around.folder / each} for each in SINKS
            ],
            "zones": [{"zone_id": each.agent_id} for each in plan.agents],
            "spots": [
                {"spot_id": spot, "zone_id": each.agent_id, "agent_id": each.agent_id}
                for each in plan.agents
                for spot in each.spots
                if spot != plan.stray_spot
            ],
        }
    )


class Gateway(Host):
    """One lot's gateway."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, GATEWAY, f"{LOT}.gateway")
        self.settings = gateway_settings(around)
        self.ledgers: dict[str, GatewayLedger] = {}
        self.store: GatewayStore | None = None
        self._sinks: dict[str, Sink] = {}
        self._idle: set[str] = set()
        self.replacements = 0
        self.skipped = 0

    def build(self, process: Process) -> None:
        """The store, the service over it, a forwarder a sink."""
        around = self.around
        store = GatewayStore(self.settings.store.path, self.settings.store.limit_bytes)
        self.store = store
        self.ledger = self.ledgers.setdefault(store.store_id, GatewayLedger(store.store_id))
        store.register_sinks(SINKS)
        make_link = link_maker(around.broker, process)
        self.service = Service(self.settings, store, self.clock, make_link)
        self._sinks = {
            "cloud": CloudSink(around.upstream, 1 + around.plan.seed % 9),
            "disk": DiskSink(around.upstream),
        }
        self.forwarders = [
            Forwarder(
                name,
                LOT,
                sink,
                store,
                self.service.lot.snapshots,
                self.settings.forward,
                self.clock,
                partial(self.service.heartbeat_for, name),
            )
            for name, sink in self._sinks.items()
        ]
        self.service.forwarders += self.forwarders
        self._start_threads()

    def _start_threads(self) -> None:
        schedule = self.around.schedule
        self._not_before_s = 0.0
        self._serve = Thread(schedule, self.step(self._step_service))
        self._forward = {
            each.sink_name: Thread(schedule, self.step(partial(self._step_forwarder, each)))
            for each in self.forwarders
        }
        link = cast(SimulatedLink, self.service.link)
        link.told, link.seen = self._wake_service, self._judge_ack
        link.start()
        self._wake_service()
        for thread in self._forward.values():
            thread.wake(self.haste_s())

    def abandon(self) -> None:
        """Close the files as a kernel does."""
        if self.store is not None:
            self._harvest(self.store)
            self.store.db.close()
            self.store = None
            for sink in self._sinks.values():
                sink.close()
            self._sinks, self._idle = {}, set()

    def replace(self, down_s: float) -> None:
        """Another machine with an empty store takes its place; the old one is never seen again."""
        self.kill(down_s, power_cut=True)
        self.replacements += 1
        for path in self.around.folder.glob("gateway.db*"):
            path.unlink()
        self.clock.boot()

    def _harvest(self, store: GatewayStore) -> None:
        ledger = self.ledgers.setdefault(store.store_id, GatewayLedger(store.store_id))
        found = ledger.harvest(store)
        for body in found:
            what = f"{body['event_id']} {body['event_type']} {body.get('status', '')}"
            self.around.tell(self.name, f"commits {what}")
        if found:
            for name in sorted(self._idle):
                self._forward[name].wake(self.haste_s())

    def _judge_ack(self, topic: str, payload: bytes) -> None:
        """No acknowledgement tells of more than is committed."""
        if not topic.endswith("/ack") or self.store is None:
            return
        ack, agent_id = json.loads(payload), topic.split("/")[-2]
        found = self.store.db.execute(
            "SELECT seq FROM streams WHERE agent_id=? AND epoch=?", (agent_id, ack["epoch"])
        ).fetchone()
        committed = found[0] if found and not self.store.db.in_transaction else 0
        if ack["seq"] > committed:
            self.around.find(f"ack of {agent_id} {ack['seq']}, committed is {committed}")

    def _step_service(self) -> None:
        self.service.step()
        assert self.store is not None
        self._harvest(self.store)
        skipped = self.service.ingest.totals["holes_skipped"]
        if skipped:
            self.service.ingest.totals["holes_skipped"] = 0
            self.skipped += skipped
            self.around.tell(self.name, f"skips {skipped} holes")
        group_s = self.settings.ingest.group_commit_ms / 1000
        self._not_before_s = self.around.schedule.now_s + group_s + 0.001
        self._serve.wake(TICK_S * self.around.plan.scale)
        if self.service._inbox.qsize():
            self._wake_service()

    def _wake_service(self) -> None:
        wait_s = self._not_before_s - self.around.schedule.now_s
        self._serve.wake(max(wait_s, 0.0) + self.haste_s())

    def _step_forwarder(self, forwarder: Forwarder) -> None:
        pause_s = forwarder.step()
        name = forwarder.sink_name
        if pause_s is None:
            self._idle.add(name)
            self._forward[name].wake(IDLE_S * self.around.plan.scale)
        else:
            self._idle.discard(name)
            self._forward[name].wake(pause_s + self.haste_s())


def wipe(around: Surroundings) -> None:
    """Remove all that a world left."""
    shutil.rmtree(around.folder)
