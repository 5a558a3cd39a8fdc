"""A whole site on this machine: broker, gateway and cloud as others, agents in this process."""

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from contract.upstream import rfc3339
from gateway.ask import NoAnswer, ask
from runtime.mqtt import MqttSettings
from simulator import processes
from simulator.clock import LotClock
from simulator.faults import What
from simulator.frontdoor import FrontDoor
from simulator.lot import QUIET_S, SimulatedLot
from simulator.processes import BrokerKind, Child
from simulator.tap import Tap

ZONES = 8
JUMP_S = 10 * 365 * 86400.0
"""How far a clock jumps back: so far that each time of it is known for one."""


def _kill(child: Child) -> None:
    child.kill()
    child.start()


def righted(record: dict[str, Any], start: datetime) -> dict[str, Any]:
    """The record with its true time, where a clock that had jumped stamped it."""
    told = datetime.fromisoformat(record["timestamp"])
    if told > start - timedelta(seconds=JUMP_S / 2):
        return record
    return {**record, "timestamp": rfc3339(told + timedelta(seconds=JUMP_S))}


class Site:
    """Everything that the demo and the replay start, cut, kill and stop."""

    def __init__(
        self,
        lot_id: str,
        bays: Mapping[str, Sequence[tuple[float, float]]],
        start: datetime,
        *,
        folder: Path,
        speed: float,
        broker: BrokerKind,
        bays_an_agent: int,
        zones: Sequence[str] = (),
        quiet_s: float = QUIET_S,
        keeps_past: bool = False,
    ) -> None:
        self.lot_id = lot_id
        self.keeps_past = keeps_past
        self.folder = folder
        self.zones = list(zones) or [f"zone-{n + 1}" for n in range(ZONES)]
        self.mqtt = MqttSettings(
            port=processes.free_port(),
            protocol="3.1.1" if broker == "iotcore" else "5",
            reconnect_min_s=0.2,
            reconnect_max_s=1.0,
        )
        self.clock = LotClock(start, speed)
        self.metrics_port = processes.free_port()
        self.door = FrontDoor(processes.free_port(), secrets.token_hex(16), folder)
        self.lot = SimulatedLot(lot_id, bays, self.clock, self.mqtt, folder, bays_an_agent, quiet_s)
        self.tap = Tap(self.mqtt, lot_id)
        self.broker = processes.broker(broker, folder, self.mqtt.port)
        self.gateway_toml = self._gateway_toml()
        self.gateway = processes.gateway(self.gateway_toml, folder)

    def start(self) -> None:
        """Start the cloud, the broker, the gateway and the agents. Raises NotReady."""
        self.door.restore()
        self.broker.start()
        self.gateway.start()
        self.gateway.await_port(self.metrics_port)
        self.tap.start()
        self.lot.start()

    def stop(self) -> None:
        """Stop everything in order, agents first."""
        self.lot.stop()
        self.tap.stop()
        self.gateway.stop()
        self.broker.stop()
        self.door.cut()

    def zone_of(self, bay: str) -> str:
        """Bays are spread over the zones in their order."""
        names = list(self.lot.bays)
        return self.zones[names.index(bay) * len(self.zones) // len(names)]

    def strike(self, what: What) -> None:
        """Do what `what` says; who is killed is started again at once."""
        {
            "cloud": self.door.cut,
            "cloud errors": lambda: self._fail_cloud(True),
            "agent": self.lot.agents[0].unplug,
            "agent restart": self._restart_agent,
            "broker": lambda: _kill(self.broker),
            "gateway": lambda: _kill(self.gateway),
            "broker frozen": self.broker.freeze,
            "gateway frozen": self.gateway.freeze,
            "clock": lambda: self._set_clock(-JUMP_S),
            "duplicates": self.tap.publish_again,
            "poison": self.tap.poison,
        }[what]()

    def restore(self, what: What) -> None:
        """Bring back what was cut; what was killed runs again already."""
        undo: dict[What, Callable[[], None]] = {
            "cloud": self.door.restore,
            "cloud errors": lambda: self._fail_cloud(False),
            "agent": self.lot.agents[0].plug,
            "broker frozen": self.broker.thaw,
            "gateway frozen": self.gateway.thaw,
            "clock": lambda: self._set_clock(0.0),
        }
        undo[what]()

    def _fail_cloud(self, failing: bool) -> None:
        self.door.failing = failing

    def _set_clock(self, off_s: float) -> None:
        self.clock.off_s = off_s

    def _restart_agent(self) -> None:
        self.lot.agents[0].unplug()
        self.lot.agents[0].plug()

    def status(self, timeout_s: float = 5.0) -> dict[str, Any]:
        """The gateway's account. Raises NoAnswer."""
        return ask(self.mqtt, self.lot_id, "status", {}, timeout_s).data or {}

    def occupancy(self) -> dict[str, Any]:
        """The lot's occupancy as the gateway shows it. Raises NoAnswer."""
        data = ask(self.mqtt, self.lot_id, "occupancy", {}).data or {}
        lot: dict[str, Any] = data["lot"]
        return lot

    def settled(self, timeout_s: float) -> bool:
        """Wait until nothing waits anywhere; False if something still does after `timeout_s`."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            if sum(each.waiting for each in self.lot.agents) == 0 and self._forwarded():
                return True
            self.lot.stopping.wait(0.3)
        return False

    def _forwarded(self) -> bool:
        try:
            sinks = self.status()["sinks"].values()
        except NoAnswer:
            return False
        return all(sink["waiting"] == 0 for sink in sinks)

    def sink_records(self) -> Iterator[dict[str, Any]]:
        """What the file sink holds, in order."""
        for path in sorted((self.folder / "sink").glob("*.jsonl")):
            with path.open() as lines:
                yield from map(json.loads, lines)

    def door_records(self) -> Iterator[dict[str, Any]]:
        """What the front door received, in order, repeats and all."""
        if self.door.path.exists():
            with self.door.path.open() as lines:
                yield from map(json.loads, lines)

    def _gateway_toml(self) -> Path:
        token = self.folder / "token"
        token.touch(mode=0o600)
        token.write_text(self.door.token)
        spots = "".join(
            f'[[spots]]\nspot_id = "{bay}"\nzone_id = "{self.zone_of(bay)}"\nagent_id = "{agent}"\n'
            for bay, agent in self.lot.layout.items()
        )
        zones = "".join(f'[[zones]]\nzone_id = "{zone}"\n' for zone in self.zones)
        path = self.folder / "gateway.toml"
        path.write_text(
            f'facility_id = "simulated"\nlot_id = "{self.lot_id}"\nclock = "always"\n'
            f'[mqtt]\nport = {self.mqtt.port}\nprotocol = "{self.mqtt.protocol}"\n'
            "reconnect_min_s = 0.2\nreconnect_max_s = 1.0\n"
            f'[store]\npath = "{self.folder / "gateway.db"}"\n'
            "[presence]\nheartbeat_s = 5\noffline_after_s = 15\n"
            "[forward]\nretry_max_s = 2\ndrain_per_s = 20000\n"
            f"[metrics]\nport = {self.metrics_port}\n{zones}{spots}"
            f'[[sinks]]\nname = "disk"\nkind = "file"\npath = "{self.folder / "sink"}"\n'
            f'[[sinks]]\nname = "cloud"\nkind = "http"\nurl = "{self.door.url}"\n'
            f'token_file = "{token}"\nmax_records = 500\n'
            + (
                f'[[sinks]]\nname = "past"\nkind = "history"\npath = "{self.folder}/history.db"\n'
                if self.keeps_past
                else ""
            )
        )
        os.chmod(path, 0o600)
        return path
