"""The heartbeat: how the agent, its sensors, its spool and its Pi are."""

import platform
from functools import cache
from pathlib import Path

from agent.core import Agent
from contract.health import AgentHealth, SpoolDepth, SpotHealth, Telemetry
from contract.words import HealthState
from lotkeeper import __version__
from spool import Depth

THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
UPTIME = Path("/proc/uptime")
UNDER_VOLTAGE = Path("/sys/class/hwmon")
FULL_SHARE = 0.9


def will_of(session_id: str) -> bytes:
    """The will, and the last word of an agent that stops."""
    will = AgentHealth(session_id=session_id, status="down")
    return will.model_dump_json(include={"session_id", "status"}).encode()


def agent_health(agent: Agent, acked_seq: int) -> AgentHealth:
    """The heartbeat of this moment."""
    now = agent.moment()
    spots = {watch.name: watch.health(now.monotonic_s) for watch in agent.watches}
    depth = agent.store.depth()
    state, reason = judged(spots, depth)
    return AgentHealth(
        session_id=agent.session_id,
        status="up",
        epoch=agent.store.epoch,
        boot_id=now.boot_id,
        monotonic_ms=int(now.monotonic_s * 1000),
        time=now.wall,
        clock=now.clock,
        health=state,
        reason=reason,
        last_seq=agent.store.spool.last_seq,
        acked_seq=acked_seq,
        spots=spots,
        spool=spool_depth(depth),
        telemetry=telemetry(),
        **dict(agent.config),
    )


def judged(spots: dict[str, SpotHealth], depth: Depth) -> tuple[HealthState, str]:
    """The agent's own health: the worst of what it looks after."""
    faulty = sorted(name for name, spot in spots.items() if spot.health is HealthState.FAULT)
    if faulty:
        return HealthState.FAULT, f"sensor fault at {', '.join(faulty)}"
    if depth.dropped:
        return HealthState.DEGRADED, f"the spool was full: {depth.dropped} records given up"
    if depth.waiting and depth.bytes > FULL_SHARE * depth.limit_bytes:
        return HealthState.DEGRADED, "the spool is nearly full"
    return HealthState.OK, ""


def without_rights(health: AgentHealth, denied: list[str]) -> AgentHealth:
    """A heartbeat that tells what the broker denies, unless something worse is to tell."""
    if not denied or health.health is HealthState.FAULT:
        return health
    reason = "; ".join([*([health.reason] if health.reason else []), *denied])
    return health.model_copy(update={"health": HealthState.DEGRADED, "reason": reason})


def spool_depth(depth: Depth) -> SpoolDepth:
    """A spool's account in the contract's words."""
    return SpoolDepth(
        waiting=depth.waiting,
        rows=depth.rows,
        bytes=depth.bytes,
        limit_bytes=depth.limit_bytes,
        dropped={"spool": depth.dropped} if depth.dropped else {},
    )


def telemetry() -> Telemetry:
    """What this machine tells of itself; None where it does not."""
    return Telemetry(
        under_voltage=_under_voltage(),
        temperature_c=_temperature_c(),
        uptime_s=float(_read(UPTIME).split()[0]),
        versions={"lotkeeper": __version__, "python": platform.python_version()},
    )


def _temperature_c() -> float | None:
    text = _read(THERMAL)
    return int(text) / 1000 if text else None


def _read(path: Path) -> str:
    """A file of the kernel's; empty where it is not there, or its driver fails just now."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


@cache
def _under_voltage_file() -> Path | None:
    """The firmware's alarm (kernel driver raspberrypi-hwmon)."""
    found = [
        each.parent / "in0_lcrit_alarm"
        for each in UNDER_VOLTAGE.glob("hwmon*/name")
        if _read(each) == "rpi_volt"
    ]
    return found[0] if found else None


def _under_voltage() -> bool | None:
    alarm = _under_voltage_file()
    text = _read(alarm) if alarm else ""
    return text == "1" if text else None
