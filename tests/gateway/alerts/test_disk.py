"""A disk that fills."""

import pytest

from gateway.alerts import Level
from gateway.alerts.disk import Config, look
from gateway.alerts.facts import Facts
from gateway.testing import START


@pytest.mark.parametrize(
    ("free", "wanted"), [(9, [Level.BAD]), (10, [Level.UNSURE]), (14, [Level.UNSURE]), (15, [])]
)
def test_how_little_is_little(free: int, wanted: list[Level]) -> None:
    facts = Facts(START, disk_free_bytes=free * 10_000_000, disk_total_bytes=1_000_000_000)
    found = list(look(facts, Config()))
    assert [each.level for each in found] == wanted
    if wanted == [Level.BAD]:
        assert "9.0 % free (90 MB)" in found[0].text
