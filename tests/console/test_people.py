"""People and their sessions: what is kept of a password, and how long one is let in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.database import KEPT, make, opened
from console.people import SESSION, People
from console.tokens import Scope

PASSWORD = "correct horse"


@pytest.fixture
def people(tmp_path: Path) -> People:
    make(tmp_path / "console.db", KEPT)
    made = People(tmp_path / "console.db")
    made.add("ann", Scope.OPERATOR, PASSWORD)
    return made


def logged_in(people: People, now: datetime | None = None) -> str:
    session = people.log_in("ann", PASSWORD, now)
    assert session is not None
    return session


def test_a_session_is_known_to_another_process_and_ends_for_both(people: People, tmp_path) -> None:
    session, other = logged_in(people), People(tmp_path / "console.db")
    found = other.find(session)
    assert found is not None
    assert (found.name, found.scope, found.token_id) == ("ann", Scope.OPERATOR, "user ann")
    other.log_out(session)
    assert people.find(session) is None


def test_neither_password_nor_session_is_kept(people: People, tmp_path: Path) -> None:
    session = logged_in(people)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert PASSWORD.encode() not in kept
    assert session.encode() not in kept


@pytest.mark.parametrize(
    ("name", "password"),
    [("ann", "correct Horse"), ("ann", ""), ("bob", PASSWORD), ("", ""), ("ann", "x" * 5000)],
)
def test_a_wrong_name_or_password_is_nobodys(people: People, name: str, password: str) -> None:
    assert people.log_in(name, password) is None


def test_a_session_ends_with_its_days(people: People) -> None:
    now = datetime.now(UTC)
    session = logged_in(people, now)
    assert people.find(session, now + SESSION - timedelta(minutes=1)) is not None
    assert people.find(session, now + SESSION) is None


def test_who_is_removed_is_out_and_does_not_come_in(people: People) -> None:
    session = logged_in(people)
    assert people.remove("ann")
    assert people.find(session) is None
    assert people.log_in("ann", PASSWORD) is None
    assert not people.remove("ann")
    people.add("ann", Scope.VIEWER, "another horse")
    assert people.find(session) is None


def test_two_equal_passwords_are_not_seen_to_be_equal(people: People, tmp_path: Path) -> None:
    people.add("bob", Scope.VIEWER, PASSWORD)
    with opened(tmp_path / "console.db") as db:
        kept = [row[0] for row in db.execute("SELECT hash FROM people")]
    assert len({each[16:] for each in kept}) == 2


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [("", PASSWORD, "name = ''"), ("a\nb", PASSWORD, "printable"), ("eve", "short", "10 to 200")],
)
def test_what_is_no_good_name_or_password_is_named(
    people: People, name: str, password: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        people.add(name, Scope.VIEWER, password)
    assert password not in str(refused.value)


def test_a_name_is_one_persons(people: People) -> None:
    with pytest.raises(ValueError, match="console user remove"):
        people.add("ann", Scope.ADMIN, PASSWORD)
