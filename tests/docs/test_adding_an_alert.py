"""The page walks through a rule that exists, in that rule's own words."""

import re
from pathlib import Path

REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs" / "adding-an-alert.md").read_text()
PIECES = re.findall(r"^`([\w/]+\.py)`$|^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_its_pieces_are_the_rules_own() -> None:
    source, quoted = "", 0
    for path, piece in PIECES:
        if path:
            source = (REPO / path).read_text()
        else:
            assert piece in source
            quoted += 1
    assert quoted == 7


def test_the_files_that_it_names_exist() -> None:
    named = set(re.findall(r"`((?:gateway|tests|docs)/[\w/.]+)`", PAGE))
    assert len(named) > 5
    assert [name for name in named if not (REPO / name).exists()] == []


def test_its_row_is_in_the_table() -> None:
    (row,) = re.findall(r"^    (\| `disk`.*)$", PAGE, re.MULTILINE)
    assert row in (REPO / "docs" / "alerts.md").read_text().splitlines()
