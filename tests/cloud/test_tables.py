"""The page of the tables is that of the migrations."""

import re
from pathlib import Path

import psycopg

from cloud.tables import OURS, THINGS, page, tables

PAGE = Path(__file__).parents[2] / "docs/cloud-tables.md"


def test_the_page_is_as_the_migrations_make_it(conn: psycopg.Connection) -> None:
    """Else: python -m simulator.cloud_tables"""
    assert PAGE.read_text() == page(conn)


def test_each_table_leads_to_the_things_that_it_tells_of() -> None:
    found = re.findall(r'^    (\w+) \|\|--o\{ (\w+) : "(.*)"$', PAGE.read_text(), re.MULTILINE)
    assert {thing for thing, _, _ in found} == THINGS
    assert ("spots", "sessions", "lot_id, spot_id") in found
    assert ("lots", "sessions", "lot_id") not in found
    told_of = {table for _, table, _ in found}
    alone = {"dead_letters", "lots"}
    entities = set(re.findall(r"^    (\w+) \{$", PAGE.read_text(), re.MULTILINE))
    assert entities - told_of == alone


def test_a_month_is_no_table_of_its_own(conn: psycopg.Connection) -> None:
    conn.execute("SELECT make_partitions('2024-03-01', '2024-04-01')")
    names = {each.name for each in tables(conn)}
    assert "events" in names
    assert not any(name.startswith("events_") for name in names)
    assert not names & OURS
