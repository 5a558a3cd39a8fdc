"""The folder of one run: databases, logs, what the sinks hold."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import typer


@contextlib.contextmanager
def folder_of_run(keep: Path | None) -> Iterator[Path]:
    """`keep`, or a temporary folder. Exits 2 if `keep` is not empty: its records would count."""
    if keep is None:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary).resolve()
        return
    keep.mkdir(parents=True, exist_ok=True)
    if any(keep.iterdir()):
        typer.echo(f"--keep {keep}: holds an earlier run; name a new folder", err=True)
        raise typer.Exit(2)
    yield keep.resolve()
