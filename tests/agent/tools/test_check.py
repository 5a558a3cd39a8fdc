"""Claims of the configured sensors, and the verdicts on what they say."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.config import AgentSettings
from agent.tools.check import GOOD_SHARE, look, verdict
from agent.tools.claims import Claim, address_of, claims, clashes, known_addresses, pins_of
from agent.tools.findings import Level
from agent.tools.sensors import UnknownSpot, channels
from agent.tools.summary import summarize
from drivers import DriverError, Quality, Reading, registry
from drivers.testing import PseudoTerminal

FRAME = bytes.fromhex("FF07A1A7")


def spots(*sensors: dict[str, Any], magnetic: bool = False) -> AgentSettings:
    detector = {"kind": "magnetic" if magnetic else "ranging"}
    rows = [
        {"spot_id": f"A{number + 1}", "sensor": sensor, "detector": detector}
        for number, sensor in enumerate(sensors)
    ]
    return AgentSettings.model_validate({"agent_id": "pi-1", "lot_id": "lot-1", "spots": rows})


def used_twice(*sensors: dict[str, Any], magnetic: bool = False) -> list[str]:
    found = clashes(claims(channels(spots(*sensors, magnetic=magnetic))))
    return [each.where for each in found]


class TestClaims:
    def test_a_pin_used_twice_names_both_uses(self) -> None:
        settings = spots(
            {"kind": "hcsr04", "trigger": 17, "echo": 27},
            {"kind": "hcsr04", "trigger": 22, "echo": 17},
        )
        (found,) = clashes(claims(channels(settings)))
        assert found.where == "pin 17"
        assert "A1 (trigger) and A2 (echo)" in found.says

    def test_an_address_used_twice_on_one_bus_is_found(self) -> None:
        chip = {"kind": "qmc5883l", "bus": 1}
        assert used_twice(chip, chip, magnetic=True) == ["address 0x0D on i2c-1"]

    def test_the_same_address_on_two_buses_is_well(self) -> None:
        buses = [{"kind": "qmc5883l", "bus": bus} for bus in (1, 3)]
        assert used_twice(*buses, magnetic=True) == []

    def test_a_port_is_the_same_by_all_its_names(self, tmp_path: Path) -> None:
        (tmp_path / "ttyAMA0").touch()
        (tmp_path / "serial0").symlink_to("ttyAMA0")
        ports = [{"kind": "a02yyuw", "port": str(tmp_path / n)} for n in ("serial0", "ttyAMA0")]
        assert used_twice(*ports) == [str(tmp_path / "ttyAMA0")]

    def test_sensors_without_a_wire_claim_nothing(self) -> None:
        assert claims(channels(spots({"kind": "simulated"}, {"kind": "simulated"}))) == []

    def test_options_that_are_pins_are_told_by_the_driver(self) -> None:
        (channel,) = channels(spots({"kind": "hcsr04", "trigger": 5, "echo": 6}))
        assert pins_of(channel) == {"trigger": 5, "echo": 6}
        assert address_of(channel) is None

    @pytest.mark.parametrize("kind", registry.kinds())
    def test_a_driver_on_the_pins_says_which(self, kind: str) -> None:
        module = registry.load(kind)
        if getattr(module.Driver, "bus", "") == "gpio":
            assert set(module.PINS) <= set(module.Config.model_fields)
            assert module.PINS

    def test_chips_are_known_by_the_address_they_come_with(self) -> None:
        assert "qmc5883l" in known_addresses()[0x0D]

    def test_one_use_is_no_clash(self) -> None:
        assert clashes([Claim("pin 1", "A1", "echo"), Claim("pin 2", "A1", "trigger")]) == []


def readings(*qualities: Quality, unit: str = "mm") -> list[Reading]:
    value: Any = 2500.0 if unit == "mm" else (1.0, 2.0, 3.0)
    return [
        Reading(value if quality is Quality.OK else None, unit, quality, None, float(at))
        for at, quality in enumerate(qualities)
    ]


OK, SILENT = Quality.OK, Quality.NO_DATA


class TestVerdict:
    def test_of_an_error_is_the_error_with_its_mend(self) -> None:
        found = verdict("A1", summarize([]), DriverError("no bus", "plug it in"))
        assert (found.level, found.says, found.hint) == (Level.BAD, "no bus", "plug it in")

    def test_of_nothing_at_all_is_a_hung_bus(self) -> None:
        assert "hangs" in verdict("A1", summarize([]), None).says

    @pytest.mark.parametrize("quality", [each for each in Quality if each is not OK])
    def test_of_mostly_bad_readings_has_advice_for_each_quality(self, quality: Quality) -> None:
        found = verdict("A1", summarize(readings(OK, quality, quality, quality)), None)
        assert found.level is Level.BAD
        assert f"{quality.value} in 75% of 4" in found.says
        assert found.hint

    def test_of_some_bad_readings_is_a_note(self) -> None:
        few = readings(*[OK] * 7, *[Quality.NO_ECHO] * 3)
        assert verdict("A1", summarize(few), None).level is Level.NOTE
        assert verdict("A1", summarize(few[:8]), None).level is Level.OK
        assert 7 / 10 < GOOD_SHARE < 7 / 8

    def test_of_a_magnetometer_polled_faster_than_it_measures_is_well(self) -> None:
        polled = summarize(readings(OK, SILENT, SILENT, OK, SILENT, SILENT, unit="mG"))
        assert verdict("A1", polled, None).level is Level.OK

    def test_of_a_magnetometer_that_only_is_silent_is_not(self) -> None:
        polled = summarize(readings(SILENT, SILENT, SILENT, unit="mG"))
        assert verdict("A1", polled, None).level is Level.BAD


@contextmanager
def talking(terminal: PseudoTerminal) -> Iterator[None]:
    """The sensor sends a frame twenty times a second, heard or not."""
    silenced = threading.Event()

    def talk() -> None:
        while not silenced.wait(0.05):
            terminal.send(FRAME)

    thread = threading.Thread(target=talk)
    thread.start()
    yield
    silenced.set()
    thread.join()


class TestLook:
    def test_a_sensor_on_a_wire_is_heard(self) -> None:
        with PseudoTerminal() as terminal:
            watched = channels(spots({"kind": "a02yyuw", "port": terminal.port}))
            with talking(terminal):
                found = look(watched, None, 0.3)
        assert found.good
        assert [each.where for each in found.wires] == [terminal.port]
        (heard,) = found.sensors
        assert heard.summary.value == 1953

    def test_what_an_agent_holds_is_not_opened(self, tmp_path: Path) -> None:
        port = tmp_path / "absent"  # opening it would be told as an error
        found = look(channels(spots({"kind": "a02yyuw", "port": str(port)})), "the agent runs", 9)
        assert found.sensors == []
        assert not found.good
        assert found.to_json()["held"] == "the agent runs"

    def test_a_dead_sensor_is_told_and_the_others_are_heard(self) -> None:
        settings = spots(
            {"kind": "simulated", "sessions": []}, {"kind": "simulated", "fault": "dead"}
        )
        found = look(channels(settings), None, 0.1)
        well, dead = found.sensors
        assert well.summary.value == pytest.approx(2500, abs=15)
        assert dead.finding.says == "simulated sensor is dead"
        assert dead.to_json()["shares"] == {}
        assert not found.good


def test_a_name_that_is_none_is_told_with_a_near_one() -> None:
    settings = spots({"kind": "simulated"}, {"kind": "simulated"})
    with pytest.raises(UnknownSpot, match=r"no spot or lane 'A11'.*did you mean A1"):
        channels(settings, ["A11"])
    with pytest.raises(UnknownSpot, match="there are A1, A2"):
        channels(settings, ["west"])


def test_rates_and_shares_are_of_the_good_and_of_all() -> None:
    summary = summarize(readings(OK, Quality.NO_ECHO, OK, OK))
    assert summary.rate_hz == pytest.approx(2 / 3)
    assert summary.shares == {OK: 0.75, Quality.NO_ECHO: 0.25}
