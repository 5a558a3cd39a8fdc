"""MaxBotix HRXL-MaxSonar and XL-MaxSonar ultrasonic rangers on a serial port.

Source: MaxBotix HRXL-MaxSonar-WR datasheet PD11500, "Pin Out" (pin 5),
https://www.maxbotix.com/documents/HRXL-MaxSonar-WR_Datasheet.pdf, XL-MaxSonar-WR datasheet,
https://www.maxbotix.com/documents/XL-MaxSonar-WR_Datasheet.pdf, and HRUSB-MaxSonar-EZ datasheet
PD12141, "Serial Output Format": 9600 8N1, of its own accord 5 to 10 times a second `R`, the
distance in digits, carriage return; the USB variant has a space before the return. HRXL: four
digits, mm; XL: three digits, cm (four where it reaches 10 m). The range's maximum (5000, 9999)
means that no target was heard; what is nearer than the minimum is reported as the minimum.

There is no checksum, so a line must be whole and of the right length. A stray FF between lines
has been seen. Models with RS232 levels need a level shifter: use the TTL ones (MB738x, MB7062).
"""

import re
from typing import Literal, NamedTuple

from pydantic import ConfigDict

from drivers import Quality, Reading
from drivers._frames import Frames, Framing, ranged
from drivers._serial import SerialConfig, StreamDriver


class Model(NamedTuple):
    """How many digits a line has, of which unit, and what they say at the range's ends."""

    digits: int
    unit_mm: int
    nearest: int
    nothing: int


MODELS = {
    "hrxl": Model(digits=4, unit_mm=1, nearest=300, nothing=5000),
    "hrxl_10m": Model(digits=4, unit_mm=1, nearest=500, nothing=9999),
    "xl": Model(digits=3, unit_mm=10, nearest=20, nothing=765),
    "xl_10m": Model(digits=4, unit_mm=10, nearest=20, nothing=1068),
}


class Config(SerialConfig):
    """Which family: it tells mm from cm."""

    model_config = ConfigDict(title="maxbotix")

    model: Literal["hrxl", "hrxl_10m", "xl", "xl_10m"] = "hrxl"


def framing(digits: int) -> Framing:
    """Lines of `R` and so many digits."""
    forms = [b"R" + b"0" * digits + end for end in (b"\r", b" \r")]

    def size(head: bytes) -> int:
        likeness = re.sub(rb"[0-9]", b"0", head[: len(forms[-1])])
        for form in forms:
            if likeness.startswith(form):
                return len(form)
        return len(head) + 1 if any(form.startswith(likeness) for form in forms) else 0

    return Framing(size, good=lambda frame: True)


def decode(frame: bytes, model: Model, monotonic_s: float) -> Reading:
    """The reading of a whole line. The minimum is whatever covers the sensor."""
    number = int(frame[1 : 1 + model.digits])
    if 0 < number <= model.nearest:
        return Reading(None, "mm", Quality.BLOCKED, number, monotonic_s)
    farthest = model.nothing - 1
    return ranged(number * model.unit_mm, 0, farthest * model.unit_mm, number, monotonic_s)


class Driver(StreamDriver[Config]):
    """One MaxSonar. `raw` is the number in the line, or None where no whole line came."""

    BAUD = 9600

    def parse(self, data: bytes) -> Frames:
        """The lines in a run of bytes."""
        return framing(MODELS[self.config.model].digits).parse(data)

    def decode(self, frame: bytes, monotonic_s: float) -> Reading:
        """The reading of a whole line."""
        return decode(frame, MODELS[self.config.model], monotonic_s)
