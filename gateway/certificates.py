"""When a certificate expires: the one field of X.509 that the gateway asks for.

Source: RFC 5280 section 4.1: Certificate ::= SEQUENCE { tbsCertificate ::= SEQUENCE { [0] version,
serialNumber, signature, issuer, validity ::= SEQUENCE { notBefore, notAfter }, ... }, ... }, in
DER (X.690). Read here since a package that knows all of X.509 costs a Pi 10 MB.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path

SEQUENCE, VERSION, UTC_TIME, GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
FORMATS = {UTC_TIME: "%y%m%d%H%M%SZ", GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}


def expiry(path: Path) -> datetime:
    """The earliest end among a PEM file's certificates. Raises OSError, ValueError."""
    marker = "-----END CERTIFICATE-----"
    parts = path.read_text(encoding="ascii", errors="replace").split(marker)[:-1]
    begin = "-----BEGIN CERTIFICATE-----"
    if not parts:
        raise ValueError(f"{path} holds no certificate")
    pems = (begin + part.rpartition(begin)[2] + marker for part in parts)
    return min(not_after(ssl.PEM_cert_to_DER_cert(pem)) for pem in pems)


def not_after(der: bytes) -> datetime:
    """The end of a certificate's validity. Raises ValueError where it is none.

    A UTCTime's year is of 1950 to 2049 (section 4.1.2.5.1).
    """
    _, certificate, _ = _value(der, SEQUENCE)
    _, body, _ = _value(certificate, SEQUENCE)
    if body[:1] == bytes([VERSION]):
        _, _, body = _value(body)
    for _ in ("serialNumber", "signature", "issuer"):
        _, _, body = _value(body)
    _, validity, _ = _value(body, SEQUENCE)
    _, _, rest = _value(validity)
    tag, text, _ = _value(rest)
    if tag not in FORMATS:
        raise ValueError(f"a time of tag {tag:#x} is none of RFC 5280")
    moment = datetime.strptime(text.decode("ascii"), FORMATS[tag]).replace(tzinfo=UTC)
    turned = tag == UTC_TIME and moment.year >= 2050
    return moment.replace(year=moment.year - 100) if turned else moment


def _value(der: bytes, wanted: int | None = None) -> tuple[int, bytes, bytes]:
    """(tag, contents, what follows) of the first element."""
    if len(der) < 2:
        raise ValueError("the certificate ends early")
    tag, length, start = der[0], der[1], 2
    if wanted is not None and tag != wanted:
        raise ValueError(f"tag {tag:#x} where {wanted:#x} belongs: no certificate")
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    if len(der) < start + length:
        raise ValueError("the certificate ends early")
    return tag, der[start : start + length], der[start + length :]
