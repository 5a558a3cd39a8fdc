"""Sinks by their kind. A sink's module, and its upstream's package, load when asked for."""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, cast

from gateway.sinks import Sink

_KINDS = ("file", "history", "http", "kafka", "kinesis")


def kinds() -> tuple[str, ...]:
    """The kinds of sink there are, in alphabetical order."""
    return _KINDS


def load(kind: str) -> ModuleType:
    """The module of a kind, with its `Config` and `Sink`; `ValueError` for an unknown kind."""
    if kind not in _KINDS:
        raise ValueError(f"unknown sink kind {kind!r}: use one of {', '.join(_KINDS)}")
    return import_module(f"gateway.sinks.{kind}")


def build(kind: str, options: Mapping[str, Any]) -> Sink:
    """A closed sink of `kind`; pydantic's `ValidationError` names a wrong option."""
    module = load(kind)
    config = module.Config.model_validate({**options, "kind": kind})
    return cast(Sink, module.Sink(config))
