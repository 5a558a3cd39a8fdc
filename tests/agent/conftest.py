"""An agent with its publisher, on each of two real brokers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.testing import Rig, settings_of


@pytest.fixture(params=["iotcore", "mosquitto"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    if request.param == "iotcore":
        mqtt = settings_of(request.getfixturevalue("broker"))
    else:
        mqtt = settings_of(request.getfixturevalue("mosquitto"), "5")
    made = Rig(tmp_path, mqtt)
    yield made
    made.stop()
