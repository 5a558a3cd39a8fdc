"""When a certificate ends, held against the package that knows all of X.509."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.certificates import expiry, not_after

KEY = ec.generate_private_key(ec.SECP256R1())
FIRST, LAST = datetime(1950, 1, 2), datetime(9999, 12, 31, 23, 59, 59)


def certificate(end: datetime, name: str = "lot") -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=1))
        .not_valid_after(end)
        .sign(KEY, hashes.SHA256())
    )


def pem(*ends: datetime) -> bytes:
    parts = (certificate(end).public_bytes(serialization.Encoding.PEM) for end in ends)
    return b"# a comment\n" + b"".join(parts)


@settings(max_examples=50, deadline=None)
@given(
    end=st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    name=st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=60),
)
def test_it_ends_when_the_whole_reader_says(end: datetime, name: str) -> None:
    made = certificate(end.replace(microsecond=0), name)
    der = made.public_bytes(serialization.Encoding.DER)
    assert not_after(der) == made.not_valid_after_utc


@pytest.mark.parametrize("year", [1950, 1999, 2049, 2050, 2068, 2069, 2100])
def test_the_years_at_which_the_formats_turn(year: int) -> None:
    end = datetime(year, 6, 1, 12, tzinfo=UTC)
    assert not_after(certificate(end).public_bytes(serialization.Encoding.DER)) == end


def test_of_a_chain_the_first_to_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "chain.pem"
    ends = [datetime(2030, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)]
    path.write_bytes(pem(*ends))
    assert expiry(path) == ends[1]


def test_a_file_without_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(ValueError, match=r"key\.pem holds no certificate"):
        expiry(path)


@given(data=st.binary(max_size=200), cut=st.integers(0, 300))
def test_what_is_no_certificate_is_a_value_error(data: bytes, cut: int) -> None:
    whole = certificate(datetime(2030, 1, 1, tzinfo=UTC)).public_bytes(serialization.Encoding.DER)
    for wrong in (data, whole[:cut][:120], b"\x30\x03\x30\x01" + data):
        with pytest.raises(ValueError, match=r"."):
            not_after(wrong)
