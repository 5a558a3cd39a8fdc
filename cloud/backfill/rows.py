"""A CSV file as text columns beside the lines as they came, whatever they hold."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa


class BadFile(ValueError):
    """The file is not one of the source; the text names it and what it lacks."""


def read(path: Path, columns: tuple[str, ...]) -> pa.Table:
    """`line` (of the file, from 1), `raw` and `columns`, in lower case; they are null in a row that
    has not as many fields as the first line. Blank lines are no rows. Raises BadFile, OSError.
    """
    found = _records(path)
    head = next(found, (0, "", None))[2] or []
    if missing := [name for name in columns if name not in head]:
        raise BadFile(f"{path}: no column {', '.join(missing)} in its first line")
    places = [head.index(name) for name in columns]
    lines: list[int] = []
    raws: list[str] = []
    values: list[list[str | None]] = [[] for _ in columns]
    for line, raw, fields in found:
        lines.append(line)
        raws.append(raw)
        whole = fields is not None and len(fields) == len(head)
        for kept, place in zip(values, places, strict=True):
            kept.append(fields[place] if whole and fields else None)
    if not lines:
        raise BadFile(f"{path}: holds no row")
    texts = {
        name.lower(): pa.array(v, pa.string()) for name, v in zip(columns, values, strict=True)
    }
    return pa.table({"line": pa.array(lines, pa.int64()), "raw": raws} | texts)


def _records(path: Path) -> Iterator[tuple[int, str, list[str] | None]]:
    """Each row's first line, its text and its fields: None where it cannot be taken apart."""
    taken: list[str] = []
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.reader(_kept(file, taken))
        line = 1
        while True:
            try:
                fields: list[str] | None = next(reader)
            except StopIteration:
                return
            except csv.Error:
                fields = None
            raw = "".join(taken).rstrip("\r\n")
            if raw:
                yield line, raw, fields
            line += len(taken)
            taken.clear()


def _kept(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    """`lines`, each put into `taken` too: the reader tells no row's own text."""
    for line in lines:
        taken.append(line)
        yield line
