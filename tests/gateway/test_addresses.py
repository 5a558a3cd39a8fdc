"""Rows for some sinks alone."""

from gateway.addresses import addressed, addressees, is_for


def test_an_address_is_read_as_it_was_written() -> None:
    key = addressed("A1", {"lake", "cloud"})
    assert addressees(key) == {"cloud", "lake"}
    assert is_for(key, "cloud")
    assert not is_for(key, "disk")


def test_a_row_without_an_address_is_for_all() -> None:
    for key in ("", "A1", "A1/health_changed"):
        assert is_for(key, "cloud")


def test_another_address_takes_the_place_of_the_first() -> None:
    assert addressees(addressed(addressed("A1", ["cloud", "lake"]), ["lake"])) == {"lake"}


def test_what_belongs_to_no_spot_has_an_address_too() -> None:
    key = addressed("", ["cloud"])
    assert not is_for(key, "disk")
    assert key.partition("/")[0] == ""
