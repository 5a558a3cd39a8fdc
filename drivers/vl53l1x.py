"""VL53L1X laser time-of-flight ranger on I2C. Indoors only: sunlight gives it false targets.

Source: ST VL53L1X datasheet DS12385, https://www.st.com/resource/en/datasheet/vl53l1x.pdf
(address 29h; 40-4000 mm; "I2C interface": 16-bit register indices, which move on by themselves),
and ST's Ultra Lite Driver STSW-IMG009 (BSD-3-Clause, UM2510), whose tables are the
only public word on the registers: the default configuration, distance modes and timing budgets
below are its data (`VL51L1X_DEFAULT_CONFIGURATION`, `VL53L1X_SetDistanceMode`,
`VL53L1X_SetTimingBudgetInMs`).

A stray 22-27 mm with a status of OK has been seen at targets more than a metre away
(https://github.com/stm32duino/VL53L1X/issues/7): nearer than the 40 mm of the datasheet is
blocked, never near. The chip calibrates itself to the temperature when it is opened.

Several on one bus: hold all but one in reset (XSHUT), give that one another address (register
0001h), and so on; then say the `address`. It lasts until power fails or XSHUT is pulled, which
is why `open` does not reset the chip.
"""

import struct
from typing import Literal

from pydantic import ConfigDict, Field

from drivers import DriverError, Quality, Reading
from drivers._frames import ranged
from drivers._i2c_raw import MessageConfig, MessageDriver

REG_VHV_TIMEOUT = 0x0008
REG_VHV_INIT = 0x000B
REG_CONFIGURATION = 0x002D
REG_I2C_PULL_UP = 0x002E
REG_READY = 0x0031
REG_PHASECAL_TIMEOUT = 0x004B
REG_TIMEOUT_A = 0x005E
REG_VCSEL_PERIOD_A = 0x0060
REG_TIMEOUT_B = 0x0061
REG_VCSEL_PERIOD_B = 0x0063
REG_VALID_PHASE_HIGH = 0x0069
REG_MEASUREMENT_PERIOD = 0x006C
REG_WOI = 0x0078
REG_INITIAL_PHASE = 0x007A
REG_CLEAR_INTERRUPT = 0x0086
REG_MODE = 0x0087
REG_RESULT = 0x0089
REG_OSCILLATOR = 0x00DE
REG_BOOTED = 0x00E5
REG_MODEL_ID = 0x010F

MODEL_ID = bytes.fromhex("EA CC 10")
PULLED_UP_TO_AVDD = b"\x01"
"""As on every breakout board; the default is a bus of 1.8 V."""
RANGE = b"\x40"
STOP = b"\x00"
CLEAR = b"\x01"
VHV_TWO_BOUNDS = b"\x09"
VHV_FROM_LAST_TEMPERATURE = b"\x00"

CONFIGURATION = bytes.fromhex(
    "00 00 00 01 02 00 02 08 00 08 10 01 01 00 00 00"  # from 2Dh
    "00 FF 00 0F 00 00 00 00 00 20 0B 00 00 02 0A 21"  # from 3Dh
    "00 00 05 00 00 00 00 C8 00 00 38 FF 01 00 08 00"  # from 4Dh
    "00 01 CC 0F 01 F1 0D 01 68 00 80 08 B8 00 00 00"  # from 5Dh
    "00 0F 89 00 00 00 00 00 00 00 01 0F 0D 0E 0E 00"  # from 6Dh
    "00 02 C7 FF 9B 00 00 00 01 00 00"  # from 7Dh to 87h
)
"""Its 30h makes the interrupt active high: data are ready where bit 0 of 31h is set."""

Mode = Literal["short", "long"]
MODES: dict[Mode, dict[int, bytes]] = {
    "short": {
        REG_PHASECAL_TIMEOUT: b"\x14",
        REG_VCSEL_PERIOD_A: b"\x07",
        REG_VCSEL_PERIOD_B: b"\x05",
        REG_VALID_PHASE_HIGH: b"\x38",
        REG_WOI: b"\x07\x05",
        REG_INITIAL_PHASE: b"\x06\x06",
    },
    "long": {
        REG_PHASECAL_TIMEOUT: b"\x0a",
        REG_VCSEL_PERIOD_A: b"\x0f",
        REG_VCSEL_PERIOD_B: b"\x0d",
        REG_VALID_PHASE_HIGH: b"\xb8",
        REG_WOI: b"\x0f\x0d",
        REG_INITIAL_PHASE: b"\x0e\x0e",
    },
}
TIMEOUTS: dict[Mode, dict[int, tuple[int, int]]] = {
    "short": {
        20: (0x0051, 0x006E),
        33: (0x00D6, 0x006E),
        50: (0x01AE, 0x01E8),
        100: (0x02E1, 0x0388),
        200: (0x03E1, 0x0496),
        500: (0x0591, 0x05C1),
    },
    "long": {
        20: (0x001E, 0x0022),
        33: (0x0060, 0x006E),
        50: (0x00AD, 0x00C6),
        100: (0x01CC, 0x01EA),
        200: (0x02D9, 0x02F8),
        500: (0x048F, 0x04A4),
    },
}
"""Timing budget in ms to the time-outs of ranges A and B, in macro periods."""
NEAREST_MM = 40
FARTHEST_MM: dict[Mode, int] = {"short": 1300, "long": 4000}

STATUS_BITS = 0x1F
STATUS_VALID = 0x09
RESULT_BYTES = 17
DISTANCE_AT = 13
PAUSE_MS = 10
"""Between two measurements; the chip needs 4."""
OSCILLATOR_BITS = 0x03FF
OSCILLATOR_FACTOR = 1.075
BOOT_S = 0.1
FIRST_MEASUREMENT_S = 1.0
POLL_S = 0.005


class Config(MessageConfig):
    """Where the chip answers; a longer timing budget sees farther, and steadier."""

    model_config = ConfigDict(title="vl53l1x")

    address: int = Field(0x29, ge=0x08, le=0x77)
    distance_mode: Mode = "long"
    timing_budget_ms: Literal[20, 33, 50, 100, 200, 500] = 100


def decode(result: bytes, mode: Mode, monotonic_s: float) -> Reading:
    """The reading of registers 89h to 99h. `raw` is the status and the distance in mm."""
    status = result[0] & STATUS_BITS
    (distance_mm,) = struct.unpack_from(">H", result, DISTANCE_AT)
    raw = (status, distance_mm)
    if status != STATUS_VALID:
        return Reading(None, "mm", Quality.NO_ECHO, raw, monotonic_s)
    return ranged(distance_mm, NEAREST_MM, FARTHEST_MM[mode], raw, monotonic_s)


def measurement_period(period_ms: int, oscillator: int) -> bytes:
    """Register 6Ch: the period in ticks of the chip's own oscillator, given its register DEh."""
    return struct.pack(">I", int((oscillator & OSCILLATOR_BITS) * period_ms * OSCILLATOR_FACTOR))


class Driver(MessageDriver[Config]):
    """One VL53L1X. A read waits for a measurement that ended after it was asked for. Closed, the
    chip ranges on until it is opened again."""

    timeout_s = 2 * (max(TIMEOUTS["long"]) + PAUSE_MS) / 1000

    def start(self) -> None:
        """Check the ID, wait for the boot, configure and start."""
        self._check_id()
        if not self._wait(REG_BOOTED, BOOT_S):
            raise DriverError(f"{self.name} does not boot", "check its supply and XSHUT")
        self._set(REG_MODE, STOP)
        self._set(REG_CONFIGURATION, CONFIGURATION)
        self._set(REG_I2C_PULL_UP, PULLED_UP_TO_AVDD)
        self._calibrate()
        self._configure()
        self._set(REG_MODE, RANGE)

    def read(self) -> Reading:
        """The next measurement. Raises DriverError where the bus fails.

        Answers no_data where none came in two periods, no_echo where the chip does not vouch for
        the distance.
        """
        # What is ready already may be as old as the last read.
        self._set(REG_CLEAR_INTERRUPT, CLEAR)
        if not self._wait(REG_READY, 2 * self._period_ms / 1000):
            return Reading(None, "mm", Quality.NO_DATA, None, self.monotonic())
        result = self._get(REG_RESULT, RESULT_BYTES)
        self._set(REG_CLEAR_INTERRUPT, CLEAR)
        return decode(result, self.config.distance_mode, self.monotonic())

    @property
    def _period_ms(self) -> int:
        return self.config.timing_budget_ms + PAUSE_MS

    def _check_id(self) -> None:
        found = self._get(REG_MODEL_ID, len(MODEL_ID))
        if found != MODEL_ID:
            raise DriverError(
                f"{self.name}: model ID is {found.hex(' ').upper()}, "
                f"expected {MODEL_ID.hex(' ').upper()}",
                "another chip answers here: a VL53L0X or VL53L4CD is not a VL53L1X",
            )

    def _calibrate(self) -> None:
        """A first measurement at the temperature of now, from which later ones set out."""
        # A chip that was ranging may hold a measurement ready, and this one would not be awaited.
        self._set(REG_CLEAR_INTERRUPT, CLEAR)
        self._set(REG_MODE, RANGE)
        if not self._wait(REG_READY, FIRST_MEASUREMENT_S):
            raise DriverError(f"{self.name} does not measure", "check its supply")
        self._set(REG_CLEAR_INTERRUPT, CLEAR)
        self._set(REG_MODE, STOP)
        self._set(REG_VHV_TIMEOUT, VHV_TWO_BOUNDS)
        self._set(REG_VHV_INIT, VHV_FROM_LAST_TEMPERATURE)

    def _configure(self) -> None:
        mode, budget_ms = self.config.distance_mode, self.config.timing_budget_ms
        for register, value in MODES[mode].items():
            self._set(register, value)
        timeout_a, timeout_b = TIMEOUTS[mode][budget_ms]
        self._set(REG_TIMEOUT_A, struct.pack(">H", timeout_a))
        self._set(REG_TIMEOUT_B, struct.pack(">H", timeout_b))
        oscillator = int.from_bytes(self._get(REG_OSCILLATOR, 2), "big")
        self._set(REG_MEASUREMENT_PERIOD, measurement_period(self._period_ms, oscillator))

    def _wait(self, register: int, longest_s: float) -> bool:
        """Whether bit 0 of a register was set in time."""
        give_up_s = self.monotonic() + longest_s
        while not self._get(register, 1)[0] & 1:
            if self.monotonic() >= give_up_s:
                return False
            self.sleep(POLL_S)
        return True

    def _set(self, register: int, value: bytes) -> None:
        self.write(struct.pack(">H", register) + value)

    def _get(self, register: int, length: int) -> bytes:
        return self.ask(struct.pack(">H", register), length)
