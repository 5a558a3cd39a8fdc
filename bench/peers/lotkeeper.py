"""Lotkeeper's own way: agents with their stores, broker, gateway, HTTP sink, front door."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.end_to_end import LoadAgent
from bench.lot import BenchLot, await_port, broker_command
from bench.peers.account import Event
from bench.peers.load import BAYS, SENDERS
from bench.peers.side import Side, await_true, connected, end
from bench.peers.uplink import PROBE, Arrivals
from simulator.frontdoor import FrontDoor
from simulator.processes import free_port

TOKEN = "bench"
PROBER = SENDERS
"""The agent behind those that are measured: it sends the probe."""


@dataclass
class PeerLot(BenchLot):
    """The benchmarks' lot with a prober, and an HTTP sink in the place of the file."""

    door: str = ""

    def spot_ids(self, agent: int) -> list[str]:
        """The spots of one agent; the prober's is the probe."""
        return [PROBE] if agent == PROBER else super().spot_ids(agent)

    def gateway_toml(self, group_commit_ms: float = 50) -> Path:
        """The gateway's configuration."""
        path = super().gateway_toml(group_commit_ms)
        token = self.folder / "token"
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        rest = path.read_text().partition("[[sinks]]")[0]
        path.write_text(
            f'{rest}[[sinks]]\nname = "up"\nkind = "http"\nurl = "{self.door}"\n'
            f'token_file = "{token}"\n'
        )
        return path


class Door(FrontDoor):
    """Notes events in memory; a 2xx of this door is what counts as delivered."""

    def __init__(self, folder: Path, arrivals: Arrivals) -> None:
        super().__init__(free_port(), TOKEN, folder)
        self._arrivals = arrivals

    def take(self, records: list[Any]) -> None:
        """Note what is an event; a snapshot is another kind of record, and so is a gap."""
        self._arrivals.take(
            [
                (r["spot_id"], r["seq"])
                for r in records
                if r["event_type"] in ("ARRIVAL", "DEPARTURE")
            ]
        )

    up = FrontDoor.restore
    down = FrontDoor.cut
    close = FrontDoor.cut


class Lotkeeper(Side):
    """`batch` records at most in a message."""

    def __init__(self, folder: Path, name: str, batch: int) -> None:
        self.name = name
        self.arrivals = Arrivals()
        self.uplink: Door = Door(folder, self.arrivals)
        port = free_port()
        kind, self._broker_command = broker_command(folder, port)
        self._lot = PeerLot(folder, port, kind, SENDERS + 1, BAYS // SENDERS, door=self.uplink.url)
        self._batch = batch
        self._starts = 0
        self._config = self._lot.gateway_toml()
        self._gateway: subprocess.Popen[bytes] | None = None
        self._agents: list[subprocess.Popen[bytes]] = []
        self._senders: list[LoadAgent] = []
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Broker and gateway; agents that were killed start again and send what they hold."""
        self._starts += 1
        with (self._lot.folder / "words.log").open("a") as words:
            broker = subprocess.Popen(self._broker_command, stderr=words)
            await_port(self._lot.port)
            command = [sys.executable, "-m", "lotkeeper", "gateway", "run", "-c", str(self._config)]
            self._gateway = subprocess.Popen(command, stderr=words)
        self._children += [broker, self._gateway]
        await_true(f"{self.name} connects", lambda: self._connections() >= self._starts)
        self._probe()
        if self._agents:
            for sender in self.load(0, 0):
                sender.go_on()

    def _connections(self) -> int:
        return (self._lot.folder / "words.log").read_text().count("INFO runtime.mqtt: connected")

    def _probe(self) -> None:
        """An event that the gateway has acknowledged says that it takes them."""
        [prober] = connected([self._command(PROBER, 1, 0)])
        prober.go_on()
        prober.hear()
        prober.go_on()
        prober.child.wait(20)

    def _command(self, agent: int, events: int, rate_per_s: float) -> list[str]:
        config = str(self._lot.agent_toml(agent, self._batch))
        return [sys.executable, "-m", "bench.load_agent", config, str(events), str(rate_per_s)]

    def await_open(self) -> None:
        """Return when the probe is at the door."""
        if not self.arrivals.probed.wait(30):
            raise TimeoutError(f"{self.name}: the probe did not come through in 30 s")

    def load(self, events: int, rate_per_s: float) -> list[LoadAgent]:
        """Agents' stores and publishers; accepted is what the gateway's ack has covered."""
        share = events // SENDERS, rate_per_s / SENDERS
        senders = connected([self._command(number, *share) for number in range(SENDERS)])
        self._agents = [sender.child for sender in senders]  # type: ignore[misc]
        if events:
            self._senders = senders
        self._children += self._agents
        return senders

    def sent(self, events: int) -> list[Event]:
        """Each agent's spots take turns; it has said which seqs its store gave them."""
        return [
            (spots[n % len(spots)], seq)
            for number, sender in enumerate(self._senders)
            for spots in [self._lot.spot_ids(number)]
            for n, seq in enumerate(sender.said["seqs"])
        ]

    def kill(self) -> None:
        """Everything: gateway, broker and agents."""
        for child in self._children:
            child.kill()
        end(self._children)

    def stored(self) -> int:
        """Bays' records in the gateway's spool."""
        path = self._lot.folder / "gateway.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found = database.execute(
                "SELECT COUNT(*) FROM spool WHERE key NOT IN ('', ?)", (PROBE,)
            )
            return int(found.fetchone()[0])

    def gateways(self) -> list["subprocess.Popen[bytes]"]:
        """The gateway; the agents are counted apart."""
        assert self._gateway
        return [self._gateway]

    def close(self) -> None:
        """End everything."""
        end(self._children)
        self.uplink.close()
