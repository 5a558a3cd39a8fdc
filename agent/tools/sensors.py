"""The configured sensors as the tools use them: opened, read in their buses' threads, let go."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

from agent.config import AgentSettings, LaneSettings, SensorSettings, SpotSettings
from agent.core import driver_of
from agent.detector import (
    DetectorSettings,
    FusedSettings,
    MagneticSettings,
    PassageSettings,
    RangingSettings,
)
from drivers import DriverError, Monotonic, Reading, SensorDriver

RETRY_S = 1.0
JOIN_S = 2.0
LOOK_S = 60.0
"""A queue refuses to wait without end."""


class UnknownSpot(Exception):
    """A name that the configuration does not hold; the text tells those that it does."""


OneSensor = RangingSettings | MagneticSettings | PassageSettings


@dataclass(frozen=True, slots=True)
class Channel:
    """One sensor of one spot or lane: how it alone is judged, and how often it is read.

    `detector` is the spot's: the same as `settings`, but where two sensors are fused, and then
    `part` tells which of them this is.
    """

    name: str
    part: str
    sensor: SensorSettings
    settings: OneSensor
    detector: DetectorSettings
    sample_s: float
    driver: SensorDriver

    @property
    def label(self) -> str:
        """The name, of a fused spot's sensors with their part."""
        return f"{self.name} {self.part}".strip()

    @property
    def kind(self) -> str:
        """The driver's."""
        return self.sensor.kind


@dataclass(frozen=True, slots=True)
class Sample:
    """What came of one read: a reading, or the error with which it failed."""

    channel: Channel
    reading: Reading | None
    error: DriverError | None
    at_s: float


def channels(
    settings: AgentSettings, names: Sequence[str] = (), monotonic: Monotonic = time.monotonic
) -> list[Channel]:
    """Those of the named spots and lanes, of all without names. Raises UnknownSpot."""
    sections: dict[str, SpotSettings | LaneSettings] = {
        **{spot.spot_id: spot for spot in settings.spots},
        **{lane.lane_id: lane for lane in settings.lanes},
    }
    for name in names:
        if name not in sections:
            near = get_close_matches(name, sections, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sections)}"
            raise UnknownSpot(f"no spot or lane {name!r} in the configuration; {hint}")
    return [
        each for name in names or sections for each in _channels(name, sections[name], monotonic)
    ]


def _channels(
    name: str, section: SpotSettings | LaneSettings, monotonic: Monotonic
) -> list[Channel]:
    detector, driver = section.detector, driver_of(section.sensor, monotonic)
    if not isinstance(detector, FusedSettings):
        settings: OneSensor = detector
        return [Channel(name, "", section.sensor, settings, detector, section.sample_s, driver)]
    assert isinstance(section, SpotSettings)
    waker = section.waker
    assert waker is not None  # the configuration refuses a fused spot without
    ranger = Channel(
        name, "ranger", section.sensor, detector.ranging, detector, section.sample_s, driver
    )
    waking, waking_s = driver_of(waker, monotonic), section.waker_sample_s
    return [ranger, Channel(name, "waker", waker, detector.magnetic, detector, waking_s, waking)]


class Feed:
    """Samples of several channels as they come: a thread a bus, as in the agent.

    A sensor that fails is closed and opened again a second later. Use it in a `with`; at its end
    the sensors are let go. `fastest_s` overrules longer intervals of the configuration.
    """

    def __init__(
        self,
        watched: Sequence[Channel],
        fastest_s: float | None = None,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._fastest_s = fastest_s
        self._samples: queue.SimpleQueue[Sample | BaseException] = queue.SimpleQueue()
        self._stopping = threading.Event()
        buses = dict.fromkeys(channel.driver.bus for channel in watched)
        self._threads = [
            threading.Thread(
                target=self._guarded,
                args=([each for each in watched if each.driver.bus == bus],),
                name=f"bus-{bus}",
                daemon=True,
            )
            for bus in buses
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(JOIN_S)  # a hung bus does not hold up the end

    def take(self, timeout_s: float) -> Sample | None:
        """The next sample, None where none comes in time. Raises what a thread ended with."""
        try:
            found = self._samples.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            return None
        if isinstance(found, BaseException):
            raise found
        return found

    def during(self, seconds: float) -> Iterator[Sample]:
        """The samples of the next `seconds`, which may be infinite."""
        end_s = self._monotonic() + seconds
        while (left_s := end_s - self._monotonic()) > 0:
            sample = self.take(min(left_s, LOOK_S))
            if sample is not None:
                yield sample

    def _guarded(self, watched: list[Channel]) -> None:
        try:
            self._poll(watched)
        except BaseException as error:
            self._samples.put(error)  # told by `take`
        finally:
            for channel in watched:
                channel.driver.close()

    def _poll(self, watched: list[Channel]) -> None:
        due_s = dict.fromkeys(range(len(watched)), self._monotonic())
        opened: set[int] = set()
        while not self._stopping.is_set():
            number = min(due_s, key=due_s.__getitem__)
            if self._stopping.wait(max(due_s[number] - self._monotonic(), 0.0)):
                return
            channel = watched[number]
            sample = self._sample(channel, number in opened)
            (opened.discard if sample.error else opened.add)(number)
            self._samples.put(sample)
            wait_s = RETRY_S if sample.error else self._interval_s(channel)
            due_s[number] = max(due_s[number] + wait_s, self._monotonic())

    def _sample(self, channel: Channel, is_open: bool) -> Sample:
        try:
            if not is_open:
                _open(channel)
            reading = channel.driver.read()
        except DriverError as error:
            channel.driver.close()
            return Sample(channel, None, error, self._monotonic())
        return Sample(channel, reading, None, self._monotonic())

    def _interval_s(self, channel: Channel) -> float:
        wanted_s = channel.sample_s
        return wanted_s if self._fastest_s is None else min(wanted_s, self._fastest_s)


def _open(channel: Channel) -> None:
    """Raises DriverError, for a recording that cannot be played too."""
    try:
        channel.driver.open()
    except ValueError as error:
        raise DriverError(str(error), "mend the file that this sensor's options name") from error
