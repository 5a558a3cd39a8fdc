"""Can the broker be reached, does it take our certificate, may we do what we must, who else may?

The TLS handshake alone is done while a service runs: a second login with its identity would put
the service off the broker. The journal tells then what the broker refused it.
"""

import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from agent.tools.findings import Finding
from doctor.finding import bad, note, ok
from doctor.machine import Machine
from doctor.wants import Role, Wants
from runtime.config import is_loopback
from runtime.mqtt import MqttSettings, TlsSettings

PATIENCE_S = 5.0
REFUSED = "refuses us|the broker (refused|denies|guards nothing)"
CONF = ("/etc/mosquitto/mosquitto.conf", "/etc/mosquitto/conf.d/*.conf")


@dataclass(frozen=True, slots=True)
class Reached:
    """A role's broker. `problem` is empty where it answered; `refusals` are the journal's lines."""

    role: str
    address: str
    problem: str
    is_tls: bool
    is_remote: bool
    refusals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listener:
    """One of this machine's mosquitto."""

    file: Path
    port: str
    local: bool
    anonymous: bool


@dataclass(frozen=True, slots=True)
class Broker:
    """The roles' way to it, and the one on this machine."""

    reached: tuple[Reached, ...]
    listeners: tuple[Listener, ...]


def probe(machine: Machine, wants: Wants) -> Broker:
    """Connect, read the journal, read mosquitto's configuration."""
    reached = [_reached(machine, role, role.mqtt) for role in wants.roles if role.mqtt]
    return Broker(tuple(reached), tuple(_listeners(machine)))


def _reached(machine: Machine, role: Role, mqtt: MqttSettings) -> Reached:
    said = machine.run(["journalctl", "-u", role.unit, "-b", "-g", REFUSED, "-n", "3", "-o", "cat"])
    return Reached(
        role.name,
        f"{mqtt.host}:{mqtt.port}",
        _problem(machine, mqtt),
        mqtt.tls is not None,
        not is_loopback(mqtt.host),
        tuple(line for line in said.splitlines() if re.search(REFUSED, line)),
    )


def _problem(machine: Machine, mqtt: MqttSettings) -> str:
    """What stands in the way; OSError's words know the rest."""
    try:
        with socket.create_connection((mqtt.host, mqtt.port), PATIENCE_S) as connection:
            if mqtt.tls is not None:
                shake_hands(connection, mqtt.host, mqtt.tls, machine)
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not good: {error.verify_message}"
    except ssl.SSLError as error:
        return f"TLS fails: {error.reason or error}"
    except OSError as error:
        return error.strerror or str(error)
    return ""


def shake_hands(connection: socket.socket, host: str, tls: TlsSettings, machine: Machine) -> None:
    """Raises OSError, of which SSLError is one.

    With TLS 1.3 a server judges our certificate after our side is done: its alert comes on the
    first read. A broker that took it waits for our CONNECT, and the read times out: that is good.
    """
    context = ssl.create_default_context(cafile=str(machine.at(tls.ca_file)))
    if tls.cert_file and tls.key_file:
        context.load_cert_chain(machine.at(tls.cert_file), machine.at(tls.key_file))
    with context.wrap_socket(connection, server_hostname=host) as secured:
        secured.settimeout(1.0)
        try:
            secured.recv(1)
        except TimeoutError:
            return


def _listeners(machine: Machine) -> list[Listener]:
    found = []
    for path in (path for pattern in CONF for path in machine.glob(pattern)):
        found += listeners_of(path, machine.text(path))
    return found


def listeners_of(path: Path, text: str) -> list[Listener]:
    """Of one file. `allow_anonymous` is the whole broker's unless per_listener_settings says else;
    in either case it stands in the file that has the listeners.

    >>> listeners_of(Path("x.conf"), "listener 1883\\nallow_anonymous true")
    [Listener(file=PosixPath('x.conf'), port='1883', local=False, anonymous=True)]
    """
    anonymous = bool(re.search(r"(?m)^\s*allow_anonymous\s+true", text))
    return [
        Listener(path, port, is_loopback(address), anonymous)
        for port, address in re.findall(r"(?m)^\s*listener\s+(\d+)[ \t]*(\S*)", text)
    ]


def answers(facts: Broker) -> list[Finding]:
    """Each role's broker."""
    return [_answers(each) for each in facts.reached]


def _answers(reached: Reached) -> Finding:
    where = f"broker {reached.address}"
    if not reached.problem:
        return ok(where, f"answers {reached.role}{' over TLS' if reached.is_tls else ''}")
    if "certificate" in reached.problem or "TLS" in reached.problem:
        mend = "sudo journalctl -u mosquitto -n 20 on the broker; renew what is out of date"
    elif reached.is_remote:
        host = reached.address.rpartition(":")[0]
        mend = f"ping -c 3 {host}; then systemctl status mosquitto there"
    else:
        mend = "sudo systemctl restart mosquitto; journalctl -u mosquitto -n 20"
    return bad(where, reached.problem, mend)


def lets_us(facts: Broker) -> list[Finding]:
    """Nothing that a service did was refused."""
    return [
        bad(
            f"broker {each.address}",
            f"refuses {each.role}: {each.refusals[-1]}",
            "on the gateway: sudo lotkeeper gateway init, which writes the rights anew",
        )
        for each in facts.reached
        if each.refusals
    ]


def is_private(facts: Broker) -> list[Finding]:
    """No listener to the world without a login."""
    return [
        bad(
            f"mosquitto, port {each.port}",
            f"{each.file} lets anybody in from the network",
            f"sudo sed -i 's/^listener {each.port}.*/listener {each.port} 127.0.0.1/' {each.file}; "
            "sudo systemctl restart mosquitto",
        )
        for each in facts.listeners
        if each.anonymous and not each.local
    ]


def is_encrypted(facts: Broker) -> list[Finding]:
    """Where it is another machine's."""
    return [
        note(
            f"broker {each.address}",
            f"{each.role} speaks to it without TLS",
            "less /usr/share/doc/lotkeeper-common/gateway.md: certificates for the lot",
        )
        for each in facts.reached
        if each.is_remote and not each.is_tls
    ]


CHECKS = (answers, lets_us, is_private, is_encrypted)
