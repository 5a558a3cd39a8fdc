"""Heartbeats: retained, and the MQTT will is the same message with status `down`.

The session id is new at every start of a process; a will of a session that is no longer the
current one is ignored.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contract.words import ClockState, HealthState, Id, Status


class SpotHealth(BaseModel):
    """What a sensor last said, for people who look after it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    status: Status
    health: HealthState
    reason: str = ""
    value: float | tuple[float, float, float] | None = None
    unit: str = ""
    quality: str = ""
    age_s: float | None = None


class SpoolDepth(BaseModel):
    """How full a spool is, and what it had to give up since it was made."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    waiting: int
    rows: int
    bytes: int
    limit_bytes: int
    dropped: dict[str, int] = {}


class Telemetry(BaseModel):
    """The machine an agent runs on; None where it cannot tell."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    supply_volts: float | None = None
    under_voltage: bool | None = None
    battery_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    temperature_c: float | None = None
    uptime_s: float | None = None
    versions: dict[str, str] = {}


class ConfigReport(BaseModel):
    """Which configuration an agent has, and what became of the last one that was desired.

    `config_revision` is in force, on trial too; None is agent.toml alone. `config_state` and
    `config_error` are of the revision `config_tried`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    config_revision: Id | None = None
    config_state: Literal["local", "trial", "applied", "rolled_back", "refused"] = "local"
    config_tried: Id | None = None
    config_error: str = ""


class AgentHealth(ConfigReport):
    """`agents/{agent}/health`. A will carries `session_id` and `status` alone."""

    session_id: Id
    status: Literal["up", "down"]
    epoch: Id | None = None
    boot_id: Id | None = None
    monotonic_ms: int | None = None
    time: AwareDatetime | None = None
    clock: ClockState = ClockState.UNSYNCED
    health: HealthState = HealthState.OK
    reason: str = ""
    last_seq: int = 0
    acked_seq: int = 0
    spots: dict[Id, SpotHealth] = {}
    spool: SpoolDepth | None = None
    telemetry: Telemetry = Telemetry()


class GatewayHealth(BaseModel):
    """`gateway/health`. With status `down`, displays show every spot as unknown."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    session_id: Id
    status: Literal["up", "down"]
    store_id: Id | None = None
    time: AwareDatetime | None = None
    clock: ClockState = ClockState.UNSYNCED
    health: HealthState = HealthState.OK
    reason: str = ""
    agents_online: int = 0
    agents_offline: int = 0
    sinks: dict[str, SpoolDepth] = {}
    uptime_s: float = 0.0
    version: str = ""
