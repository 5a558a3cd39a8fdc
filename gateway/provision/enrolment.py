"""The enrolment server: HTTPS with one job, apart from the gateway's process, which has no CA key.

    GET  /v1/ca      anybody: the CA's certificate, which the device compares with its invitation
    POST /v1/enrol   with a one-time token: a certificate for the key of the request
    POST /v1/renew   with a certificate of the register that is valid and not revoked: another one

The messages are `contract.enrolment`'s. What is refused is answered 403 with the reason in words,
the same for a name that is not known and a token that is wrong.
"""

import logging
import ssl
import time
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import BaseModel, ValidationError

from contract.enrolment import (
    CA_PATH,
    ENROL_PATH,
    MAX_BODY_BYTES,
    RENEW_PATH,
    Enrol,
    Enrolled,
    Refused,
    Renew,
)
from gateway.provision import ca, register
from gateway.provision.files import NotWritten
from gateway.provision.guests import DEADLINE_S, Guests
from gateway.provision.register import NotRegistered, Register
from gateway.provision.site import Site
from runtime.systemd import notify

log = logging.getLogger(__name__)

FEED_S = 5.0
"""Between two messages to systemd's watchdog."""


class Office:
    """What the server does, without HTTP. `now` is the wall clock."""

    def __init__(self, site: Site, now: Callable[[], datetime]) -> None:
        self.site = site
        self.now = now

    def enrol(self, request: Enrol) -> Enrolled:
        """Raises BadRequest, NotRegistered, NotWritten."""
        key = ca.requested_key(request.csr, request.name)
        moment = self.now()
        with register.changing(self.site.places.register) as known:
            known.spend(request.name, request.token, ca.key_print(key), moment)
            return self._issued(known, request.name, key, moment)

    def renew(self, request: Renew, name: str, serial: int) -> Enrolled:
        """Raises BadRequest, NotRegistered, NotWritten."""
        key = ca.requested_key(request.csr, name)
        moment = self.now()
        with register.changing(self.site.places.register) as known:
            valid = {int(each.serial, 16) for each in known.of(name).valid(moment)}
            if serial not in valid:
                raise NotRegistered(f"this certificate of {name} is not valid any more")
            return self._issued(known, name, key, moment)

    def _issued(self, known: Register, name: str, key: ca.PublicKey, moment: datetime) -> Enrolled:
        certificate = self.site.issue(known, name, key, moment)
        log.info("%s: certificate %x", name, certificate.serial_number)
        return Enrolled(certificate=ca.pem(certificate).decode())


class Server(ThreadingHTTPServer):
    """Listens until `shutdown`. TLS 1.3; the handshake is each connection's own thread's."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], office: Office) -> None:
        self.office = office
        self.guests = Guests()
        self._fed_s = 0.0
        super().__init__(address, Handler)
        self.socket = _context(office.site).wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def process_request(self, request: Any, client_address: Any) -> None:
        """Never waits: who is slow makes room."""
        if self.guests.come(request, client_address[0]):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection and make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.guests.leave(request)

    def service_actions(self) -> None:
        """Between two connections, and twice in a second: the watchdog is fed from here."""
        if self.guests.tidy() and time.monotonic() - self._fed_s > FEED_S:
            self._fed_s = time.monotonic()
            notify("WATCHDOG=1")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that failed is its client's matter."""
        log.info("%s: the connection failed", client_address[0], exc_info=True)


def _context(site: Site) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(site.places.certificate("enrolment"), site.places.key("enrolment"))
    context.load_verify_locations(site.places.ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


class Handler(BaseHTTPRequestHandler):
    """One request a connection."""

    timeout = DEADLINE_S
    server: Server
    server_version = "lotkeeper"
    sys_version = ""

    def do_GET(self) -> None:
        """The CA's certificate."""
        if self.path != CA_PATH:
            self._answer(HTTPStatus.NOT_FOUND, Refused(error="there is nothing here"))
            return
        body = ca.pem(self.server.office.site.authority.certificate)
        self._send(HTTPStatus.OK, "application/x-pem-file", body)

    def do_POST(self) -> None:
        """Enrol or renew."""
        try:
            status, message = HTTPStatus.OK, self._do()
        except (ValidationError, ca.BadRequest) as error:
            words = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            status, message = HTTPStatus.BAD_REQUEST, Refused(error=words)
        except NotRegistered as error:
            status, message = HTTPStatus.FORBIDDEN, Refused(error=str(error))
        except NotWritten as error:
            log.error("%s", error)
            words = "the register cannot be written; its log says why"
            status, message = HTTPStatus.SERVICE_UNAVAILABLE, Refused(error=words)
        if isinstance(message, Refused):
            log.warning("%s %s refused: %s", self.client_address[0], self.path, message.error)
        self._answer(status, message)

    def _do(self) -> BaseModel:
        office = self.server.office
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= MAX_BODY_BYTES:
            raise ca.BadRequest(f"a body of 1 to {MAX_BODY_BYTES} bytes is expected")
        body = self.rfile.read(length)
        self.server.guests.serve(self.connection)
        if self.path == ENROL_PATH:
            return office.enrol(Enrol.model_validate_json(body))
        if self.path == RENEW_PATH:
            name, serial = self._peer()
            return office.renew(Renew.model_validate_json(body), name, serial)
        raise ca.BadRequest("there is nothing here")

    def _peer(self) -> tuple[str, int]:
        """Who the client's certificate says it is. TLS has verified that it is of our CA."""
        found = self.connection.getpeercert()
        names = [value for part in (found or {}).get("subject", ()) for key, value in part]
        if not names:
            raise NotRegistered("a certificate of this lot is needed to renew it")
        return names[0], int(found["serialNumber"], 16)

    def _answer(self, status: HTTPStatus, message: BaseModel) -> None:
        self._send(status, "application/json", message.model_dump_json().encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:
        """Into our log; bodies, which hold tokens, never come here."""
        log.debug("%s %s", self.client_address[0], format % values)
