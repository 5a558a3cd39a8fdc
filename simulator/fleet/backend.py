"""What lies behind a fleet: a broker, a database, a lake in a folder, and consumers."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloud.lake.store import Store
from cloud.postgres import connect, migrate
from gateway.sinks import Sink, registry
from simulator.processes import Child

TOPIC = "parking-events"
KEPT_DAYS = 400


@dataclass(frozen=True)
class Pipe:
    """A stream between gateways and consumers: the [stream] of these, the sink of those."""

    stream: str
    sink: dict[str, Any]

    def make_sink(self) -> Sink:
        """One gateway's."""
        return registry.build(self.sink["kind"], self.sink)


def kafka_pipe(address: str, topic: str = TOPIC) -> Pipe:
    """By Kafka's protocol, over brokers on this machine."""
    access = {"bootstrap_servers": address, "topic": topic, "security": "plaintext"}
    words = ", ".join(f'{name} = "{value}"' for name, value in access.items())
    return Pipe(f"kafka = {{ {words} }}", {"kind": "kafka", **access})


def kinesis_pipe(endpoint_url: str, stream_name: str, region: str, lease_s: float = 10) -> Pipe:
    """By Kinesis' API, of an emulator on this machine."""
    access = {"stream_name": stream_name, "region": region, "endpoint_url": endpoint_url}
    words = ", ".join(f'{name} = "{value}"' for name, value in access.items())
    return Pipe(f"kinesis = {{ {words}, lease_s = {lease_s} }}", {"kind": "kinesis", **access})


@dataclass
class Backend:
    """A stream, what is behind it, and the processes that consume it."""

    folder: Path
    pipe: Pipe
    dsn: str
    wait_s: float
    time_zone: str = "UTC"
    consumers: dict[str, Child] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The lake."""
        return Store(str(self.folder / "lake"))

    @property
    def config(self) -> Path:
        """cloud.toml, for every command of the cloud."""
        return self.folder / "cloud.toml"

    def prepare(self) -> None:
        """The schema, and the configuration; one of a console over it too, for who looks at it."""
        with connect(self.dsn) as conn:
            migrate(conn)
        self.config.write_text(
            f"[stream]\n{self.pipe.stream}\n"
            f'[postgres]\ndsn = "{self.dsn}"\nkeep_days = {KEPT_DAYS}\n'
            f'[lake]\nurl = "{self.folder / "lake"}"\nwait_s = {self.wait_s}\n'
            f'time_zone = "{self.time_zone}"\n'
        )
        (self.folder / "console.toml").write_text(
            f'[store]\npath = "{self.folder / "console.db"}"\n'
            f'[rate]\npath = "{self.folder / "rate.db"}"\n'
            f'[fleet]\ndsn = "{self.dsn}"\nanalytics = "{self.folder / "lake"}"\n'
        )

    def consume(self, *parts: str) -> None:
        """Start a consumer for each of `parts`: present or lake."""
        for part in parts:
            name = f"{part}-{sum(each.startswith(part) for each in self.consumers) + 1}"
            words = ["cloud", "consume", part, "--config", str(self.config)]
            child = Child(name, [sys.executable, "-m", "lotkeeper", *words], self.folder)
            self.consumers[name] = child
            child.start()

    def states(self) -> dict[str, str]:
        """Whether each consumer runs, and how often it was started."""
        return {
            name: f"{'up' if child.running else 'DOWN'}, start {child.starts}"
            for name, child in self.consumers.items()
        }

    def stop(self) -> None:
        """Stop every consumer in order."""
        for child in self.consumers.values():
            child.stop()
