"""The magnetometers through the real smbus2 on a real /dev/i2c-0, of the kernel's i2c-stub.

The kernel is Debian's user-mode-linux, which boots in seconds on the host's files, read only. Its
chips neither measure nor clear bits: their ready bits are set beforehand and stay.
"""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).parents[2]
GUEST = Path(__file__).with_name("i2c_stub_guest.py")
RESULT = "RESULT "
BOOT_S = 50
"""It takes 3 s on an idle machine."""
INSTALL = "apt-get install user-mode-linux"


@dataclass(frozen=True)
class Case:
    """A driver's kind, a chip's registers by hexadecimal number, and those to look at after."""

    kind: str
    address: int
    registers: dict[str, int]
    options: dict[str, Any] = field(default_factory=dict)
    look: tuple[str, ...] = ()


def block(first: int, data: str) -> dict[str, int]:
    return {f"{at:02x}": byte for at, byte in enumerate(bytes.fromhex(data), first)}


CASES = {
    "hmc5883l": Case(
        "hmc5883l",
        0x1E,
        block(0x03, "006D FE4C 00DA") | block(0x0A, "483433") | {"09": 0x01},
        look=("00", "01", "02"),
    ),
    "qmc5883l": Case(
        "qmc5883l",
        0x0D,
        block(0x00, "B004 A0F6 0C00") | {"06": 0x01, "0d": 0xFF},
        look=("09", "0b"),
    ),
    "qmc5883p": Case(
        "qmc5883p",
        0x2C,
        block(0x01, "DC05 48F4 0F00") | {"00": 0x80, "09": 0x01},
        look=("0a", "0b", "29"),
    ),
    # The block is asked for at 28h with bit 7, which a real chip does not take for the address.
    "lis3mdl": Case(
        "lis3mdl",
        0x1C,
        block(0xA8, "BA1A A3F2 0000 5000") | {"0f": 0x3D, "27": 0x08},
        look=("20", "24"),
    ),
    "mmc5603": Case(
        "mmc5603",
        0x30,
        block(0x00, "8400 7E00 8000 0F0F0F 7D") | {"18": 0xC0, "39": 0x10},
        look=("1b",),
    ),
    "mmc5983ma": Case(
        "mmc5983ma",
        0x30,
        block(0x00, "9000 7800 8000 00 7D") | {"08": 0x03, "2f": 0x30},
        look=("09",),
    ),
    "rm3100": Case(
        "rm3100",
        0x20,
        block(0x24, "000EA6 FFFD12 00004B") | {"34": 0x80, "36": 0x22},
        look=("00", "05", "07", "09"),
    ),
    "not ready": Case("qmc5883l", 0x0D, {"0d": 0xFF}),
    "overflow": Case("mmc5983ma", 0x30, {"08": 0x03, "2f": 0x30}),
    "another chip": Case("mmc5603", 0x30, {"2f": 0x30}),
    "no chip": Case("mmc5603", 0x31, {}, {"address": 0x31}),
}


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder of the kernel's I2C modules."""
    if platform.machine() != "x86_64":
        pytest.skip("inherent: user-mode Linux runs on x86-64 alone")
    found = sorted(Path("/usr/lib/uml/modules").glob("*/kernel/drivers/i2c/i2c-stub.ko"))
    if not found or not shutil.which("linux.uml"):
        pytest.skip(f"no user-mode Linux with i2c-stub: {INSTALL}")
    return found[-1].parent


@pytest.fixture(scope="module")
def results(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of each case, from one boot."""
    folder = tmp_path_factory.mktemp("uml")
    plan = {
        "modules": str(modules),
        "addresses": sorted({case.address for case in CASES.values()} - {0x31}),
        "cases": [asdict(case) for case in CASES.values()],
    }
    plan_file = folder / "plan.json"
    plan_file.write_text(json.dumps(plan), encoding="utf-8")
    output = boot(plan_file, folder)
    lines = [line.removeprefix(RESULT) for line in output.splitlines() if line.startswith(RESULT)]
    assert len(lines) == len(CASES), f"user-mode Linux said:\n{output}"
    return dict(zip(CASES, map(json.loads, lines), strict=True))


def boot(plan_file: Path, folder: Path) -> str:
    """Run the guest program as the first program of a user-mode Linux; answers its console."""
    command = [
        "linux.uml",
        *("mem=192M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"),
        *("con=null", "con0=null,fd:1", "quiet"),
        *(f"init={sys.executable}", f"PYTHONPATH={REPO}", "PYTHONDONTWRITEBYTECODE=1"),
        *("--", str(GUEST), str(plan_file)),
    ]
    console = folder / "console"
    with console.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            start_new_session=True,
        )
        try:
            process.wait(BOOT_S)
        except subprocess.TimeoutExpired:
            # Its processes on the host are all of this session.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            text = console.read_text(encoding="utf-8", errors="replace")
            pytest.fail(f"user-mode Linux did not end in {BOOT_S} s; it said:\n{text}")
    return console.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize(
    ("kind", "value", "temperature_c"),
    [
        ("hmc5883l", (100.0, 200.0, -400.0), None),
        ("qmc5883l", (100.0, -200.0, 1.0), None),
        ("qmc5883p", (100.0, -200.0, 1.0), None),
        ("lis3mdl", (1000.0, -500.0, 0.0), 35.0),
        ("mmc5603", (1000.0, -500.0, 0.0), 25.0),
        ("mmc5983ma", (1000.0, -500.0, 0.0), 25.0),
        ("rm3100", (500.0, -100.0, 10.0), None),
    ],
)
def test_a_field_is_read(
    results: dict[str, Any],
    kind: str,
    value: tuple[float, float, float],
    temperature_c: float | None,
) -> None:
    result = results[kind]
    assert result.get("quality") == "ok", result
    assert result["value"] == pytest.approx(value)
    assert result["temperature_c"] == temperature_c


@pytest.mark.parametrize(
    ("kind", "registers"),
    [
        ("hmc5883l", {"00": 0x40, "01": 0x20, "02": 0x01}),
        ("qmc5883l", {"09": 0x01, "0b": 0x01}),
        ("qmc5883p", {"0a": 0xC1, "0b": 0x0C, "29": 0x06}),
        ("lis3mdl", {"20": 0xF0, "24": 0x40}),
        ("mmc5603", {"1b": 0x02}),
        ("mmc5983ma", {"09": 0x02}),
        ("rm3100", {"00": 0x70, "05": 200, "07": 200, "09": 200}),
    ],
)
def test_the_chip_is_set_up(results: dict[str, Any], kind: str, registers: dict[str, int]) -> None:
    assert results[kind]["registers"] == registers


def test_a_chip_that_is_not_ready_has_no_data(results: dict[str, Any]) -> None:
    assert results["not ready"]["quality"] == "no_data"


def test_rails_are_overflow(results: dict[str, Any]) -> None:
    assert results["overflow"]["quality"] == "overflow"


def test_another_chip_at_the_address_is_refused(results: dict[str, Any]) -> None:
    assert "chip ID is 0x00, expected 0x10" in results["another chip"]["error"]
    assert "MMC5983MA" in results["another chip"]["hint"]


def test_an_absent_chip_is_enodev_with_a_hint(results: dict[str, Any]) -> None:
    assert "mmc5603 at 0x31 on i2c-0: [Errno 19]" in results["no chip"]["error"]
    assert "i2cdetect" in results["no chip"]["hint"]
