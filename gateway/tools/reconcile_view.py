"""The reckoning as people read it."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from gateway.tools.reconcile import Reckoning

WORDS = {
    "spool": "spool full or damaged",
    "operator": "by the operator",
    "letters_full": "letters full",
    "before": "before the books",
}


def show(found: Reckoning, console: Console | None = None) -> None:
    """Print both tables, and what does not add up."""
    console = console or Console(highlight=False, soft_wrap=True)
    console.print(_agents(found))
    console.print(_sinks(found))
    parts = ", ".join(f"{count} {what}" for what, count in found.appended_by.items())
    console.print(f"the spool took {found.appended}: {parts or 'nothing'}")
    for reason, count in sorted(found.letters.items()):
        console.print(f"dead letters: {count} {reason}")
    for fault in found.faults:
        console.print(fault, style="red")
    console.print("it does not add up" if found.faults else "it adds up")


def _agents(found: Reckoning) -> Table:
    table = Table("agent", "accepted", "spooled", "dead letters", "dropped", "waiting", "refused")
    for agent_id, book in found.agents.items():
        table.add_row(
            agent_id or "(none)",
            str(book.accepted),
            str(book.spooled + book.known),
            str(book.dead_lettered),
            _reasons(book.dropped),
            _by_sink(book.waiting),
            _by_sink(book.refused),
        )
    return table


def _sinks(found: Reckoning) -> Table:
    table = Table("sink", "appended", "delivered", "buffered", "dead letters", "dropped")
    for name, book in found.sinks.items():
        numbers = (book.appended, book.delivered, book.waiting, book.dead_lettered)
        table.add_row(name, *map(str, numbers), _reasons(book.dropped))
    return table


def _reasons(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {WORDS.get(why, why)}" for why, count in dropped.items()) or "0"


def _by_sink(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {sink}" for sink, count in counts.items()) or "0"
