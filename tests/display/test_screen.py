"""The board on screens of several sizes, as characters."""

import re

import pytest
from rich.console import Console

from display.board import ShownLine, Shows
from display.screen import Layout, layout, render
from runtime.big import big

ANSI = re.compile(r"\x1b\[[0-9;]*m")
LEVELS = [
    ShownLine(None, "All levels", Shows.OPEN, 128),
    ShownLine("g", "Ground", Shows.OPEN, 7, "left"),
    ShownLine("r", "Roof", Shows.FULL),
    ShownLine("x", "Basement", Shows.CLOSED),
    ShownLine("y", "Deck", Shows.BLANK, reason="run out"),
    ShownLine("z", "Charging", Shows.OPEN, 2, "up-right"),
]


def drawn(lines: list[ShownLine], width: int, height: int, *, colours: bool = False) -> str:
    system = "standard" if colours else None
    console = Console(width=width, height=height, force_terminal=True, color_system=system)
    with console.capture() as capture:
        console.print(render("Riverside", lines, width, height))
    text = capture.get()
    plain = ANSI.sub("", text).splitlines()
    assert len(plain) <= height
    assert max(map(len, plain)) <= width
    return text if colours else ANSI.sub("", text)


@pytest.mark.parametrize("width", [40, 80, 132])
@pytest.mark.parametrize("count", range(1, 7))
def test_every_label_and_number_is_there_on_every_screen(count: int, width: int) -> None:
    text = drawn(LEVELS[:count], width, 24)
    scale = layout(count, width, 24).scale
    for line in LEVELS[:count]:
        assert line.label in text
        if line.free is not None:
            first = big(str(line.free), 500, scale).splitlines()[0] if scale else str(line.free)
            assert first in text


def test_letters_are_as_large_as_there_is_room() -> None:
    assert layout(1, 160, 50) == Layout(1, 4)
    assert layout(1, 40, 24) == Layout(1, 1)
    assert layout(4, 80, 24) == Layout(2, 1)
    assert layout(4, 40, 24) == Layout(1, 0)


def test_a_blank_line_has_its_label_and_nothing_else_and_the_foot_says_why() -> None:
    text = drawn(LEVELS[4:5], 80, 24)
    assert text.split() == ["Riverside", "Deck", "run", "out"]


def test_words_that_are_too_wide_for_large_letters_stand_small() -> None:
    assert "CLOSED" in drawn(LEVELS[3:4], 40, 24)


def test_what_does_not_fit_is_counted() -> None:
    text = drawn(LEVELS, 40, 6)
    assert "Basement" in text
    assert "Deck" not in text
    assert "2 lines more need a larger screen" in text


def test_arrows_point_where_they_say() -> None:
    arrow = drawn(LEVELS[1:2], 40, 24).splitlines()[2:7]
    assert [row[:10].rstrip() for row in arrow] == [
        "    ██",
        "  ██",
        "██████████",
        "  ██",
        "    ██",
    ]
    assert "← 7" in drawn(LEVELS, 40, 9)


@pytest.mark.parametrize(("index", "colour"), [(1, "1;32"), (2, "1;31"), (3, "1;33")])
def test_colours_tell_the_same_as_the_words(index: int, colour: str) -> None:
    assert f"\x1b[{colour}m" in drawn(LEVELS[index : index + 1], 80, 24, colours=True)
