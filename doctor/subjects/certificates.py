"""Until when are the certificates good?"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.tools.findings import Finding
from doctor.finding import bad, note, ok
from doctor.machine import Machine
from doctor.wants import Wants
from gateway.certificates import expiry

SOON = timedelta(days=14)
PATTERNS = ("/etc/lotkeeper/**/*.crt", "/etc/mosquitto/**/*.crt")
RENEW = "sudo systemctl start {unit}; journalctl -u {unit} -n 20"
RENEWAL = "lotkeeper-agent-renewal"
RENEWALS = dict.fromkeys(
    ("gateway", "operator", "enrolment", "console", "broker"), "lotkeeper-gateway-renewal"
)
"""By the file's name, where it is not the agent's."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """`ends` is None where it cannot be read; `problem` says why. `renew` is what mends its end."""

    path: Path
    ends: datetime | None
    problem: str
    now: datetime
    renew: str


def probe(machine: Machine, wants: Wants) -> list[Certificate]:
    """Those of the roles and of the broker, and any other that a configuration names."""
    paths = {path for pattern in PATTERNS for path in machine.glob(pattern)}
    for tls in (role.mqtt.tls for role in wants.roles if role.mqtt and role.mqtt.tls):
        paths |= {path for path in (tls.ca_file, tls.cert_file) if path is not None}
    if wants.http and wants.http.cert_file:
        paths.add(wants.http.cert_file)
    return [_certificate(machine, path, _renewal(path, wants)) for path in sorted(paths)]


def _certificate(machine: Machine, path: Path, renew: str) -> Certificate:
    now = datetime.now(UTC)
    try:
        return Certificate(path, expiry(machine.at(path)), "", now, renew)
    except OSError as error:
        return Certificate(path, None, error.strerror or str(error), now, renew)
    except ValueError as error:
        return Certificate(path, None, str(error), now, renew)


def _renewal(path: Path, wants: Wants) -> str:
    """Who makes another: the lot's own services, but for browsers' and displays'."""
    if wants.http and path == wants.http.cert_file:
        there = f"put another one and its key into {path.parent}"
        return f"{there}; sudo systemctl restart lotkeeper-console"
    if path.stem == "identity" and wants.role("display") and not wants.role("agent"):
        return "on the gateway: sudo lotkeeper gateway replace, with this display's name"
    return RENEW.format(unit=RENEWALS.get(path.stem, RENEWAL))


def are_good(certificates: list[Certificate]) -> list[Finding]:
    """Each one, and for longer than a fortnight."""
    return [_judged(each) for each in certificates]


def _judged(certificate: Certificate) -> Finding:
    where, now, ends = str(certificate.path), certificate.now, certificate.ends
    if ends is None:
        return bad(where, certificate.problem, f"sudo ls -l {where}; sudo lotkeeper doctor as root")
    day = f"{ends:%Y-%m-%d}"
    if ends <= now:
        return bad(where, f"expired on {day}", certificate.renew)
    return (
        note(where, f"ends soon, on {day}", certificate.renew)
        if ends < now + SOON
        else ok(where, f"good until {day}")
    )


CHECKS = (are_good,)
