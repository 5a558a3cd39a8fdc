"""The units as systemd itself reads them: nothing it does not understand, and little left open."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd" / "units"
SYSTEM = Path("/usr/lib/systemd/system")
EXPOSURE_LIMIT = 1.2
"""Of 10, by `systemd-analyze security`; Debian's mosquitto has 9.2 without our drop-in."""
PROGRAMS = ("lotkeeper", "mosquitto", "sh", "systemctl", "mkdir", "chown", "kill", "rm")
OURS = sorted(path.name for path in UNITS.glob("lotkeeper*.*") if path.is_file())
SERVICES = [name for name in OURS if name.endswith(".service")]
OWN = (
    "ConditionPathExists=/var/lib/lotkeeper/gateway.db\n",
    "RuntimeDirectory=lotkeeper-gateway\n",
)
"""Lines of a unit that its template has not: of several lots, none is known to be the broker's."""
COMMENT = re.compile(r"(?m)^#.*\n")


def instance(name: str) -> str:
    """A template by a name of one of its units."""
    return name.replace("@.", "@north.")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with systemd's own units, ours, and programs of the names that they run."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    root = tmp_path_factory.mktemp("root")
    units = root / SYSTEM.relative_to("/")
    shutil.copytree(SYSTEM, units, symlinks=True)
    shutil.copytree(UNITS, units, dirs_exist_ok=True)
    for folder in ("usr/bin", "usr/sbin"):
        (root / folder).mkdir()
        (root / Path(folder).name).symlink_to(folder)
        for program in PROGRAMS:
            (root / folder / program).write_text("#!/bin/sh\n")
            (root / folder / program).chmod(0o755)
    (root / "lib").symlink_to("usr/lib")
    return root


def analyze(root: Path, *arguments: str) -> str:
    run = subprocess.run(
        ["systemd-analyze", f"--root={root}", "--no-pager", *arguments],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def exposure(root: Path, unit: str) -> float:
    told = analyze(root, "security", "--offline=true", unit)
    figure = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert figure, told
    return float(figure[1])


@pytest.mark.parametrize("unit", OURS)
def test_systemd_understands_every_line(root: Path, unit: str) -> None:
    said = analyze(root, "verify", "--man=no", instance(unit))
    assert "lotkeeper" not in said


@pytest.mark.parametrize("unit", SERVICES)
def test_little_is_left_open(root: Path, unit: str) -> None:
    figure = exposure(root, instance(unit))
    print(f"{instance(unit):<44} {figure}")
    assert figure <= EXPOSURE_LIMIT


def test_the_broker_is_as_closed(root: Path) -> None:
    if not (SYSTEM / "mosquitto.service").exists():
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    figure = exposure(root, "mosquitto.service")
    print(f"{'mosquitto.service with our drop-in':<44} {figure}")
    assert figure <= EXPOSURE_LIMIT
    assert "mosquitto" not in analyze(root, "verify", "--man=no", "mosquitto.service")


@pytest.mark.parametrize("name", ["gateway", "gateway-backup"])
def test_a_template_is_its_unit_with_the_places_of_one_lot(name: str) -> None:
    """So that a change of one is not forgotten in the other."""
    single, many = ((UNITS / f"lotkeeper-{name}{at}.service").read_text() for at in ("", "@"))
    config = "/etc/lotkeeper/lots/%i/gateway.toml"
    many = COMMENT.sub("", many).replace(" of %i\n", "\n").replace(f" --config {config}", "")
    many = many.replace("/lots/%i", "").replace("lotkeeper/%i", "lotkeeper")
    single = COMMENT.sub("", single)
    for own in OWN:
        single = single.replace(own, "")
    assert many.split() == single.split()


def test_a_template_is_open_to_the_console_like_its_unit() -> None:
    single, many = (
        UNITS / f"lotkeeper-gateway{at}.service.d" / "30-console.conf" for at in ("", "@")
    )
    assert many.read_text() == single.read_text()


@pytest.mark.parametrize(
    "unit", [name for name in SERVICES if "Type=notify" in (UNITS / name).read_text()]
)
def test_a_service_is_watched_and_comes_back(unit: str) -> None:
    lines = (UNITS / unit).read_text().splitlines()
    assert {"Restart=always", "StartLimitIntervalSec=0"} <= set(lines)
    # Together less than a second: a service that hangs is a new process in 31 s, a display in 11.
    watchdog_s = 10 if unit == "lotkeeper-display.service" else 30
    assert {f"WatchdogSec={watchdog_s}", "TimeoutAbortSec=500ms", "RestartSec=200ms"} <= set(lines)


def test_every_directive_of_the_sandbox_is_in_the_brokers() -> None:
    """The broker's drop-in cannot include ours: what is closed for us is closed for it."""
    ours = COMMENT.sub("", (UNITS / "lotkeeper-.service.d/10-sandbox.conf").read_text())
    broker = COMMENT.sub("", (UNITS / "mosquitto.service.d/50-lotkeeper.conf").read_text())
    own = {"Environment=PYTHONFAULTHANDLER=1"}
    assert set(ours.split("\n")) - own <= set(broker.split("\n"))
