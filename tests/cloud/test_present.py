"""The present in a real Postgres: what a set of records comes to, however it arrives."""

import random
import threading
from dataclasses import astuple
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.postgres import connect
from cloud.present import Delivered, Present
from cloud.testing import START, alert, at, delivered, heartbeat, record, stays, teller
from contract.alerts import AlertState
from contract.upstream import Teller
from contract.words import EventType

NOW = START + timedelta(days=1)
KEEP = timedelta(days=400)
TABLES = (
    "lots",
    "spots",
    "spot_streams",
    "devices",
    "gateways",
    "gateway_words",
    "alerts",
    "count_ledger",
    "counts",
    "sessions",
)


def present(conn: psycopg.Connection, **more: Any) -> Present:
    return Present(conn, KEEP, **more)


def held(conn: psycopg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All that the tables say, but when it was taken."""
    said = {
        table: conn.execute(f"SELECT * FROM {table} t ORDER BY t::text".encode()).fetchall()
        for table in TABLES
    }
    said["events"] = conn.execute("SELECT event_id, at, status FROM events ORDER BY 1").fetchall()
    return said


def forget(conn: psycopg.Connection) -> None:
    conn.execute(f"TRUNCATE {', '.join((*TABLES, 'events', 'dead_letters'))}".encode())


def occupancy(conn: psycopg.Connection, lot: str = "north") -> dict[str, Any]:
    cursor = conn.execute("SELECT * FROM current_lot_occupancy WHERE lot_id = %s", (lot,))
    row = cursor.fetchone()
    assert row is not None
    assert cursor.description is not None
    return dict(zip([column.name for column in cursor.description], row, strict=True))


def found_stays(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT lot_id, spot_id, started_at, started_by, ended_at, ended_by FROM sessions "
        "ORDER BY lot_id, spot_id, started_at"
    ).fetchall()


class TestOccupancy:
    def test_counts_spots_by_their_last_word(self, conn: psycopg.Connection) -> None:
        said = [
            record(1, "occupied", 0, spot="A1", event_type="ARRIVAL"),
            record(1, "vacant", 0, spot="A2"),
            record(1, "unknown", 0, spot="B1"),
            record(1, "closed", 0, spot="B2"),
            record(2, "vacant", 60, spot="A1", event_type="DEPARTURE"),
            record(3, "occupied", 90, spot="A1", event_type="ARRIVAL"),
        ]
        present(conn).write(delivered(said), NOW)
        lot = occupancy(conn)
        assert (lot["capacity"], lot["current_occupancy"], lot["free_spots"]) == (4, 1, 1)
        assert (lot["unknown_spots"], lot["closed_spots"], lot["facility_id"]) == (
            1,
            1,
            "riverside",
        )
        assert float(lot["occupancy_rate"]) == 0.5  # of the two that are known and open
        assert lot["last_updated"] == START + timedelta(seconds=90)

    def test_a_new_agent_at_a_spot_takes_over_by_time(self, conn: psycopg.Connection) -> None:
        old = record(900, "occupied", 0, event_type="ARRIVAL")
        new = record(1, "vacant", 60, epoch="e2")
        for said in ([old, new], [new, old]):
            forget(conn)
            present(conn).write(delivered(said), NOW)
            assert occupancy(conn)["free_spots"] == 1

    def test_a_snapshot_tells_the_present_and_is_no_event(self, conn: psycopg.Connection) -> None:
        told = record(7, "occupied", 0, event_type="SNAPSHOT") | {"event_id": "pi-A1:e1:7:snapshot"}
        present(conn).write(delivered([told]), NOW)
        present(conn).write(delivered([record(6, "vacant", -60)]), NOW)  # from the backlog
        assert occupancy(conn)["current_occupancy"] == 1
        assert conn.execute("SELECT count(*) FROM events").fetchone() == (1,)

    def test_of_two_snapshots_of_one_record_the_later_tells(self, conn: psycopg.Connection) -> None:
        of = record(7, "occupied", 0, event_type="SNAPSHOT")
        silent = of | {"status": "unknown", "made_at": (START + timedelta(minutes=5)).isoformat()}
        back = of | {"made_at": (START + timedelta(minutes=9)).isoformat()}
        for said in ([of, silent, back], [back, silent, of]):
            forget(conn)
            for each in delivered(said):
                present(conn).write([each], NOW)
            assert occupancy(conn)["current_occupancy"] == 1

    def test_a_lot_of_lanes_is_the_sum_of_its_ledger(self, conn: psycopg.Connection) -> None:
        lane = {"lot_id": "south", "zone_id": "deck", "timestamp": START.isoformat()}
        said = [
            lane | {"event_id": "in:1", "event_type": "ARRIVAL"},
            lane | {"event_id": "in:2", "event_type": "ARRIVAL"},
            lane | {"event_id": "in:3", "event_type": "ARRIVAL"},
            lane | {"event_id": "out:1", "event_type": "DEPARTURE"},
        ]
        for _ in range(3):
            present(conn).write(delivered(said), NOW)
        lot = occupancy(conn, "south")
        assert (lot["counted"], lot["current_occupancy"]) == (2, 2)
        assert (lot["free_spots"], lot["occupancy_rate"]) == (None, None)  # of how many, none said
        fix = lane | {
            "event_id": "fix:1",
            "event_type": "CORRECTION",
            "delta": -1,
            "reason": "walk",
        }
        for _ in range(2):
            present(conn).write(delivered([fix]), NOW)
        assert occupancy(conn, "south")["counted"] == 1

    def test_a_count_below_nothing_is_kept_and_not_shown(self, conn: psycopg.Connection) -> None:
        conn.execute("INSERT INTO lots (lot_id, counted_capacity) VALUES ('south', 5)")
        out = {"lot_id": "south", "timestamp": START.isoformat(), "event_type": "DEPARTURE"}
        present(conn).write(delivered([out | {"event_id": "out:1"}]), NOW)
        lot = occupancy(conn, "south")
        assert (lot["counted"], lot["current_occupancy"], lot["free_spots"]) == (-1, 0, 5)


class TestStays:
    def test_begin_and_end_with_a_vehicle(self, conn: psycopg.Connection) -> None:
        said = [
            record(1, "occupied", 0, event_type="ARRIVAL"),
            record(2, "unknown", 100),
            record(3, "occupied", 200),  # it was there all the time
            record(4, "vacant", 300, event_type="DEPARTURE"),
            record(5, "occupied", 400),  # found behind a gap
            record(6, "occupied", 500, event_type="ARRIVAL"),  # its leaving was not seen
        ]
        present(conn).write(delivered(said), NOW)
        s = [START + timedelta(seconds=n) for n in (0, 300, 400, 500)]
        assert [row[2:] for row in found_stays(conn)] == [
            (s[0], "arrival", s[1], "departure"),
            (s[2], "seen", None, "unseen"),
            (s[3], "arrival", None, None),
        ]

    def test_end_with_a_late_record_of_the_moment_at_which_the_next_begins(
        self, conn: psycopg.Connection
    ) -> None:
        said = [
            record(1, "occupied", 0, event_type="ARRIVAL"),
            record(3, "occupied", 60, event_type="ARRIVAL", epoch="e2"),
            record(2, "vacant", 60, event_type="DEPARTURE"),
        ]
        for each in delivered(said):
            present(conn).write([each], NOW)
        assert [row[4:] for row in found_stays(conn)] == [(at(60), "departure"), (None, None)]

    def test_end_in_another_month(self, conn: psycopg.Connection) -> None:
        said = [
            record(1, "occupied", 0, event_type="ARRIVAL"),
            record(2, "vacant", 40 * 86400, event_type="DEPARTURE"),
        ]
        for each in delivered(said):
            present(conn).write([each], NOW + timedelta(days=60))
        assert found_stays(conn)[0][4] == START + timedelta(days=40)


@st.composite
def words(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What two gateways of the lot say: some of it twice, at times that go back too."""
    said = []
    for by in ("own-1", "own-2"):
        for seq in range(1, draw(st.integers(1, 9))):
            moment_s = draw(st.sampled_from([0, 60, 60, 3600]))
            say = teller(draw(st.sampled_from([seq, max(seq - 1, 1)])), by=by)
            spot = draw(st.sampled_from(["A1", "B1"]))
            kind = draw(st.sampled_from(["silences", "closings", "alerts", "heartbeats", "again"]))
            if kind == "silences":
                word = draw(st.sampled_from([EventType.AGENT_SILENT, EventType.AGENT_HEARD]))
                said.append(say.word(word, at(moment_s), agent_id=f"pi-{spot}"))
            elif kind == "closings":
                word = draw(st.sampled_from([EventType.SPOT_CLOSED, EventType.SPOT_OPENED]))
                said.append(say.word(word, at(moment_s), spot_id=spot, zone_id=spot[0]))
            elif kind == "alerts":
                state = draw(st.sampled_from([each.value for each in AlertState]))
                said.append(alert(say.told_seq, state, moment_s) | {"told_by": by})
            elif kind == "heartbeats":
                online = draw(st.integers(0, 2))
                said.append(heartbeat(moment_s + seq, by=by, agents_online=online))
            else:
                shown = draw(st.sampled_from(["closed", "unknown", "vacant"]))
                said.append(snapshot(seq, shown, moment_s, say))
    return said


def snapshot(seq: int, status: str, made_s: float, say: Teller) -> dict[str, Any]:
    """Of the record `seq` of A1, which said `vacant`, as people were shown the spot."""
    return record(seq, status, 0, event_type="SNAPSHOT") | {
        "event_id": f"pi-A1:e1:{seq}:snapshot",
        "own_status": "vacant",
        "made_at": at(made_s + seq).isoformat(),
        "told_by": say.told_by,
        "told_seq": say.told_seq,
    }


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Records of two spots: any words, at times that may be the same."""
    said = []
    for spot in ("A1", "B1"):
        at_s = 0
        for seq in range(1, draw(st.integers(1, 9))):
            at_s += draw(st.sampled_from([0, 0, 30, 86400 * 20]))
            status = draw(st.sampled_from(["occupied", "vacant", "unknown"]))
            moved = {"occupied": "ARRIVAL", "vacant": "DEPARTURE"}.get(status, "STATUS")
            kind = draw(st.sampled_from([moved, "STATUS"]))
            epoch = draw(st.sampled_from(["e1", "e1", "e2"]))
            said.append(record(seq, status, at_s, spot=spot, event_type=kind, epoch=epoch))
    return said


class TestDevices:
    def test_are_last_seen_by_what_they_said(self, conn: psycopg.Connection) -> None:
        moment = (START + timedelta(minutes=5)).isoformat()
        birth = {"event_id": "b:1", "event_type": "BIRTH", "version": "1.2", "agent_id": "pi-A1"}
        quiet = {"event_id": "q:1", "event_type": "AGENT_SILENT", "agent_id": "pi-A1"}
        said = [
            record(2, "vacant", 60),
            birth | {"lot_id": "north", "timestamp": START.isoformat()},
            quiet | {"lot_id": "north", "timestamp": moment},
            alert(2, "raised", 400),
        ]
        for order in (said, said[::-1]):
            forget(conn)
            for each in delivered(order):
                present(conn).write([each], NOW)
            rows = conn.execute("SELECT agent_id, last_at, version FROM devices").fetchall()
            assert rows == [("pi-A1", START + timedelta(seconds=60), "1.2")]


class TestArrival:
    """Whatever the order, the number and the batches in which records come."""

    @pytest.mark.timeout(180)
    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(said=histories(), words=words(), seed=st.integers(0, 2**32))
    def test_changes_nothing(
        self,
        conn: psycopg.Connection,
        said: list[dict[str, Any]],
        words: list[dict[str, Any]],
        seed: int,
    ) -> None:
        later = NOW + timedelta(days=300)
        forget(conn)
        present(conn).write(delivered([*said, *words]), later)
        in_order = held(conn)
        expected = [
            stay
            for spot in ("A1", "B1")
            for stay in stays([body for body in said if body["spot_id"] == spot])
        ]
        assert found_stays(conn) == sorted(
            map(astuple, expected), key=lambda row: (row[0], row[1], row[2])
        )
        forget(conn)
        thrice = delivered([*said, *words] * 3)
        draw = random.Random(seed)
        draw.shuffle(thrice)
        while thrice:
            size = draw.randint(1, 4)
            present(conn).write(thrice[:size], later)
            del thrice[:size]
        assert held(conn) == in_order

    def test_by_two_writers_at_once_changes_nothing(
        self, dsn: str, conn: psycopg.Connection
    ) -> None:
        said = [
            record(
                seq,
                "occupied" if seq % 2 else "vacant",
                seq * 60 + number,
                spot=f"A{number}",
                event_type="ARRIVAL" if seq % 2 else "DEPARTURE",
            )
            for seq in range(1, 21)
            for number in range(8)
        ]
        present(conn).write(delivered(said), NOW)
        alone = held(conn)
        forget(conn)
        failures: list[Exception] = []

        def write(seed: int) -> None:
            mine = delivered(said)
            random.Random(seed).shuffle(mine)
            try:
                with connect(dsn) as own:
                    for start in range(0, len(mine), 7):
                        Present(own, KEEP).write(mine[start : start + 7], NOW)
            except Exception as error:
                failures.append(error)

        writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert failures == []
        assert held(conn) == alone


class TestBadRecords:
    def test_are_set_aside_and_the_others_written(self, conn: psycopg.Connection) -> None:
        said = delivered([record(1, "occupied", 0, event_type="ARRIVAL"), record(1, "vacant", 0)])
        batch = [
            said[0],
            Delivered("test:bad:1", b"no json"),
            Delivered("test:bad:2", b'{"event_id": "x", "lot_id": "north"}'),
        ]
        for _ in range(2):
            written = present(conn).write(batch, NOW)
        assert (written.taken, written.letters) == (1, 2)
        letters = conn.execute("SELECT source, reason FROM dead_letters ORDER BY 1").fetchall()
        assert [source for source, _ in letters] == ["test:bad:1", "test:bad:2"]
        assert "event_type" in letters[1][1]
        assert occupancy(conn)["current_occupancy"] == 1

    def test_one_that_the_database_refuses_costs_no_other(self, conn: psycopg.Connection) -> None:
        conn.execute("ALTER TABLE spots ADD CHECK (spot_id <> 'A3')")  # as any of its own rules
        said = [record(1, "occupied", n, spot=f"A{n}", event_type="ARRIVAL") for n in range(7)]
        written = present(conn).write(delivered(said), NOW)
        assert (written.taken, written.letters, written.fresh) == (6, 1, 6)
        assert conn.execute("SELECT source FROM dead_letters").fetchall() == [("test/3",)]
        assert occupancy(conn)["capacity"] == 6

    @pytest.mark.parametrize("days", [2, -500])
    def test_a_wrong_year_is_no_partition(self, conn: psycopg.Connection, days: int) -> None:
        present(conn).write(delivered([record(1, "occupied", days * 86400)]), START)
        assert conn.execute("SELECT count(*) FROM dead_letters").fetchone() == (1,)
        assert conn.execute("SELECT count(*) FROM events").fetchone() == (0,)
