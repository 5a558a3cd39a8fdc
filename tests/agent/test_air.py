"""The air's temperature from a file of the kernel's."""

import logging
from pathlib import Path

import pytest

from agent.air import EVERY_S, Air
from drivers.testing import ManualClock


def test_thousandths_are_degrees_and_are_read_once_a_minute(tmp_path: Path) -> None:
    file, clock = tmp_path / "temperature", ManualClock()
    file.write_text("-7250\n")
    air = Air(file, clock)
    assert air.temperature_c() == -7.25
    file.write_text("1000\n")
    clock.sleep(EVERY_S - 1)
    assert air.temperature_c() == -7.25
    clock.sleep(1)
    assert air.temperature_c() == 1.0


@pytest.mark.parametrize("content", [None, "", "warm"])
def test_what_cannot_be_read_is_told_once_and_is_no_temperature(
    content: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, clock = tmp_path / "temperature", ManualClock()
    if content is not None:
        file.write_text(content)
    air = Air(file, clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert air.temperature_c() is None
            clock.sleep(EVERY_S)
    assert len(caplog.records) == 1
    file.write_text("20000")
    assert air.temperature_c() == 20.0


def test_without_a_file_there_is_none() -> None:
    assert Air(None, ManualClock()).temperature_c() is None
