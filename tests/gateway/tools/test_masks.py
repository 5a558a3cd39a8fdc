"""No secret that a device put into a payload is printed; what is none stays readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tools.masks import MASK, masked

SECRET = "hunter2hunter2xyz"


@pytest.mark.parametrize(
    "payload",
    [
        f'{{"password": "{SECRET}"}}',
        f'{{"mqtt": [{{"authToken": "{SECRET}"}}]}}',
        f'{{"apiKey": {{"v": "{SECRET}"}}}}',
        f'{{"note": "used Authorization: Bearer {SECRET}"}}',
        f'{{"url": "mqtt://pi:{SECRET}@broker/x"}}',
        f'{{"password": "{SECRET}"',
        f"password={SECRET}&x=1",
        f"token: {SECRET}",
        f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}",
        f"eyJhbGciOi.{SECRET}.{SECRET}",
    ],
)
def test_a_secret_is_masked(payload: str) -> None:
    shown = masked(payload.encode())
    assert SECRET not in shown
    assert MASK in shown


def test_what_is_none_is_shown_as_it_is() -> None:
    record = '{"event_id": "pi-1:e1:7", "key": "lot-1/A1", "timestamp": "2026-03-01T12:00:00Z"}'
    assert masked(record.encode()) == record


@given(payload=st.binary(max_size=200))
def test_whatever_was_refused_can_be_shown(payload: bytes) -> None:
    masked(payload).encode("utf-8", "surrogateescape")
