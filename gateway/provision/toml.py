"""TOML as these commands write it; `tomllib` only reads. https://toml.io/en/v1.0.0"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")


def value(thing: Any) -> str:
    """A value in one line.

    >>> value({"kind": "a02yyuw", "pins": [1, 2], "on": True})
    '{ kind = "a02yyuw", pins = [1, 2], on = true }'
    """
    match thing:
        case bool():
            return "true" if thing else "false"
        case str():  # a JSON string is a basic string, but for DEL, which TOML wants escaped
            return json.dumps(thing, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(thing)
        case Mapping():
            inner = ", ".join(f"{key(name)} = {value(each)}" for name, each in thing.items())
            return f"{{ {inner} }}" if inner else "{}"
        case Iterable():
            return f"[{', '.join(value(each) for each in thing)}]"
    raise TypeError(f"TOML has no {type(thing).__name__}")


def key(name: str) -> str:
    """A key, in quotes where it must be."""
    return name if BARE.fullmatch(name) else json.dumps(name)


def pairs(table: Mapping[str, Any]) -> str:
    """A table's lines, without what is None."""
    return "".join(f"{key(n)} = {value(v)}\n" for n, v in table.items() if v is not None)


def tables(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """An array of tables.

    >>> print(tables("zones", [{"zone_id": "A"}]), end="")
    [[zones]]
    zone_id = "A"
    <BLANKLINE>
    """
    return "".join(f"[[{name}]]\n{pairs(row)}\n" for row in rows)
