"""The contract that every driver is tested against."""

from collections.abc import Callable
from typing import Any

import pytest

from drivers import DriverError, Quality, Reading, SensorDriver
from drivers.testing.clock import ManualClock


class DriverContract:
    """What every driver keeps. Subclass it as `Test...` and give a `driver` fixture.

    Must: a fixture `driver`, not open, on the fixture `clock`, whose first reading is ok.
    May: `stimulate`, called between open and read, where the sensor speaks of its own accord.
    """

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def driver(self, clock: ManualClock) -> SensorDriver:
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `driver`")

    @pytest.fixture
    def stimulate(self) -> Callable[[], None]:
        return lambda: None

    def test_names_its_bus_and_its_longest_read(self, driver: SensorDriver) -> None:
        assert isinstance(driver.bus, str)
        assert driver.bus
        assert 0 < driver.timeout_s <= 10

    def test_reads_what_the_sensor_says(
        self, driver: SensorDriver, clock: ManualClock, stimulate: Callable[[], None]
    ) -> None:
        before_s = clock()
        driver.open()
        stimulate()
        reading = driver.read()
        driver.close()
        assert before_s <= reading.monotonic_s <= clock()
        assert reading.quality is Quality.OK
        assert_well_formed(reading)
        assert driver.unit in (reading.unit, "")

    def test_read_before_open_is_refused(self, driver: SensorDriver) -> None:
        with pytest.raises(DriverError, match="not open"):
            driver.read()

    def test_read_after_close_is_refused(self, driver: SensorDriver) -> None:
        driver.open()
        driver.close()
        with pytest.raises(DriverError, match="not open"):
            driver.read()

    def test_closes_twice_and_opens_again(
        self, driver: SensorDriver, stimulate: Callable[[], None]
    ) -> None:
        driver.close()
        driver.open()
        driver.close()
        driver.close()
        driver.open()
        stimulate()
        assert driver.read().quality is Quality.OK
        driver.close()


def assert_well_formed(reading: Reading) -> None:
    """A reading's unit is known, and it has a value of that unit's kind only where it is ok."""
    assert reading.unit in ("mm", "mG")
    value: Any = reading.value
    if reading.quality is not Quality.OK:
        assert value is None
    elif reading.unit == "mm":
        assert isinstance(value, float)
    else:
        assert isinstance(value, tuple)
        assert [type(axis) for axis in value] == [float] * 3
