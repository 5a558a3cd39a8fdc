"""The agent's certificate: asked for with a key that stays here, renewed before its end.

The key and the request are made by the openssl command, which every Raspberry Pi OS has: Python's
`cryptography` would have to be compiled on a 32-bit Pi.

What is new is written beside the old, validated, and renamed: the certificate before the key, so
that an attempt that was cut off finds the key again that its token was spent on.
"""

import binascii
import hashlib
import http.client
import os
import ssl
import subprocess
from pathlib import Path

from pydantic import ValidationError

from agent.durable import beside, swap
from contract.enrolment import (
    CA_PATH,
    ENROL_PATH,
    MAX_BODY_BYTES,
    RENEW_PATH,
    Enrol,
    Enrolled,
    Invitation,
    Refused,
    Renew,
)

DUE_S = 60 * 86400
"""A certificate with less than this left is to be renewed."""
TIMEOUT_S = 20.0


class NotEnrolled(Exception):
    """No certificate was had; the text says why and what to do. What was there before stays."""


def enrol(invitation: Invitation, folder: Path) -> None:
    """Get a first certificate into a folder: ca.crt, identity.crt, identity.key.

    Raises NotEnrolled. The same invitation may be tried again with the same folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "identity.key.new"
    if not key.exists():
        _make_key(key)
    ca_pem = _pinned_ca(invitation)
    _must_not_be_anothers(folder, ca_pem)
    request = Enrol(name=invitation.name, token=invitation.token, csr=_csr(key, invitation.name))
    context = ssl.create_default_context(cadata=ca_pem)
    answer = _post(invitation.host, invitation.port, context, ENROL_PATH, request)
    ca_new = beside(folder / "ca.crt", ca_pem)
    certificate = beside(folder / "identity.crt", answer.certificate)
    _validate(ca_new, certificate, key, invitation.name)
    swap(ca_new, certificate, key)


def renew(host: str, port: int, ca: Path, certificate: Path, key: Path, name: str) -> None:
    """Another certificate for the same key, by the one that is there. Raises NotEnrolled."""
    try:
        context = ssl.create_default_context(cafile=str(ca))
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise NotEnrolled(f"{certificate}, {key}: {error}; enrol it again") from error
    answer = _post(host, port, context, RENEW_PATH, Renew(csr=_csr(key, name)))
    new = beside(certificate, answer.certificate)
    _validate(ca, new, key, name)
    swap(new)


def is_due(certificate: Path) -> bool:
    """Whether a certificate's end is near. Raises NotEnrolled where there is none to read."""
    _openssl("x509", "-noout", "-in", str(certificate))
    asked = _run("x509", "-noout", "-checkend", str(DUE_S), "-in", str(certificate))
    return asked.returncode != 0


def _make_key(path: Path) -> None:
    with _umask(0o077):
        _openssl(
            "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(path)
        )


class _umask:
    def __init__(self, mask: int) -> None:
        self.mask = mask

    def __enter__(self) -> None:
        self.mask = os.umask(self.mask)

    def __exit__(self, *_: object) -> None:
        os.umask(self.mask)


def _csr(key: Path, name: str) -> str:
    return _openssl("req", "-new", "-key", str(key), "-subj", f"/CN={name}")


def _pinned_ca(invitation: Invitation) -> str:
    """The CA's certificate, which must be the one that the invitation names."""
    context = ssl.create_default_context()
    context.check_hostname = False  # until the CA is known there is nothing to check it by
    context.verify_mode = ssl.CERT_NONE
    status, body = _ask(invitation.host, invitation.port, context, "GET", CA_PATH, None)
    text = body.decode(errors="replace")
    try:
        found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest()
    except (ValueError, binascii.Error):
        found = ""
    if status != http.client.OK or found != invitation.ca_sha256:
        raise NotEnrolled(
            f"{invitation.host}:{invitation.port} is not the gateway of this invitation: its CA "
            "is another. Check the address; the token was not sent"
        )
    return text


def _must_not_be_anothers(folder: Path, ca_pem: str) -> None:
    """A gateway's Pi may sense too, for its own lot: one folder has one CA. Raises NotEnrolled."""
    if (folder / "gateway.crt").exists() and (folder / "ca.crt").read_text() != ca_pem:
        raise NotEnrolled(
            f"{folder} is of the gateway of another lot than this invitation: name another "
            "folder, by --tls, and in agent.toml; the token was not sent"
        )


def _post(
    host: str, port: int, context: ssl.SSLContext, path: str, message: Enrol | Renew
) -> Enrolled:
    status, body = _ask(host, port, context, "POST", path, message.model_dump_json())
    try:
        if status == http.client.OK:
            return Enrolled.model_validate_json(body)
        words = Refused.model_validate_json(body).error
    except ValidationError:
        words = f"answered {status}"
    raise NotEnrolled(f"{host}:{port}: {words}")


def _ask(
    host: str, port: int, context: ssl.SSLContext, method: str, path: str, body: str | None
) -> tuple[int, bytes]:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read(MAX_BODY_BYTES)
    except ssl.SSLError as error:
        raise NotEnrolled(f"{host}:{port}: {error.reason or error}") from error
    except (OSError, http.client.HTTPException) as error:
        raise NotEnrolled(
            f"{host}:{port}: {error}; does `lotkeeper gateway enrolment` run there?"
        ) from error
    finally:
        connection.close()


def _validate(ca: Path, certificate: Path, key: Path, name: str) -> None:
    """Of this CA, for a client, with our key and our name. Raises NotEnrolled."""
    _openssl("verify", "-CAfile", str(ca), "-purpose", "sslclient", str(certificate))
    shown = _openssl("x509", "-noout", "-subject", "-nameopt", "multiline", "-in", str(certificate))
    named = [line.partition("=")[2].strip() for line in shown.splitlines() if "commonName" in line]
    if named != [name]:
        raise NotEnrolled(f"the certificate is for {', '.join(named)}, and this is {name}")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise NotEnrolled(f"the certificate does not fit the key: {error}") from error


def _openssl(*arguments: str) -> str:
    """What openssl prints. Raises NotEnrolled."""
    done = _run(*arguments)
    if done.returncode:
        lines = done.stderr.splitlines() or ["openssl failed"]
        raise NotEnrolled(f"openssl {arguments[0]}: {lines[-1]}")
    return done.stdout


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            ["openssl", *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        raise NotEnrolled("there is no openssl here: apt-get install openssl") from None
