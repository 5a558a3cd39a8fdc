"""agent.toml: who this agent is, which spots it watches and with what."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.detector import FusedSettings, MagneticSettings, PassageSettings, RangingSettings
from contract.words import EventType, Id
from drivers import registry
from runtime.clock import Trust
from runtime.mqtt import MqttSettings


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpoolSettings(_Section):
    """The agent's database. Acknowledged records stay inside the limit: they are first to go."""

    path: Path = Path("/var/lib/lotkeeper/agent.db")
    limit_bytes: int = Field(64_000_000, ge=20_000)


class PublishSettings(_Section):
    """How fast and how far ahead of the gateway's acknowledgement records are sent."""

    batch: int = Field(64, ge=1, le=500)
    """Records in one message while there are several to send."""
    window_records: int = Field(2048, ge=1)
    """Records sent and not yet acknowledged by the gateway."""
    backlog_records: int = Field(256, ge=1)
    """More than this waiting at a connect is a backlog: snapshots go first."""
    drain_per_s: float = Field(2000.0, gt=0)
    """Records a second while a backlog drains."""
    jitter_s: float = Field(2.0, ge=0)
    """A backlog's start is put off by up to this: a lot's agents must not all begin at once."""
    ack_timeout_s: float = Field(15.0, gt=0)
    """Silence of a running gateway after which what it has not acknowledged is sent again."""
    heartbeat_s: float = Field(10.0, gt=0)


class SensorSettings(_Section):
    """A sensor's driver by its kind, with the driver's own options beside it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str

    @model_validator(mode="after")
    def _driver_accepts(self) -> Self:
        registry.build(self.kind, self.options, lambda: 0.0)
        return self

    def expect(self, unit: str, detector: str) -> None:
        """Raises ValueError where the sensor measures in another unit than a detector takes."""
        measures = registry.build(self.kind, self.options, lambda: 0.0).unit
        if measures not in (unit, ""):
            raise ValueError(
                f"{self.kind} measures in {measures}, and a {detector} detector takes {unit}: "
                'set detector.kind to "ranging" for mm, "magnetic" for mG'
            )

    @property
    def options(self) -> dict[str, Any]:
        """What goes to the driver's Config."""
        return dict(self.model_extra or {})


class SpotSettings(_Section):
    """One spot: its sensor, its detector, how often it is sampled.

    With the detector `fused` it has two: a ranger, and a magnetometer that wakes it.
    """

    spot_id: Id
    sensor: SensorSettings
    waker: SensorSettings | None = None
    detector: Annotated[
        RangingSettings | MagneticSettings | FusedSettings, Field(discriminator="kind")
    ] = RangingSettings(kind="ranging")
    sample_s: float = Field(1.0, gt=0, le=60)
    waker_sample_s: float = Field(0.1, gt=0, le=10)
    neighbours: list[Id] = []
    """Adjacent spots of this agent, whose magnetometers are heard; one of two names the other."""

    @model_validator(mode="after")
    def _detector_fits(self) -> Self:
        kind = self.detector.kind
        self.sensor.expect("mG" if kind == "magnetic" else "mm", kind)
        if self.waker is not None:
            self.waker.expect("mG", "fused")
        return self

    @model_validator(mode="after")
    def _has_its_sensors(self) -> Self:
        fused = isinstance(self.detector, FusedSettings)
        if fused and self.waker is None:
            raise ValueError("a fused detector needs a magnetometer too: add [spots.waker]")
        if self.waker is not None and not fused:
            raise ValueError('waker is for detector.kind = "fused": set that, or remove waker')
        return self


class LaneSettings(_Section):
    """A lane whose vehicles are counted, each as an arrival or a departure."""

    lane_id: Id
    zone_id: Id | None = None
    counts: EventType = EventType.ARRIVAL
    sensor: SensorSettings
    detector: PassageSettings = PassageSettings(kind="passage")
    sample_s: float = Field(0.04, gt=0, le=1)

    @model_validator(mode="after")
    def _counts_something(self) -> Self:
        self.sensor.expect("mG", "passage")
        if self.counts not in (EventType.ARRIVAL, EventType.DEPARTURE):
            raise ValueError("counts must be ARRIVAL or DEPARTURE")
        return self


class AgentSettings(_Section):
    """The whole of agent.toml."""

    agent_id: Id
    lot_id: Id
    clock: Trust = "auto"
    air_temperature: Path | None = None
    """A file that holds thousandths of a degree, for sensors that have no thermometer."""
    mqtt: MqttSettings = MqttSettings()
    enrolment_port: int = Field(8443, ge=1, le=65535)
    """Where, on the broker's host, a certificate is renewed."""
    spool: SpoolSettings = SpoolSettings()
    publish: PublishSettings = PublishSettings()
    spots: list[SpotSettings] = []
    lanes: list[LaneSettings] = []

    @model_validator(mode="after")
    def _watches_each_once(self) -> Self:
        names = [spot.spot_id for spot in self.spots] + [lane.lane_id for lane in self.lanes]
        if not names:
            raise ValueError("an agent needs at least one [[spots]] or [[lanes]]")
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"named twice: {', '.join(sorted(twice))}")
        return self

    @model_validator(mode="after")
    def _neighbours_are_spots(self) -> Self:
        spots = {spot.spot_id for spot in self.spots}
        for spot in self.spots:
            for name in spot.neighbours:
                if name not in spots or name == spot.spot_id:
                    raise ValueError(f"{spot.spot_id} has no neighbour {name} at this agent")
        return self
