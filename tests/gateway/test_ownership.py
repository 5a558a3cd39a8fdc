"""One process a database, and tools that see whether it runs."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.ownership import Owned, give_back, is_owned, own


def test_one_at_a_time_and_free_again_behind_it(tmp_path: Path) -> None:
    database = tmp_path / "gateway.db"
    assert not is_owned(database)
    with own(database):
        assert is_owned(database)
        with (
            pytest.raises(Owned, match=r"gateway\.db belongs to a process that runs"),
            own(database),
        ):
            pass
    assert not is_owned(database)
    with own(database):
        pass


def test_a_killed_process_owns_nothing(tmp_path: Path) -> None:
    database = tmp_path / "gateway.db"
    code = (
        "import sys; from pathlib import Path; from gateway.ownership import own\n"
        "with own(Path(sys.argv[1])): print('mine', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"mine\n"
        assert is_owned(database)
        holder.kill()
    assert not is_owned(database)


def test_patience_outlasts_a_look(tmp_path: Path) -> None:
    """A gateway that starts while a tool looks must not fail for it."""
    database = tmp_path / "gateway.db"
    held, never = threading.Event(), threading.Event()

    def look() -> None:
        with own(database):
            held.set()
            never.wait(0.3)

    looker = threading.Thread(target=look)
    looker.start()
    assert held.wait(5)
    with pytest.raises(Owned), own(database):
        pass
    with own(database, patience_s=5):
        assert is_owned(database)
    looker.join()


def test_what_is_blocked_inside_is_not_taken_for_the_lock(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), own(tmp_path / "gateway.db"):
        raise BlockingIOError


@pytest.mark.skipif(os.geteuid() != 0, reason="inherent: only root can give files away")
def test_what_root_makes_is_the_folders_owners(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    for name in ("gateway.db", "gateway.db-wal", "other"):
        (folder / name).touch()
    os.chown(folder, 12345, 12346)
    give_back(folder / "gateway.db")
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()}
    assert owners == {
        "gateway.db": (12345, 12346), "gateway.db-wal": (12345, 12346), "other": (0, 0),
    }  # fmt: skip
