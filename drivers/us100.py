"""US-100 ultrasonic ranger with its own thermometer, in its serial mode (jumper set).

Source: Adafruit 4019, https://docs.circuitpython.org/projects/us100/en/latest/api.html, and
https://arduibots.wordpress.com/2014/10/12/us-100-ultrasonic-sensor-in-serial-mode/: 9600 8N1; the
byte 55 is answered with two, the distance in mm, high byte first; the byte 50 with one, the
temperature in C plus 45. Range 20-4500 mm; the sensor itself corrects for the temperature. Of
what is too far or too near it may say nothing at all.

Answers carry no checksum, and a byte left over would shift every later one: what came before a
request is dropped, and an answer of any other length is a checksum fault. Pings of all sensors
are kept apart (60 ms), which is also the time for a byte too many to show itself.
"""

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._frames import ranged
from drivers._serial import PING_S, Port, SerialConfig, SerialDriver, ask

PING = b"\x55"
TEMPERATURE = b"\x50"
TEMPERATURE_OFFSET_C = 45
COLDEST_C, HOTTEST_C = -40, 85
BLIND_ZONE_MM = 20
MAXIMUM_MM = 4500


class Config(SerialConfig):
    """The thermometer is asked every `temperature_every_s`, and only after a good distance."""

    model_config = ConfigDict(title="us100")

    timeout_s: float = Field(0.2, gt=0, le=0.4)
    temperature_every_s: float = Field(60.0, ge=1)


def decode(answer: bytes, temperature_c: float | None, monotonic_s: float) -> Reading:
    """The reading of a two-byte answer. 0 and more than 4500 mm are no echo."""
    distance_mm = int.from_bytes(answer, "big")
    return ranged(distance_mm, BLIND_ZONE_MM, MAXIMUM_MM, distance_mm, monotonic_s, temperature_c)


def decode_temperature(answer: bytes) -> float | None:
    """The temperature in C of a one-byte answer; None for any other, or one out of this world."""
    if len(answer) != 1:
        return None
    temperature_c = answer[0] - TEMPERATURE_OFFSET_C
    return float(temperature_c) if COLDEST_C <= temperature_c <= HOTTEST_C else None


class Driver(SerialDriver[Config]):
    """One US-100. `raw` is the answer's distance in mm, or None where none came."""

    BAUD = 9600
    EXTRA_S = PING_S  # two answers at most are waited for: distance and temperature
    _temperature_c: float | None = None
    _thermometer_due_s = float("-inf")

    def measure(self, port: Port) -> Reading:
        """Ping once, alone in the air."""
        with self.pinging(port, PING):
            answer = port.read(2)
        answer += port.read(port.in_waiting)
        if len(answer) != 2:
            return self.nothing(bytes_came=bool(answer))
        if self._monotonic() >= self._thermometer_due_s:
            self._measure_temperature(port)
        return decode(answer, self._temperature_c, self._monotonic())

    def _measure_temperature(self, port: Port) -> None:
        self._thermometer_due_s = self._monotonic() + self.config.temperature_every_s
        ask(port, TEMPERATURE)
        self._temperature_c = decode_temperature(port.read(1) + port.read(port.in_waiting))
