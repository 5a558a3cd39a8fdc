"""A device's way in, over real HTTPS: invited, enrolled by `agent enroll`, renewed, shut out."""

import contextlib
import json
import os
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner, Result

from agent.cli import app as agent_app
from agent.config import AgentSettings
from contract.enrolment import Enrol, Invitation
from gateway.cli import app as gateway_app
from gateway.provision import guests, register
from gateway.provision.enrolment import Office, Server
from gateway.provision.guests import DEADLINE_S, ROOM
from gateway.provision.places import Places
from gateway.provision.site import open_site
from runtime.config import load
from simulator.processes import free_port

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed: apt-get install openssl"
)
REPO = Path(__file__).parents[2]


@dataclass
class Way:
    """A lot whose enrolment server runs, and a Pi's folder."""

    folder: Path
    server: Server
    moment: datetime

    @property
    def places(self) -> Places:
        return Places(self.folder / "lotkeeper")

    def gateway(self, *words: object) -> Result:
        arguments = [*map(str, words), "--dir", str(self.places.root)]
        return CliRunner().invoke(gateway_app, arguments, catch_exceptions=False)

    def invite(self, name: str, *more: object) -> Path:
        """The invitation's file."""
        result = self.gateway("add-agent", name, "--out", self.folder / "out", *more)
        assert result.exit_code == 0, result.output
        return self.folder / "out" / name / "invitation"

    def enroll(self, invitation: Path, pi: Path) -> Result:
        return agent("enroll", "--invitation", invitation, "--tls", pi)

    def config(self, pi: Path, name: str) -> Path:
        """The bundle's agent.toml with this Pi's paths."""
        text = (self.folder / "out" / name / "agent.toml").read_text()
        text = text.replace("/etc/lotkeeper/tls", str(pi))
        spot = '[[spots]]\nspot_id = "A1"\nsensor = { kind = "simulated" }\n'
        path = pi / "agent.toml"
        path.write_text(text + spot)
        return path

    def serials(self, name: str) -> list[str]:
        return [each.serial for each in register.read(self.places.register).of(name).certificates]


def agent(*words: object) -> Result:
    return CliRunner().invoke(agent_app, [*map(str, words)], catch_exceptions=False)


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    folder, port = tmp_path, free_port()
    arguments = [
        "init", "--lot", "north", "--host", "127.0.0.1", "--zone", "A:3", "--dir",
        folder / "lotkeeper", "--broker-dir", folder / "mosquitto", "--enrolment-port", port,
        "--broker-pid-file", folder / "none",
    ]  # fmt: skip
    result = CliRunner().invoke(gateway_app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    made = Way(folder, None, datetime.now(UTC).replace(microsecond=0))  # type: ignore[arg-type]
    office = Office(open_site(made.places), lambda: made.moment)
    made.server = Server(("127.0.0.1", port), office)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_a_pi_gets_a_certificate_for_a_key_that_it_made(way: Way, tmp_path: Path) -> None:
    invitation, pi = way.invite("pi-1"), tmp_path / "pi"
    result = way.enroll(invitation, pi)
    assert result.exit_code == 0, result.output
    assert {path.name for path in pi.iterdir()} == {"ca.crt", "identity.crt", "identity.key"}
    assert (pi / "identity.key").stat().st_mode & 0o777 == 0o600
    assert (pi / "ca.crt").read_bytes() == way.places.ca.read_bytes()
    certificate = x509.load_pem_x509_certificate((pi / "identity.crt").read_bytes())
    assert way.serials("pi-1") == [f"{certificate.serial_number:x}"]
    assert not invitation.exists()
    assert "pi-1" in way.gateway("list").output
    key = (pi / "identity.key").read_bytes()
    there = [path for path in way.places.root.rglob("*") if path.is_file()]
    assert not [path for path in there if key in path.read_bytes()]


def test_a_token_is_good_once(way: Way, tmp_path: Path) -> None:
    invitation = way.invite("pi-1")
    shutil.copy(invitation, tmp_path / "copy")
    assert way.enroll(invitation, tmp_path / "pi").exit_code == 0
    result = way.enroll(tmp_path / "copy", tmp_path / "thief")
    assert result.exit_code == 1
    assert "was used already" in result.output
    assert not (tmp_path / "thief" / "identity.crt").exists()
    assert len(way.serials("pi-1")) == 1


def test_an_answer_that_was_lost_is_had_again_by_the_same_key(way: Way, tmp_path: Path) -> None:
    """The Pi's power failed after the server had answered: its key is there, and beside it."""
    invitation, pi = way.invite("pi-1"), tmp_path / "pi"
    shutil.copy(invitation, tmp_path / "copy")
    assert way.enroll(invitation, pi).exit_code == 0
    (pi / "identity.key").rename(pi / "identity.key.new")
    (pi / "identity.crt").unlink()
    result = way.enroll(tmp_path / "copy", pi)
    assert result.exit_code == 0, result.output
    assert len(way.serials("pi-1")) == 2


def test_the_token_is_kept_as_a_hash_and_runs_out(way: Way, tmp_path: Path) -> None:
    invitation = way.invite("pi-1", "--invitation-days", 3)
    token = Invitation.parse(invitation.read_text()).token
    kept = [path.read_bytes() for path in way.places.root.rglob("*") if path.is_file()]
    assert not [content for content in kept if token.encode() in content]
    way.moment += timedelta(days=3, minutes=5)
    result = way.enroll(invitation, tmp_path / "pi")
    assert (result.exit_code, "has run out" in result.output) == (1, True), result.output
    assert way.serials("pi-1") == []


def test_a_token_is_for_its_name_alone(way: Way, tmp_path: Path) -> None:
    mine, other = way.invite("pi-1"), way.invite("pi-2")
    text = mine.read_text().replace("/pi-1?", "/pi-2?")
    mine.write_text(text)
    result = way.enroll(mine, tmp_path / "pi")
    assert (result.exit_code, "not given for this name" in result.output) == (1, True)
    unknown = text.replace("/pi-2?", "/nobody?")
    mine.write_text(unknown)
    assert "not given for this name" in way.enroll(mine, tmp_path / "pi3").output
    assert way.enroll(other, tmp_path / "pi2").exit_code == 0


def test_another_server_gets_no_token(way: Way, tmp_path: Path) -> None:
    invitation = way.invite("pi-1")
    text = invitation.read_text()
    pinned = re.search("ca=([0-9a-f]{64})", text)
    assert pinned
    invitation.write_text(text.replace(pinned[1], "0" * 64))
    result = way.enroll(invitation, tmp_path / "pi")
    assert (result.exit_code, "the token was not sent" in result.output) == (1, True)
    invitation.write_text(text)
    assert way.enroll(invitation, tmp_path / "pi").exit_code == 0  # it is still good


def test_a_host_that_the_certificate_does_not_name_is_refused(way: Way, tmp_path: Path) -> None:
    invitation = way.invite("pi-1")
    text = invitation.read_text()
    elsewhere = Server(("127.0.0.2", 0), way.server.office)
    thread = threading.Thread(target=elsewhere.serve_forever, args=(0.02,))
    thread.start()
    try:
        host = f"127.0.0.2:{elsewhere.server_address[1]}"
        invitation.write_text(re.sub(r"127\.0\.0\.1:\d+", host, text))
        result = way.enroll(invitation, tmp_path / "pi")
    finally:
        elsewhere.shutdown()
        thread.join()
        elsewhere.server_close()
    assert (result.exit_code, "CERTIFICATE_VERIFY_FAILED" in result.output) == (1, True)
    invitation.write_text(text)
    assert way.enroll(invitation, tmp_path / "pi").exit_code == 0  # the token was not sent


def test_no_server_is_told_with_what_to_start(way: Way, tmp_path: Path) -> None:
    invitation = way.invite("pi-1")
    invitation.write_text(
        re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{free_port()}", invitation.read_text())
    )
    result = way.enroll(invitation, tmp_path / "pi")
    assert result.exit_code == 1
    assert "lotkeeper gateway enrolment" in result.output


@pytest.mark.parametrize(
    "text", ["", "hello", "lotkeeper://h:1/lot/pi?ca=00&token=secretsecretsecret"]
)
def test_what_is_no_invitation_is_bad_usage_and_not_repeated(text: str, tmp_path: Path) -> None:
    path = tmp_path / "invitation"
    path.write_text(text)
    result = agent("enroll", "--invitation", path, "--tls", tmp_path / "pi")
    assert result.exit_code == 2
    assert "secretsecret" not in result.output


def test_a_certificate_is_renewed_over_mutual_tls(way: Way, tmp_path: Path) -> None:
    pi = tmp_path / "pi"
    assert way.enroll(way.invite("pi-1", "--days", 90), pi).exit_code == 0
    config = way.config(pi, "pi-1")
    load(config, AgentSettings)
    assert agent("needs-renewal", "-c", config).exit_code == 1
    before, key = (pi / "identity.crt").read_bytes(), (pi / "identity.key").read_bytes()
    way.moment += timedelta(days=40)
    result = agent("rotate", "-c", config)
    assert result.exit_code == 0, result.output
    after = (pi / "identity.crt").read_bytes()
    assert after != before
    assert (pi / "identity.key").read_bytes() == key
    ends = [x509.load_pem_x509_certificate(each).not_valid_after_utc for each in (before, after)]
    assert ends[1] - ends[0] == timedelta(days=40)
    assert not list(pi.glob("*.new"))


def test_needs_renewal_says_due_and_cannot_tell(way: Way, tmp_path: Path) -> None:
    pi = tmp_path / "pi"
    way.moment -= timedelta(days=40)
    assert way.enroll(way.invite("pi-1", "--days", 90), pi).exit_code == 0
    config = way.config(pi, "pi-1")
    assert agent("needs-renewal", "-c", config).exit_code == 0
    (pi / "identity.crt").write_text("rubbish")
    assert agent("needs-renewal", "-c", config).exit_code == 2
    (pi / "identity.crt").unlink()
    assert agent("needs-renewal", "-c", config).exit_code == 2


def test_who_was_revoked_is_not_renewed(way: Way, tmp_path: Path) -> None:
    pi = tmp_path / "pi"
    assert way.enroll(way.invite("pi-1"), pi).exit_code == 0
    config = way.config(pi, "pi-1")
    before = (pi / "identity.crt").read_bytes()
    assert way.gateway("revoke", "pi-1", "--yes").exit_code == 0
    result = agent("rotate", "-c", config)
    assert (result.exit_code, "not valid any more" in result.output) == (1, True), result.output
    assert (pi / "identity.crt").read_bytes() == before


def test_another_pi_takes_the_name(way: Way, tmp_path: Path) -> None:
    assert way.enroll(way.invite("pi-1"), tmp_path / "old").exit_code == 0
    again = way.gateway("add-agent", "pi-1", "--out", way.folder / "out")
    assert (again.exit_code, "gateway replace pi-1" in again.output) == (1, True)
    result = way.gateway("replace", "pi-1", "--yes", "--out", way.folder / "second")
    assert result.exit_code == 0, result.output
    assert (
        way.enroll(way.folder / "second" / "pi-1" / "invitation", tmp_path / "new").exit_code == 0
    )
    known = register.read(way.places.register).of("pi-1")
    assert [bool(each.revoked) for each in known.certificates] == [True, False]


def test_what_is_no_request_is_answered_in_words(way: Way) -> None:
    context = ssl.create_default_context(cafile=str(way.places.ca))
    context.load_cert_chain(way.places.certificate("gateway"), way.places.key("gateway"))
    host, port = way.server.server_address[:2]
    unsigned = Enrol(name="pi-1", token="t" * 32, csr="x").model_dump_json().encode()
    cases = {
        b"GET /v1/secrets HTTP/1.1\r\n\r\n": b"404",
        b"POST /v1/enrol HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n": b"400",
        b"POST /v1/enrol HTTP/1.1\r\n\r\n": b"400",
        _post("/v1/enrol", b"{}"): b"400",
        _post("/v1/other", b"{}"): b"400",
        _post("/v1/enrol", unsigned): b"400",
        _post("/v1/renew", json.dumps({"csr": "x"}).encode()): b"400",
    }
    for request, status in cases.items():
        plain = socket.create_connection((str(host), int(port)), 5)
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
            secure.sendall(request)
            assert secure.recv(1000).split()[1] == status, request


def _post(path: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_connections_that_say_nothing_hold_up_nobody(way: Way, tmp_path: Path) -> None:
    """More than there is room for; whoever says nothing goes before one who does."""
    host, port = way.server.server_address[:2]
    silent = [socket.create_connection((str(host), int(port)), 5) for _ in range(3 * ROOM)]
    try:
        begun_s = time.monotonic()
        assert way.enroll(way.invite("pi-1"), tmp_path / "pi").exit_code == 0
        assert time.monotonic() - begun_s < DEADLINE_S / 2
    finally:
        for each in silent:
            each.close()


def test_a_request_that_trickles_in_is_cut(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte in good time, and the whole in none."""
    monkeypatch.setattr(guests, "DEADLINE_S", 0.2)
    host, port = way.server.server_address[:2]
    context = ssl._create_unverified_context()
    with (
        socket.create_connection((str(host), int(port)), 5) as plain,
        context.wrap_socket(plain) as slow,
        contextlib.suppress(ConnectionResetError, BrokenPipeError, ssl.SSLEOFError),
    ):
        slow.sendall(b"GET /v1/ca HTTP/1.1\r\nX-Slow: ")
        for _ in range(500):
            slow.sendall(b"x")
            if select.select([slow], [], [], 0.02)[0] and not slow.recv(1000):
                return
        pytest.fail("it may trickle for ever")


def test_the_server_as_a_process_starts_and_stops(way: Way) -> None:
    way.server.socket.close()
    process = subprocess.Popen(
        [sys.executable, "-m", "lotkeeper", "gateway", "enrolment", "--bind", "127.0.0.1",
         "--dir", str(way.places.root)],
        env=os.environ | {"PYTHONPATH": str(REPO)}, cwd=tempfile.gettempdir(),
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stderr
        assert "enrolment of lot north" in process.stderr.readline()
        process.terminate()
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_a_gateways_pi_that_senses_too_keeps_both_identities(way: Way) -> None:
    """Both in the usual folder, told apart by name, whichever is made or renewed."""
    tls = way.places.root / "tls"
    before = {path.name: path.read_bytes() for path in tls.iterdir()}
    assert way.enroll(way.invite("pi-1"), tls).exit_code == 0
    after = {path.name: path.read_bytes() for path in tls.iterdir()}
    assert after.keys() - before.keys() == {"identity.crt", "identity.key"}
    assert {name: after[name] for name in before} == before
    assert way.gateway("init").output == "all is as it should be: nothing to write\n"
    rotated = agent("rotate", "--config", way.config(tls, "pi-1"))
    assert rotated.exit_code == 0, rotated.output
    kept = (tls / "identity.crt").read_bytes(), (tls / "identity.key").read_bytes()
    assert kept[0] != after["identity.crt"]
    assert way.gateway("rotate").exit_code == 0
    assert (tls / "gateway.key").read_bytes() != before["gateway.key"]
    assert ((tls / "identity.crt").read_bytes(), (tls / "identity.key").read_bytes()) == kept


def test_an_invitation_of_another_lot_leaves_a_gateways_folder_alone(
    way: Way, tmp_path: Path
) -> None:
    tls = tmp_path / "tls"
    tls.mkdir()
    for name in ("gateway.crt", "ca.crt"):
        (tls / name).write_text("of another lot\n")
    refused = way.enroll(way.invite("pi-1"), tls)
    assert (refused.exit_code, "another lot than this invitation" in refused.output) == (1, True)
    assert (tls / "ca.crt").read_text() == "of another lot\n"
    assert way.serials("pi-1") == []
