"""What empty bays teach and what margins come of it, with readings of known noise."""

import random
from collections.abc import Sequence

import pytest

from agent.detector import Detector, MagneticSettings, PassageSettings, RangingSettings, Saved
from agent.tools.learn import NotLearnt, empty_warnings, learn, margin
from agent.tools.limits import limits
from contract.words import Status
from drivers import Quality, Reading, Vector

EARTH: Vector = (200.0, -100.0, 400.0)
RANGING = RangingSettings()
MAGNETIC = MagneticSettings()


def distances(*values: float | None) -> list[Reading]:
    return [
        Reading(value, "mm", Quality.OK if value else Quality.NO_ECHO, value, float(at))
        for at, value in enumerate(values)
    ]


def around(mm: float, sigma_mm: float = 5.0, count: int = 60) -> list[Reading]:
    rng = random.Random(1)
    return distances(*(rng.gauss(mm, sigma_mm) for _ in range(count)))


def fields(
    middle: Vector, sigma_mg: float = 1.5, count: int = 60, celsius: float | None = None
) -> list[Reading]:
    rng = random.Random(2)
    values = [tuple(rng.gauss(axis, sigma_mg) for axis in middle) for _ in range(count)]
    return [
        Reading(value, "mG", Quality.OK, value, at / 10, celsius) for at, value in enumerate(values)
    ]


def moved(x_mg: float) -> Vector:
    return EARTH[0] + x_mg, EARTH[1], EARTH[2]


def test_a_floor_is_the_median_and_the_noise_is_sigma() -> None:
    learnt = learn(around(2500, sigma_mm=6.0, count=400))
    assert learnt.floor_mm == pytest.approx(2500, abs=1)
    assert learnt.noise == pytest.approx(6.0, rel=0.15)


def test_lost_echoes_and_a_passer_by_do_not_enter_the_floor() -> None:
    readings = around(2500)
    readings[10:14] = distances(900, None, 880, None)
    assert learn(readings).floor_mm == pytest.approx(2500, abs=3)


def test_a_baseline_is_the_median_of_each_axis_with_its_noise_and_temperature() -> None:
    learnt = learn(fields(EARTH, 2.0, 400, celsius=21.5))
    assert learnt.baseline == pytest.approx(EARTH, abs=0.5)
    assert learnt.noise == pytest.approx(2.0, rel=0.15)
    assert learnt.state(MAGNETIC)["temperature_c"] == 21.5


def test_a_car_that_passes_does_not_enter_the_baseline() -> None:
    readings = fields(EARTH)
    readings[20:26] = fields(moved(300), count=6)
    assert learn(readings).baseline == pytest.approx(EARTH, abs=1)


@pytest.mark.parametrize(
    "readings",
    [
        [*around(2500, count=30), *around(1200, count=30)],
        [*fields(EARTH, count=30), *fields(moved(60), count=30)],
    ],
)
def test_who_moves_while_it_learns_is_told_to_go(readings: Sequence[Reading]) -> None:
    with pytest.raises(NotLearnt, match="keep people and vehicles away"):
        learn(readings)


@pytest.mark.parametrize("readings", [[], distances(None, None, 2500, None, 2500)])
def test_too_little_is_refused_with_a_count(readings: list[Reading]) -> None:
    with pytest.raises(NotLearnt, match=f"of {len(readings)}, 5 are needed"):
        learn(readings)


@pytest.mark.parametrize(
    ("empty", "settings"),
    [(around(2500), RANGING), (fields(EARTH, celsius=12.0), MAGNETIC)],
)
def test_what_was_learnt_is_what_a_detector_resumes(
    empty: list[Reading], settings: RangingSettings | MagneticSettings
) -> None:
    learnt = learn(empty)
    resumed = Detector(settings).resume(learnt.state(settings), 1000.0)
    known = Saved.model_validate(resumed.to_json())
    assert known.floor_mm == learnt.floor_mm
    assert known.baseline == learnt.baseline
    assert known.sigma_mg == (0.0 if learnt.floor_mm else learnt.noise)


def test_a_learnt_floor_counts_although_the_configuration_gives_one() -> None:
    settings = RangingSettings(floor_mm=2300)
    resumed = Detector(settings).resume(learn(around(2500)).state(settings), 1000.0)
    assert resumed.ranging.floor_mm == pytest.approx(2500, abs=3)


class TestMargin:
    def test_of_a_car_is_how_far_it_stands_beyond_the_threshold(self) -> None:
        found = margin(RANGING, learn(around(2500)), around(1000))
        assert found.signal == pytest.approx(1500, abs=4)
        assert found.threshold == 400
        assert found.margin == pytest.approx(1100, abs=4)
        assert found.factor == pytest.approx(3.75, abs=0.02)
        assert found.seen
        assert found.warnings == []

    def test_that_is_thin_warns_with_a_threshold_that_would_do(self) -> None:
        found = margin(RANGING, learn(around(2500)), around(2000))
        assert found.seen
        assert "thin" in found.warnings[0]
        assert "occupied_below_floor_mm to 333" in found.warnings[0]

    def test_that_is_none_says_that_the_car_is_not_seen(self) -> None:
        found = margin(RANGING, learn(around(2500)), around(2200))
        assert not found.seen
        assert found.margin == pytest.approx(-100, abs=4)
        assert "NOT seen" in found.warnings[0]

    def test_of_a_bay_that_stayed_empty_asks_for_the_car(self) -> None:
        found = margin(RANGING, learn(around(2500)), around(2498))
        assert "was the car in" in found.warnings[0]

    def test_tells_of_pings_that_a_windscreen_sent_elsewhere(self) -> None:
        readings = distances(*[900.0, None, None] * 10)
        found = margin(RANGING, learn(around(2500)), readings)
        assert found.seen
        assert "67% of the pings" in found.warnings[0]

    @pytest.mark.parametrize(
        ("readings", "words"),
        [(distances(*[None] * 20), "no distance"), (around(60), "nearer than the 80")],
    )
    def test_of_nothing_is_refused(self, readings: list[Reading], words: str) -> None:
        with pytest.raises(NotLearnt, match=words):
            margin(RANGING, learn(around(2500)), readings)

    def test_in_the_field_is_the_deviation_of_the_median(self) -> None:
        found = margin(MAGNETIC, learn(fields(EARTH)), fields(moved(-80)))
        assert found.signal == pytest.approx(80, abs=1)
        assert found.threshold == 25
        assert found.warnings == []

    def test_in_the_field_is_held_against_the_noise(self) -> None:
        noisy = learn(fields(EARTH, sigma_mg=5.0, count=400))
        found = margin(MAGNETIC, noisy, fields(moved(50)))
        assert found.threshold == pytest.approx(40, rel=0.15)
        assert "thin" in found.warnings[0]
        assert "on_mg" in found.warnings[0]

    def test_in_a_lane_is_the_peak_of_what_passes(self) -> None:
        quiet, vehicle = fields(EARTH, count=40), fields(moved(90), count=8)
        lone = fields(moved(400), count=1)  # one wrong sample is no vehicle
        passing = [*quiet, *vehicle, *quiet, *lone, *quiet]
        found = margin(PassageSettings(), learn(fields(EARTH)), passing)
        assert found.signal == pytest.approx(90, abs=4)
        assert found.threshold == pytest.approx(12.5, abs=2.5)

    def test_in_the_field_wants_readings(self) -> None:
        silent = [Reading(None, "mG", Quality.NO_DATA, None, 0.0)] * 20
        with pytest.raises(NotLearnt, match="0 good readings with the car in"):
            margin(MAGNETIC, learn(fields(EARTH)), silent)


def test_noise_that_reaches_the_free_threshold_is_told() -> None:
    assert "nearly reaches" in empty_warnings(RANGING, learn(around(2500, 80, 400)))[0]
    assert empty_warnings(RANGING, learn(around(2500))) == []


def test_a_floor_without_room_for_a_vehicle_is_told() -> None:
    assert "no distance for a vehicle" in empty_warnings(RANGING, learn(around(450)))[0]


class TestLimits:
    """They are the detector's: what lies beyond `on` becomes occupied there, and no less."""

    @pytest.mark.parametrize(("beyond", "status"), [(6.0, Status.OCCUPIED), (-6.0, Status.FREE)])
    def test_of_a_ranger(self, beyond: float, status: Status) -> None:
        learnt = learn(around(2500))
        bounds = limits(RANGING, Saved.model_validate(learnt.state(RANGING)))
        assert bounds is not None
        assert self._told(RANGING, learnt.state(RANGING), bounds.on - beyond) is status

    @pytest.mark.parametrize(("beyond", "status"), [(6.0, Status.OCCUPIED), (-6.0, Status.FREE)])
    def test_of_a_magnetometer(self, beyond: float, status: Status) -> None:
        learnt = learn(fields(EARTH, sigma_mg=4.5, count=400))
        bounds = limits(MAGNETIC, Saved.model_validate(learnt.state(MAGNETIC)))
        assert bounds is not None
        assert bounds.on > MAGNETIC.on_mg
        assert learnt.baseline is not None
        x, y, z = learnt.baseline
        car = x + bounds.on + beyond, y, z
        assert self._told(MAGNETIC, learnt.state(MAGNETIC), car, learnt.baseline) is status

    def _told(
        self,
        settings: RangingSettings | MagneticSettings,
        learnt: dict[str, object],
        value: float | Vector,
        rest: float | Vector = 2500.0,
    ) -> Status:
        """What the detector publishes a minute after an empty one."""
        detector, unit = Detector(settings), "mG" if isinstance(value, tuple) else "mm"
        state = detector.resume(learnt, 0.0)
        for second in range(120):
            seen = rest if second < 60 else value
            reading = Reading(seen, unit, Quality.OK, (seen, second), float(second))
            state, _ = detector.step(state, reading, float(second))
        return state.status

    def test_are_unknown_before_anything_is_learnt(self) -> None:
        assert limits(RANGING, Saved()) is None
        assert limits(MAGNETIC, Saved()) is None
