"""The engine: one open alert a subject and kind, spans without a break, what people may do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.alerts import AlertState, Severity
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.engine import (
    ID_LENGTH,
    Change,
    Moment,
    NotOpen,
    State,
    What,
    acknowledge,
    alert_id,
    is_open,
    note,
    resolve,
    retire,
    step,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULE = RuleSettings(raise_after_s=10, clear_after_s=20)
BAD = Finding("pi-1", text="it is bad", agent_id="pi-1")
UNSURE = Finding("pi-1", Level.UNSURE)


def at(seconds: float) -> Moment:
    return Moment(START + timedelta(seconds=seconds), seconds)


class Bench:
    """The engine with one kind of alert, told what is found second by second."""

    def __init__(self, rule: RuleSettings = RULE) -> None:
        self.rule = rule
        self.state = State()
        self.now = at(0)

    def see(self, seconds: float, *findings: Finding) -> list[Change]:
        self.now = at(seconds)
        self.state, changes = step(self.state, "power", self.rule, findings, self.now)
        return changes

    def told(self, seconds: float, *findings: Finding) -> list[What]:
        return [change.what for change in self.see(seconds, *findings)]


def test_it_is_raised_behind_its_span_and_resolved_behind_the_other() -> None:
    bench = Bench()
    assert bench.told(0, BAD) == bench.told(9.9, BAD) == []
    (raised,) = bench.see(10, BAD)
    assert raised.what is What.RAISED
    assert raised.alert.alert_id == "power.pi-1"
    assert (raised.alert.since, raised.alert.raised_at) == (at(0).wall, at(10).wall)
    assert bench.told(11, BAD) == bench.told(12) == bench.told(31.9) == []
    (ended,) = bench.see(32)
    assert (ended.what, ended.over) == (What.RESOLVED, True)
    assert (ended.alert.resolved_at, ended.alert.resolved_by) == (at(32).wall, "itself")
    assert bench.state.alerts == {}


@pytest.mark.parametrize("broken_by", [[UNSURE], []])
def test_a_break_begins_the_bad_span_anew(broken_by: list[Finding]) -> None:
    bench = Bench()
    bench.see(0, BAD)
    bench.see(5, *broken_by)
    assert bench.told(10, BAD) == bench.told(19, BAD) == []
    assert bench.told(20, BAD) == [What.RAISED]


@pytest.mark.parametrize("broken_by", [UNSURE, BAD])
def test_a_break_begins_the_good_span_anew(broken_by: Finding) -> None:
    bench = Bench()
    bench.see(0, BAD)
    bench.see(10, BAD)
    bench.see(11)
    bench.see(25, broken_by)
    assert bench.told(31) == bench.told(50) == []
    assert bench.told(51) == [What.RESOLVED]


def test_worse_is_told_again_and_better_is_noted() -> None:
    bench = Bench(RuleSettings())
    worse = Finding("pi-1", text="worse", severity=Severity.CRITICAL)
    bench.see(0, BAD)
    bench.state, _ = acknowledge(bench.state, "power.pi-1", "ann", "", bench.now)
    (change,) = bench.see(1, worse)
    assert (change.what, change.alert.state) == (What.CHANGED, AlertState.RAISED)
    assert (change.alert.text, change.alert.severity) == ("worse", Severity.CRITICAL)
    assert bench.told(2, worse) == []
    bench.state, _ = acknowledge(bench.state, "power.pi-1", "ann", "", bench.now)
    (change,) = bench.see(3, BAD)
    assert (change.alert.state, change.alert.severity) == (
        AlertState.ACKNOWLEDGED,
        Severity.WARNING,
    )


def test_a_figure_that_moves_is_no_change() -> None:
    bench = Bench(RuleSettings())
    bench.see(0, BAD)
    assert bench.told(1, Finding("pi-1", text="still bad", details={"x": 2.0})) == []


def test_what_a_person_resolved_is_not_told_again_before_it_was_well() -> None:
    bench = Bench(RuleSettings())
    bench.see(0, BAD)
    bench.state, (change,) = resolve(bench.state, "power.pi-1", "ann", "known", bench.now)
    assert (change.over, change.alert.resolved_by) == (False, "ann")
    assert [each.text for each in change.alert.notes] == ["known"]
    assert bench.told(1, BAD) == bench.told(1000, BAD) == []
    (change,) = bench.see(1001)
    assert (change.what, change.over, change.alert.resolved_by) == (What.OVER, True, "ann")
    assert bench.told(1002, BAD) == [What.RAISED]


def test_what_a_person_resolved_is_told_again_when_it_is_worse() -> None:
    bench = Bench(RuleSettings())
    bench.see(0, BAD)
    bench.state, _ = resolve(bench.state, "power.pi-1", "ann", "", bench.now)
    (change,) = bench.see(1, Finding("pi-1", severity=Severity.CRITICAL))
    assert is_open(change.alert)
    assert change.alert.resolved_by is None


def test_people_acknowledge_once_and_note_as_often_as_they_like() -> None:
    bench = Bench(RuleSettings())
    bench.see(0, BAD)
    bench.state, (change,) = acknowledge(bench.state, "power.pi-1", "ann", "", bench.now)
    assert (change.alert.acknowledged_by, change.alert.state.value) == ("ann", "acknowledged")
    assert acknowledge(bench.state, "power.pi-1", "bob", "", bench.now) == (bench.state, [])
    for text in ("one", "two"):
        bench.state, _ = note(bench.state, "power.pi-1", "bob", text, bench.now)
    alert = bench.state.alerts["power.pi-1"]
    assert [(each.by, each.text) for each in alert.notes] == [("bob", "one"), ("bob", "two")]
    assert alert.state is AlertState.ACKNOWLEDGED


@pytest.mark.parametrize("order", [acknowledge, resolve, note])
def test_what_is_not_open_cannot_be_ordered_about(order: object) -> None:
    assert callable(order)
    bench = Bench(RuleSettings())
    with pytest.raises(NotOpen, match=r"power\.pi-9"):
        order(bench.state, "power.pi-9", "ann", "x", bench.now)
    bench.see(0, BAD)
    bench.state, _ = resolve(bench.state, "power.pi-1", "ann", "", bench.now)
    with pytest.raises(NotOpen, match=r"power\.pi-1"):
        order(bench.state, "power.pi-1", "ann", "x", bench.now)


def test_one_kind_leaves_another_alone() -> None:
    bench = Bench(RuleSettings())
    bench.see(0, BAD)
    state, changes = step(bench.state, "clock", RuleSettings(), [], at(1))
    assert changes == []
    assert state.alerts.keys() == {"power.pi-1"}


def test_alerts_of_a_rule_that_is_turned_off_end() -> None:
    bench = Bench(RuleSettings())
    bench.see(0, BAD)
    assert retire(bench.state, ["power"], at(1)) == (bench.state, [])
    state, (change,) = retire(bench.state, ["clock"], at(1))
    assert (state.alerts, change.over, change.alert.resolved_by) == ({}, True, "configuration")


@given(subject=st.from_regex(r"\A[A-Za-z0-9_.-]{1,64}\Z"))
def test_an_alerts_id_is_an_id(subject: str) -> None:
    assert len(alert_id("certificate", subject)) <= ID_LENGTH


def test_long_subjects_have_ids_of_their_own() -> None:
    assert alert_id("offline", "x" * 63 + "a") != alert_id("offline", "x" * 63 + "b")


LEVELS = st.sampled_from(["bad", "worse", "unsure", "well"])
FOUND = {
    "bad": [BAD],
    "worse": [Finding("pi-1", severity=Severity.CRITICAL)],
    "unsure": [UNSURE],
    "well": [],
}


@given(
    levels=st.lists(LEVELS, max_size=40),
    orders=st.lists(st.sampled_from(["", "acknowledge", "resolve"]), min_size=40, max_size=40),
)
def test_raised_and_ended_take_turns(levels: list[str], orders: list[str]) -> None:
    """Red where a second alert is raised beside one that stands, or one ends twice."""
    bench = Bench(RuleSettings(raise_after_s=2, clear_after_s=3))
    standing = False
    for second, (level, order) in enumerate(zip(levels, orders, strict=False)):
        for change in bench.see(second, *FOUND[level]):
            assert (change.what is What.RAISED) != standing
            standing = not change.over
        assert bool(bench.state.alerts) == standing
        if standing and order and is_open(bench.state.alerts["power.pi-1"]):
            person = acknowledge if order == "acknowledge" else resolve
            bench.state, _ = person(bench.state, "power.pi-1", "ann", "", bench.now)
