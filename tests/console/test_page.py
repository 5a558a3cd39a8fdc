"""docs/console.md: its requests are answered, its paths are those of the document, and no other."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.tokens import Scope

PAGE = (Path(__file__).parents[2] / "docs" / "console.md").read_text()
REQUESTS = re.findall(r"^    (GET|POST|PATCH) (/api/v1\S+)(?: (\{.*\}))?$", PAGE, re.MULTILINE)
NOW = datetime.now(UTC).isoformat()


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_a_request_of_the_page_is_answered(
    console, site, method: str, path: str, body: str
) -> None:
    answer = console.http.request(
        method,
        path.replace("lot-1", site.lot_id),
        json=json.loads(body.replace("2026-03-01T11:58:21Z", NOW)) if body else None,
        headers=console.headers(Scope.ADMIN),
    )
    assert answer.is_success, answer.text
    if "floor=2&status=free" in path:
        assert [each["spot_id"] for each in answer.json()["items"]] == ["A2"]


def test_the_page_has_requests_of_both_kinds() -> None:
    assert {method for method, _, _ in REQUESTS} == {"GET", "POST", "PATCH"}


def test_every_path_is_on_the_page(console) -> None:
    tables = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `/"))
    shown = {re.sub(r"[{}]", "", each) for each in re.findall(r"`(/[a-z/{}]*)`", tables)}
    for path, operations in console.app.openapi()["paths"].items():
        name = re.sub(r"\{(\w+?)(_id)?\}", r"\1", path.removeprefix("/api/v1"))
        if "post" in operations:
            name = name.removeprefix("/lots/lot")
        assert name in shown, path
