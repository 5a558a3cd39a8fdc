"""`lotkeeper simulate` against a broker and a gateway that are somebody else's processes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.ask import ask
from runtime.mqtt import MqttSettings
from simulator import processes
from simulator.processes import Child

SPOTS = {"A1": "pi-00", "A2": "pi-00", "A3": "pi-00", "A4": "pi-01", "A5": "pi-01", "A6": "pi-01"}
SHORT = ["--lot", "yard", "--spots", "6", "--agents", "2", "--protocol", "3.1.1", "--speed", "600"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Child]:
    broker = processes.broker("iotcore", tmp_path, processes.free_port())
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def gateway(broker: Child, tmp_path: Path) -> Iterator[Child]:
    """A gateway of the lot with a file sink."""
    port = processes.free_port()
    spots = "".join(
        f'[[spots]]\nspot_id = "{spot}"\nzone_id = "A"\nagent_id = "{agent}"\n'
        for spot, agent in SPOTS.items()
    )
    config = tmp_path / "gateway.toml"
    config.touch(mode=0o600)
    config.write_text(
        'facility_id = "works"\nlot_id = "yard"\nclock = "always"\n'
        f'[mqtt]\nport = {broker.port}\nprotocol = "3.1.1"\n'
        f'[store]\npath = "{tmp_path / "gateway.db"}"\n[metrics]\nport = {port}\n'
        f'[[zones]]\nzone_id = "A"\n{spots}'
        f'[[sinks]]\nname = "disk"\nkind = "file"\npath = "{tmp_path / "sink"}"\n'
    )
    gateway = processes.gateway(config, tmp_path)
    gateway.start()
    gateway.await_port(port)
    yield gateway
    gateway.stop()


def status(broker: Child) -> dict[str, Any]:
    mqtt = MqttSettings.model_validate({"port": broker.port, "protocol": "3.1.1"})
    return ask(mqtt, "yard", "status", {}).data or {}


def test_a_gateway_takes_everything(
    lotkeeper: Any, broker: Child, gateway: Child, tmp_path: Path
) -> None:
    run = lotkeeper.run("simulate", "--broker", f"127.0.0.1:{broker.port}", *SHORT, "--duration", 4)
    assert run.returncode == 0, run.stderr
    assert "everything was taken" in run.stdout
    taken = status(broker)["accepted"]
    assert taken.keys() == {"pi-00", "pi-01"}
    gateway.stop()
    (path,) = (tmp_path / "sink").glob("*.jsonl")
    told = [json.loads(line) for line in path.read_text().splitlines()]
    records = [each for each in told if "told_by" not in each]  # not the gateway's own words
    assert len(records) == sum(taken.values())
    seqs = {agent: [r["seq"] for r in records if r["agent_id"] == agent] for agent in taken}
    assert all(each == list(range(1, len(each) + 1)) for each in seqs.values())
    assert sum(record["event_type"] == "ARRIVAL" for record in records) >= 3


def test_with_no_gateway_it_exits_1_and_says_what_waits(lotkeeper: Any, broker: Child) -> None:
    run = lotkeeper.run("simulate", "--broker", f"127.0.0.1:{broker.port}", *SHORT, "--duration", 1)
    assert run.returncode == 1
    assert "records were not taken: is a gateway of this lot running?" in run.stderr
    assert "Traceback" not in run.stderr
