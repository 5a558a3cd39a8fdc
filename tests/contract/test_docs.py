"""The page shows the golden messages, all of them and to the letter."""

import re
from pathlib import Path

import pytest

from contract.golden import golden, names
from contract.topics import Topics, parse

PAGE = (Path(__file__).parents[2] / "docs" / "contract.md").read_text()
BLOCKS = re.findall(r"^`(\w+)`\n\n```json\n(.*?)```$", PAGE, re.DOTALL | re.MULTILINE)


def test_each_golden_message_is_shown_once() -> None:
    assert sorted(name for name, _ in BLOCKS) == names()
    assert PAGE.count("```json") == len(BLOCKS)


@pytest.mark.parametrize(("name", "shown"), BLOCKS)
def test_it_is_shown_to_the_letter(name: str, shown: str) -> None:
    assert shown.encode() == golden(name)


def test_the_topics_of_the_table_are_those_that_are_built() -> None:
    lot = Topics("lot")
    built = [lot.agent("agent", "events"), lot.agent("agent", "health"), lot.agent("agent", "ack")]
    built += [lot.spot("spot"), lot.zone("zone"), lot.occupancy, lot.alert("id")]
    built += [lot.gateway_health, lot.gateway_info, lot.request("name")]
    shown = re.sub(r"[{}]", "", PAGE)
    assert [topic for topic in built if f"`{topic}`" not in shown] == []
    assert [topic for topic in built if parse(topic)] == [*built[:3], built[-1]]
