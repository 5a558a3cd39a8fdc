"""mosquitto's own bridge: the bays' broker sends their topics on to the uplink's broker."""

import subprocess
from pathlib import Path

from bench.peers.side import MqttPeer, end


class Bridge(MqttPeer):
    """With a persistent session on both sides and no limit to its queue.

    Persistence is on, as Debian ships it: it saves when it ends and every `autosave_s`.
    """

    def __init__(self, folder: Path, name: str, autosave_s: int) -> None:
        super().__init__(folder)
        self.name = name
        self._database = folder / "bridge"
        self._database.mkdir()
        self._more = (
            f"persistence true\npersistence_location {self._database}/\n"
            f"autosave_interval {autosave_s}\n"
            f"connection uplink\naddress 127.0.0.1:{self.uplink_port}\ntopic bays/# out 1\n"
            "cleansession false\nnotifications false\ntry_private false\nrestart_timeout 1\n"
        )
        self._broker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """The broker is the bridge."""
        self._broker = self.broker("bridge", self._more)

    def kill(self) -> None:
        """The bridge holds the events."""
        assert self._broker
        self._broker.kill()
        end(self.children)

    def stored(self) -> int:
        """Events in its saved file."""
        saved = self._database / "mosquitto.db"
        return saved.read_bytes().count(b'"type":"spot_changed"') if saved.exists() else 0

    def gateways(self) -> list["subprocess.Popen[bytes]"]:
        """The broker."""
        assert self._broker
        return [self._broker]
