"""From a kind, as written in an agent's configuration, to a driver.

A driver's kind is its module's name. A module is imported only when its kind is asked for, so
an agent needs no library of a sensor that it does not have.
"""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, cast

import drivers
from drivers import Monotonic, SensorDriver

_NOT_KINDS = {"registry", "testing"}


def kinds() -> list[str]:
    """The kinds of driver in this package, sorted.

    Modules whose name begins with an underscore are transports that drivers share.
    """
    names = (module.name for module in pkgutil.iter_modules(drivers.__path__))
    return sorted(name for name in names if name not in _NOT_KINDS and not name.startswith("_"))


def load(kind: str) -> ModuleType:
    """The driver module of a kind, with its `Config` and `Driver`.

    Raises ValueError, naming the known kinds, for an unknown one.
    """
    known = kinds()
    if kind not in known:
        raise ValueError(f"unknown sensor kind {kind!r}: use one of {', '.join(known)}")
    return import_module(f"drivers.{kind}")


def build(kind: str, options: Mapping[str, Any], monotonic: Monotonic) -> SensorDriver:
    """A driver of `kind`, not yet opened, its options validated.

    Raises ValueError for an unknown kind, and pydantic's ValidationError (a ValueError), naming
    the driver and the field, for options that the driver does not accept.
    """
    module = load(kind)
    config = module.Config.model_validate(dict(options))
    return cast(SensorDriver, module.Driver(config, monotonic))
