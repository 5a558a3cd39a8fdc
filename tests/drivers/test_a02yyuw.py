from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DriverError, Quality
from drivers.a02yyuw import Config, Driver, decode, parse
from drivers.testing import DriverContract, ManualClock, PseudoTerminal

GOLDEN = bytes.fromhex("FF 07 A1 A7")


def frame(distance_mm: int) -> bytes:
    high, low = divmod(distance_mm, 256)
    return bytes([0xFF, high, low, (0xFF + high + low) & 0xFF])


@pytest.fixture
def line() -> Iterator[PseudoTerminal]:
    with PseudoTerminal() as line:
        yield line


@pytest.fixture
def driver(line: PseudoTerminal) -> Iterator[Driver]:
    driver = Driver(Config(port=line.port, timeout_s=0.05), ManualClock())
    driver.open()
    yield driver
    driver.close()


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, line: PseudoTerminal) -> Driver:
        return Driver(Config(port=line.port), clock)

    @pytest.fixture
    def stimulate(self, line: PseudoTerminal) -> Callable[[], None]:
        return lambda: line.send(GOLDEN)


def test_the_published_frame() -> None:
    assert parse(GOLDEN) == ([1953], 0, b"")


def test_a_frames_beginning_is_kept_for_the_next_bytes() -> None:
    assert parse(GOLDEN + GOLDEN[:3]) == ([1953], 0, GOLDEN[:3])


def test_a_bad_sum_costs_no_more_than_its_own_frame() -> None:
    bad = GOLDEN[:3] + b"\x00"
    assert parse(bad + GOLDEN) == ([1953], 4, b"")


def test_a_frame_that_begins_inside_a_bad_one_is_found() -> None:
    assert parse(b"\xff\x07" + GOLDEN) == ([1953], 2, b"")


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_parser_and_none_are_lost(data: bytes) -> None:
    frames = parse(data)
    assert len(frames.distances_mm) * 4 + frames.skipped + len(frames.rest) == len(data)
    assert len(frames.rest) < 4


@given(st.binary(max_size=60), st.integers(0, 4500), st.integers(0, 4500))
def test_one_frame_after_any_noise_it_is_in_step_again(
    noise: bytes, first_mm: int, second_mm: int
) -> None:
    # Noise may end with what looks like a frame's head and so swallow part of the next one.
    distances = parse(noise + frame(first_mm) * 2 + frame(second_mm)).distances_mm
    assert distances[-1] == second_mm


@given(st.lists(st.integers(0, 4500), max_size=20), st.integers(1, 7))
def test_frames_cut_anywhere_are_put_together(distances: list[int], size: int) -> None:
    data, found, rest = b"".join(map(frame, distances)), [], b""
    for at in range(0, len(data), size):
        frames = parse(rest + data[at : at + size])
        found += frames.distances_mm
        rest = frames.rest
    assert found == distances


@pytest.mark.parametrize(
    ("distance_mm", "quality"),
    [
        (0, Quality.NO_ECHO),
        (1, Quality.BLOCKED),
        (29, Quality.BLOCKED),
        (30, Quality.OK),
        (4500, Quality.OK),
        (4501, Quality.NO_ECHO),
    ],
)
def test_zero_is_never_near(distance_mm: int, quality: Quality) -> None:
    reading = decode(distance_mm, 3.0)
    assert reading.quality is quality
    assert reading.value == (distance_mm if quality is Quality.OK else None)


def test_the_newest_whole_frame_wins(driver: Driver, line: PseudoTerminal) -> None:
    line.send(frame(2400) + frame(700) + frame(650)[:2])
    assert driver.read().value == 700.0
    line.send(frame(650)[2:])
    assert driver.read().value == 650.0


def test_silence_is_no_data(driver: Driver) -> None:
    assert driver.read().quality is Quality.NO_DATA


def test_bytes_without_a_good_frame_are_a_checksum_fault(
    driver: Driver, line: PseudoTerminal
) -> None:
    line.send(GOLDEN[:3] + b"\x00")
    assert driver.read().quality is Quality.CHECKSUM


def test_a_good_frame_after_a_bad_one_is_read(driver: Driver, line: PseudoTerminal) -> None:
    line.send(GOLDEN[:3] + b"\x00" + GOLDEN)
    assert driver.read().value == 1953.0


def test_an_unplugged_adapter_is_a_driver_error_with_a_hint(
    driver: Driver, line: PseudoTerminal
) -> None:
    line.unplug()
    with pytest.raises(DriverError, match=line.port) as caught:
        driver.read()
    assert "plugged in" in caught.value.hint
    driver.close()


def test_a_port_that_does_not_exist_is_a_driver_error() -> None:
    driver = Driver(Config(port="/dev/no-such-port"), ManualClock())
    with pytest.raises(DriverError, match="/dev/no-such-port") as caught:
        driver.open()
    assert caught.value.hint


def test_noise_without_end_does_not_hold_a_read_for_ever() -> None:
    clock = ManualClock()

    class Babble:
        in_waiting = 8

        def read(self, size: int = 1, /) -> bytes:
            clock.sleep(size / 960)
            return b"\x55" * size

        def close(self) -> None: ...

    driver = Driver(Config(timeout_s=0.5), clock)
    driver._port = Babble()
    assert driver.read().quality is Quality.CHECKSUM
    assert clock() == pytest.approx(1000.5, abs=0.01)
