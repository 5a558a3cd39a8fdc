"""gateway.toml: the lot and its layout, the broker, the store, the sinks."""

from datetime import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contract.alerts import Severity
from contract.spots import Spot
from contract.words import Id
from gateway.alerts.registry import Rules
from gateway.sinks import registry
from runtime.clock import Trust
from runtime.mqtt import MqttSettings, TlsSettings


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreSettings(_Section):
    """The gateway's database: its spool towards the sinks, spot states, dead letters."""

    path: Path = Path("/var/lib/lotkeeper/gateway.db")
    limit_bytes: int = Field(1_000_000_000, ge=50_000)


class IngestSettings(_Section):
    """How records are taken in."""

    group_commit_ms: float = Field(50.0, ge=0, le=1000)
    """Commits begin at least so far apart; the MQTT and application acks come after them."""
    batch_messages: int = Field(200, ge=1, le=10_000)
    """Messages in one commit, and the broker's in-flight window towards us (MQTT 5)."""
    max_payload_bytes: int = Field(262_144, ge=1024)
    future_s: float = Field(300.0, ge=0)
    """A synced time further ahead of ours than this is dated anew, by ours."""


class PresenceSettings(_Section):
    """When an agent counts as offline, and for how long a display may believe a message."""

    offline_after_s: float = Field(30.0, gt=0)
    validity_s: float = Field(60.0, gt=0)
    heartbeat_s: float = Field(10.0, gt=0)


class MetricsSettings(_Section):
    """Prometheus metrics; port 0 turns them off."""

    host: str = "127.0.0.1"
    port: int = Field(9464, ge=0, le=65535)


Word = Literal["silences", "closings", "counts", "alerts", "heartbeats"]
"""What a gateway itself says to its sinks, beside what its agents say."""
WORDS: tuple[Word, ...] = get_args(Word)
TAKES: dict[str, tuple[Word, ...]] = {"history": ("silences", "closings")}
"""What kinds of sinks make something of; others pass on all."""


class ForwardSettings(_Section):
    """How the forwarder sends; the same for each sink."""

    heartbeat_s: float = Field(60.0, gt=0)
    """So often a sink is told how the gateway is."""

    backlog_records: int = Field(256, ge=1)
    """More than this waiting is a backlog: snapshots go first."""
    drain_per_s: float = Field(5000.0, gt=0)
    retry_first_s: float = Field(0.5, gt=0)
    retry_max_s: float = Field(60.0, gt=0)


class SinkSettings(_Section):
    """One upstream: a name of its own (its cursor's), its kind, the kind's options."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: Id
    kind: str
    own: tuple[Word, ...] | None = None
    """What the gateway itself says there; left out, all that this kind takes."""

    @property
    def words(self) -> tuple[Word, ...]:
        """What the gateway itself says there."""
        return TAKES.get(self.kind, WORDS) if self.own is None else self.own

    @model_validator(mode="after")
    def _sink_accepts(self) -> Self:
        registry.load(self.kind).Config.model_validate(self.options)
        return self

    @property
    def options(self) -> dict[str, Any]:
        """What goes to the sink's Config."""
        return {"kind": self.kind, **(self.model_extra or {})}


class SpotSettings(Spot):
    """A spot of the layout. With `agent_id`, only that agent may speak for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent_id: Id | None = None


class ZoneSettings(_Section):
    """A part of the lot; with `counted_capacity`, its lanes are counted instead of its spots."""

    zone_id: Id
    name: str = ""
    counted_capacity: int | None = Field(None, ge=0)
    max_stay_s: float | None = Field(None, gt=0)
    """How long a vehicle may stand here, before the grace of `[alerts.overstay]`."""


class NotifySettings(_Section):
    """Somebody who is told of alerts, at an address of apprise."""

    name: Id
    url_file: Path
    """Its first line is the address, which holds passwords: mode 600."""
    least: Severity = Severity.WARNING
    urgent: Severity = Severity.CRITICAL
    """From this severity on, at once and in quiet hours too."""
    resolved: bool = True
    digest_s: float = Field(0.0, ge=0)
    """So long what is not urgent gathers for one message."""
    quiet_from: time | None = None
    quiet_to: time | None = None

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValueError("quiet_from and quiet_to belong together: give both or neither")
        if find_spec("apprise") is None:
            raise ValueError("the package apprise is absent: pip install 'lotkeeper[notify]'")
        return self


class AlertSettings(Rules):
    """Which alerts are looked for, and who is told of them."""

    notify: tuple[NotifySettings, ...] = ()


class GatewaySettings(_Section):
    """The whole of gateway.toml."""

    facility_id: Id
    lot_id: Id
    time_zone: str = "UTC"
    """Of the lot's wall clock, by its IANA name: for people, never for order."""
    clock: Trust = "auto"
    mqtt: MqttSettings = MqttSettings()
    operator_tls: TlsSettings | None = None
    """The identity of the commands that ask the running gateway; with its own they would take
    over its session. Left out: as [mqtt]."""
    store: StoreSettings = StoreSettings()
    ingest: IngestSettings = IngestSettings()
    presence: PresenceSettings = PresenceSettings()
    forward: ForwardSettings = ForwardSettings()
    metrics: MetricsSettings = MetricsSettings()
    alerts: AlertSettings = AlertSettings()
    zones: list[ZoneSettings]
    spots: list[SpotSettings] = []
    sinks: list[SinkSettings] = []

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("not an IANA time zone such as Europe/Berlin") from None
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The lot's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def asking(self) -> MqttSettings:
        """How the commands that ask the running gateway reach the broker."""
        if self.operator_tls is None:
            return self.mqtt
        return self.mqtt.model_copy(update={"tls": self.operator_tls})

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for what, names in (
            ("zone_id", [zone.zone_id for zone in self.zones]),
            ("spot_id", [spot.spot_id for spot in self.spots]),
            ("sink name", [sink.name for sink in self.sinks]),
            ("name of [[alerts.notify]]", [each.name for each in self.alerts.notify]),
        ):
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{what} given twice: {', '.join(sorted(twice))}")
        known = {zone.zone_id for zone in self.zones}
        if lost := sorted({spot.zone_id for spot in self.spots} - known):
            raise ValueError(f"spots stand in zones that are not listed: {', '.join(lost)}")
        return self
