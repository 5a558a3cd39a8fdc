"""Do the units of the configured roles run, and for how long have they?"""

from dataclasses import dataclass

from agent.tools.findings import Finding
from doctor.finding import bad, note, ok
from doctor.machine import Machine
from doctor.wants import Wants

FIELDS = "LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts,Environment"


@dataclass(frozen=True, slots=True)
class Service:
    """What `systemctl show` says of a unit; `restarts` is since the unit was started by hand."""

    unit: str
    loaded: bool
    active: str
    enabled: bool
    result: str
    restarts: int


def probe(machine: Machine, wants: Wants) -> list[Service]:
    """The unit of each configured role."""
    return [_service(machine, role.unit) for role in wants.roles]


def _service(machine: Machine, unit: str) -> Service:
    told = machine.properties(["systemctl", "show", unit, f"--property={FIELDS}"])
    return Service(
        unit,
        told.get("LoadState") == "loaded",
        told.get("ActiveState", ""),
        told.get("UnitFileState", "").startswith("enabled"),
        told.get("Result", ""),
        int(told.get("NRestarts", "0") or 0),
    )


def running(services: list[Service]) -> list[Finding]:
    """Each is active."""
    return [_running(service) for service in services]


def _running(service: Service) -> Finding:
    name = service.unit
    if not service.active:
        return note(name, "systemd does not answer here", f"systemctl status {name}")
    if not service.loaded:
        return note(name, "is not installed: configured, but run by hand", f"systemctl cat {name}")
    if service.active == "active":
        return ok(name, "runs")
    if service.active == "failed":
        mend = f"journalctl -u {name} -n 30; then sudo systemctl restart {name}"
        return bad(name, f"failed ({service.result})", mend)
    return bad(name, f"does not run ({service.active})", f"sudo systemctl start {name}")


def starts_at_boot(services: list[Service]) -> list[Finding]:
    """Each is enabled."""
    return [
        bad(each.unit, "will not start at boot", f"sudo systemctl enable {each.unit}")
        for each in services
        if each.loaded and not each.enabled
    ]


def stays_up(services: list[Service]) -> list[Finding]:
    """None was brought back by systemd."""
    return [
        note(
            each.unit,
            f"was brought back {each.restarts} times",
            f"journalctl -u {each.unit} -g 'Watchdog timeout|Main process exited|Fatal Python'",
        )
        for each in services
        if each.restarts
    ]


CHECKS = (running, starts_at_boot, stays_up)
