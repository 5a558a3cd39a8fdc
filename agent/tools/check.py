"""`lotkeeper agent check`: is what is configured there, and does each sensor say something?"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from agent.tools import claims, devices
from agent.tools.findings import Finding, Level
from agent.tools.sensors import Channel, Feed, Sample
from agent.tools.summary import Summary, summarize, told
from drivers import DriverError, Quality

Wire = TypeVar("Wire")

POLL_S = 0.1
"""As fast as most sensors measure, so that a few seconds give a few dozen readings."""
GOOD_SHARE = 0.8
"""Fewer good readings than this are worth a look: the detector's no_echo fault is near."""
POOR_SHARE = 0.5

ADVICE = {
    Quality.NO_ECHO: "aim it straight at the ground; soft or slanted ground and a distance out of "
    "its range give no echo",
    Quality.BLOCKED: "something is within its blind zone: clean it, or free its opening",
    Quality.OVERFLOW: "the field is out of range: move it from magnets and steel, or set a wider "
    "range_gauss",
    Quality.CHECKSUM: "bytes are damaged: check ground, cable length and the baud rate",
    Quality.NO_DATA: "it is silent: check power, and that TX and RX are crossed",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One sensor: what it said, or the error with which it failed, and the verdict."""

    channel: Channel
    summary: Summary
    finding: Finding

    def to_json(self) -> dict[str, Any]:
        """For programs; `noise` in `unit`."""
        summary = self.summary
        return {
            "name": self.channel.name,
            "part": self.channel.part,
            "kind": self.channel.kind,
            "bus": self.channel.driver.bus,
            "level": self.finding.level,
            "says": self.finding.says,
            "hint": self.finding.hint,
            "value": summary.value,
            "unit": summary.unit,
            "noise": round(summary.noise, 2),
            "rate_hz": round(summary.rate_hz, 2),
            "readings": summary.count,
            "shares": {quality.value: round(share, 3) for quality, share in summary.shares.items()},
            "temperature_c": summary.temperature_c,
        }


@dataclass(frozen=True, slots=True)
class Checked:
    """All of it; `held` tells that an agent runs, and then no sensor was opened."""

    held: str | None
    wires: list[Finding]
    sensors: list[Heard]

    @property
    def findings(self) -> list[Finding]:
        """Of the wires, then of the sensors."""
        return [*self.wires, *(each.finding for each in self.sensors)]

    @property
    def good(self) -> bool:
        """Whether nothing is to be mended."""
        return not self.held and all(each.level is not Level.BAD for each in self.findings)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "good": self.good,
            "held": self.held,
            "wires": [asdict(each) for each in self.wires],
            "sensors": [each.to_json() for each in self.sensors],
        }


def look(watched: Sequence[Channel], held: str | None, seconds: float) -> Checked:
    """Look at the wires, then read the sensors, unless an agent holds them."""
    with warnings.catch_warnings():
        # Of the pin libraries that gpiozero tries in turn; the finding names the outcome.
        warnings.simplefilter("ignore")
        return Checked(held, wires(watched), [] if held else listen(watched, seconds))


def wires(watched: Sequence[Channel]) -> list[Finding]:
    """Pins, addresses and ports that are used twice, then each wire that is used."""
    found = claims.clashes(claims.claims(watched))
    for number in _distinct(claims.i2c_number, watched):
        wanted = {
            address: f"{each.label}, {each.kind}"
            for each in watched
            if claims.i2c_number(each) == number
            and (address := claims.address_of(each)) is not None
        }
        found += devices.i2c_bus(number, wanted, claims.known_addresses())
    found += [devices.serial(port) for port in _distinct(claims.serial_port, watched)]
    if any(each.driver.bus == claims.GPIO for each in watched):
        found += devices.gpio()
    return found


def _distinct(wire: Callable[[Channel], Wire | None], watched: Sequence[Channel]) -> list[Wire]:
    return list(dict.fromkeys(each for c in watched if (each := wire(c)) is not None))


def listen(watched: Sequence[Channel], seconds: float) -> list[Heard]:
    """Open every sensor, read it for `seconds` or as long as two reads may take, and judge it."""
    longest_s = max(each.driver.timeout_s for each in watched)
    with Feed(watched, fastest_s=POLL_S) as feed:
        samples = list(feed.during(max(seconds, 2 * longest_s)))
    return [heard(each, [s for s in samples if s.channel is each]) for each in watched]


def heard(channel: Channel, samples: Sequence[Sample]) -> Heard:
    """The verdict on one sensor's samples."""
    readings = [each.reading for each in samples if each.reading is not None]
    errors = [each.error for each in samples if each.error is not None]
    summary = summarize(readings)
    return Heard(channel, summary, verdict(channel.label, summary, errors[-1] if errors else None))


def verdict(name: str, summary: Summary, error: DriverError | None) -> Finding:
    """An error is told before all; then how many of the readings were good."""
    if error is not None:
        return Finding(Level.BAD, name, str(error), error.hint)
    if not summary.count:
        return Finding(Level.BAD, name, "hangs: no read came back", "check its wiring and power")
    share = good_share(summary)
    if share >= GOOD_SHARE:
        return Finding(Level.OK, name, told(summary.value, summary.unit))
    worst = next(each for each in summary.shares if each is not Quality.OK)
    says = f"{worst.value} in {summary.shares[worst]:.0%} of {summary.count} readings"
    level = Level.NOTE if share >= POOR_SHARE else Level.BAD
    return Finding(level, name, says, ADVICE[worst])


def good_share(summary: Summary) -> float:
    """Of the readings that were news: magnetometers are polled faster than they measure."""
    idle = summary.shares.get(Quality.NO_DATA, 0.0) if summary.unit == "mG" else 0.0
    return summary.shares.get(Quality.OK, 0.0) / (1 - idle) if idle < 1 else 0.0
