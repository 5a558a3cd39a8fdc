from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers import registry


def clock() -> float:
    return 0.0


def test_kinds_are_the_driver_modules() -> None:
    found = {path.stem for path in Path(registry.__file__).parent.glob("[a-z]*.py")}
    assert registry.kinds() == sorted(found - {"registry"})
    assert {"a02yyuw", "hcsr04", "qmc5883l", "replay", "simulated"} <= set(registry.kinds())


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'sonar'.*a02yyuw, hcsr04"):
        registry.load("sonar")


@pytest.mark.parametrize("kind", ["registry", "testing", "_i2c", "../agent"])
def test_what_is_no_driver_cannot_be_loaded(kind: str) -> None:
    with pytest.raises(ValueError, match="unknown sensor kind"):
        registry.load(kind)


def test_build_gives_the_options_to_the_driver() -> None:
    driver = registry.build("a02yyuw", {"port": "/dev/ttyUSB7", "timeout_s": 0.25}, clock)
    assert driver.bus == "serial:/dev/ttyUSB7"
    assert driver.timeout_s == 0.5


def test_build_names_driver_and_option_that_it_does_not_know() -> None:
    with pytest.raises(ValidationError, match=r"hcsr04\necho_pin"):
        registry.build("hcsr04", {"trigger": 23, "echo": 24, "echo_pin": 24}, clock)
