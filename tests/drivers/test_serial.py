"""What serial sensors share: the port, the newest frame, asking; and each driver's unplugging."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from pydantic import ValidationError

from drivers import DriverError, Quality, Reading, _serial, registry
from drivers._air import quiet_air
from drivers._frames import Frames, distance, distance_framing, ranged
from drivers._serial import PING_CYCLE_S, Port, SerialConfig, SerialDriver, StreamDriver
from drivers.testing import AskedTerminal, ManualClock, PseudoTerminal, assert_well_formed
from drivers.testing.frames import distance_frame

KINDS = [kind for kind in registry.kinds() if issubclass(registry.load(kind).Driver, SerialDriver)]
EACH = pytest.mark.parametrize("kind", KINDS)
ASK = 0x55


class Ranger(StreamDriver[SerialConfig]):
    """A sensor that speaks of its own accord."""

    BAUD = 9600

    def parse(self, data: bytes) -> Frames:
        return distance_framing().parse(data)

    def decode(self, frame: bytes, monotonic_s: float) -> Reading:
        return ranged(distance(frame), 30, 4500, None, monotonic_s)


class Pinger(Ranger):
    """A sensor that is asked."""

    def measure(self, port: Port) -> Reading:
        self.forget()
        with self.pinging(port, bytes([ASK])):
            return super().measure(port)


class FakePort:
    """A port that takes all that is written and says nothing."""

    in_waiting = 0

    def read(self, size: int = 1, /) -> bytes:
        return b""

    def write(self, data: bytes, /) -> int | None:
        return len(data)

    def reset_input_buffer(self) -> None: ...
    def close(self) -> None: ...


class Babble(FakePort):
    """Never falls silent; each byte takes its time on the clock."""

    in_waiting = 8

    def __init__(self, clock: ManualClock, say: bytes) -> None:
        self._clock = clock
        self._say = say

    def read(self, size: int = 1, /) -> bytes:
        self._clock.sleep(size / 960)
        return (self._say * size)[:size]


class Backlog(FakePort):
    """Shows no more than a terminal's buffer of what the system holds."""

    def __init__(self, held: bytes) -> None:
        self._held = held

    @property
    def in_waiting(self) -> int:
        return min(len(self._held), 4095)

    def read(self, size: int = 1, /) -> bytes:
        data, self._held = self._held[:size], self._held[size:]
        return data


@pytest.fixture
def ranger(line: PseudoTerminal, clock: ManualClock) -> Iterator[Ranger]:
    ranger = Ranger(SerialConfig(port=line.port, timeout_s=0.05), clock)
    ranger.open()
    yield ranger
    ranger.close()


@pytest.fixture
def pinger(asked: AskedTerminal, clock: ManualClock) -> Iterator[Pinger]:
    pinger = Pinger(SerialConfig(port=asked.port, timeout_s=0.5), clock, clock.sleep)
    pinger.open()
    yield pinger
    pinger.close()


def test_the_newest_whole_frame_wins(ranger: Ranger, line: PseudoTerminal) -> None:
    line.send(distance_frame(2400) + distance_frame(700) + distance_frame(650)[:2])
    assert ranger.read().value == 700.0
    line.send(distance_frame(650)[2:])
    assert ranger.read().value == 650.0


def test_more_than_the_system_shows_at_once_is_read_to_its_end(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    backlog = Backlog(distance_frame(2400) * 4000 + distance_frame(650))
    monkeypatch.setattr(_serial, "open_port", lambda *args: backlog)
    ranger = Ranger(SerialConfig(), clock)
    ranger.open()
    assert ranger.read().value == 650.0
    assert ranger.read().quality is Quality.NO_DATA


def test_silence_is_no_data(ranger: Ranger) -> None:
    assert ranger.read().quality is Quality.NO_DATA


def test_silence_ends_a_frame(ranger: Ranger, line: PseudoTerminal) -> None:
    line.send(distance_frame(650)[:2])
    assert ranger.read().quality is Quality.CHECKSUM
    line.send(distance_frame(650)[2:])
    assert ranger.read().quality is Quality.CHECKSUM


def test_bytes_without_a_good_frame_are_a_checksum_fault(
    ranger: Ranger, line: PseudoTerminal
) -> None:
    line.send(distance_frame(650)[:3] + b"\x00")
    assert ranger.read().quality is Quality.CHECKSUM


def test_a_closed_port_forgets_a_frames_beginning(ranger: Ranger, line: PseudoTerminal) -> None:
    line.send(distance_frame(700) + distance_frame(650)[:2])
    ranger.read()
    ranger.close()
    ranger.open()
    line.send(distance_frame(650)[2:])
    assert ranger.read().quality is Quality.CHECKSUM


@pytest.mark.parametrize(
    ("say", "quality"), [(b"\x55", Quality.CHECKSUM), (distance_frame(650), Quality.OK)]
)
def test_talk_without_end_does_not_hold_a_read_for_ever(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch, say: bytes, quality: Quality
) -> None:
    monkeypatch.setattr(_serial, "open_port", lambda *args: Babble(clock, say))
    ranger = Ranger(SerialConfig(timeout_s=0.5), clock)
    ranger.open()
    assert ranger.read().quality is quality
    assert clock() - 1000.0 <= ranger.timeout_s


def test_a_port_has_one_owner(ranger: Ranger, line: PseudoTerminal, clock: ManualClock) -> None:
    with pytest.raises(DriverError, match=line.port):
        Ranger(ranger.config, clock).open()


def test_what_came_before_a_request_is_no_answer(pinger: Pinger, asked: AskedTerminal) -> None:
    asked.send(distance_frame(2400))
    asked.will_answer(ASK, distance_frame(650))
    assert pinger.read().value == 650.0


def test_pings_are_60_ms_apart_and_the_air_is_quiet_afterwards(
    pinger: Pinger, asked: AskedTerminal, clock: ManualClock
) -> None:
    asked.will_answer(ASK, *[distance_frame(650)] * 3)
    for _ in range(3):
        assert pinger.read().quality is Quality.OK
    times = [at_s for at_s, _ in asked.asked]
    assert [b - a for a, b in pairwise(times)] == [pytest.approx(PING_CYCLE_S)] * 2
    assert clock() - times[-1] == pytest.approx(PING_CYCLE_S)


def test_a_ping_waits_for_the_air(pinger: Pinger, asked: AskedTerminal) -> None:
    asked.will_answer(ASK, distance_frame(650))
    readings: list[Reading] = []
    reading = threading.Thread(target=lambda: readings.append(pinger.read()))
    with quiet_air():
        reading.start()
        reading.join(0.1)
        assert asked.asked == []
    reading.join(5)
    assert [each.value for each in readings] == [650.0]


@pytest.mark.parametrize("options", [{"port": ""}, {"timeout_s": 0}, {"baud": 9600}])
def test_options_that_cannot_work_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        SerialConfig.model_validate(options)


@EACH
def test_an_unplugged_adapter_is_a_driver_error_with_a_hint(
    kind: str, line: PseudoTerminal, clock: ManualClock
) -> None:
    driver = registry.build(kind, {"port": line.port}, clock)
    driver.open()
    line.unplug()
    with pytest.raises(DriverError, match=f"{kind} on {line.port}") as caught:
        driver.read()
    assert "plugged in" in caught.value.hint
    driver.close()


@EACH
def test_a_port_that_does_not_exist_is_a_driver_error(kind: str, clock: ManualClock) -> None:
    driver = registry.build(kind, {"port": "/dev/no-such-port"}, clock)
    with pytest.raises(DriverError, match="/dev/no-such-port") as caught:
        driver.open()
    assert caught.value.hint


@EACH
def test_endless_noise_is_a_checksum_fault_within_the_time_out(
    kind: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_serial, "open_port", lambda *args: Babble(clock, b"\x13"))
    module = registry.load(kind)
    driver = module.Driver(module.Config(), clock, clock.sleep)
    driver.open()
    reading = driver.read()
    assert reading.quality is Quality.CHECKSUM
    assert_well_formed(reading)
    assert clock() - 1000.0 <= driver.timeout_s


def test_every_serial_driver_is_here() -> None:
    assert {"a02yyuw", "jsn_sr04t_serial", "ld2410c", "maxbotix", "sen0627"} < set(KINDS)
