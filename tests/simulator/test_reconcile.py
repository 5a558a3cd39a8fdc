"""The oracle: it finds each kind of error in records that were clean, and nothing in clean ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.reconcile import Report, reconcile

START = datetime(2019, 1, 6, tzinfo=UTC)
END_S = 100_000.0
TRUTH = {"a": [(1000.0, 2000.0), (3000.0, 4000.0)], "b": [(1500.0, END_S + 3600)]}
Interval = tuple[float, float]
Record = dict[str, Any]
Records = list[Record]
Mutation = Callable[[Records], Records]


def record(bay: str, seq: int, kind: str, status: str, at_s: float) -> Record:
    return {
        "event_id": f"pi-{bay}:e1:{seq}",
        "event_type": kind,
        "status": status,
        "spot_id": bay,
        "epoch": "e1",
        "seq": seq,
        "timestamp": (START + timedelta(seconds=at_s)).isoformat(),
    }


def render(truth: dict[str, list[Interval]], late_s: float = 0.5) -> Records:
    """What a sink holds of a truth when all goes well: a birth, vacant at first, each change."""
    records = []
    for bay, intervals in truth.items():
        changes = [(0.0, "STATUS", "vacant")]
        for arrival_s, departure_s in intervals:
            changes.append((arrival_s, "ARRIVAL", "occupied"))
            changes.append((departure_s, "DEPARTURE", "vacant"))
        records.append(record(bay, 1, "BIRTH", "", 0.0) | {"spot_id": None})
        records += [
            record(bay, seq, kind, status, at_s + late_s)
            for seq, (at_s, kind, status) in enumerate(changes, 2)
            if at_s <= END_S
        ]
    return records


def check(records: Records, keyed: bool = False) -> Report:
    return reconcile("sink", TRUTH, records, START, END_S, keyed=keyed)


def findings(report: Report) -> dict[str, int]:
    names = ("lost", "spurious", "doubled", "out_of_order", "wrong_at_end", "gaps")
    return {name: count for name in names if (count := getattr(report, name))}


def at(position: int, **changed: Any) -> Mutation:
    """Change one record."""
    return lambda records: [
        each | changed if n == position else each for n, each in enumerate(records)
    ]


def drop(position: int) -> Mutation:
    return lambda records: records[:position] + records[position + 1 :]


def swap(position: int) -> Mutation:
    return lambda records: [
        *records[:position],
        records[position + 1],
        records[position],
        *records[position + 2 :],
    ]


def append(*more: Record) -> Mutation:
    return lambda records: [*records, *more]


def iso(at_s: float) -> str:
    return (START + timedelta(seconds=at_s)).isoformat()


@pytest.mark.parametrize("keyed", [False, True])
def test_a_whole_truth_is_clean(keyed: bool) -> None:
    report = check(render(TRUTH), keyed)
    assert findings(report) == {}
    assert report.clean
    assert (report.sessions, report.pairs, report.events) == (3, 3, 7)
    assert (report.error_p50_s, report.error_max_s) == (0.5, 0.5)
    assert report.samples == []


@pytest.mark.parametrize(
    ("mutation", "found", "said"),
    [
        (drop(2), {"lost": 1}, "lost: a: ARRIVAL at 1000 s"),
        (drop(3), {"lost": 1}, "lost: a: DEPARTURE at 2000 s"),
        (drop(5), {"lost": 1, "wrong_at_end": 1}, "lost: a: DEPARTURE at 4000 s"),
        (drop(8), {"lost": 1, "wrong_at_end": 1}, "wrong_at_end: b: vacant at the end"),
        (swap(2), {"out_of_order": 1}, "out_of_order: pi-a:e1:3 behind 4"),
        (at(3, timestamp=iso(2120.0)), {"lost": 1, "spurious": 1}, "a: DEPARTURE at 2120 s"),
        (at(3, timestamp=iso(1994.0)), {"lost": 1, "spurious": 1}, "a: DEPARTURE at 1994 s"),
        (at(5, status="unknown"), {"wrong_at_end": 1}, "a: unknown at the end, truly vacant"),
        (at(5, event_type="ARRIVAL"), {"lost": 1, "spurious": 1}, "spurious: a: ARRIVAL"),
        (
            append(record("z", 9, "STATUS", "vacant", 5.0)),
            {"spurious": 1},
            "spurious: z: not in the file",
        ),
        (
            append(record("a", 7, "ARRIVAL", "occupied", 9000.0)),
            {"spurious": 1, "wrong_at_end": 1},
            "spurious: a: ARRIVAL at 9000 s",
        ),
        (
            append(record("a", 7, "STATUS", "unknown", 9000.0)),
            {"spurious": 1, "wrong_at_end": 1},
            "spurious: a: unknown at 9000 s",
        ),
        (
            append(record("a", 9, "GAP", "", 5.0) | {"count": 3, "reason": "spool_full"}),
            {"gaps": 1},
            "gaps: gap of 3: spool_full",
        ),
    ],
)
def test_each_error_is_found(mutation: Mutation, found: dict[str, int], said: str) -> None:
    report = check(mutation(render(TRUTH)))
    assert {name: getattr(report, name) for name in found} == found
    assert any(said in sample for sample in report.samples), report.samples
    assert not report.clean
    assert report.as_dict()["clean"] is False


def test_a_repeat_is_doubled_where_each_record_counts_and_removed_where_keys_do() -> None:
    records = render(TRUTH)
    doubled = [*records, records[2]]
    plain, keyed = check(doubled), check(doubled, keyed=True)
    assert findings(plain) == {"doubled": 1}
    assert not plain.clean
    assert findings(keyed) == {}
    assert keyed.redelivered == 1
    assert keyed.clean


def test_a_key_used_for_something_else_is_no_redelivery() -> None:
    """What a reader would remove by the key, although it was never stored."""
    records = render(TRUTH)
    other = records[2] | {"status": "vacant", "event_type": "DEPARTURE"}
    report = check([*records, other], keyed=True)
    assert findings(report) == {"spurious": 1}
    assert report.samples == ["spurious: pi-a:e1:3 again, of something else"]


def test_a_change_told_twice_under_two_keys_is_spurious() -> None:
    again = record("a", 9, "ARRIVAL", "occupied", 3000.5)
    records = render(TRUTH)
    report = check([*records[:5], again, *records[5:]], keyed=True)
    assert report.spurious == 1


def test_snapshots_stand_beside_the_stream() -> None:
    shown = record("a", 6, "SNAPSHOT", "occupied", 4000.0)
    report = check([*render(TRUTH), shown, shown])
    assert report.clean
    assert report.snapshots == 2


@pytest.mark.parametrize("status", ["unknown", "vacant"])
def test_a_status_that_was_not_so_is_spurious(status: str) -> None:
    records = render(TRUTH)
    said = record("a", 4, "STATUS", status, 1500.0) | {"event_id": "x"}
    report = check([*records[:3], said, *(each | {"seq": each["seq"] + 1} for each in records[3:])])
    assert findings(report) == {"spurious": 1}


def test_a_new_epoch_counts_from_1_again() -> None:
    records = render({"a": [(1000.0, 2000.0)]})
    again = record("a", 1, "ARRIVAL", "occupied", 3000.0) | {"epoch": "e2", "event_id": "x"}
    truth = {"a": [(1000.0, 2000.0), (3000.0, END_S + 1)]}
    assert reconcile("sink", truth, [*records, again], START, END_S, keyed=False).clean


def test_a_bay_that_says_nothing_is_wrong_at_the_end() -> None:
    report = reconcile("sink", {"a": [(1.0, 50.0)]}, [], START, END_S, keyed=False)
    assert findings(report) == {"lost": 2, "wrong_at_end": 1}
    assert report.pairs == 0


def test_only_the_first_ten_findings_are_put_in_words() -> None:
    truth = {"a": [(n * 1000.0, n * 1000.0 + 500) for n in range(1, 20)]}
    report = reconcile("sink", truth, [], START, END_S, keyed=False)
    assert report.lost == 38
    assert len(report.samples) == 10


@st.composite
def truths(draw: st.DrawFn) -> dict[str, list[Interval]]:
    """Bays with stays and gaps of a minute and more, as the tolerance needs; the last may last."""
    truth = {}
    for bay in draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True)):
        lengths = draw(st.lists(st.floats(90.0, 3000.0), min_size=1, max_size=9))
        edges = [sum(lengths[: n + 1]) for n in range(len(lengths))]
        if len(edges) % 2:
            edges.append(END_S + 3600)
        truth[bay] = list(zip(edges[::2], edges[1::2], strict=True))
    return truth


@given(truths(), st.floats(-4.9, 59.0), st.booleans())
def test_any_clean_rendering_is_clean(
    truth: dict[str, list[Interval]], late_s: float, keyed: bool
) -> None:
    report = reconcile("sink", truth, render(truth, late_s), START, END_S, keyed=keyed)
    assert report.clean, report.samples


@given(truths(), st.data())
def test_no_single_mutation_is_clean(truth: dict[str, list[Interval]], data: st.DataObject) -> None:
    records = render(truth)
    changes = [n for n, r in enumerate(records) if r["event_type"] in ("ARRIVAL", "DEPARTURE")]
    position = data.draw(st.sampled_from(changes))
    mutations: dict[str, Mutation] = {
        "drop": drop(position),
        "double": lambda records: [*records, records[position]],
        "swap": swap(position - 1),  # with the event before: at least the bay's first STATUS
        "late": lambda records: at(
            position, timestamp=shifted(records[position]["timestamp"], 120.0)
        )(records),
        "renamed": at(position, spot_id="elsewhere"),
        "turned": lambda records: at(
            position,
            event_type="DEPARTURE" if records[position]["event_type"] == "ARRIVAL" else "ARRIVAL",
        )(records),
        "gap": append(record("a", 99, "GAP", "", 5.0) | {"count": 1, "reason": "corrupt"}),
    }
    name = data.draw(st.sampled_from(sorted(mutations)))
    mutated = mutations[name](records)
    report = reconcile("sink", truth, mutated, START, END_S, keyed=False)
    assert not report.clean, name


def shifted(timestamp: str, by_s: float) -> str:
    return (datetime.fromisoformat(timestamp) + timedelta(seconds=by_s)).isoformat()
