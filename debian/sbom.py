"""What is in a package, as CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/)."""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from debian.wheels import Wheel


def sbom(package: str, version: str, wheels: Iterable[Wheel], epoch: int) -> str:
    """The same bytes for the same contents."""
    components = [_component(wheel) for wheel in sorted(wheels, key=lambda each: each.name)]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(components))}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).isoformat(),
            "component": {"type": "application", "name": package, "version": version},
        },
        "components": components,
    }
    return json.dumps(document, indent=1) + "\n"


def _component(wheel: Wheel) -> dict[str, Any]:
    return {
        "type": "library",
        "name": wheel.name,
        "version": wheel.version,
        "purl": f"pkg:pypi/{wheel.name}@{wheel.version}",
        "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
        "licenses": [{"license": {"name": wheel.licence}}],
        "properties": [{"name": "lotkeeper:wheel", "value": wheel.path.name}],
    }
