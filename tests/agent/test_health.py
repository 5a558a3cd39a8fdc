"""What the heartbeat tells of the machine, from the kernel's files as they are at the moment."""

from pathlib import Path

import pytest

from agent import health


@pytest.fixture(autouse=True)
def _fresh() -> None:
    health._under_voltage_file.cache_clear()


def test_the_firmwares_alarm_and_the_cores_temperature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hwmon3").mkdir()
    (tmp_path / "hwmon3" / "name").write_text("rpi_volt\n")
    (tmp_path / "hwmon3" / "in0_lcrit_alarm").write_text("1\n")
    (tmp_path / "temp").write_text("48312\n")
    monkeypatch.setattr(health, "UNDER_VOLTAGE", tmp_path)
    monkeypatch.setattr(health, "THERMAL", tmp_path / "temp")
    told = health.telemetry()
    assert (told.under_voltage, told.temperature_c) == (True, 48.312)
    assert told.uptime_s > 0


def test_a_file_that_cannot_be_read_is_no_reason_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver may fail for a moment: opening a directory stands for it, root may open all else."""
    monkeypatch.setattr(health, "UNDER_VOLTAGE", tmp_path / "none")
    monkeypatch.setattr(health, "THERMAL", tmp_path)
    told = health.telemetry()
    assert (told.under_voltage, told.temperature_c) == (None, None)
