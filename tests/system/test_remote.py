"""A desired configuration under a real systemd: tried in the unit's own process and sandbox."""

import os
import signal
from pathlib import Path

import pytest

from tests.system.machine import Machine
from tests.system.test_system import (
    AGENT,
    AGENT_TOML,
    BROKER,
    BROKER_CONF,
    GATEWAY,
    GATEWAY_TOML,
    SERVICES,
    until_occupied,
)

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

CONFIGURE = ("lotkeeper", "gateway", "configure", "pi-1", "/root/wanted.toml")
WANTED = "[[spots]]" + AGENT_TOML.partition("[[spots]]")[2]
STATE = Path("var/lib/lotkeeper/agent.config.json")


@pytest.fixture(scope="module")
def lot(debian: Machine, debs: dict[int, list[Path]]) -> Machine:
    """A lot at work."""
    debian.install(debs[1])
    debian.write("/etc/mosquitto/conf.d/local.conf", BROKER_CONF)
    debian.write("/etc/lotkeeper/agent.toml", AGENT_TOML)
    debian.write("/etc/lotkeeper/gateway.toml", GATEWAY_TOML)
    debian.run("systemctl", "restart", BROKER, "lotkeeper.target")
    debian.run("systemctl", "start", AGENT, GATEWAY)
    debian.until_active(*SERVICES)
    until_occupied(debian)
    return debian


def test_is_applied_without_an_end_of_the_unit(lot: Machine) -> None:
    before = lot.show(AGENT, "MainPID")
    lot.write("/root/wanted.toml", WANTED.replace("sample_s = 0.2", "sample_s = 0.3"))
    assert "of pi-1: applied" in lot.run(*CONFIGURE, "--trial", "60", "--wait")
    assert (lot.show(AGENT, "MainPID"), lot.show(AGENT, "NRestarts")) == (before, "0")
    assert lot.show(AGENT, "ActiveState") == "active"
    assert '"sample_s":0.3' in (lot.root / STATE).read_text()
    until_occupied(lot)


def test_goes_back_and_the_watchdog_is_content(lot: Machine) -> None:
    """Longer than the watchdog's patience, over both starts."""
    wrong = WANTED.replace('kind = "simulated",', 'kind = "simulated", fault = "dead",')
    lot.write("/root/wanted.toml", wrong)
    done = lot.try_run(*CONFIGURE, "--trial", "35", "--wait")
    assert done.returncode == 1
    assert "of pi-1: rolled_back: no reading of A1 within 35 s" in done.stdout
    assert lot.show(AGENT, "NRestarts") == "0"
    assert "Watchdog timeout" not in lot.told(AGENT)
    until_occupied(lot)


def test_goes_back_when_it_dies_at_every_start(lot: Machine) -> None:
    lot.write("/root/wanted.toml", WANTED.replace("sample_s = 0.2", "sample_s = 0.4"))
    lot.run(*CONFIGURE, "--trial", "600")
    for start in (1, 2, 3):
        lot.until("cat", f"/{STATE}", says=f'"starts":{start}')
        os.kill(lot.outside(AGENT), signal.SIGKILL)
        lot.until("systemctl", "show", AGENT, "--property=NRestarts", says=f"={start}")
    told = lot.until("lotkeeper", "gateway", "config", "list", says="rolled_back")
    assert "it was not confirmed in 3 starts" in told
    assert '"sample_s":0.3' in (lot.root / STATE).read_text()
    lot.until_active(AGENT)
    until_occupied(lot)
