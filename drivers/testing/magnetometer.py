"""The contract of the I2C magnetometers, over a fake chip. Needs pytest."""

import errno
from collections.abc import Callable

import pytest

from drivers import DriverError, Quality, Reading
from drivers._magnetometer import Magnetometer, MagnetometerConfig
from drivers.testing import contract
from drivers.testing.clock import ManualClock
from drivers.testing.i2c import FakeChip, FakeI2C

WIRING, CLOCK, OTHER = "i2cdetect", "clock is held low", "pull-ups"
FAILURES = pytest.mark.parametrize(
    ("failure", "hint"),
    [
        (errno.EREMOTEIO, WIRING),
        (errno.ENODEV, WIRING),
        (errno.ETIMEDOUT, CLOCK),
        (errno.EIO, OTHER),
    ],
)

AnyMagnetometer = Magnetometer[MagnetometerConfig]


class DriverContract(contract.DriverContract):
    """What every driver keeps, and what a magnetometer keeps besides.

    Must: `driver_type`, its `config`, and a fixture `chip` which has data, and may be triggered
    or asked to `measure`.
    """

    driver_type: Callable[..., AnyMagnetometer]
    config: MagnetometerConfig

    @pytest.fixture
    def chip(self) -> FakeChip:
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `chip`")

    @pytest.fixture
    def bus(self, chip: FakeChip) -> FakeI2C:
        return FakeI2C({self.config.address: chip})

    @pytest.fixture
    def driver(self, bus: FakeI2C, clock: ManualClock) -> AnyMagnetometer:
        return self.driver_type(self.config, clock, open_bus=bus.open, sleep=clock.sleep)

    @pytest.fixture
    def stimulate(self, chip: FakeChip) -> Callable[[], None]:
        return chip.measure

    @pytest.fixture
    def measured(self, driver: AnyMagnetometer, chip: FakeChip) -> Callable[[], Reading]:
        """Read what the chip measures now."""

        def read() -> Reading:
            chip.measure()
            return driver.read()

        return read

    def test_a_read_waits_for_new_data(
        self, driver: AnyMagnetometer, chip: FakeChip, clock: ManualClock
    ) -> None:
        driver.open()
        before_s = clock()
        chip.script(driver.layout.status, 0, 0, driver.layout.ready)
        assert driver.read().quality is Quality.OK
        assert clock() - before_s >= driver.measurement_s / 2 - 1e-9

    def test_no_new_data_in_time_is_no_data(
        self, driver: AnyMagnetometer, chip: FakeChip, clock: ManualClock
    ) -> None:
        driver.open()
        before_s = clock()
        chip.script(driver.layout.status, 0)
        chip.trigger = None
        assert driver.read().quality is Quality.NO_DATA
        assert clock() - before_s == pytest.approx(driver.timeout_s)

    def test_a_measurement_is_read_once(
        self, driver: AnyMagnetometer, chip: FakeChip, measured: Callable[[], Reading]
    ) -> None:
        driver.open()
        assert measured().quality is Quality.OK
        chip.trigger = None
        assert driver.read().quality is Quality.NO_DATA

    def test_what_was_measured_before_open_is_dropped(
        self, driver: AnyMagnetometer, chip: FakeChip
    ) -> None:
        chip.measure()
        driver.open()
        chip.trigger = None
        assert driver.read().quality is Quality.NO_DATA

    def test_another_chip_is_refused_before_anything_is_written(
        self, driver: AnyMagnetometer, chip: FakeChip, bus: FakeI2C
    ) -> None:
        chip.registers[driver.layout.id_register] ^= 0x55
        with pytest.raises(DriverError, match=r"chip ID is 0x\w+, expected 0x") as caught:
            driver.open()
        assert driver.layout.rivals in caught.value.hint
        assert chip.written == []
        assert bus.closed

    @FAILURES
    def test_a_bus_that_fails_on_open_is_let_go(
        self, driver: AnyMagnetometer, bus: FakeI2C, failure: int, hint: str
    ) -> None:
        bus.failure = failure
        with pytest.raises(DriverError, match=driver.layout.kind) as caught:
            driver.open()
        assert hint in caught.value.hint
        assert driver.layout.rivals in caught.value.hint
        assert bus.closed

    @FAILURES
    def test_a_bus_that_fails_is_told_and_comes_back_with_a_reopen(
        self,
        driver: AnyMagnetometer,
        bus: FakeI2C,
        measured: Callable[[], Reading],
        failure: int,
        hint: str,
    ) -> None:
        driver.open()
        bus.failure = failure
        with pytest.raises(DriverError, match=rf"{driver.layout.kind} at .*{failure}") as caught:
            driver.read()
        assert hint in caught.value.hint
        bus.failure = None
        driver.open()
        assert measured().quality is Quality.OK
