"""Schemathesis over the whole document: no answer is a server's error or unlike the document."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from console.tokens import Scope

EXAMPLES = 12
"""Of each operation, and as many that are wrong on purpose."""
KNOWN = {"spot_id": "A1", "agent_id": "pi-1", "alert_id": "clone.pi-1"}
KNOWN_BODY = {"device_id": "cam-1", "spot_id": "B1", "spots": ["B1"]}
STREAMS = "/events"
load_all_checks()
JUDGED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    ]
)


@pytest.fixture(scope="module")
def lot(make_site, tmp_path_factory: pytest.TempPathFactory, broker) -> Iterator[Any]:
    """A lot of its own: what is tried changes it."""
    made = make_site(tmp_path_factory.mktemp("fuzzed") / "lot", broker[1])
    made.beat()
    made.say("A1", "occupied", ago_s=120)
    yield made
    made.stop()
    made.close()


@pytest.fixture(scope="module")
def console(lot, cloud, console_over, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    fleet = {"dsn": cloud.dsn, "analytics": str(cloud.lake)}
    consoles = console_over(tmp_path_factory.mktemp("console"), lot, fleet=fleet)
    made = next(consoles)
    new = {"device_id": "cam-1", "spots": ["B1"]}
    headers = made.headers(Scope.ADMIN)
    added = made.http.post(f"/api/v1/lots/{lot.lot_id}/devices", json=new, headers=headers)
    assert added.status_code == 201
    yield made
    next(consoles, None)


@pytest.mark.timeout(300)
def test_no_answer_is_a_servers_error_or_unlike_the_document(console, lot) -> None:
    url = str(console.http.base_url)
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")
    operations = [each.ok() for each in schema.get_all_operations()]
    tried = [each for each in operations if not each.path.endswith(STREAMS)]
    assert len(tried) == len(operations) - 1
    headers = console.headers(Scope.ADMIN)
    for operation in tried:
        try_it(operation, GenerationMode.POSITIVE, lot.lot_id, headers)
        with suppress(Unsatisfiable):  # nothing is wrong for a path's text
            try_it(operation, GenerationMode.NEGATIVE, lot.lot_id, headers)
    assert lot.service.failure is None


def fill(given: Any, known: dict[str, Any]) -> None:
    """Put what there is in place of what was made up."""
    for name in given.keys() & known.keys() if isinstance(given, dict) else ():
        given[name] = known[name]


def is_lost(value: Any) -> bool:
    """Whether a parameter of this value is in no address: what is wrong with it is not sent."""
    address = requests.Request("GET", "http://console/", params={"value": value}).prepare().url
    return "value" not in (address or "")


def try_it(operation: Any, mode: GenerationMode, lot_id: str, headers: dict[str, str]) -> None:
    known = {**KNOWN, "lot_id": lot_id}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.integers(0, 4))
    def tried(case: Any, stranger: int) -> None:
        assume(not any(is_lost(value) for value in (case.query or {}).values()))
        if stranger:  # most would be of no lot, else
            fill(case.path_parameters, known)
            if mode is GenerationMode.POSITIVE:
                fill(case.body, {**KNOWN_BODY, "timestamp": datetime.now(UTC).isoformat()})
        case.call_and_validate(headers=headers, checks=JUDGED)

    tried()
