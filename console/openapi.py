"""The OpenAPI document: every failure is problem details, every answer has an example."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from console.problems import MEDIA_TYPE, ProblemDetails

REF = "#/components/schemas/{model}"
FAILURES = {
    "401": "The token is missing, wrong, revoked or past.",
    "403": "The token allows less than this needs.",
    "404": "There is no such thing.",
    "422": "A parameter or the body is wrong; `faults` names each.",
    "429": "Too many requests in this minute; `Retry-After` says for how long to wait.",
    "503": "The lot's store, or the fleet's, cannot be read.",
}
ORDERS = {
    "400": "The body cannot be read.",
    "413": "The body is larger than 1 MiB.",
    "409": "The gateway refuses it.",
    "504": "The gateway does not answer: ask again with the same Idempotency-Key.",
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document of `app`."""
    made = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = made["components"]["schemas"]
    models = ProblemDetails.model_json_schema(ref_template=REF)
    schemas |= models.pop("$defs") | {"ProblemDetails": models}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for schema in schemas.values():
        _add_nulls(schema)
    for operations in made["paths"].values():
        for method, operation in operations.items():
            if "security" in operation:
                failures = FAILURES | ({} if method == "get" else ORDERS)
                operation["responses"] |= {code: _failure(why) for code, why in failures.items()}
            for code in ("200", "201"):
                _add_example(operation["responses"].get(code, {}), schemas)
    return made


def _failure(why: str) -> dict[str, Any]:
    schema = {"$ref": REF.format(model="ProblemDetails")}
    return {"description": why, "content": {MEDIA_TYPE: {"schema": schema}}}


def _add_nulls(schema: dict[str, Any]) -> None:
    """FastAPI drops what is null, in examples too."""
    for example in schema.get("examples", []):
        if isinstance(example, dict):
            example |= {name: None for name in schema.get("required", []) if name not in example}


def _add_example(response: dict[str, Any], schemas: dict[str, Any]) -> None:
    for media in response.get("content", {}).values():
        if media.get("schema"):
            media["example"] = example_of(media["schema"], schemas)


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """An example of `schema`: its own, else one put together from its parts'."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    if "properties" in schema:
        return {name: example_of(each, schemas) for name, each in schema["properties"].items()}
    raise ValueError(f"no example in {schema}: give the model one")
