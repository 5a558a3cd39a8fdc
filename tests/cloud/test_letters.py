"""`lotkeeper cloud dead-letters`: what the present refused, looked at, offered again, dropped."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from cloud.cli import app
from cloud.present import Delivered, Present
from cloud.testing import record

NOW = datetime.now(UTC)
ARRIVAL = record(1, "occupied", 0, event_type="ARRIVAL") | {"timestamp": NOW.isoformat()}
OTHER = record(2, "vacant", 0, spot="A2") | {"timestamp": NOW.isoformat()}


class Desk:
    """A database with three letters, and the command: one record that the database refused for a
    rule of its own, one without a lot, one that is no record.
    """

    def __init__(self, config: Path, conn: psycopg.Connection) -> None:
        self.config = config
        self.conn = conn
        conn.execute("ALTER TABLE spots ADD CONSTRAINT strange CHECK (spot_id <> 'A1')")
        nameless = {key: value for key, value in OTHER.items() if key != "lot_id"}
        said = [json.dumps(ARRIVAL).encode(), json.dumps(nameless).encode(), b"\xff no json"]
        batch = [Delivered(f"lots/{place}/7", each) for place, each in enumerate(said)]
        assert Present(conn, timedelta(days=400)).write(batch, NOW).letters == 3

    def run(self, *words: str, status: int = 0) -> Result:
        run = CliRunner().invoke(app, ["dead-letters", *words, "-c", str(self.config)])
        assert run.exit_code == status, run.output
        return run

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", status=status).stdout)

    def ids(self) -> dict[str, str]:
        """By source."""
        return {each["source"]: str(each["id"]) for each in self.json("list")}

    def events(self) -> int:
        row = self.conn.execute("SELECT count(*) FROM events").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def desk(tmp_path: Path, dsn: str, conn: psycopg.Connection) -> Desk:
    config = tmp_path / "cloud.toml"
    config.write_text(f'[postgres]\ndsn = "{dsn}"\n')
    return Desk(config, conn)


def test_they_are_listed_the_newest_first_without_their_payloads(desk: Desk) -> None:
    found = desk.json("list")
    assert {each["source"]: "payload" in each for each in found} == {
        "lots/0/7": False,
        "lots/1/7": False,
        "lots/2/7": False,
    }
    assert [each["id"] for each in found] == sorted((each["id"] for each in found), reverse=True)
    assert [each["source"] for each in desk.json("list", "--source", "lots/1")] == ["lots/1/7"]
    assert len(desk.json("list", "--limit", "1")) == 1
    assert "strange" in desk.run("list", "--source", "lots/0").stdout


def test_one_is_shown_with_its_payload(desk: Desk) -> None:
    ids = desk.ids()
    told = desk.json("show", ids["lots/0/7"])
    assert json.loads(told["payload"]) == ARRIVAL
    assert "strange" in told["reason"]
    assert "\\xff no json" in desk.run("show", ids["lots/2/7"]).stdout
    assert "no such dead letter" in desk.run("show", "999", status=1).stderr


def test_one_is_taken_once_its_cause_is_mended(desk: Desk) -> None:
    ids = desk.ids()
    refused = desk.json("replay", ids["lots/0/7"], status=1)
    assert refused[0]["taken"] is False
    assert "strange" in refused[0]["reason"]
    assert desk.ids()["lots/0/7"] == str(refused[0]["letter"])
    desk.conn.execute("ALTER TABLE spots DROP CONSTRAINT strange")
    (taken,) = desk.json("replay", str(refused[0]["letter"]))
    assert taken["taken"] is True
    assert desk.events() == 1
    assert "lots/0/7" not in desk.ids()


def test_a_replay_uses_the_lot_that_is_configured_meanwhile(desk: Desk) -> None:
    ids = desk.ids()
    assert "lot_id" in desk.run("replay", ids["lots/1/7"], status=1).stderr
    desk.config.write_text(f'default_lot = "north"\n{desk.config.read_text()}')
    assert desk.run("replay", desk.ids()["lots/1/7"]).stdout.endswith(": taken\n")


def test_many_are_replayed_though_some_are_refused_or_not_there(desk: Desk) -> None:
    desk.conn.execute("ALTER TABLE spots DROP CONSTRAINT strange")
    ids = desk.ids()
    told = desk.json("replay", *ids.values(), "999", status=1)
    assert {each["number"]: each["taken"] for each in told} == {
        int(ids["lots/0/7"]): True,
        int(ids["lots/1/7"]): False,
        int(ids["lots/2/7"]): False,
        999: False,
    }
    assert desk.ids().keys() == {"lots/1/7", "lots/2/7"}


def test_what_was_taken_by_another_way_meanwhile_stands_once(desk: Desk) -> None:
    desk.conn.execute("ALTER TABLE spots DROP CONSTRAINT strange")
    again = [Delivered("lots/9/1", json.dumps(ARRIVAL).encode())]
    Present(desk.conn, timedelta(days=400)).write(again, NOW)
    desk.run("replay", desk.ids()["lots/0/7"])
    assert desk.events() == 1


def test_one_is_dropped_when_somebody_says_so(desk: Desk) -> None:
    number = desk.ids()["lots/2/7"]
    assert "say --yes" in desk.run("drop", number, status=2).stderr
    assert desk.json("drop", number, "--yes") == [{"id": int(number), "dropped": True}]
    assert "no such" in desk.run("drop", number, "--yes", status=1).stderr
    assert "lots/2/7" not in desk.ids()


def test_without_a_database_or_its_schema_it_says_what_to_do(
    desk: Desk, postgres: str, tmp_path: Path
) -> None:
    desk.config.write_text("")
    assert "[postgres] is missing" in desk.run("list", status=2).stderr
    desk.config.write_text('[postgres]\ndsn = "host=/nowhere connect_timeout=1"\n')
    assert "nowhere" in desk.run("list", status=1).stderr
    desk.config.write_text(f'[postgres]\ndsn = "{postgres}"\n')
    assert "lotkeeper cloud migrate" in desk.run("list", status=1).stderr
