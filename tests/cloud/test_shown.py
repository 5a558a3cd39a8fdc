"""Rows as people and programs read them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cloud.shown import for_json, plain, show


def test_a_long_table_says_how_much_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    show(["lot", "rate"], [(f"lot-{n}", Decimal("0.2500")) for n in range(203)])
    said = capsys.readouterr()
    assert "lot-199" in said.out
    assert "0.25 " in said.out
    assert "lot-200" not in said.out
    assert said.err == "3 more rows: --json has all\n"


def test_what_is_not_known_is_no_number() -> None:
    assert plain(None) == ""
    assert plain(0.0) == "0"


def test_json_has_moments_as_text_and_decimals_as_numbers() -> None:
    moment = datetime(2024, 3, 1, tzinfo=UTC)
    assert [for_json(each) for each in (moment, Decimal("0.5"), "A1", None)] == [
        "2024-03-01T00:00:00+00:00",
        0.5,
        "A1",
        None,
    ]
