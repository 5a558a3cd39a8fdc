"""`lotkeeper gateway history ...`: what a lot kept before it had a history sink."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.tools.common import DEFAULT, ConfigOption, bar, fail, settings_of

if TYPE_CHECKING:
    from gateway.sinks import Outgoing

app = typer.Typer(help="The lot's past, which the console reads.", no_args_is_help=True)

AT_ONCE = 500


@app.command(
    "import", epilog="Example: lotkeeper gateway history import /var/lib/lotkeeper/records"
)
def import_lines(
    folder: Annotated[Path, typer.Argument(help="The `path` of a file sink.")],
    config: ConfigOption = DEFAULT,
) -> None:
    """Take the lines of a file sink into the history; what is there already stays as it is.

    It may run beside the gateway, and again. Exit 0, 1 not done, 2 usage.
    """
    from gateway.history.schema import KIND
    from gateway.sinks import SinkError, Verdict, registry

    options = [sink.options for sink in settings_of(config).sinks if sink.kind == KIND]
    paths = sorted(folder.glob("*.jsonl"))
    if not options:
        fail(f'{config}: no [[sinks]] of kind = "{KIND}": docs/sinks.md', 2)
    if not paths:
        fail(f"{folder}: no *.jsonl: name the `path` of a file sink", 2)
    sink = registry.build(KIND, options[0])
    taken = refused = 0
    try:
        sink.open()
        with bar() as show:
            for number, path in enumerate(paths, 1):
                lines = _lines(path)
                while batch := list(islice(lines, AT_ONCE)):
                    answers = sink.send(batch)
                    refused += sum(each.verdict is Verdict.REJECTED for each in answers)
                    taken += len(answers)
                show("files", number, len(paths))
    except (SinkError, OSError) as error:
        fail(f"{error}", 1)
    finally:
        sink.close()
    typer.echo(f"{taken - refused} lines of {len(paths)} files taken in, {refused} are no records")


def _lines(path: Path) -> "Iterator[Outgoing]":
    from gateway.sinks import SNAPSHOT_SEQ, Outgoing

    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            is_snapshot = b'"event_type":"SNAPSHOT"' in line
            yield Outgoing(SNAPSHOT_SEQ if is_snapshot else number, "", line)
