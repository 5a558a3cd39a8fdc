"""What the machine offers: files in a folder, a bus whose chips answer, a port in use."""

import errno
import os
import pwd
from collections.abc import Collection, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agent.tools import devices
from agent.tools.findings import Level
from drivers.testing import PseudoTerminal

WANTED = {0x0D: "A1, qmc5883l"}
KNOWN = {0x0D: ["qmc5883l"], 0x2C: ["qmc5883p"]}


class Bus:
    """A bus on which some addresses answer a byte, and others as the kernel does."""

    def __init__(self, there: set[int], taken: Collection[int] = ()) -> None:
        self.there, self.taken, self.closed = there, taken, False

    def __call__(self, number: int) -> "Bus":
        return self

    def read_byte(self, i2c_addr: int) -> int:
        if i2c_addr in self.taken:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        if i2c_addr not in self.there:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        return 0

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    (tmp_path / "i2c-1").touch()
    return tmp_path


def test_a_bus_that_is_not_there_says_how_to_enable_it(tmp_path: Path) -> None:
    (found,) = devices.i2c_bus(1, WANTED, KNOWN, tmp_path, Bus(set()))
    assert found.level is Level.BAD
    assert "dtparam=i2c_arm=on" in found.hint


def test_a_chip_that_answers_is_well(dev: Path) -> None:
    bus = Bus({0x0D})
    file, chip = devices.i2c_bus(1, WANTED, KNOWN, dev, bus)
    assert (file.level, chip.level) == (Level.OK, Level.OK)
    assert chip.where == "0x0D on i2c-1"
    assert bus.closed


def test_a_silent_chip_is_told_with_who_answers_instead(dev: Path) -> None:
    _, chip = devices.i2c_bus(1, WANTED, KNOWN, dev, Bus({0x2C}))
    assert chip.level is Level.BAD
    assert "A1, qmc5883l should" in chip.says
    assert "0x2C (qmc5883p?) answers on this bus" in chip.hint


def test_a_silent_bus_names_nobody_else(dev: Path) -> None:
    _, chip = devices.i2c_bus(1, WANTED, KNOWN, dev, Bus(set()))
    assert chip.hint == "check power, SDA and SCL"


def test_a_chip_that_the_kernel_holds_is_told(dev: Path) -> None:
    _, chip = devices.i2c_bus(1, WANTED, KNOWN, dev, Bus(set(), taken={0x0D}))
    assert "kernel driver" in chip.says
    assert "dtoverlay" in chip.hint


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder as another user sees it."""
    if os.geteuid():
        pytest.skip("inherent: another user's view needs root")
    with TemporaryDirectory() as folder:  # tmp_path lies in a folder that nobody may enter
        Path(folder).chmod(0o755)
        (Path(folder) / "i2c-1").touch(mode=0o600)
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
        yield Path(folder)
        os.seteuid(0)


def test_a_file_of_another_group_names_the_group(as_nobody: Path) -> None:
    found = devices.usable(as_nobody / "i2c-1", "")
    assert found.says == "may not be used by nobody (mode 600, group root)"
    assert "usermod -aG root nobody" in found.hint


class TestSerial:
    def test_a_port_that_is_free_is_well(self) -> None:
        with PseudoTerminal() as terminal:
            # This process has it open, as the sensor's end of the wire.
            assert devices.serial(Path(terminal.port)).level is Level.OK

    def test_a_port_that_another_process_uses_names_it(self, tmp_path: Path) -> None:
        with PseudoTerminal() as terminal:
            process = tmp_path / "4711"
            (process / "fd").mkdir(parents=True)
            (process / "fd" / "3").symlink_to(terminal.port)
            (process / "cmdline").write_bytes(b"agetty\0--keep-baud\0")
            found = devices.serial(Path(terminal.port), proc=tmp_path)
        assert found.level is Level.BAD
        assert "pid 4711 (agetty --keep-baud)" in found.says

    def test_a_port_that_is_not_there_says_how_to_enable_it(self, tmp_path: Path) -> None:
        found = devices.serial(tmp_path / "ttyAMA0")
        assert (found.says, found.level) == ("is not there", Level.BAD)
        assert "enable_uart=1" in found.hint


class TestGpio:
    @pytest.fixture(autouse=True)
    def _mock_pins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from gpiozero import Device

        monkeypatch.setattr(Device, "pin_factory", None)
        monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")

    def test_a_machine_without_pins_is_told(self, tmp_path: Path) -> None:
        chip, _ = devices.gpio(tmp_path)
        assert chip.level is Level.BAD
        assert "no Pi" in chip.hint

    def test_one_usable_chip_is_enough(self, tmp_path: Path) -> None:
        (tmp_path / "gpiochip0").touch()
        (tmp_path / "gpiochip4").touch()
        chip, _ = devices.gpio(tmp_path)
        assert (chip.where, chip.level) == (str(tmp_path / "gpiochip0"), Level.OK)

    def test_pins_that_are_mocked_are_worth_a_word(self) -> None:
        library = devices.pin_factory()
        assert library.level is Level.NOTE
        assert "mock" in library.says

    def test_no_pin_library_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "none-such")
        library = devices.pin_factory()
        assert library.level is Level.BAD
        assert "lgpio" in library.hint
