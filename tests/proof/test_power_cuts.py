"""A power cut at any moment: nothing that was committed is lost, and no file is damaged.

The real store runs under strace; from its log of writes and syncs every state is made that a
power cut may leave, and each is opened with the real store.
"""

from collections import Counter
from random import Random

import pytest

from proof.storage.cuts import Disk
from proof.storage.trace import Event, strace
from proof.storage.verdicts import Recording, Verdict

pytestmark = pytest.mark.skipif(strace() is None, reason="needs strace: apt-get install strace")

LOADS = ["agent", "gateway"]
SHORT = ["--rounds", "8"]


def only_kept(found: Counter[Verdict], least: int) -> bool:
    return set(found) == {"kept"} and found["kept"] >= least


@pytest.mark.timeout(300)  # it works the processor throughout: beside others it takes its turns
@pytest.mark.parametrize("load", LOADS)
def test_some_hundred_cuts_lose_nothing(load: str) -> None:
    """Red with synchronous=NORMAL, as the next test has it, and with OFF."""
    found = Recording(load, SHORT).verdicts(seed=1, draws=1, share=0.15)
    assert only_kept(found, 100), found


def test_a_commit_that_is_not_synced_is_seen_to_be_lost() -> None:
    recording = Recording("agent", [*SHORT, "--synchronous", "NORMAL"])
    found = recording.verdicts(seed=1, draws=1, share=0.03)
    assert found["back"] > 0.1 * found.total() > 5, found


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("load", "least"), [("agent", 5_000), ("gateway", 10_000)])
def test_thousands_of_cuts_lose_nothing(load: str, least: int) -> None:
    found = Recording(load).verdicts(seed=2, draws=8 if load == "agent" else 2)
    print(f"{load}: {dict(found)}")
    assert only_kept(found, least), found


def test_a_disk_that_lies_about_its_syncs_is_told() -> None:
    """Whatever is lost is told: by the file's check, or by a store, epoch or seq that is older.

    Red without the seal: a quarter of the states were mixtures of old and new pages, unseen.
    """
    found = Recording("agent", SHORT).verdicts(seed=3, draws=1, share=0.01, lies=True)
    assert not found["mixed"] + found["refused"], found
    assert min(found["set aside"], found["back"], found["new"]) > 0, found


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("load", "share"), [("agent", 0.1), ("gateway", 0.03)])
def test_no_lie_of_thousands_is_silent(load: str, share: float) -> None:
    found = Recording(load, ["--rounds", "12"]).verdicts(seed=4, draws=1, share=share, lies=True)
    print(f"{load}: {dict(found)}")
    assert not found["mixed"] + found["refused"], found
    assert found["set aside"] > 500, found


def state_of(*events: Event) -> set[bytes]:
    """Every content that the file `/d/f` may have."""
    disk = Disk()
    for event in events:
        disk.do(event)
    return {state.get("f", b"no file") for state in disk.states(Random(1), draws=200)}


MADE = Event("create", "/d/f"), Event("sync", "/d")


class TestTheModelOfTheDisk:
    def test_what_was_synced_stays(self) -> None:
        assert state_of(*MADE, Event("write", "/d/f", b"a"), Event("sync", "/d/f")) == {b"a"}

    def test_a_name_is_sure_when_its_folder_was_synced(self) -> None:
        events = Event("create", "/d/f"), Event("write", "/d/f", b"a"), Event("sync", "/d/f")
        assert state_of(*events) == {b"a", b"no file"}

    def test_writes_come_in_any_order_and_in_part(self) -> None:
        first, second = Event("write", "/d/f", b"ab"), Event("write", "/d/f", b"xy")
        found = state_of(*MADE, first, second)
        assert {b"", b"ab", b"xy", b"\0\0"} < found
        assert len(found) > 4, "no rubbish"

    def test_sectors_are_torn_apart(self) -> None:
        whole = b"a" * 1024
        found = state_of(*MADE, Event("write", "/d/f", whole))
        assert {b"a" * 512 + bytes(512), bytes(512) + b"a" * 512} < found

    def test_a_truncation_may_not_have_happened(self) -> None:
        written = Event("write", "/d/f", b"ab"), Event("sync", "/d/f")
        assert state_of(*MADE, *written, Event("truncate", "/d/f", offset=1)) == {b"a", b"ab"}
