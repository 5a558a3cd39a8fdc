from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Quality
from drivers.testing import DriverContract, ManualClock, PseudoTerminal, assert_well_formed
from drivers.testing.frames import lidar_frame
from drivers.tfmini import FRAMING, MODELS, Config, Driver, decode

TABLE = bytes.fromhex("59 59 E6 00 E8 03 98 08 23")
"""230 cm, strength 1000, 0x0898 / 8 - 256 = 19 C."""


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, line: PseudoTerminal) -> Driver:
        return Driver(Config(port=line.port), clock)

    @pytest.fixture
    def stimulate(self, line: PseudoTerminal) -> Callable[[], None]:
        return lambda: line.send(TABLE)


@pytest.mark.parametrize("model", list(MODELS))
def test_a_frame_byte_by_byte(model: str) -> None:
    assert FRAMING.parse(TABLE) == ([TABLE], 0, b"")
    reading = decode(TABLE, MODELS[model], 3.0)
    assert (reading.value, reading.raw) == (2300.0, (230, 1000))
    assert (reading.temperature_c, reading.monotonic_s) == (19.0, 3.0)


@pytest.mark.parametrize(
    ("model", "distance_cm", "strength", "quality"),
    [
        ("tfmini_s", 0, 1000, Quality.NO_ECHO),
        ("tfmini_s", 9, 1000, Quality.BLOCKED),
        ("tfmini_s", 10, 100, Quality.OK),
        ("tfmini_s", 1200, 1000, Quality.OK),
        ("tfmini_s", 1201, 1000, Quality.NO_ECHO),
        ("tfmini_s", 230, 99, Quality.NO_ECHO),
        ("tfmini_s", 230, 0xFFFF, Quality.OVERFLOW),
        ("tfmini_s", -1, 40, Quality.NO_ECHO),
        ("tfmini_s", -1, 1000, Quality.NO_ECHO),
        ("tfmini_s", -2, 0xFFFF, Quality.OVERFLOW),
        ("tfmini_s", -4, 1000, Quality.OVERFLOW),
        ("tfmini_s", 230, 40_000, Quality.OK),
        ("tfmini_plus", 0, 40, Quality.NO_ECHO),
        ("tfmini_plus", 0, 0xFFFF, Quality.OVERFLOW),
        ("tf_luna", 19, 1000, Quality.BLOCKED),
        ("tf_luna", 801, 1000, Quality.NO_ECHO),
        ("tf_luna", 230, 99, Quality.NO_ECHO),
        ("tf_luna", 230, 0xFFFF, Quality.OVERFLOW),
        ("tf_luna", 230, 40_000, Quality.OVERFLOW),
    ],
)
def test_neither_weak_nor_saturated_light_is_a_distance(
    model: str, distance_cm: int, strength: int, quality: Quality
) -> None:
    reading = decode(lidar_frame(distance_cm, strength), MODELS[model], 0.0)
    assert reading.quality is quality
    assert (reading.value is None) == (quality is not Quality.OK)


@given(st.binary(min_size=9, max_size=9), st.sampled_from(list(MODELS)))
def test_no_frame_crashes_it_and_a_value_is_within_the_range(frame: bytes, model: str) -> None:
    reading = decode(frame, MODELS[model], 0.0)
    assert_well_formed(reading)
    if isinstance(reading.value, float):
        assert MODELS[model].nearest_mm <= reading.value <= MODELS[model].farthest_mm


def test_firmware_without_a_thermometer_tells_no_temperature() -> None:
    no_thermometer = TABLE[:6] + b"\x07\x00"
    assert decode(no_thermometer + b"\x00", MODELS["tfmini_s"], 0.0).temperature_c is None


def test_a_bad_sum_is_no_frame() -> None:
    assert FRAMING.parse(TABLE[:-1] + b"\x00").whole == []


def test_the_driver_knows_its_model(line: PseudoTerminal) -> None:
    driver = Driver(Config(port=line.port, model="tf_luna"), ManualClock())
    driver.open()
    line.send(lidar_frame(1000))
    assert driver.read().quality is Quality.NO_ECHO
    driver.close()
