"""What gateways say themselves, in a real Postgres: of spots, agents, alerts and how they are."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import psycopg

from cloud.present import Present
from cloud.testing import START, alert, at, delivered, heartbeat, record, teller
from contract.words import EventType

NOW = START + timedelta(days=1)
Row = tuple[Any, ...]


def write(conn: psycopg.Connection, *said: dict[str, Any]) -> None:
    """Each as a batch of its own."""
    present = Present(conn, timedelta(days=400))
    assert [present.write([each], NOW).letters for each in delivered(said)] == [0] * len(said)


def forget(conn: psycopg.Connection) -> None:
    conn.execute(
        "TRUNCATE lots, spots, spot_streams, devices, gateways, gateway_words, alerts, events"
    )


def rows(conn: psycopg.Connection, query: str) -> list[Row]:
    return conn.execute(query.encode()).fetchall()


def shown(conn: psycopg.Connection) -> Row:
    """(status, since) of A1."""
    (row,) = rows(conn, "SELECT status, since FROM current_spot_state WHERE spot_id = 'A1'")
    return row


def closed(seq: int, at_s: float, by: str = "own-1") -> dict[str, Any]:
    word = EventType.SPOT_CLOSED
    return teller(seq, by=by).word(word, at(at_s), spot_id="A1", zone_id="A")


def opened(seq: int, at_s: float) -> dict[str, Any]:
    return teller(seq).word(EventType.SPOT_OPENED, at(at_s), spot_id="A1", zone_id="A")


def silent(seq: int, at_s: float) -> dict[str, Any]:
    return teller(seq).word(EventType.AGENT_SILENT, at(at_s), agent_id="pi-A1")


def heard(seq: int, at_s: float) -> dict[str, Any]:
    return teller(seq).word(EventType.AGENT_HEARD, at(at_s), agent_id="pi-A1")


ARRIVAL = record(1, "occupied", 0, event_type="ARRIVAL")


def snapshot(status: str, told_seq: int, by: str = "own-1") -> dict[str, Any]:
    """Of the arrival, as people were shown the spot when the gateway had said `told_seq`."""
    return ARRIVAL | {
        "event_id": f"{ARRIVAL['event_id']}:snapshot",
        "event_type": "SNAPSHOT",
        "status": status,
        "own_status": "occupied",
        "made_at": at(1000 + told_seq).isoformat(),
        "told_by": by,
        "told_seq": told_seq,
    }


class TestSpots:
    def test_that_people_closed_are_closed_until_they_open_them(
        self, conn: psycopg.Connection
    ) -> None:
        write(conn, ARRIVAL, closed(5, 60))
        assert shown(conn) == ("closed", at(60))
        (lot,) = rows(conn, "SELECT current_occupancy, closed_spots FROM current_lot_occupancy")
        assert lot == (0, 1)
        write(conn, opened(6, 90))
        assert shown(conn) == ("occupied", at(0))

    def test_of_silent_agents_are_unknown_until_they_are_heard(
        self, conn: psycopg.Connection
    ) -> None:
        write(conn, ARRIVAL, silent(5, 60))
        assert shown(conn) == ("unknown", at(60))
        write(conn, closed(6, 90))
        assert shown(conn) == ("closed", at(90))
        write(conn, opened(7, 100), heard(8, 120))
        assert shown(conn) == ("occupied", at(0))

    def test_are_as_the_newest_word_has_it_though_the_clock_went_back(
        self, conn: psycopg.Connection
    ) -> None:
        for order in permutations([ARRIVAL, closed(5, 3600), opened(6, 60)]):
            forget(conn)
            write(conn, *order)
            assert shown(conn)[0] == "occupied"

    def test_are_as_a_snapshot_says_that_knows_the_words_before_it(
        self, conn: psycopg.Connection
    ) -> None:
        """The words of a backlog come behind it; a later one holds against it."""
        for order in permutations([snapshot("closed", 7), silent(5, 60), opened(4, 30)]):
            forget(conn)
            write(conn, ARRIVAL, *order)
            assert shown(conn)[0] == "closed"
        write(conn, opened(8, 90))
        assert shown(conn)[0] == "unknown"
        write(conn, heard(9, 95))
        assert shown(conn)[0] == "occupied"

    def test_without_any_word_are_as_the_snapshot_says(self, conn: psycopg.Connection) -> None:
        alone = snapshot("unknown", 0)
        del alone["told_by"], alone["told_seq"]
        write(conn, ARRIVAL, alone)
        assert shown(conn)[0] == "unknown"

    def test_are_not_those_of_a_lots_former_gateway(self, conn: psycopg.Connection) -> None:
        write(conn, ARRIVAL, heartbeat(0, by="own-1"), closed(5, 60))
        assert shown(conn)[0] == "closed"
        write(conn, heartbeat(600, by="own-2"))
        assert shown(conn)[0] == "occupied"
        write(conn, closed(1, 700, by="own-2"))
        assert shown(conn) == ("closed", at(700))

    def test_and_a_gateway_without_heartbeats_is_known_by_its_words(
        self, conn: psycopg.Connection
    ) -> None:
        write(conn, ARRIVAL, closed(5, 60, by="own-1"))
        assert shown(conn)[0] == "closed"
        other = teller(1, by="own-2").word(EventType.AGENT_HEARD, at(90), agent_id="pi-B1")
        write(conn, other)
        assert shown(conn)[0] == "occupied"
        write(conn, heartbeat(30, by="own-1"))  # whoever beats is there
        assert shown(conn)[0] == "closed"

    def test_that_are_only_spoken_of_are_no_part_of_a_lot(self, conn: psycopg.Connection) -> None:
        spot = teller(1).word(EventType.SPOT_CLOSED, at(0), spot_id="Z9")
        write(conn, spot, alert(2, "raised", 0, spot_id="Z8"))
        assert rows(conn, "SELECT spot_id FROM spots") == []


class TestAlerts:
    def test_are_as_their_newest_word_has_them(self, conn: psycopg.Connection) -> None:
        seen = {"acknowledged_at": at(60), "acknowledged_by": "warden"}
        ended = {"resolved_at": at(90), "resolved_by": "itself"}
        raised = alert(3, "raised", 0)
        steps = [raised, alert(5, "acknowledged", 60, **seen)]
        for order in permutations(steps):
            forget(conn)
            write(conn, *order)
            query = "SELECT state, acknowledged_by, severity, text FROM current_alerts"
            assert rows(conn, query) == [("acknowledged", "warden", "critical", "pi-A1 is silent")]
        write(conn, alert(9, "resolved", 90, **seen, **ended), raised)
        assert rows(conn, "SELECT state FROM current_alerts") == []
        kept = rows(conn, "SELECT state, acknowledged_by, resolved_at FROM alerts")
        assert kept == [("resolved", "warden", at(90))]

    def test_that_come_again_later_are_others(self, conn: psycopg.Connection) -> None:
        again = alert(12, "raised", 900, raised_at=at(900))
        write(conn, alert(3, "raised", 0), alert(9, "resolved", 90), again)
        (standing,) = rows(conn, "SELECT alert_id, raised_at FROM current_alerts")
        assert standing == ("offline.pi-A1", at(900))

    def test_of_a_lots_former_gateway_do_not_stand(self, conn: psycopg.Connection) -> None:
        write(conn, heartbeat(0), alert(3, "raised", 0))
        assert len(rows(conn, "SELECT 1 FROM current_alerts")) == 1
        write(conn, heartbeat(60, by="own-2"))
        assert rows(conn, "SELECT 1 FROM current_alerts") == []

    def test_are_events_too(self, conn: psycopg.Connection) -> None:
        write(conn, alert(3, "raised", 0), alert(9, "resolved", 90), alert(9, "resolved", 90))
        told = rows(conn, "SELECT event_type, body->>'state' FROM events ORDER BY at")
        assert told == [("ALERT", "raised"), ("ALERT", "resolved")]


class TestGateways:
    def test_are_as_their_newest_heartbeat_says(self, conn: psycopg.Connection) -> None:
        for order in permutations([heartbeat(0), heartbeat(60, version="1.1.0"), heartbeat(30)]):
            forget(conn)
            write(conn, *order)
            found = rows(
                conn,
                "SELECT last_at, version, agents_online, agents_total, waiting, spool_limit_bytes "
                "FROM current_gateways",
            )
            assert found == [(at(60), "1.1.0", 2, 3, 3, 2**40)]
        assert rows(conn, "SELECT 1 FROM events") == []  # of heartbeats the newest alone is kept

    def test_and_agents_are_the_lots_devices(self, conn: psycopg.Connection) -> None:
        birth = {"event_id": "b:1", "event_type": "BIRTH", "version": "1.2", "agent_id": "pi-A1"}
        write(
            conn,
            birth | {"lot_id": "north", "timestamp": at(0).isoformat()},
            record(1, "vacant", 5, spot="B1"),
            heard(2, 20),
            silent(4, 60),
            heartbeat(60),
        )
        query = "SELECT kind, device_id, state, since, last_at, version FROM current_devices "
        assert rows(conn, query + "ORDER BY 1, 2") == [
            ("agent", "pi-A1", "silent", at(60), at(20), "1.2"),
            ("agent", "pi-B1", "unknown", None, at(5), None),
            ("gateway", "own-1", "silent", None, at(60), "1.0.0"),  # it was in 2024
        ]
        conn.execute("UPDATE gateways SET last_at = now() - interval '4 minutes'")
        (state,) = rows(conn, "SELECT state FROM current_devices WHERE kind = 'gateway'")
        assert state == ("heard",)
