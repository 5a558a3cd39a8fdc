"""Which sensor reacts, and when: hands, boards, noise and silence."""

import random
from collections.abc import Iterable

from agent.tools.reaction import Reaction, strongest
from drivers import Quality, Reading

RNG = random.Random(5)


def mm(value: float | None, quality: Quality = Quality.NO_ECHO) -> Reading:
    return Reading(value, "mm", Quality.OK if value else quality, value, 0.0)


def mg(x: float) -> Reading:
    field = (RNG.gauss(200 + x, 1.5), RNG.gauss(-100, 1.5), RNG.gauss(400, 1.5))
    return Reading(field, "mG", Quality.OK, field, 0.0)


def usual(count: int = 20) -> list[Reading]:
    return [mm(RNG.gauss(2500, 5)) for _ in range(count)]


def began(readings: Iterable[Reading], reaction: Reaction | None = None) -> list[bool]:
    reaction = reaction or Reaction()
    return [reaction.take(each) for each in readings]


def test_noise_is_no_reaction() -> None:
    assert not any(began(usual(500)))
    assert not any(began(mg(0) for _ in range(500)))


def test_a_hand_begins_one_reaction() -> None:
    assert began([*usual(), mm(400), mm(395), mm(405)])[-3:] == [True, False, False]


def test_a_hand_that_is_taken_away_and_comes_again_begins_another() -> None:
    told = began([*usual(), mm(400), mm(2500), mm(2500), mm(400)])
    assert [at for at, each in enumerate(told[20:]) if each] == [0, 3]


def test_what_stays_becomes_usual() -> None:
    reaction = Reaction()
    began([*usual(), *[mm(1200)] * 15], reaction)
    assert not reaction.reacts
    assert began([mm(2500)], reaction) == [True]


def test_a_covered_sensor_reacts_a_lost_echo_does_not() -> None:
    assert not any(began([*usual(), mm(None), *usual()]))
    assert began([*usual(), mm(None, Quality.BLOCKED), mm(None, Quality.BLOCKED)])[-1]


def test_a_magnetometer_reacts_to_its_fields_change() -> None:
    assert began([*[mg(0) for _ in range(20)], mg(40)])[-1]


def test_no_news_of_a_magnetometer_is_no_silence() -> None:
    reaction = Reaction()
    began([mg(0) for _ in range(20)], reaction)
    silent = Reading(None, "mG", Quality.NO_DATA, None, 0.0)
    assert not any(began([silent] * 50, reaction))


def test_a_noisy_sensor_needs_a_larger_change() -> None:
    noisy = [mm(RNG.gauss(2500, 60)) for _ in range(20)]
    assert not began([*noisy, mm(2300)])[-1]
    assert began([*noisy, mm(1200)])[-1]


def test_nothing_is_known_before_three_readings() -> None:
    assert not any(began([mm(2500), mm(400)]))


def test_the_strongest_of_two_is_named() -> None:
    near, far, quiet = Reaction(), Reaction(), Reaction()
    began([*usual(), mm(2300)], far)
    began([*usual(), mm(400)], near)
    began(usual(), quiet)
    assert strongest([("far", far), ("near", near), ("quiet", quiet)]) == "near"
    assert strongest([("quiet", quiet)]) is None
