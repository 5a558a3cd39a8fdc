"""Shutting an identity out, now: what it holds of the broker ends with its certificate."""

import tempfile
import threading
from datetime import datetime, timedelta
from pathlib import Path

from gateway.provision import ca, register
from gateway.provision.broker import BrokerNotTold, Told
from gateway.provision.files import SECRET, Planned, write
from gateway.provision.site import Site
from runtime.mqtt import Handlers, Link, MqttSettings, TlsSettings

KICK_S = 5.0
MINUTES = timedelta(minutes=10)


def revoke(site: Site, name: str, now: datetime) -> tuple[int, Told]:
    """Revoke all certificates of a name, and cut its connection: how many were valid, and whether
    the broker knows. Raises NotRegistered, BrokerNotTold.
    """
    with register.changing(site.places.register) as known:
        count = known.revoke(name, now)
    told = site.tell_broker(known, now)
    if told is Told.READS and not kick(site, name, now):
        raise BrokerNotTold(
            f"{name} is revoked, but the broker at port {site.lot.port} does not answer, so an "
            "open connection could not be cut: systemctl restart mosquitto"
        )
    return count, told


def kick(site: Site, name: str, now: datetime) -> bool:
    """Cut a name's connection and drop its session, by coming in its place once.

    A broker that reads a new revocation list does not look at who is inside already. But it keeps
    one connection a name, and a certificate of this name is ours to make: it lives for minutes, is
    gone with its folder, and has no rights, since the name has none any more.
    """
    key = ca.new_key()
    certificate = site.authority.issue(key.public_key(), name, ca.Usage.CLIENT, now + MINUTES)
    inside = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        tls = TlsSettings(
            ca_file=site.places.ca, cert_file=Path(folder, "crt"), key_file=Path(folder, "key")
        )
        write(
            [
                Planned(Path(folder, "crt"), ca.pem(certificate)),
                Planned(Path(folder, "key"), ca.key_pem(key), SECRET),
            ]
        )
        mqtt = MqttSettings(port=site.lot.port, tls=tls)
        link = Link(mqtt, name, Handlers(connected=lambda _: inside.set()), clean=True)
        link.start()
        try:
            return inside.wait(KICK_S)
        finally:
            link.stop()
