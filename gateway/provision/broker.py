"""Mosquitto's configuration: a drop-in, the rights of each identity, how it is told to read them.

Who may do what is written out by name. A certificate of the lot that is not in the list, because
it was revoked or removed, may do nothing; and with `use_username_as_clientid` nobody can take
another's session: without it, any bay could empty the gateway's queue by its client id.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from contract.topics import Topics
from gateway.provision import ca
from gateway.provision.files import SECRET, NotWritten, Planned
from gateway.provision.lot import Lot
from gateway.provision.places import BROKER, BrokerPlaces
from gateway.provision.register import Register, Role

ASK_UNIT = ("systemctl", "show", "mosquitto.service", "--property=MainPID", "--value")
GROUP = "mosquitto"
"""Debian's mosquitto reads key and rights as a member of it, and may change neither."""
SETTLE_S = 0.3
"""In which a broker has read some hundred kB and gone round its loop."""
MAX_PACKET_BYTES = 1_048_576

CONF = """\
# Written by lotkeeper; it is written anew by `lotkeeper gateway init`.
# Devices of lot {lot}: TLS 1.3 with a certificate of the lot's CA, and no other way in.
listener {port}
cafile {ca}
certfile {certificate}
keyfile {key}
crlfile {crl}
tls_version tlsv1.3
require_certificate true
# Who one is, is what the certificate says: as user, for the rights, and as client id.
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file {acl}
# A whole layout is some hundred kB; more than this is nobody's message.
max_packet_size {max_packet}
max_inflight_messages 200
max_queued_messages 10000
persistent_client_expiration 14d
set_tcp_nodelay true
"""


class BrokerNotTold(Exception):
    """The broker could not be told to read its files again; the text says what to type."""


def conf(lot: Lot) -> Planned:
    """The drop-in for conf.d. Raises NotWritten where another lot's is there."""
    places = BrokerPlaces(lot.broker)
    _must_be_ours(places.conf, lot)
    text = CONF.format(
        lot=lot.lot_id,
        port=lot.port,
        ca=places.file("ca.crt"),
        certificate=places.file("broker.crt"),
        key=places.file("broker.key"),
        crl=places.file("revoked.crl"),
        acl=places.file("acl"),
        max_packet=MAX_PACKET_BYTES,
    )
    return Planned(places.conf, text.encode())


def _must_be_ours(drop_in: Path, lot: Lot) -> None:
    """A broker has one list of rights, so it serves one lot."""
    text = drop_in.read_text() if drop_in.exists() else ""
    if (found := re.search(r"^# Devices of lot (\S+):", text, re.MULTILINE)) is None:
        return
    if found[1] != lot.lot_id:
        raise NotWritten(
            f"{drop_in} belongs to lot {found[1]}: another lot on this machine needs a mosquitto "
            "of its own; name its folder with --broker-dir, and another --port"
        )


def acl(lot: Lot, register: Register, now: datetime) -> Planned:
    """What each identity with a valid certificate, or one under way, may read and write."""
    lines = ["# Written by lotkeeper. Whoever is not named here may do nothing."]
    for name, identity in sorted(register.identities.items()):
        if identity.role is not Role.SERVER and identity.state(now) not in ("revoked", "expired"):
            lines += ["", f"user {name}", *rights(lot.lot_id, name, identity.role)]
    text = "\n".join(lines) + "\n"
    return Planned(BrokerPlaces(lot.broker).file("acl"), text.encode(), SECRET, GROUP)


def rights(lot_id: str, name: str, role: Role) -> list[str]:
    """An identity's lines of mosquitto's acl_file.

    >>> rights("lot-1", "sign-1", Role.DISPLAY)[0]
    'topic read parking/v1/lot-1/occupancy'
    """
    topics = Topics(lot_id)
    match role:
        case Role.GATEWAY:  # its feeds speak other conventions' topics too
            return ["topic readwrite #"]
        case Role.OPERATOR | Role.CONSOLE:
            return [f"topic read {topics.root}/#", f"topic write {topics.all_requests}"]
        case Role.AGENT:  # what it writes it may read back: it tests its rights by that
            own = [
                f"topic readwrite {topics.agent(name, 'events')}",
                f"topic readwrite {topics.agent(name, 'health')}",
                f"topic write {topics.agent(name, 'response')}",
                f"topic read {topics.agent(name, 'command')}",
                f"topic read {topics.agent(name, 'ack')}",
            ]
            return [*own, f"topic read {topics.gateway_health}"]
        case Role.DISPLAY:
            shown = (topics.occupancy, f"{topics.root}/zones/+/occupancy")
            states = (f"{topics.root}/spots/+/state", topics.gateway_health, topics.gateway_info)
            return [f"topic read {topic}" for topic in (*shown, *states)]
        case Role.SERVER:
            return []


def revocations(lot: Lot, authority: ca.Authority, register: Register) -> Planned:
    """The list of revoked certificates; the one that is there, where that says the same."""
    path, revoked = BrokerPlaces(lot.broker).file("revoked.crl"), register.revoked()
    try:
        there = path.read_bytes()
        good = authority.has_listed(there, set(revoked))
    except OSError:
        good = False
    return Planned(path, there if good else ca.pem(authority.revocations(revoked)))


def guards(
    lot: Lot, authority: ca.Authority, register: Register, now: datetime
) -> tuple[Planned, ...]:
    """What changes with the register: the revocation list and the rights."""
    return revocations(lot, authority, register), acl(lot, register, now)


class Told(StrEnum):
    """What became of a broker that was to read its files again."""

    NOTHING_NEW = "nothing changed for it"
    NOT_RUNNING = "no running broker was told; where one runs: systemctl restart mosquitto"
    READS = "the broker reads its files again"
    ENDED = (
        "the broker ended as it read its files again, as mosquitto 2.0.11 may; systemd starts it"
    )


def tell(lot: Lot, changed: Iterable[Planned]) -> Told:
    """Have a running broker read its files again, where some of them changed (SIGHUP).

    Returns when it has had the time to: mosquitto 2.0.11 crashes where somebody connects or leaves
    in the same moment, so nobody who follows this should. Raises BrokerNotTold where it may not be.
    """
    if not any(each.path.is_relative_to(lot.broker) for each in changed):
        return Told.NOTHING_NEW
    pid = _pid(lot)
    if pid is None:
        return Told.NOT_RUNNING
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        raise BrokerNotTold(f"the broker (pid {pid}): {error.strerror}; run this as root") from None
    time.sleep(SETTLE_S)
    return Told.READS if _pid(lot) == pid else Told.ENDED


def _pid(lot: Lot) -> int | None:
    """The broker's process, if it runs: a pid alone may have become another's."""
    try:
        pid = int(_written_pid(lot))
        stat = Path(f"/proc/{pid}/stat").read_text()  # proc(5): pid (name) state ...
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return pid if re.match(r"\d+ \(mosquitto\) [^ZX]", stat) else None


def _written_pid(lot: Lot) -> str:
    """By its file, or by its unit: Debian 13's mosquitto writes no file. Raises OSError."""
    if lot.broker_pid_file.exists() or lot.broker != BROKER:
        return lot.broker_pid_file.read_text()
    return subprocess.run(ASK_UNIT, capture_output=True, text=True, timeout=10).stdout
