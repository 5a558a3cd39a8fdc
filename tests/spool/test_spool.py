"""One contract, two spools: over SQLite in a real file, and in memory."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from spool import Entry, Spool, Transaction, open_database
from spool.log import SCHEMA
from spool.testing import (
    BODY,
    LIMIT,
    MemorySpool,
    Reopen,
    SpoolContract,
    assert_balanced,
    gap_text,
    seqs_of,
    toggles,
)


class TestSpool(SpoolContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Reopen]:
        with ExitStack() as stack:

            def reopen(limit_bytes: int) -> Spool:
                stack.close()
                connection, damaged = open_database(tmp_path / "spool.db", [SCHEMA])
                assert damaged is None
                stack.enter_context(closing(connection))
                return Spool(connection, limit_bytes, gap_text)

            yield reopen


class TestMemorySpool(SpoolContract):
    @pytest.fixture
    def reopen(self) -> Reopen:
        spool = MemorySpool(LIMIT, gap_text)

        def reopen(limit_bytes: int) -> MemorySpool:
            spool.limit_bytes, spool.in_flight = limit_bytes, 0
            return spool

        return reopen

    def test_a_damaged_row_reads_as_not_intact(self) -> None:
        spool = MemorySpool(LIMIT, gap_text)
        spool.append(toggles("A", 3))
        spool.damage(2)
        assert [row.intact for row in spool.read(0, 10)] == [True, False, True]


def test_a_rolled_back_append_leaves_no_trace_after_reload(tmp_path: Path) -> None:
    connection, _ = open_database(tmp_path / "spool.db", [SCHEMA])
    with closing(connection):
        spool = Spool(connection, LIMIT, gap_text)
        spool.register("up")
        spool.append(toggles("A", 10))
        with suppress(ZeroDivisionError), Transaction(connection, threading.RLock()):
            spool.append([Entry("A", BODY)] * 2)
            assert spool.last_seq == 12
            raise ZeroDivisionError
        spool.reload()
        assert seqs_of(spool) == list(range(1, 11))
        assert spool.last_seq == 10
        assert_balanced(spool)
