from pathlib import Path

import pytest

from gateway.sinks import (
    ACCEPTED,
    Answer,
    Outgoing,
    SinkError,
    Verdict,
    check_batch,
    hold_back,
    read_secret,
)
from gateway.sinks.testing import MemorySink, make_record

KEEP = Answer(Verdict.KEEP, "pace")
REJECTED = Answer(Verdict.REJECTED, "too large")


def test_size_counts_bytes_of_key_and_payload() -> None:
    assert Outgoing(1, "lot/Ü", b"{}").size == 5 + 1 + 2


def test_one_record_may_exceed_the_bytes_of_a_batch() -> None:
    sink = MemorySink(max_bytes=10)
    check_batch(sink, [make_record(1)])
    with pytest.raises(ValueError, match="this sink takes 10"):
        check_batch(sink, [make_record(1), make_record(2)])


def test_hold_back_keeps_what_follows_a_kept_record_of_its_key() -> None:
    batch = [make_record(n, key) for n, key in enumerate(["l/A", "l/B", "l/A", "l/A", "l/B"])]
    answers = hold_back(batch, [KEEP, ACCEPTED, ACCEPTED, REJECTED, ACCEPTED])
    verdicts = [answer.verdict.value for answer in answers]
    assert verdicts == ["keep", "accepted", "keep", "keep", "accepted"]


def test_hold_back_lets_a_rejected_record_be_passed() -> None:
    batch = [make_record(1), make_record(2)]
    assert hold_back(batch, [REJECTED, ACCEPTED]) == [REJECTED, ACCEPTED]


class TestSecret:
    def test_is_read_without_its_line_end(self, tmp_path: Path) -> None:
        path = tmp_path / "token"
        path.write_text("s3cret\n")
        path.chmod(0o640)
        assert read_secret(path) == "s3cret"

    @pytest.mark.parametrize("mode", [0o644, 0o602, 0o601])
    def test_open_to_the_world_is_refused(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "token"
        path.write_text("s3cret")
        path.chmod(mode)
        with pytest.raises(SinkError, match=f"mode {mode:04o}") as caught:
            read_secret(path)
        assert "chmod 0600" in caught.value.hint
        assert "s3cret" not in str(caught.value)

    def test_missing_or_empty_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "token"
        with pytest.raises(SinkError, match="No such file"):
            read_secret(path)
        path.touch(0o600)
        with pytest.raises(SinkError, match="is empty"):
            read_secret(path)
