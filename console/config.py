"""console.toml, and the environment over it: LOTKEEPER_CONSOLE_HTTP__PORT=8081 is [http] port."""

import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from runtime.config import ConfigError, is_loopback, validated
from runtime.lake import LakeUrl
from runtime.mqtt import MqttSettings
from runtime.postgres import PostgresAccess

ENVIRONMENT = "LOTKEEPER_CONSOLE_"
SECTIONS = ("http", "store", "rate", "live", "fleet")
"""What the environment may set; lots are named by the file alone."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HttpSettings(_Section):
    """Where the API listens. Beyond this machine, tokens need TLS."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65535)
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both or neither")
        if self.cert_file is None and not is_loopback(self.host):
            raise ValueError(
                f"host = {self.host!r} is reached from other machines: give cert_file and "
                "key_file, or listen on 127.0.0.1 behind a proxy that speaks TLS"
            )
        return self


class StoreSettings(_Section):
    """The console's own database: hashed tokens and the audit log."""

    path: Path = Path("/var/lib/lotkeeper-console/console.db")


class RateSettings(_Section):
    """How often a token may ask, and an address without one, in all processes together."""

    per_minute: int = Field(600, ge=1)
    path: Path = Path("/run/lotkeeper-console/rate.db")
    """Counted here: not worth a card's wear, so on a file system in memory."""


class LiveSettings(_Section):
    """How the gateways are asked, and the fleet's database."""

    cache_s: float = Field(2.0, ge=0, le=60)
    """So long an answer is kept, unless a message says before that something changed."""
    timeout_s: float = Field(3.0, gt=0, le=30)
    """A gateway that has not answered for so long is silent: its spots are unknown."""


class FleetSettings(PostgresAccess):
    """The cloud's Postgres, a read-only replica too; and its lake, whose tables are shown."""

    analytics: LakeUrl | None = None


class LotSettings(_Section):
    """One lot, by its gateway's configuration: layout, database, broker."""

    gateway: Path
    name: str = ""
    display: bool = False
    """Whether everybody may look at /display/{lot}, without a login: counts alone."""
    mqtt: MqttSettings | None = None
    """The console's own identity at the broker; left out: that of the gateway's commands."""


class ConsoleSettings(_Section):
    """The whole of console.toml."""

    http: HttpSettings = HttpSettings()
    store: StoreSettings = StoreSettings()
    rate: RateSettings = RateSettings()
    live: LiveSettings = LiveSettings()
    fleet: FleetSettings | None = None
    lots: list[LotSettings] = Field(default=[], validate_default=True)

    @field_validator("lots")
    @classmethod
    def _is_something(cls, value: list[LotSettings], info: ValidationInfo) -> list[LotSettings]:
        if not value and info.data.get("fleet", "faulty") is None:
            raise ValueError("name a lot by [[lots]] and its gateway, or a [fleet], or both")
        return value


def read(path: Path, environment: Mapping[str, str]) -> ConsoleSettings:
    """The settings of `path` with those of the environment over them. Raises ConfigError."""
    try:
        document = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; --help shows where one is looked for") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    _overlay(document, environment)
    _require_libraries(path, document)
    return validated(document, ConsoleSettings, str(path))


def _require_libraries(path: Path, document: dict[str, Any]) -> None:
    """What reads a fleet is large, and nothing that a gateway's machine should have to hold."""
    fleet = document.get("fleet", {})
    wanted = {"dsn": "psycopg", "iam_region": "boto3", "analytics": "pyarrow"}
    for option, library in wanted.items():
        if option in fleet and find_spec(library) is None:
            raise ConfigError(
                f"{path}: fleet.{option} needs {library}, which is not installed: "
                "pip install 'lotkeeper[console-fleet]'"
            )


def _overlay(document: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if not name.startswith(ENVIRONMENT):
            continue
        section, _, option = name.removeprefix(ENVIRONMENT).lower().partition("__")
        if section not in SECTIONS or not option:
            raise ConfigError(
                f"{name}: no option; write {ENVIRONMENT}SECTION__OPTION, SECTION one of "
                f"{', '.join(SECTIONS).upper()}"
            )
        document.setdefault(section, {})[option] = value
