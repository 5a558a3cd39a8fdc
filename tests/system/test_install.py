"""docs/install.md, followed word by word from a fresh Debian: a gateway's Pi and three bay Pis.

At its end each service of the lot that was made is killed, and hung.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.page import Step, steps
from tests.system.site import Site

PAGE = Path(__file__).parents[2] / "docs" / "install.md"

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def site(
    tree: Path,
    suite: str,
    nspawn: None,
    debs: dict[int, list[Path]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Four machines, switched off."""
    with Site(tree, suite, tmp_path_factory.mktemp("site"), debs) as made:
        yield made


@pytest.mark.parametrize("step", [each for each in steps(PAGE) if not each.by_hand], ids=str)
def test_the_page_is_true(step: Step, site: Site) -> None:
    if step.done:
        site.do(step.done)
    elif step.is_for(site.suite):
        for name in step.machines:
            site.type(step, name)


SERVICES = [
    ("gateway", "mosquitto"),
    ("gateway", "lotkeeper-gateway"),
    ("gateway", "lotkeeper-enrolment"),
    ("gateway", "lotkeeper-console"),
    ("pi-2", "lotkeeper-agent"),
]
WITHOUT_WATCHDOG = {"mosquitto"}
"""Who hangs alone, below: the gateway is its watchdog."""
WATCHDOG_S = 30


@pytest.mark.parametrize(("name", "unit"), SERVICES)
def test_comes_back_after_kill_9(site: Site, name: str, unit: str) -> None:
    machine = site.machines[name]
    restarts, begun_s = int(machine.show(unit, "NRestarts")), time.monotonic()
    os.kill(machine.outside(unit), signal.SIGKILL)
    machine.until_new(unit, restarts + 1)
    took_s = time.monotonic() - begun_s
    print(f"{unit}: serves {took_s:.1f} s after SIGKILL")
    assert took_s < WATCHDOG_S + 1


def test_comes_back_when_it_hangs(site: Site) -> None:
    """All at once. Back is a new process, within a second of the watchdog's time."""
    stopped = []
    for name, unit in SERVICES:
        machine = site.machines[name]
        if unit not in WITHOUT_WATCHDOG:
            assert machine.show(unit, "WatchdogUSec") == f"{WATCHDOG_S}s"
            restarts = int(machine.show(unit, "NRestarts"))
            os.kill(machine.outside(unit), signal.SIGSTOP)
            stopped.append((machine, unit, restarts, time.monotonic()))
    for machine, unit, restarts, since_s in stopped:
        machine.until_new(unit, restarts + 1)
        took_s = machine.started_s(unit) - since_s
        print(f"{unit}: a new process {took_s:.1f} s after SIGSTOP")
        assert 0 < took_s < WATCHDOG_S + 1


def test_the_broker_comes_back_when_it_hangs(site: Site) -> None:
    """The gateway notices it. Nobody else is started again for that."""

    def restarts() -> dict[str, str]:
        return {unit: site.machines[name].show(unit, "NRestarts") for name, unit in SERVICES}

    machine, unit = site.machines["gateway"], "mosquitto"
    before, since_s = restarts(), time.monotonic()
    os.kill(machine.outside(unit), signal.SIGSTOP)
    machine.until_new(unit, int(before[unit]) + 1)
    took_s = machine.started_s(unit) - since_s
    print(f"{unit}: a new process {took_s:.1f} s after SIGSTOP")
    assert 0 < took_s < WATCHDOG_S + 1
    site.machines["pi-2"].until("lotkeeper", "agent", "status", says="0 records wait")
    assert restarts() == {**before, unit: str(int(before[unit]) + 1)}


def test_the_lot_stands_after_all_that(site: Site) -> None:
    gateway = site.machines["gateway"]
    gateway.until("lotkeeper", "gateway", "occupancy", says="1 occupied     2 free     1 unknown")
