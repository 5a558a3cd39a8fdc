"""How accurate the detectors are, in a world with every stated interference.

    python -m bench.accuracy --arrivals 10000 --family all --jobs 2 --write
    python -m bench.accuracy --family ranging --row "all, and faults" --bay 3

The world is `simulator.world`: its docstring says what is in it, where its figures come from and
what it leaves out. The detectors have their default settings. Bounds are Wilson's at 95 %.
`--write` puts each family's table into docs/accuracy.md, between its markers. With `--bay` one
bay of each row is played again, and everything that went wrong in it is named.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import groupby
from math import ceil
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from score.intervals import percentile, wilson
from simulator.world import FAMILIES, Scenario
from simulator.world.rows import rows
from simulator.world.scenario import Family
from simulator.world.trial import Outcome, run

MOST_CAUSES = 5
DAY_S = 86400.0
ARRIVALS_A_DAY = 84
"""Of a bay of `simulator.world.traffic`: a little less than the mean, so that enough come."""
PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
MARKERS = ("<!-- accuracy of {family}: begin -->\n", "<!-- accuracy of {family}: end -->\n")
HEADINGS = (
    "world",
    "arrivals found",
    "departures found",
    "missed",
    "false",
    "doubled",
    "told after, p50 / p95",
    "dated off by, p50 / p95",
    "wrong status",
    "longest",
    "unknown",
)


class Task(NamedTuple):
    """One bay of a row, or two that hear each other."""

    scenario: Scenario
    bay: int
    bays: int


class Row(NamedTuple):
    """A row's bays."""

    scenario: Scenario
    outcomes: list[Outcome]


def tasks(
    families: Iterable[Family], row: str | None, arrivals: int, bay: int | None
) -> list[Task]:
    """Every bay to be played."""
    found = []
    for family in families:
        for scenario, share in rows(family):
            if row not in (None, scenario.name):
                continue
            a_day = ARRIVALS_A_DAY * (2 if scenario.hears else 1)
            bays = ceil(arrivals * share / a_day)
            chosen = range(bays) if bay is None else [bay]
            found += [Task(scenario, each, bays) for each in chosen]
    if not found:
        known = sorted({scenario.name for family in families for scenario, _ in rows(family)})
        raise SystemExit(f"no row is called {row!r}: choose one of {', '.join(known)}")
    return found


def play(task: Task, seed: int) -> Outcome:
    """One bay's day."""
    return run(task.scenario, f"{seed}/{task.bay}", DAY_S)


def play_all(todo: list[Task], seed: int, jobs: int, done: Callable[[], None]) -> list[Outcome]:
    """Every task's outcome, in order."""
    if jobs == 1:
        return [_noted(play(task, seed), done) for task in todo]
    with ProcessPoolExecutor(jobs) as pool:
        futures: list[Future[Outcome]] = [pool.submit(play, task, seed) for task in todo]
        for future in as_completed(futures):
            future.result()  # a failure is told at once, not after all others
            done()
        return [future.result() for future in futures]


def _noted(outcome: Outcome, done: Callable[[], None]) -> Outcome:
    done()
    return outcome


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr, where that is a terminal."""
    columns = (BarColumn(), TextColumn("{task.completed}/{task.total} bays"))
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *times, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("bays", total=total)
        yield lambda: shown.advance(bar)


def by_row(todo: list[Task], outcomes: list[Outcome]) -> list[Row]:
    """Outcomes of the same scenario together."""
    pairs = zip(todo, outcomes, strict=True)
    grouped = groupby(pairs, key=lambda pair: (pair[0].scenario.family, pair[0].scenario.name))
    found = []
    for _, members in grouped:
        several = list(members)
        found.append(Row(several[0][0].scenario, [outcome for _, outcome in several]))
    return found


def line(row: Row) -> list[str]:
    """A row's figures, in the order of HEADINGS."""
    outcomes = row.outcomes
    told = [each for outcome in outcomes for each in outcome.told_s]
    dated = [abs(each) for outcome in outcomes for each in outcome.tally.latencies_s]
    wrong = [end - begin for outcome in outcomes for begin, end in outcome.wrong]
    watched_s = sum(outcome.watched_s for outcome in outcomes)
    missed = sum(len(outcome.tally.missed) for outcome in outcomes)
    doubled = sum(len(outcome.tally.doubled) for outcome in outcomes)
    return [
        row.scenario.name,
        _found(outcomes, "arrival"),
        _found(outcomes, "departure"),
        str(missed),
        _false(outcomes),
        str(doubled),
        _seconds(told),
        _seconds(dated),
        f"{sum(wrong):.0f} s = {_percent(sum(wrong) / watched_s, 3)}",
        f"{max(wrong, default=0.0):.0f} s",
        _percent(sum(outcome.unknown_s for outcome in outcomes) / watched_s, 2),
    ]


def _found(outcomes: list[Outcome], kind: str) -> str:
    truths = sum(event.kind == kind for each in outcomes for event in each.tally.truths)
    missed = sum(event.kind == kind for each in outcomes for event in each.tally.missed)
    low, high = wilson(truths - missed, truths)
    share = (truths - missed) / truths if truths else 0.0
    return (
        f"{truths - missed:,}/{truths:,} = {_percent(share, 2)} ({100 * low:.2f}-{100 * high:.2f})"
    )


def _false(outcomes: list[Outcome]) -> str:
    """False events, as a share of the true ones."""
    false = sum(len(each.tally.false) for each in outcomes)
    truths = sum(len(each.tally.truths) for each in outcomes)
    if not truths or false > truths:
        return str(false)
    low, high = wilson(false, truths)
    return f"{false} = {_percent(false / truths, 2)} ({100 * low:.2f}-{100 * high:.2f})"


def _seconds(values: list[float]) -> str:
    middle, late = percentile(values, 0.5), percentile(values, 0.95)
    return "-" if middle is None or late is None else f"{middle:.1f} / {late:.1f} s"


def _percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f} %"


def tables(found: list[Row], command: str) -> dict[str, str]:
    """Markdown by family, with the command that gives it again."""
    parts = {}
    for family, members in groupby(found, key=lambda row: row.scenario.family):
        lines = [HEADINGS, ["---"] * len(HEADINGS), *map(line, members)]
        body = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
        parts[family] = f"### {family}\n`{command.format(family=family)}`\n\n{body}\n"
    return parts


def write(family: str, text: str, page: Path) -> None:
    """Put a family's table between its markers, or at the page's end if it has none."""
    begin, end = (marker.format(family=family) for marker in MARKERS)
    old = page.read_text()
    if begin not in old:
        old += f"\n{begin}{end}"
    before, _, rest = old.partition(begin)
    page.write_text(before + begin + text + end + rest.partition(end)[2])


def troubles(row: Row) -> Iterator[str]:
    """Everything that went wrong, with what plays it again and what was going on."""
    for outcome in row.outcomes:
        bay = outcome.bay.rpartition("/")[2]
        for each in outcome.troubles:
            yield (
                f"{row.scenario.family}, {row.scenario.name}, bay {bay}: {each.what}, "
                f"{each.begin_s:.0f} to {each.end_s:.0f} s; near: {each.near or 'nothing'}"
            )


def causes(row: Row) -> Iterator[str]:
    """What went wrong most often, by what was going on."""
    counted = Counter((each.what, each.near) for o in row.outcomes for each in o.troubles)
    for (what, near), count in counted.most_common(MOST_CAUSES):
        yield f"{row.scenario.family}, {row.scenario.name}: {count} x {what}; near: {near or '-'}"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.accuracy", description=__doc__.partition("\n")[0])
    parser.add_argument("--arrivals", type=int, default=10_000, help="in the row 'all'")
    parser.add_argument("--family", choices=[*FAMILIES, "all"], default="all")
    parser.add_argument("--row", help="this row alone, e.g. 'rain alone'")
    parser.add_argument("--bay", type=int, help="this bay of each row alone; names what went wrong")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--troubles", action="store_true", help="name everything that went wrong")
    parser.add_argument("--write", action="store_true", help="put the table in docs/accuracy.md")
    return parser.parse_args()


def main() -> None:
    """Play the bays, print the table."""
    given = arguments()
    families: list[Family] = list(FAMILIES) if given.family == "all" else [given.family]
    todo = tasks(families, given.row, given.arrivals, given.bay)
    with progress(len(todo)) as done:
        outcomes = play_all(todo, given.seed, given.jobs, done)
    found = by_row(todo, outcomes)
    command = f"python -m bench.accuracy --arrivals {given.arrivals} --seed {given.seed}"
    by_family = tables(found, command + " --family {family}")
    print("\n".join(by_family.values()))
    told = troubles if given.troubles or given.bay is not None else causes
    for each in (each for row in found for each in told(row)):
        print(each)
    for family, text in by_family.items() if given.write else ():
        write(family, text, PAGE)


if __name__ == "__main__":
    main()
