"""Letters as they are read from the file."""

from typing import Any

from gateway.tools.letters import letter, letters
from gateway.tools.reading import reading


def test_the_newest_first_and_of_one_sink_or_reason(house: Any) -> None:
    house.live()
    with reading(house.path) as db:
        assert [each.reason for each in letters(db, limit=9)] == ["sink_rejected", "unknown_spot"]
        assert [each.sink for each in letters(db, limit=9, sink="cloud")] == ["cloud"]
        assert letters(db, limit=9, sink="disk") == []
        assert [each.id for each in letters(db, limit=9, reason="unknown_spot")] == [1]
        assert len(letters(db, limit=1)) == 1


def test_one_is_shown_with_its_payload_and_without_secrets(house: Any) -> None:
    house.take(b'{"password": "hunter2", "type": "hello"}')
    with reading(house.path) as db:
        found = letter(db, 1)
        assert found is not None
        assert (found.agent_id, found.sink, found.reason) == ("pi-1", "", "unknown_schema")
        assert found.payload == '{"password": "***", "type": "hello"}'
        assert letter(db, 2) is None
