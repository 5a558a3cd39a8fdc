"""What every driver module has, so that the next one is found, documented and tested too."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from drivers import registry

REPO = Path(__file__).resolve().parents[2]
TABLE = (REPO / "docs" / "drivers.md").read_text(encoding="utf-8")
HARDWARE = ["gpiozero", "smbus2", "serial", "RPi", "lgpio"]

KINDS = pytest.mark.parametrize("kind", registry.kinds())


def row(kind: str) -> str:
    match = re.search(rf"^\| `{kind}` \|.*$", TABLE, re.MULTILINE)
    assert match, f"docs/drivers.md has no row that begins with | `{kind}` |"
    return match[0]


@KINDS
def test_has_a_strict_frozen_config_and_a_driver(kind: str) -> None:
    module = registry.load(kind)
    assert issubclass(module.Config, BaseModel)
    assert module.Config.model_config["extra"] == "forbid"
    assert module.Config.model_config["frozen"] is True
    assert all(callable(getattr(module.Driver, name)) for name in ("open", "read", "close"))


@KINDS
def test_cites_its_source(kind: str) -> None:
    doc = registry.load(kind).__doc__ or ""
    assert "Source" in doc
    assert "https://" in doc or "http://" in doc


@KINDS
def test_is_tested_against_the_contract(kind: str) -> None:
    test = Path(__file__).with_name(f"test_{kind}.py")
    assert test.exists(), f"tests/drivers/test_{kind}.py is missing"
    assert "(DriverContract)" in test.read_text(encoding="utf-8")


@KINDS
def test_each_option_stands_in_the_docs(kind: str) -> None:
    missing = [
        name for name in registry.load(kind).Config.model_fields if f"`{name}" not in row(kind)
    ]
    assert missing == []


def test_the_docs_know_no_driver_that_is_gone() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", TABLE, re.MULTILINE)
    assert sorted(documented) == registry.kinds()


def test_every_driver_imports_without_hardware_libraries() -> None:
    program = f"""
import sys
for name in {HARDWARE!r}:
    sys.modules[name] = None  # import raises ImportError
from drivers import registry
for kind in registry.kinds():
    registry.load(kind)
print(len(registry.kinds()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.strip() == str(len(registry.kinds()))
