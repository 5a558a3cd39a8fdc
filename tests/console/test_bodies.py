"""A body of any length costs no more memory than a good one."""

from collections.abc import Iterator

import pytest

from console.bodies import MOST_BYTES
from console.tokens import Scope

PATH = "/api/v1/lots/lot-9/telemetry/bulk"


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(0, size, 65_536):
        yield b" " * 65_536


@pytest.mark.parametrize("scope", [None, Scope.ADMIN])
@pytest.mark.parametrize("told", [True, False])
def test_too_much_is_refused(console, told: bool, scope: Scope | None) -> None:
    content = b" " * (MOST_BYTES + 1) if told else chunks(MOST_BYTES + 65_536)
    headers = {"Content-Type": "application/json", **console.headers(scope)}
    refused = console.http.post(PATH, content=content, headers=headers)
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"
    assert "send it in parts" in refused.json()["detail"]


def test_as_much_as_is_allowed_is_read(console) -> None:
    headers = {"Content-Type": "application/json", **console.headers(Scope.ADMIN)}
    read = console.http.post(PATH, content=b" " * MOST_BYTES, headers=headers)
    assert read.status_code in (404, 422)


@pytest.mark.parametrize("body", [b"\xff", b"{", b"[" * 100_000])
def test_what_is_no_json_is_refused(console, body: bytes) -> None:
    headers = {"Content-Type": "application/json", **console.headers(Scope.ADMIN)}
    refused = console.http.post(PATH, content=body, headers=headers)
    assert refused.status_code in (400, 422)
    assert refused.json()["detail"]
