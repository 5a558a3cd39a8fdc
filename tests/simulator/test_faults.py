"""Faults: planned from a seed, written by a person, carried out in order."""

import re

import pytest

from simulator.faults import (
    NAMES,
    Breaker,
    Fault,
    What,
    asked,
    plan,
    plan_asked,
    seconds,
    written,
)


class Site:
    """Notes what is done to it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def strike(self, what: What) -> None:
        self.seen.append(f"strike {what}")

    def restore(self, what: What) -> None:
        self.seen.append(f"restore {what}")


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    def planned(seed: int) -> list[Fault]:
        return plan(seed, 100, 900, cut_cloud_s=50, brokers=2, gateways=10)

    assert planned(7) == planned(7)
    assert planned(7) != planned(8)


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_holds_what_was_asked_within_its_time(seed: int) -> None:
    faults = plan(seed, 100, 900, cut_cloud_s=50, brokers=2, gateways=10)
    assert faults == sorted(faults)
    assert [each.what for each in faults].count("broker") == 2
    assert [each.what for each in faults].count("gateway") == 10
    (cut,) = [each for each in faults if each.what == "cloud"]
    assert cut.for_s == 50
    assert 100 <= cut.at_s <= 850  # and is back by 900
    assert all(100 <= each.at_s <= 900 for each in faults)


def test_a_cut_longer_than_the_time_begins_at_once() -> None:
    assert plan(1, 10, 20, cut_cloud_s=3600, brokers=0, gateways=0) == [Fault(10, "cloud", 3600)]


def test_nothing_asked_nothing_planned() -> None:
    assert plan(1, 0, 100, cut_cloud_s=0, brokers=0, gateways=0) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("cloud@20s+10s", Fault(20, "cloud", 10)),
        ("cloud@1.5m+1h", Fault(90, "cloud", 3600)),
        ("agent@5+2", Fault(5, "agent", 2)),
        ("broker@0s", Fault(0, "broker")),
        ("gateway@1h", Fault(3600, "gateway")),
    ],
)
def test_written(text: str, fault: Fault) -> None:
    assert written(text) == fault


@pytest.mark.parametrize("text", ["", "cloud", "wifi@3s", "cloud@", "cloud@-3s+1s", "cloud@3d+1s"])
def test_written_otherwise_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(repr(text))}: write cloud, ") as error:
        written(text)
    assert written(str(error.value).split(": ")[-1])


@pytest.mark.parametrize("text", ["cloud@20s", "agent@3", "cloud@20s+0s"])
def test_what_is_cut_needs_to_come_back(text: str) -> None:
    with pytest.raises(ValueError, match="say for how long") as error:
        written(text)
    assert written(str(error.value).split(": ")[-1]).for_s == 10


@pytest.mark.parametrize("text", ["gateway@4s+2s", "broker@1m+1m"])
def test_what_is_killed_starts_again_at_once(text: str) -> None:
    with pytest.raises(ValueError, match="starts again at once") as error:
        written(text)
    assert written(str(error.value).split(": ")[-1]).for_s == 0


@pytest.mark.parametrize(("text", "length_s"), [("1h", 3600), ("90", 90), ("1.5m", 90), ("2s", 2)])
def test_seconds(text: str, length_s: float) -> None:
    assert seconds(text) == length_s


@pytest.mark.parametrize("text", ["", "h", "1 h", "-1s", "one", "1d"])
def test_seconds_refuses_with_the_mend(text: str) -> None:
    with pytest.raises(ValueError, match="write a number and s, m or h, as 90s or 1h"):
        seconds(text)


def test_a_breaker_strikes_and_restores_when_the_time_comes() -> None:
    site = Site()
    breaker = Breaker([Fault(30, "gateway"), Fault(10, "cloud", 25), Fault(20, "agent", 5)])
    steps = {}
    for now_s in (0, 10, 20, 25, 30, 35, 40):
        breaker.step(site, now_s)
        steps[now_s] = site.seen
        site.seen = []
    assert steps == {
        0: [],
        10: ["strike cloud"],
        20: ["strike agent"],
        25: ["restore agent"],
        30: ["strike gateway"],
        35: ["restore cloud"],
        40: [],
    }
    assert breaker.done == [
        "  0:00:10 cloud cut",
        "  0:00:20 agent cut",
        "  0:00:25 agent back",
        "  0:00:30 gateway killed",
        "  0:00:35 cloud back",
    ]


def test_what_is_late_is_cut_for_its_whole_time() -> None:
    site = Site()
    breaker = Breaker([Fault(10, "cloud", 5)])
    breaker.step(site, 100)
    breaker.step(site, 104)
    assert site.seen == ["strike cloud"]
    breaker.step(site, 105)
    assert site.seen == ["strike cloud", "restore cloud"]


def test_the_end_brings_back_what_is_cut_and_no_more() -> None:
    site = Site()
    breaker = Breaker([Fault(1, "cloud", 1000), Fault(2, "broker"), Fault(900, "gateway")])
    breaker.step(site, 5)
    breaker.end(site, 10)
    breaker.end(site, 11)
    assert site.seen == ["strike cloud", "strike broker", "restore cloud"]
    assert breaker.done[-1] == "  0:00:10 cloud back at the end"


# What `simulate --fault` takes ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kill-gateway", [("gateway", 1, None, 0)]),
        ("kill-gateway*3", [("gateway", 3, None, 0)]),
        ("cut-cloud", [("cloud", 1, None, 3600)]),
        ("cut-cloud@2h+30m", [("cloud", 1, 7200, 1800)]),
        ("cut-cloud*2+90", [("cloud", 2, None, 90)]),
        ("poison, duplicate@5m", [("poison", 1, None, 0), ("duplicates", 1, 300, 0)]),
    ],
)
def test_asked(text: str, found: list[tuple[str, int, float | None, float]]) -> None:
    assert [(each.kind.what, each.count, each.at_s, each.for_s) for each in asked(text)] == found


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("kill-wifi", "there are kill-gateway, kill-broker"),
        ("", "there are kill-gateway"),
        ("poison,,poison", "there are kill-gateway"),
        ("kill-gateway+1h", "is over at once: leave \\+1h away"),
        ("kill-gateway*0", "\\*0 is how often, 1 or more"),
        ("kill-gateway*2@1h", "at random moments: no @"),
    ],
)
def test_asked_otherwise_is_refused_with_the_mend(text: str, mend: str) -> None:
    with pytest.raises(ValueError, match=mend):
        asked(text)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_asked_is_planned_within_its_time(seed: int) -> None:
    faults = plan_asked(seed, 100, 9000, asked("kill-gateway*3,cut-cloud+1h,poison@50"))
    assert [each.what for each in faults if each.at_s == 50] == ["poison"]
    assert sorted(each.what for each in faults) == ["cloud", *["gateway"] * 3, "poison"]
    assert all(each.at_s >= 100 and each.at_s + each.for_s <= 9000 for each in faults[1:])
    assert faults == plan_asked(seed, 100, 9000, asked("kill-gateway*3,cut-cloud+1h,poison@50"))


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_is_struck_told_and_restored_if_it_lasts(name: str) -> None:
    kind = NAMES[name]
    site, breaker = Site(), Breaker([Fault(10, kind.what, kind.for_s)])
    breaker.step(site, 10)
    breaker.step(site, 10 + kind.for_s)
    lasts = [f"restore {kind.what}"] if kind.for_s else []
    assert site.seen == [f"strike {kind.what}", *lasts]
    assert len(breaker.done) == 1 + len(lasts)
    assert all(len(words.split(maxsplit=1)[1]) > 5 for words in breaker.done)
