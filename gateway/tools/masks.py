"""What a payload says, without the secrets that a confused device may have put into it. Pure."""

import json
import re
from typing import Any

MASK = "***"

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token|credential|authorization|api_?key|private_?key"
    r"|access_?key|cookie|^psk$|^pin$",
    re.IGNORECASE,
)
_IN_TEXT = [
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{12,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)(\w+://[^/\s:@\"]*):[^/\s@\"]+@"), rf"\1:{MASK}@"),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), MASK),
    (re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*-----|$)"), MASK),
    (
        re.compile(
            r"(?i)([\"']?[\w-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key"
            r"|access[_-]?key)[\w-]*[\"']?\s*[:=]\s*)(\"[^\"]*\"?|'[^']*'?|[^\s,;&}\]]+)"
        ),
        rf"\1{MASK}",
    ),
]


def masked(payload: bytes) -> str:
    """The payload as text, for people: what is no text is escaped, what is secret is `***`.

    >>> masked(b'{"spot_id": "A1", "mqtt": {"password": "hunter2"}}')
    '{"spot_id": "A1", "mqtt": {"password": "***"}}'
    >>> masked(b'not json, token=abc123')
    'not json, token=***'
    """
    try:
        return json.dumps(_masked(json.loads(payload)))
    except (ValueError, RecursionError):
        return masked_text(payload.decode(errors="backslashreplace"))


def masked_text(text: str) -> str:
    """`text` without what looks like a secret in it."""
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def _masked(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: MASK if _SECRET_NAME.search(name) else _masked(inner)
                for name, inner in value.items()
            }
        case list():
            return [_masked(each) for each in value]
        case str():
            return masked_text(value)
        case _:
            return value
