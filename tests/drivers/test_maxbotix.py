from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Quality
from drivers.maxbotix import MODELS, Config, Driver, decode, framing
from drivers.testing import DriverContract, ManualClock, PseudoTerminal, assert_well_formed

EACH_MODEL = pytest.mark.parametrize("model", list(MODELS))


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, line: PseudoTerminal) -> Driver:
        return Driver(Config(port=line.port), clock)

    @pytest.fixture
    def stimulate(self, line: PseudoTerminal) -> Callable[[], None]:
        return lambda: line.send(b"R1234\r")


@pytest.mark.parametrize(
    ("model", "text", "value_mm"),
    [
        ("hrxl", b"R1234\r", 1234.0),
        ("hrxl", b"R0480 \r", 480.0),
        ("hrxl_10m", b"R7650\r", 7650.0),
        ("xl", b"R123\r", 1230.0),
        ("xl_10m", b"R0987\r", 9870.0),
    ],
)
def test_a_line_of_each_model(model: str, text: bytes, value_mm: float) -> None:
    assert framing(MODELS[model].digits).parse(text) == ([text], 0, b"")
    reading = decode(text, MODELS[model], 3.0)
    assert (reading.value, reading.quality, reading.monotonic_s) == (value_mm, Quality.OK, 3.0)


@pytest.mark.parametrize(
    ("model", "text", "quality"),
    [
        ("hrxl", b"R0000\r", Quality.NO_ECHO),
        ("hrxl", b"R0300\r", Quality.BLOCKED),
        ("hrxl", b"R0301\r", Quality.OK),
        ("hrxl", b"R4999\r", Quality.OK),
        ("hrxl", b"R5000\r", Quality.NO_ECHO),
        ("hrxl", b"R9999\r", Quality.NO_ECHO),
        ("hrxl_10m", b"R0500\r", Quality.BLOCKED),
        ("hrxl_10m", b"R9998\r", Quality.OK),
        ("hrxl_10m", b"R9999\r", Quality.NO_ECHO),
        ("xl", b"R000\r", Quality.NO_ECHO),
        ("xl", b"R020\r", Quality.BLOCKED),
        ("xl", b"R764\r", Quality.OK),
        ("xl", b"R765\r", Quality.NO_ECHO),
        ("xl_10m", b"R1068\r", Quality.NO_ECHO),
    ],
)
def test_the_ends_of_a_range_are_no_distance(model: str, text: bytes, quality: Quality) -> None:
    reading = decode(text, MODELS[model], 0.0)
    assert reading.quality is quality
    assert (reading.value is None) == (quality is not Quality.OK)


@EACH_MODEL
@given(data=st.data())
def test_no_line_crashes_it(model: str, data: st.DataObject) -> None:
    digits = MODELS[model].digits
    text = data.draw(st.from_regex(rb"R[0-9]{%d} ?\r" % digits, fullmatch=True))
    assert_well_formed(decode(text, MODELS[model], 0.0))


@pytest.mark.parametrize(
    "damaged",
    [b"R123\r", b"R12345\r", b"1234\r", b"R1x34\r", b"R1234", b"R 1234\r", b"R1234\n", b"RR234\r"],
)
def test_a_damaged_line_is_no_line(damaged: bytes) -> None:
    assert framing(digits=4).parse(damaged).whole == []


def test_a_stray_ff_between_lines_is_skipped() -> None:
    assert framing(digits=4).parse(b"\xffR1234\r\xffR1240\r").whole == [b"R1234\r", b"R1240\r"]


def test_a_line_cut_short_leaves_the_next_one_whole() -> None:
    assert framing(digits=4).parse(b"R12R1240\r") == ([b"R1240\r"], 3, b"")


def test_the_driver_takes_its_models_lines(line: PseudoTerminal) -> None:
    driver = Driver(Config(port=line.port, model="xl"), ManualClock())
    driver.open()
    line.send(b"R123\rR1234\r")
    assert driver.read().value == 1230.0
    driver.close()
