"""The OpenAPI document: its examples are right, and are what the API answers."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from console.tokens import Scope

GOOD = ("200", "201")


def operations(console) -> list[tuple[str, str, dict[str, Any]]]:
    paths = console.app.openapi()["paths"]
    return [
        (method, path, operation) for path, of in paths.items() for method, operation in of.items()
    ]


def good(operation: dict[str, Any]) -> dict[str, Any]:
    """The one response that is no failure."""
    (found,) = [each for code, each in operation["responses"].items() if code in GOOD]
    return dict(found)


def example_of(operation: dict[str, Any]) -> Any:
    return good(operation)["content"]["application/json"]["example"]


def test_every_example_is_valid_by_its_schema(console) -> None:
    document = console.app.openapi()
    checked = 0
    for _, path, operation in operations(console):
        for media in good(operation)["content"].values():
            if "schema" in media and "example" in media and path != "/api/v1/events":
                schema = {**media["schema"], "components": document["components"]}
                Draft202012Validator(schema).validate(media["example"])
                checked += 1
    assert checked == len(operations(console)) - 1


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/summary",
        "/facilities",
        "/facilities/{facility_id}",
        "/lots",
        "/lots/{lot_id}",
        "/lots/{lot_id}/zones",
        "/lots/{lot_id}/zones/{zone_id}",
        "/lots/{lot_id}/floors",
        "/lots/{lot_id}/log",
        "/lots/{lot_id}/usage",
        "/lots/{lot_id}/figures",
        "/lots/{lot_id}/heatmap",
        "/lots/{lot_id}/utilisation",
        "/spots",
        "/lots/{lot_id}/spots/{spot_id}",
        "/devices",
        "/lots/{lot_id}/devices/{agent_id}",
    ],
)
def test_an_example_has_the_fields_of_a_real_answer(console, site, path: str) -> None:
    example = example_of(console.app.openapi()["paths"][f"/api/v1{path}"]["get"])
    filled = path.format(
        lot_id=site.lot_id, spot_id="A1", agent_id="pi-1", zone_id="A", facility_id="f1"
    )
    real = console.get(filled, Scope.ADMIN).json()
    assert shape(real) == shape(example)


def shape(value: dict[str, Any]) -> dict[str, Any]:
    """The names of the fields, and those of a list's first item."""
    return {name: sorted(each[0]) if is_list(each) else None for name, each in value.items()}


def is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def test_every_failure_is_problem_details(console) -> None:
    for method, path, operation in operations(console):
        failures = {code: each for code, each in operation["responses"].items() if code not in GOOD}
        assert set(failures) == (
            set()
            if path == "/api/v1/health"
            else {"401", "403", "404", "422", "429", "503"}
            | (set() if method == "get" else {"400", "409", "413", "504"})
        )
        for each in failures.values():
            assert list(each["content"]) == ["application/problem+json"]


def test_a_problem_is_valid_by_the_document(console) -> None:
    document = console.app.openapi()
    schema = {"$ref": "#/components/schemas/ProblemDetails", "components": document["components"]}
    for path in ("/lots/lot-9", "/spots?limit=0"):
        Draft202012Validator(schema).validate(console.get(path).json())
