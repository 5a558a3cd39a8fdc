"""Tokens, scopes and limits: who is let in, and what is kept of a token."""

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.database import COUNTED, KEPT, make
from console.rate import Rate
from console.tokens import Scope, Tokens

OPEN = {"/api/v1/health", "/api/v1/openapi.json"}


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    make(tmp_path / "console.db", KEPT)
    return Tokens(tmp_path / "console.db")


def operations(console) -> list[tuple[str, str, str]]:
    """(method, path, scope that it needs) of every operation of the document but the open ones."""
    return [
        (method.upper(), path, scope_of(operation))
        for path, of_path in console.app.openapi()["paths"].items()
        for method, operation in of_path.items()
        if path not in OPEN
    ]


def scope_of(operation: dict[str, Any]) -> str:
    """A security scheme of the document is a scope."""
    ((scope,),) = operation["security"]
    return scope


def ask(console, method: str, path: str, headers: dict[str, str]):
    filled = re.sub(r"\{\w+\}", "9", path)
    return console.http.request(method, filled, headers=headers)


def test_every_operation_refuses_without_a_token_or_with_less_than_it_needs(make_console) -> None:
    console = make_console(live={"cache_s": 60})
    asked = operations(console)
    assert len(asked) >= 9
    for method, path, needed in asked:
        assert ask(console, method, path, {}).status_code == 401, path
        wrong = {"Authorization": "Bearer lk_00000000_wrong"}
        refused = ask(console, method, path, wrong)
        assert refused.status_code == 401, path
        assert refused.headers["www-authenticate"] == "Bearer"
        for scope in Scope:
            allowed = ask_without_waiting(console, method, path, scope)
            assert (allowed != 403) == scope.allows(Scope(needed)), (method, path, scope)


def ask_without_waiting(console, method: str, path: str, scope: Scope) -> int:
    """The status; a stream's without its body."""
    if path.endswith("/events"):
        return 403 if not scope.allows(Scope.VIEWER) else 200
    return ask(console, method, path, console.headers(scope)).status_code


def test_only_health_and_the_document_need_no_token(console) -> None:
    assert console.get("/health", None).json()["status"] == "ok"
    assert console.get("/openapi.json", None).status_code == 200
    assert set(console.app.openapi()["paths"]) & OPEN == {"/api/v1/health"}


def test_of_a_token_only_the_hash_is_kept(tokens: Tokens, tmp_path: Path) -> None:
    token = tokens.add("desk", Scope.OPERATOR)
    found = tokens.find(token)
    assert found is not None
    assert (found.name, found.scope) == ("desk", Scope.OPERATOR)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert token.split("_", 2)[2].encode() not in kept  # a secret may hold an underscore
    assert (tmp_path / "console.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("spoilt", ["{}x", "lk_{}", "", "lk__", "lk_{0}"])
def test_another_token_is_nobodys(tokens: Tokens, spoilt: str) -> None:
    assert tokens.find(spoilt.format(tokens.add("desk", Scope.ADMIN))) is None


def test_a_revoked_token_ends_at_once(tokens: Tokens) -> None:
    token = tokens.add("desk", Scope.ADMIN)
    (kept,) = tokens.all()
    assert tokens.revoke(kept.token_id)
    assert tokens.find(token) is None
    assert not tokens.revoke(kept.token_id)
    assert tokens.all()[0].revoked


def test_a_token_ends_with_its_days(tokens: Tokens) -> None:
    tokens.add("desk", Scope.VIEWER, days=1)
    (kept,) = tokens.all()
    now = datetime.now(UTC)
    assert kept.is_valid(now + timedelta(hours=23))
    assert not kept.is_valid(now + timedelta(hours=25))


def test_a_limit_is_shared_by_processes_and_ends_with_its_minute(tmp_path: Path) -> None:
    path = tmp_path / "rate.db"
    make(path, COUNTED)
    one, other = Rate(path, 3), Rate(path, 3)
    assert [each.wait_s("t", 120.0) for each in (one, other, one)] == [0, 0, 0]
    assert other.wait_s("t", 150.0) == 31
    assert one.wait_s("u", 150.0) == 0
    assert one.wait_s("t", 180.0) == 0
    rows = sqlite3.connect(path).execute("SELECT subject FROM windows").fetchall()
    assert rows == [("t",)]


def test_too_many_requests_are_told_how_long_to_wait(make_console) -> None:
    console = make_console(rate={"per_minute": 2})
    assert [console.get("/lots/lot-9").status_code for _ in range(3)] == [404, 404, 429]
    refused = console.get("/lots/lot-9")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert console.get("/lots/lot-9", Scope.ADMIN).status_code == 404
    guesses = [console.get("/lots/lot-9", None).status_code for _ in range(3)]
    assert guesses == [401, 401, 429]
