"""ThingsBoard's gateway between the bays' broker and the uplink, which stands for its platform.

Its shipped configuration, but for what lets it keep more: SQLite storage instead of memory, and
a session at the bays' broker that outlives it (shipped: clean). What would only slow it down is
off: logs below ERROR, statistics, remote configuration, attribute requests.
"""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.peers.environment import prepare
from bench.peers.side import MqttPeer, await_true, end, write_json

CLIENT = "thingsboard-gateway"
TOPIC = "bays/+/event"


def gateway_settings(port: int) -> dict[str, Any]:
    """tb_gateway.json."""
    return {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": port,
            "remoteShell": False,
            "remoteConfiguration": False,
            "syncDevicesSharedAttributesOnConnect": False,
            "statistics": {"enable": False},
            "minPackSendDelayMS": 50,
            "minPackSizeToSend": 500,
            "handleDeviceRenaming": True,
            "security": {"type": "accessToken", "accessToken": "bench"},
            "qos": 1,
            "reportStrategy": {"type": "ON_RECEIVED"},
            "checkingDeviceActivity": {"checkDeviceInactivity": False},
        },
        "storage": {
            "type": "sqlite",
            "data_file_path": "./data/",
            "messages_ttl_check_in_hours": 1,
            "messages_ttl_in_days": 7,
        },
        "grpc": {"enabled": False},
        "connectors": [{"name": "bays", "type": "mqtt", "configuration": "mqtt.json"}],
    }


def connector_settings(port: int) -> dict[str, Any]:
    """mqtt.json."""
    return {
        "broker": {
            "host": "127.0.0.1",
            "port": port,
            "clientId": CLIENT,
            "version": 5,
            "maxMessageNumberPerWorker": 10,
            "maxNumberOfWorkers": 100,
            "cleanSession": False,
            "cleanStart": False,
            "sessionExpiryInterval": 86400,
            "security": {"type": "anonymous"},
        },
        "mapping": [
            {
                "topicFilter": TOPIC,
                "subscriptionQos": 1,
                "converter": {
                    "type": "json",
                    "deviceInfo": {
                        "deviceNameExpressionSource": "message",
                        "deviceNameExpression": "${spot_id}",
                        "deviceProfileExpressionSource": "constant",
                        "deviceProfileExpression": "default",
                    },
                    "sendDataOnlyOnChange": False,
                    "timeout": 60000,
                    "attributes": [],
                    "timeseries": [
                        {"type": "integer", "key": "n", "value": "${n}"},
                        {"type": "string", "key": "status", "value": "${status}"},
                    ],
                },
            }
        ],
    }


LOGS = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler", "level": "ERROR"}},
    "loggers": {
        name: {"handlers": ["console"], "level": "ERROR", "propagate": False}
        for name in (
            "database",
            "service",
            "connector",
            "converter",
            "tb_connection",
            "storage",
            "extension",
        )
    },
    "root": {"level": "ERROR", "handlers": ["console"]},
}


class ThingsBoard(MqttPeer):
    """Killed alone: the bays' broker lives on and keeps what it has not handed over."""

    name = "thingsboard-gateway"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._home = folder / "thingsboard"
        for part in ("config", "data", "logs"):
            (self._home / part).mkdir(parents=True)
        write_json(self._home / "config/tb_gateway.json", gateway_settings(self.uplink_port))
        write_json(self._home / "config/mqtt.json", connector_settings(self.port))
        write_json(self._home / "config/logs.json", LOGS)
        self._python = prepare()
        self._broker: subprocess.Popen[bytes] | None = None
        self._gateway: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """The bays' broker, if it is not there, and the gateway; returns when it listens."""
        if self._broker is None:
            self._broker = self.broker("bays", "persistence false\nlog_type subscribe\n")
        before = self._subscriptions()
        self._gateway = self.run(
            [str(self._python), "-m", "thingsboard_gateway.tb_gateway"],
            "thingsboard",
            cwd=self._home,
            env={"TB_GW_CONFIG_DIR": str(self._home / "config"), "PATH": "/usr/bin:/bin"},
        )
        await_true(f"{self.name} subscribes", lambda: self._subscriptions() > before)

    def _subscriptions(self) -> int:
        return (self.folder / "bays.log").read_text().count(f"{CLIENT} 1 {TOPIC}")

    def kill(self) -> None:
        """The gateway alone."""
        assert self._gateway
        self._gateway.kill()
        self.children.remove(self._gateway)
        end([self._gateway])

    def stored(self) -> int:
        """Rows of its databases."""
        return sum(_rows(path) for path in (self._home / "data").glob("*.db"))

    def gateways(self) -> list["subprocess.Popen[bytes]"]:
        """The gateway; the bays' broker keeps nothing."""
        assert self._gateway
        return [self._gateway]


def _rows(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT COUNT(*) FROM messages").fetchone()[0])
