"""The console beside its gateway, as the units run both: each its own user, one store."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.system.machine import Machine

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

CONSOLE, GATEWAY, BROKER = "lotkeeper-console", "lotkeeper-gateway", "mosquitto"
TLS = "/etc/lotkeeper/tls"
CONSOLE_TOML = '[[lots]]\ngateway = "/etc/lotkeeper/gateway.toml"\n'
ASK = """\
import json, sys, urllib.request
request = urllib.request.Request("http://127.0.0.1:8080/api/v1" + sys.argv[1])
request.add_header("Authorization", "Bearer " + open("/root/token").read().strip())
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""


def ask(debian: Machine, path: str) -> Any:
    """What the API answers to who has a token, inside."""
    return json.loads(debian.run("python3", "/root/ask.py", path))


def test_serves_the_lot_of_its_gateway(debian: Machine, debs: dict[int, list[Path]]) -> None:
    debian.install(debs[1])
    lot = ("--lot", "north", "--host", "127.0.0.1", "--zone", "A:2", "--time-zone", "UTC")
    debian.run("lotkeeper", "gateway", "init", *lot)
    debian.run("systemctl", "restart", BROKER, "lotkeeper.target")  # as `init` says
    debian.write("/etc/lotkeeper/console.toml", CONSOLE_TOML)
    token = debian.run("lotkeeper", "console", "token", "add", "desk")  # root's, before its start
    debian.write("/root/token", token, 0o600)
    debian.write("/root/ask.py", ASK)
    debian.run("systemctl", "start", CONSOLE)
    debian.until_active(BROKER, GATEWAY, "lotkeeper-enrolment", CONSOLE)
    answer = ask(debian, "/lots/north")
    assert (answer["gateway_heard"], answer["capacity"]) == (True, 2)


def test_is_a_user_of_its_own_who_writes_nothing_of_the_gateways(debian: Machine) -> None:
    process = Path(f"/proc/{debian.outside(CONSOLE)}")
    status = dict(x.split(":\t") for x in (process / "status").read_text().splitlines())
    store = (debian.root / "var/lib/lotkeeper/gateway.db").stat()
    assert int(status["Uid"].split()[0]) not in (0, store.st_uid)
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    seen = process / "root"
    assert os.statvfs(seen / "var/lib/lotkeeper").f_flag & os.ST_RDONLY
    keys = {path.name: path.read_text() for path in (seen / TLS[1:]).glob("*.key")}
    own = (debian.root / TLS[1:] / "console.key").read_text()
    assert keys == {"operator.key": own, "console.key": own, "https.key": "absent"}


def test_commands_and_console_do_not_cut_each_other_off(debian: Machine) -> None:
    """At the broker each has a name of its own."""
    before = debian.run("journalctl", "-b", "-u", BROKER, "--no-pager").count("already connected")
    for _ in range(3):
        debian.run("lotkeeper", "gateway", "occupancy", "--json")
        assert ask(debian, "/lots/north")["gateway_heard"]
    after = debian.run("journalctl", "-b", "-u", BROKER, "--no-pager").count("already connected")
    assert after == before


def test_a_gateway_that_is_off_is_silent_and_its_store_still_read(debian: Machine) -> None:
    debian.run("systemctl", "stop", GATEWAY)
    assert not (debian.root / "var/lib/lotkeeper/gateway.db-wal").exists()
    debian.until("python3", "/root/ask.py", "/lots/north", says='"gateway_heard":false')
    assert ask(debian, "/spots")["total"] == 2
    debian.run("systemctl", "start", GATEWAY)
    debian.until_active(GATEWAY)
    debian.until("python3", "/root/ask.py", "/lots/north", says='"gateway_heard":true')


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_comes_back_killed_or_hung(debian: Machine, number: signal.Signals) -> None:
    restarts = int(debian.show(CONSOLE, "NRestarts"))
    os.kill(debian.outside(CONSOLE), number)
    debian.until_new(CONSOLE, restarts + 1)
    assert ask(debian, "/lots/north")["gateway_heard"]


def test_purging_takes_the_brokers_key_and_leaves_a_broker_that_starts(debian: Machine) -> None:
    there = debian.root / "etc/mosquitto"
    assert (there / "lotkeeper/broker.key").exists()
    names = (CONSOLE, GATEWAY, "lotkeeper-agent", "lotkeeper-common")
    debian.run("apt-get", "purge", "-y", "-q", *names)
    left = debian.run("find", "/etc", "/usr", "/var", "-iname", "*lotkeeper*").split()
    assert [path for path in left if not path.startswith("/var/log/")] == []
    debian.until_active(BROKER)
