from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.detector import Detector
from agent.detector.ranging import RangingSettings
from contract.words import Status
from drivers import Quality
from drivers.ld2410c import FRAMING, Config, Driver, decode
from drivers.testing import DriverContract, ManualClock, PseudoTerminal, assert_well_formed
from drivers.testing.frames import radar_report

STILL_86_CM = bytes.fromhex("f4f3f2f10d0002aa0256000056006446005500f8f7f6f5")
VENDORS_BASIC = bytes.fromhex("f4f3f2f10d0002aa02510000 00003b00005500f8f7f6f5")
VENDORS_ENGINEERING = bytes.fromhex(
    "f4f3f2f1 2300 01aa 03 1e003c 000039 0000 0808"
    "32 2d 28 23 1e 19 14 0f 0a 30 2c 27 22 1d 18 13 0e 09 0305 5500 f8f7f6f5"
)
NOBODY = radar_report(0)


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, line: PseudoTerminal) -> Driver:
        return Driver(Config(port=line.port), clock)

    @pytest.fixture
    def stimulate(self, line: PseudoTerminal) -> Callable[[], None]:
        return lambda: line.send(STILL_86_CM)


def test_a_recorded_still_target_at_86_cm() -> None:
    assert FRAMING.parse(STILL_86_CM) == ([STILL_86_CM], 0, b"")
    reading = decode(STILL_86_CM, Config(), 3.0)
    assert (reading.value, reading.quality, reading.monotonic_s) == (860.0, Quality.OK, 3.0)
    assert reading.raw == (2, 86, 0, 86, 100)


def test_a_still_target_without_a_distance_is_never_near() -> None:
    assert FRAMING.parse(VENDORS_BASIC).whole == [VENDORS_BASIC]
    reading = decode(VENDORS_BASIC, Config(), 0.0)
    assert (reading.quality, reading.value) == (Quality.NO_ECHO, None)
    assert reading.raw == (2, 81, 0, 0, 0x3B)


def test_engineering_mode_is_read_too() -> None:
    assert FRAMING.parse(VENDORS_ENGINEERING) == ([VENDORS_ENGINEERING], 0, b"")
    reading = decode(VENDORS_ENGINEERING, Config(), 0.0)
    assert (reading.value, reading.raw) == (300.0, (3, 30, 60, 0, 57))


def test_nobody_is_a_positive_statement() -> None:
    reading = decode(NOBODY, Config(clear_mm=2500), 0.0)
    assert (reading.value, reading.quality) == (2500.0, Quality.OK)


def test_a_ranging_detector_reads_nobody_as_free_and_a_target_as_occupied() -> None:
    config = Config(clear_mm=2500)
    detector = Detector(RangingSettings(floor_mm=config.clear_mm))
    state, seen = detector.initial(0.0), []
    for second in range(90):
        report = STILL_86_CM if 30 <= second < 60 else NOBODY
        state, _ = detector.step(state, decode(report, config, second), second)
        seen.append(state.status)
    assert (seen[29], seen[59], seen[89]) == (Status.FREE, Status.OCCUPIED, Status.FREE)


@pytest.mark.parametrize(
    ("state", "moving", "still", "value_mm"),
    [
        (1, (200, 50), (90, 50), 2000.0),
        (2, (200, 50), (90, 50), 900.0),
        (3, (200, 50), (90, 50), 900.0),
        (3, (70, 50), (90, 50), 700.0),
        (3, (0, 50), (90, 50), 900.0),
        (3, (200, 50), (90, 29), 2000.0),
        (2, (200, 50), (90, 29), 6000.0),
        (3, (200, 29), (90, 29), 6000.0),
        (0, (200, 50), (90, 50), 6000.0),
    ],
)
def test_the_nearest_believed_target_counts(
    state: int, moving: tuple[int, int], still: tuple[int, int], value_mm: float
) -> None:
    reading = decode(radar_report(state, moving, still), Config(minimum_energy=30), 0.0)
    assert (reading.value, reading.quality) == (value_mm, Quality.OK)


@pytest.mark.parametrize("state", [4, 5, 6, 7, 255])
def test_a_radar_that_measures_its_own_noise_says_nothing(state: int) -> None:
    reading = decode(radar_report(state, (90, 50), (90, 50)), Config(), 0.0)
    assert (reading.quality, reading.value) == (Quality.NO_DATA, None)


def test_a_distance_beyond_the_last_gate_is_none() -> None:
    report = radar_report(2, still=(0xFFFF, 50))
    assert decode(report, Config(), 0.0).quality is Quality.NO_ECHO


@given(
    st.integers(0, 255),
    st.tuples(st.integers(0, 0xFFFF), st.integers(0, 255)),
    st.tuples(st.integers(0, 0xFFFF), st.integers(0, 255)),
)
def test_no_report_crashes_it_and_none_is_nearer_than_it_says(
    state: int, moving: tuple[int, int], still: tuple[int, int]
) -> None:
    reading = decode(radar_report(state, moving, still), Config(), 0.0)
    assert_well_formed(reading)
    if isinstance(reading.value, float):
        assert reading.value in {6000.0, 10.0 * moving[0], 10.0 * still[0]} - {0.0}


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (0, "header"),
        (4, "length"),
        (5, "length"),
        (6, "type"),
        (7, "inner head"),
        (17, "inner tail"),
        (18, "inner tail"),
        (22, "tail"),
    ],
)
def test_a_damaged_report_is_none_and_the_next_is_found(at: int, name: str) -> None:
    damaged = bytearray(STILL_86_CM)
    damaged[at] ^= 0x21
    frames = FRAMING.parse(bytes(damaged) + NOBODY * 4)
    assert frames.whole == [NOBODY] * 4, name
    assert frames.skipped == len(damaged)


def test_a_basic_report_has_its_one_length() -> None:
    longer = bytearray(radar_report(2, still=(86, 100), more=bytes(2)))
    longer[6] = 0x02
    assert FRAMING.parse(bytes(longer)).whole == []
