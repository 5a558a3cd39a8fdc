"""Does the console answer where it listens, or does another program?"""

import http.client
import ssl
from dataclasses import dataclass

from agent.tools.findings import Finding
from console.config import HttpSettings
from doctor.finding import bad, ok
from doctor.machine import Machine
from doctor.wants import CONSOLE, Wants

HEALTH = "/api/v1/health"
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Where the console was asked how it is. `problem` is empty where it answered."""

    port: int
    is_tls: bool
    problem: str = ""
    is_another: bool = False


def probe(machine: Machine, wants: Wants) -> Asked | None:
    """Ask it, from here; None where there is none."""
    if wants.http is None:
        return None
    port, is_tls = wants.http.port, wants.http.cert_file is not None
    try:
        status, body = _asked(wants.http)
    except http.client.HTTPException:
        return Asked(port, is_tls, "another program answers there", True)
    except ssl.SSLError as error:
        return Asked(port, is_tls, f"TLS fails: {error.reason or error}", True)
    except OSError as error:
        return Asked(port, is_tls, error.strerror or str(error))
    if b'"status"' not in body:
        return Asked(port, is_tls, "another program answers there", True)
    return Asked(port, is_tls, "" if status == 200 else f"it answers {status}")


def _asked(settings: HttpSettings) -> tuple[int, bytes]:
    """Its certificate is for the name that browsers use, which nobody uses here."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    if settings.cert_file is None:
        connection = http.client.HTTPConnection(host, settings.port, PATIENCE_S)
    else:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            host, settings.port, timeout=PATIENCE_S, context=context
        )
    try:
        connection.request("GET", HEALTH)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def answers(asked: Asked | None) -> list[Finding]:
    """At its port, over TLS where it has a certificate."""
    if asked is None:
        return []
    where = f"console, port {asked.port}"
    if not asked.problem:
        return [ok(where, f"answers{' over TLS' if asked.is_tls else ''}")]
    mend = "sudo systemctl restart lotkeeper-console; journalctl -u lotkeeper-console -n 20"
    if asked.is_another:
        mend = f"sudo ss -ltnp 'sport = :{asked.port}'; write another port into {CONSOLE}"
    return [bad(where, asked.problem, mend)]


CHECKS = (answers,)
