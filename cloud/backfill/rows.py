"""A CSV file as text columns beside the lines as they came, whatever they hold."""

import csv
import io
from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyarrow import fs

Text = tuple[int, str, *tuple[str | None, ...]]
"""`line` of the file, from 1, `raw`, and the columns; these are null in a row that has not as many
fields as the first line.
"""


class BadFile(ValueError):
    """The file is not one of the source; the text names it and what it lacks."""


def opened(file: str) -> io.BufferedReader:
    """The bytes of a path or of `s3://bucket/name?region=...`. Raises OSError."""
    if "://" not in file:
        return open(file, "rb")
    system, path = fs.FileSystem.from_uri(file)
    return io.BufferedReader(system.open_input_stream(path, compression=None))


def read(file: str, columns: tuple[str, ...]) -> pa.Table:
    """All of `texts`, under `names`. Raises BadFile, OSError."""
    found = zip(*texts(file, columns), strict=True)
    types = (pa.int64(), *(pa.string() for _ in names(columns)[1:]))
    arrays = [pa.array(each, of) for each, of in zip(found, types, strict=True)]
    return pa.table(dict(zip(names(columns), arrays, strict=True)))


def names(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Of the fields of a text, as rules call them."""
    return ("line", "raw", *map(str.lower, columns))


def texts(file: str, columns: tuple[str, ...]) -> Iterator[Text]:
    """Each row; blank lines are none. Raises BadFile, OSError."""
    found = _records(file)
    head = next(found, (0, "", None))[2] or []
    if missing := [name for name in columns if name not in head]:
        raise BadFile(f"{file}: no column {', '.join(missing)} in its first line")
    places = [head.index(name) for name in columns]
    line = 0
    for line, raw, fields in found:
        whole = fields if fields is not None and len(fields) == len(head) else None
        yield line, raw, *(whole[place] if whole else None for place in places)
    if not line:
        raise BadFile(f"{file}: holds no row")


def _records(file: str) -> Iterator[tuple[int, str, list[str] | None]]:
    """Each row's first line, its text and its fields: None where it cannot be taken apart."""
    taken: list[str] = []
    stream = opened(file)
    with io.TextIOWrapper(stream, newline="", encoding="utf-8-sig", errors="replace") as text:
        reader = csv.reader(_kept(text, taken))
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
