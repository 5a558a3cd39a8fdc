"""The examples load, and show every option there is, with its default."""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from agent.config import AgentSettings
from agent.detector import FusedSettings, MagneticSettings, PassageSettings, RangingSettings
from console.config import ConsoleSettings
from contract.spots import Position
from display.config import DisplaySettings
from gateway.config import GatewaySettings
from gateway.sinks.history import Config as HistoryConfig
from runtime.config import load
from runtime.mqtt import MqttSettings, TlsSettings

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
OPTION = re.compile(r"^# ?((?:\[\[?)?[a-z_.]+(?:\]\]?)?)( = .*)?$")


def shown(name: str) -> str:
    return (EXAMPLES / name).read_text()


def models_in(model: type[BaseModel]) -> list[type[BaseModel]]:
    """A model and the models in it."""
    found = [model]
    for field in model.model_fields.values():
        for each in (field.annotation, *get_args(field.annotation)):
            if isinstance(each, type) and issubclass(each, BaseModel):
                found += models_in(each)
    return found


CASES = [
    (
        "agent.toml",
        AgentSettings,
        [RangingSettings, MagneticSettings, FusedSettings, PassageSettings, TlsSettings],
    ),
    ("gateway.toml", GatewaySettings, [Position, TlsSettings, HistoryConfig]),
    ("console.toml", ConsoleSettings, [MqttSettings, TlsSettings]),
    ("display.toml", DisplaySettings, [TlsSettings]),
]


@pytest.mark.parametrize(("name", "model", "more"), CASES)
def test_an_example_loads(name: str, model: type[BaseModel], more: list[type[BaseModel]]) -> None:
    load(EXAMPLES / name, model)


@pytest.mark.parametrize(("name", "model", "more"), CASES)
def test_an_example_loads_with_every_option_in_force(
    name: str, model: type[BaseModel], more: list[type[BaseModel]], tmp_path: Path
) -> None:
    """Uncommented, each option is where it stands spelt right and of the right type."""
    lines = []
    for line in shown(name).splitlines():
        option = OPTION.match(line)
        lines.append(
            line.removeprefix("# ") if option and (option[2] or "[" in option[1]) else line
        )
    path = tmp_path / name
    path.write_text("\n".join(lines))
    tomllib.loads(path.read_text())
    load(path, model)


@pytest.mark.parametrize(("name", "model", "more"), CASES)
def test_an_example_shows_every_option(
    name: str, model: type[BaseModel], more: list[type[BaseModel]]
) -> None:
    wanted = {option for each in (*more, *models_in(model)) for option in each.model_fields}
    text = shown(name)
    missing = [each for each in wanted if not re.search(rf"\b{each}\b( =|\])", text)]
    assert not missing


@pytest.mark.parametrize(("name", "model", "more"), CASES)
def test_the_defaults_that_an_example_shows_are_the_defaults(
    name: str, model: type[BaseModel], more: list[type[BaseModel]]
) -> None:
    defaults: dict[str, list[Any]] = {}
    for each in (*more, *models_in(model)):
        for option, field in each.model_fields.items():
            defaults.setdefault(option, []).append(field.default)
    checked = 0
    for line in shown(name).splitlines():
        if not (found := re.match(r"# ([a-z_]+) = ([^#]+)", line)):
            continue
        value = tomllib.loads(f"x = {found[2].strip()}")["x"]
        if any(isinstance(each, int | float) for each in defaults[found[1]]):
            assert value in defaults[found[1]], line
            checked += 1
    assert checked > 5
