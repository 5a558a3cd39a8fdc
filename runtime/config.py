"""A TOML file into a pydantic model; an error names file, key, value and what would be right.

pydantic-settings would do it too, at twice the agent's memory: docs/decisions/0001.
"""

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Settings = TypeVar("Settings", bound=BaseModel)


class ConfigError(Exception):
    """The configuration cannot be used; the text says where and what to write instead."""


class InlineSecret(ValueError):
    """An option holds a secret that belongs into a file: what it holds is not repeated."""


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own, which nobody else reaches.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("gateway.local")
    (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load(path: Path, model: type[Settings]) -> Settings:
    """Read and validate `path`. Raises ConfigError."""
    return validated(read_document(path), model, str(path))


def read_document(path: Path) -> dict[str, Any]:
    """The TOML of `path`, not validated. Raises ConfigError."""
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; --help shows where one is looked for") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def validated(document: dict[str, Any], model: type[Settings], where: str) -> Settings:
    """`document` as `model`. Raises ConfigError with one line a problem."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        lines = [_explain(where, problem) for problem in error.errors()]
        raise ConfigError("\n".join(lines)) from error


def _explain(where: str, problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "(the file)"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "missing":
        return f"{where}: {key} is missing"
    if problem["type"] == "extra_forbidden":
        return f"{where}: {key} is no option; check its spelling"
    if isinstance(problem.get("ctx", {}).get("error"), InlineSecret):
        return f"{where}: {key}: {message}"
    return f"{where}: {key} = {problem['input']!r}: {message}"


def require_private(path: Path) -> None:
    """Raises ConfigError where others than owner and group may use the file, OSError if absent."""
    mode = path.stat().st_mode
    if mode & 0o037:
        raise ConfigError(f"{path}: others may use it (mode {mode & 0o777:o}); chmod 600")


def read_secret(path: Path) -> str:
    """The first line of a secret's file. Raises ConfigError if others may read it.

    Its group may: LoadCredential= of systemd 254 and later gives mode 440 (systemd#29435).
    """
    try:
        require_private(path)
        lines = path.read_text().splitlines()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if not lines or not lines[0].strip():
        raise ConfigError(f"{path}: empty; write the secret on its first line")
    return lines[0].strip()
