"""The agent's key and certificate: made by openssl, swapped so that a power cut leaves a pair."""

import os
import re
import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from agent import identity
from agent.identity import NotEnrolled
from contract.enrolment import Enrolled
from gateway.provision import ca

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed: apt-get install openssl"
)
REPO = Path(__file__).parents[2]
SOON = datetime.now(UTC) + timedelta(days=400)


@pytest.fixture
def authority() -> ca.Authority:
    return ca.found("lot", datetime.now(UTC))


def issued(authority: ca.Authority, key: Path, name: str = "pi-1", **more: object) -> str:
    public = ca.load_key(key.read_bytes()).public_key()
    usage = more.get("usage", ca.Usage.CLIENT)
    return ca.pem(authority.issue(public, name, usage, SOON)).decode()  # type: ignore[arg-type]


def test_the_key_is_for_its_owner_alone_and_the_request_is_signed_by_it(tmp_path: Path) -> None:
    key = tmp_path / "key"
    os.umask(0o022)
    identity._make_key(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    asked = ca.requested_key(identity._csr(key, "pi-1"), "pi-1")
    assert asked == ca.load_key(key.read_bytes()).public_key()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda a, key: issued(a, key, usage=ca.Usage.SERVER), "verify"),
        (lambda a, key: issued(ca.found("lot", SOON), key), "verify"),
        (lambda a, key: issued(a, key, "pi-2"), "is for pi-2, and this is pi-1"),
        (lambda a, key: "-----BEGIN", "openssl"),
    ],
)
def test_a_certificate_that_does_not_fit_is_not_taken(
    tmp_path: Path, authority: ca.Authority, make: object, words: str
) -> None:
    key, root, certificate = tmp_path / "key", tmp_path / "ca", tmp_path / "crt"
    identity._make_key(key)
    root.write_bytes(ca.pem(authority.certificate))
    certificate.write_text(make(authority, key))  # type: ignore[operator]
    with pytest.raises(NotEnrolled, match=words):
        identity._validate(root, certificate, key, "pi-1")


def test_a_certificate_of_another_key_is_not_taken(tmp_path: Path, authority: ca.Authority) -> None:
    key, other = tmp_path / "key", tmp_path / "other"
    identity._make_key(key)
    identity._make_key(other)
    (tmp_path / "ca").write_bytes(ca.pem(authority.certificate))
    (tmp_path / "crt").write_text(issued(authority, other))
    with pytest.raises(NotEnrolled, match="does not fit the key"):
        identity._validate(tmp_path / "ca", tmp_path / "crt", key, "pi-1")


@pytest.mark.parametrize("renames", range(3))
def test_an_enrolment_that_was_cut_off_is_finished_by_the_next(
    tmp_path: Path,
    authority: ca.Authority,
    monkeypatch: pytest.MonkeyPatch,
    renames: int,
) -> None:
    """Over an older identity, the power fails after so many renames; the token knows one key."""
    from contract.enrolment import Invitation

    invited = Invitation(
        host="h", port=1, lot_id="lot", name="pi-1", ca_sha256="0" * 64, token="t" * 32
    )
    old = ca.new_key()
    (tmp_path / "identity.key").write_bytes(ca.key_pem(old))
    (tmp_path / "identity.crt").write_text(issued(authority, tmp_path / "identity.key"))
    spent: set[str] = set()

    def answer(*arguments: object) -> Enrolled:
        key = ca.requested_key(arguments[-1].csr, "pi-1")  # type: ignore[attr-defined]
        spent.add(ca.key_print(key))
        assert len(spent) == 1, "another key came with the token"
        return Enrolled(
            certificate=ca.pem(authority.issue(key, "pi-1", ca.Usage.CLIENT, SOON)).decode()
        )

    monkeypatch.setattr(identity, "_pinned_ca", lambda _: ca.pem(authority.certificate).decode())
    monkeypatch.setattr(identity, "_post", answer)
    replace, done = os.replace, 0

    def failing(old: Path, new: Path) -> None:
        nonlocal done
        if done == renames:
            raise OSError(5, "power")
        done += 1
        replace(old, new)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="power"):
        identity.enrol(invited, tmp_path)
    monkeypatch.setattr(os, "replace", replace)
    identity.enrol(invited, tmp_path)
    key = ca.load_key((tmp_path / "identity.key").read_bytes())
    certificate = x509.load_pem_x509_certificate((tmp_path / "identity.crt").read_bytes())
    assert certificate.public_key() == key.public_key()
    assert {ca.key_print(key.public_key())} == spent  # type: ignore[arg-type]
    assert not list(tmp_path.glob("*.new"))


def test_without_openssl_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotEnrolled, match="apt-get install openssl"):
        identity.is_due(tmp_path / "crt")


def test_an_agent_needs_nothing_that_a_32_bit_pi_would_compile() -> None:
    code = "import agent.identity, agent.app, sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    loaded = {module.partition(".")[0] for module in run.stdout.split()}
    assert "ssl" in loaded
    assert not loaded & {"cryptography", "cffi", "segno", "gateway"}
    lock = (REPO / "requirements" / "agent.txt").read_text()
    assert not re.search(r"(?m)^(cryptography|cffi)==", lock)
