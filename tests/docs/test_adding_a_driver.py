"""The page walks through a driver that exists, in that driver's own words."""

import re
from pathlib import Path

REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs" / "adding-a-driver.md").read_text()
PIECES = re.findall(r"^`([\w/]+\.py)`$|^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_its_pieces_are_the_drivers_own() -> None:
    source, quoted = "", 0
    for path, piece in PIECES:
        if path:
            source = (REPO / path).read_text()
        else:
            assert piece in source
            quoted += 1
    assert quoted == 7


def test_the_modules_that_it_names_exist() -> None:
    shared = re.findall(r"`(_\w+\.py)`", PAGE)
    assert len(shared) > 5
    assert [name for name in shared if not (REPO / "drivers" / name).exists()] == []


def test_its_row_is_in_the_table() -> None:
    (row,) = re.findall(r"^    (\| `a02yyuw`.*)$", PAGE, re.MULTILINE)
    assert row in (REPO / "docs" / "drivers.md").read_text().splitlines()
