"""The lot's certificate authority: keys, certificates, the list of revoked ones (RFC 5280).

Every certificate begins in 2020. A Pi has no battery for its clock and boots with the time of its
image or of its last shutdown; with a true notBefore it would find the broker "not yet valid".
systemd never lets the clock go behind its own release, which is later than that.

The revocation list does not end before its CA: OpenSSL refuses everybody when it is out of date.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
CA_DAYS = 30 * 365
SAFETY = timedelta(days=1)

Key = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey


class Usage(StrEnum):
    """What a certificate is good for; a server's opens no door to a client, nor the reverse."""

    CLIENT = "client"
    SERVER = "server"


PURPOSES = {
    Usage.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH,
    Usage.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
}


class BadRequest(Exception):
    """A certificate request that is not signed; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The CA: its certificate and its key."""

    certificate: x509.Certificate
    key: Key

    def issue(
        self,
        public_key: PublicKey,
        name: str,
        usage: Usage,
        until: datetime,
        hosts: Iterable[str] = (),
    ) -> x509.Certificate:
        """A certificate of `name`, not beyond the CA's own end; `hosts` are a server's names."""
        until = min(until, self.certificate.not_valid_after_utc - SAFETY)
        builder = (
            _begun(name, public_key, until)
            .issuer_name(self.certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([PURPOSES[usage]]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        if alternatives := [_alternative(host) for host in hosts]:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(alternatives), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())

    def revocations(self, revoked: dict[int, datetime]) -> x509.CertificateRevocationList:
        """The list of revoked serials, each with its moment. It has no end before the CA's."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(BEGINNING)
            .next_update(self.certificate.not_valid_after_utc)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .add_extension(x509.CRLNumber(len(revoked) + 1), critical=False)
        )
        for serial, moment in revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256())

    def has_listed(self, crl_pem: bytes, serials: set[int]) -> bool:
        """Whether a revocation list is ours and names these serials, no more and no less."""
        try:
            listed = x509.load_pem_x509_crl(crl_pem)
        except ValueError:
            return False
        ours = listed.is_signature_valid(self.key.public_key())
        return ours and {each.serial_number for each in listed} == serials


def found(lot_id: str, now: datetime) -> Authority:
    """A new CA for a lot. It signs no other CA (path length 0)."""
    key = new_key()
    name = f"{lot_id} lot CA"
    certificate = (
        _begun(name, key.public_key(), now + timedelta(days=CA_DAYS))
        .issuer_name(_subject(name))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def new_key() -> Key:
    """A key on P-256, as openssl, mosquitto and Python's ssl take it everywhere."""
    return ec.generate_private_key(ec.SECP256R1())


def load_key(pem: bytes) -> Key:
    """A key as `key_pem` wrote it. Raises ValueError."""
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("no elliptic curve key")
    return key


def key_pem(key: Key) -> bytes:
    """A private key as PKCS #8, in clear: the file's mode guards it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem(certificate: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    """As PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, hexadecimal: what a device pins."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def key_print(key: PublicKey) -> str:
    """SHA-256 of a public key, hexadecimal."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return digest.finalize().hex()


def requested_key(csr_pem: str, name: str) -> PublicKey:
    """The public key of a certificate request (PKCS #10) of `name`. Raises BadRequest.

    Nothing else of the request is believed: rights and dates are the CA's to say.
    """
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode())
        key = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, TypeError, InvalidSignature) as error:
        raise BadRequest(f"no certificate request: {error}") from None
    if not signed:
        raise BadRequest("the certificate request is not signed with its own key")
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise BadRequest("the key must be on the curve P-256 (prime256v1)")
    if common_name(request.subject) != name:
        raise BadRequest(f"the certificate request is not for {name}")
    return key


def common_name(subject: x509.Name) -> str:
    """The one common name of a subject, empty where there is none or several."""
    names = [str(each.value) for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return names[0] if len(names) == 1 else ""


def _begun(name: str, public_key: PublicKey, until: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINNING)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
