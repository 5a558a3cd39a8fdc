"""The board on a terminal: letters as large as it has room for, in colours and in shapes.

The text console of a Pi (80x24, or 40 columns with a large font) is such a terminal. Blocks and
arrows are of code page 437, which the console's fonts have.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from display.board import ShownLine, Shows
from runtime.big import ROWS, big, dotted

DOT = 2
"""Columns of a dot."""
DOTS_WIDE = 17
"""An arrow and three figures, or FULL."""
SCALES = (4, 3, 2, 1)
GAP = 2
HEAD = 2
"""Rows of the title, and of what is wrong."""

STYLES = {
    Shows.OPEN: "bold green",
    Shows.FULL: "bold red",
    Shows.CLOSED: "bold yellow",
    Shows.BLANK: "dim",
}
_LEFT = ("00100", "01000", "11111", "01000", "00100")
_UP = ("00100", "01110", "10101", "00100", "00100")
_UP_LEFT = ("11110", "11000", "10100", "10010", "00001")
ARROWS = {
    "left": _LEFT,
    "right": tuple(row[::-1] for row in _LEFT),
    "up": _UP,
    "down": _UP[::-1],
    "up-left": _UP_LEFT,
    "up-right": tuple(row[::-1] for row in _UP_LEFT),
}
SMALL = {"left": "←", "right": "→", "up": "↑", "down": "↓", "up-left": "↑←", "up-right": "↑→"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How many columns of lines, and how large. Scale 0 is one row a line."""

    columns: int
    scale: int


def layout(lines: int, width: int, height: int) -> Layout:
    """The largest letters with which that many lines fit.

    >>> layout(1, 80, 24), layout(3, 80, 24), layout(6, 80, 24), layout(20, 80, 24)
    (Layout(columns=1, scale=2), Layout(columns=1, scale=1), Layout(columns=2, scale=1), \
Layout(columns=1, scale=0))
    """
    for scale in SCALES:
        for columns in (1, 2):
            rows = math.ceil(lines / columns)
            high = rows * (1 + ROWS * scale)
            wide = columns * DOTS_WIDE * DOT * scale + GAP * (columns - 1)
            if high <= height - HEAD and wide <= width:
                return Layout(columns, scale)
    return Layout(1, 0)


def render(title: str, lines: Sequence[ShownLine], width: int, height: int) -> Table:
    """One picture. What does not fit on the screen is counted in the last row."""
    shape = layout(len(lines), width, height)
    room = len(lines) if shape.scale else max(height - HEAD, 1)
    screen = Table.grid(expand=True)
    screen.add_row(Text(title, "bold", justify="center"))
    screen.add_row(_faces(lines[:room], shape, width))
    screen.add_row(_foot(lines, len(lines) - room))
    return screen


def _faces(lines: Sequence[ShownLine], shape: Layout, width: int) -> Table:
    column_width = (width - GAP * (shape.columns - 1)) // shape.columns
    grid = Table.grid(padding=(0, GAP, 0, 0))
    for _ in range(shape.columns):
        grid.add_column(width=column_width)
    faces = [_face(line, shape.scale, column_width) for line in lines]
    for first in range(0, len(faces), shape.columns):
        grid.add_row(*faces[first : first + shape.columns])
    return grid


def _face(line: ShownLine, scale: int, width: int) -> Text:
    if not scale:
        return _small(line, width)
    words = _words(line)
    letters = big(words, width, scale) if words else ""
    if letters == words and words:
        letters = "\n" * (ROWS * scale // 2) + f"  {words}" + "\n" * (ROWS * scale // 2)
    rows = (letters or "\n" * (ROWS * scale - 1)).splitlines()
    rows += [""] * (ROWS * scale - len(rows))
    if line.arrow != "none":
        arrow = dotted(ARROWS[line.arrow], scale)
        side = len(_UP) * DOT * scale + DOT * scale
        rows = [f"{head:<{side}}{row}" for head, row in zip(arrow, rows, strict=True)]
    return Text.assemble(
        (f" {line.label:<{width - 1}.{width - 1}}\n", "reverse"),
        ("\n".join(rows), STYLES[line.shows]),
        no_wrap=True,
    )


def _small(line: ShownLine, width: int) -> Text:
    figures = f"{SMALL.get(line.arrow, '')} {_words(line)}".strip()
    room = max(width - len(figures) - 1, 0)
    return Text.assemble(
        f"{line.label:<{room}.{room}} ", (figures, STYLES[line.shows]), no_wrap=True
    )


def _words(line: ShownLine) -> str:
    if line.shows is Shows.OPEN:
        return str(line.free)
    return "" if line.shows is Shows.BLANK else line.shows.value.upper()


def _foot(lines: Sequence[ShownLine], hidden: int) -> Text:
    """For whoever looks after the display: why lines are blank."""
    reasons = dict.fromkeys(line.reason for line in lines if line.reason)
    said = [f"{hidden} lines more need a larger screen"] if hidden > 0 else []
    return Text(", ".join([*said, *reasons]), "dim", no_wrap=True)
