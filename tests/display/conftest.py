"""A lot on the shared broker, as a gateway tells it, and a display's file."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from contract.occupancy import Occupancy
from contract.topics import Topics

PATIENCE_S = 20.0
CONFIG = """
display_id = "sign-1"
lot_id = "{lot}"
title = "Riverside"
clock = "{clock}"
[mqtt]
port = {port}
protocol = "{protocol}"
reconnect_min_s = 0.1
reconnect_max_s = 0.2
[[lines]]
label = "All"
[[lines]]
zone_id = "A"
label = "Level A"
arrow = "left"
"""


class Lot:
    """Says what it is told to say."""

    def __init__(self, folder: Path, port: int, protocol: str = "3.1.1") -> None:
        self.lot_id = f"shown-{uuid.uuid4().hex[:8]}"
        self.topics = Topics(self.lot_id)
        self._folder = folder
        self._port = port
        self._protocol = protocol
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def config(self, clock: str = "always") -> Path:
        """The file of a display of this lot."""
        path = self._folder / f"display-{clock}.toml"
        given = {"lot": self.lot_id, "port": self._port, "protocol": self._protocol}
        path.write_text(CONFIG.format(clock=clock, **given))
        return path

    def say(self, topic: str, payload: str | bytes, *, retain: bool = True) -> None:
        """Publish, and wait until the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)

    def count(self, free: int, zone_id: str | None = None, valid_s: float = 60.0) -> None:
        """A count of twenty spots."""
        now = datetime.now(UTC)
        message = Occupancy(
            lot_id=self.lot_id,
            zone_id=zone_id,
            total=20,
            occupied=20 - free,
            free=free,
            unknown=0,
            closed=0,
            coverage=1,
            as_of=now,
            valid_until=now + timedelta(seconds=valid_s),
            valid_for_s=valid_s,
        )
        topic = self.topics.zone(zone_id) if zone_id else self.topics.occupancy
        self.say(topic, message.model_dump_json())

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def lot(tmp_path: Path, broker: tuple[str, int]) -> Iterator[Lot]:
    made = Lot(tmp_path, broker[1])
    yield made
    made.close()


@pytest.fixture(params=["iotcore", "mosquitto"])
def either_lot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lot]:
    """On the demo's broker by MQTT 3.1.1, and on production's by MQTT 5."""
    if request.param == "iotcore":
        made = Lot(tmp_path, request.getfixturevalue("broker")[1])
    else:
        made = Lot(tmp_path, request.getfixturevalue("mosquitto")[1], "5")
    yield made
    made.close()
