"""A lot backed up beside its running gateway, and restored into an empty place."""

import io
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.batch import Arrived
from gateway.cli import app
from gateway.config import GatewaySettings
from gateway.ingest import Ingest
from gateway.store import MIGRATIONS, GatewayStore
from gateway.testing import SetClock, changed
from gateway.tools.verify import verify
from runtime.config import load
from spool.database import migrate

EVENTS = "parking/v1/north/agents/pi-1/events"


class Living:
    """The lot with a gateway's store that takes records in."""

    def __init__(self, lot: Any, folder: Path) -> None:
        self.lot = lot
        self.folder = folder
        self.config: Path = lot.places.gateway_toml
        text = self.config.read_text()
        path = f'[store]\npath = "{folder}/var/gateway.db"\n\n'
        self.config.write_text(text.replace("[mqtt]\n", f"{path}[mqtt]\n", 1))
        (folder / "var").mkdir()
        self.settings = load(self.config, GatewaySettings)
        self.store = GatewayStore(self.settings.store.path, 10_000_000)
        self.store.register_sinks(["disk"])
        self.ingest = Ingest(self.settings, self.store, SetClock())
        self.taken = 0

    def take(self, records: int) -> None:
        for _ in range(records):
            self.taken += 1
            record = changed(self.taken, "occupied" if self.taken % 2 else "free")
            self.ingest.take([Arrived("pi-1", EVENTS, json.dumps(record).encode())])

    def backup(self, *words: object) -> Result:
        return run("backup", "-c", self.config, *words)

    def made(self) -> Path:
        """A backup in a folder of its own."""
        result = self.backup("--to", self.folder / "usb")
        assert result.exit_code == 0, result.output
        return Path(result.stdout.split(":")[0])

    def lose(self) -> None:
        """The card is gone."""
        self.store.close()
        for each in ("lotkeeper", "var"):
            root = self.lot.folder if each == "lotkeeper" else self.folder
            shutil.rmtree(root / each)


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)


@pytest.fixture
def living(lot: Any, tmp_path: Path) -> Iterator[Living]:
    kept = tmp_path / "kept"
    shutil.copytree(lot.places.root, kept)
    made = Living(lot, tmp_path)
    made.take(3)
    yield made
    made.store.close()
    shutil.rmtree(lot.places.root, ignore_errors=True)
    shutil.copytree(kept, lot.places.root)


def test_what_was_lost_is_there_again(living: Living) -> None:
    root = living.lot.places.root
    before = {
        str(path.relative_to(root)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
    with living.store.transaction():
        epoch = living.store.devices.epoch()
    backup = living.made()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    living.take(2)  # these are not in it
    living.lose()
    result = living.lot.run("restore", backup)
    assert result.exit_code == 0, result.output
    after = {
        str(path.relative_to(root)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in root.rglob("*")
        if path.is_file()
    }
    assert after == before
    assert verify(living.settings.store.path).good
    again = GatewayStore(living.settings.store.path, 10_000_000)
    assert again.streams() == {("pi-1", "e1"): 3}
    assert again.devices.epoch() != epoch  # its places were given out again, or may have been
    again.close()
    assert "pi-1" not in living.lot.done("list")
    assert living.lot.done("init") == "all is as it should be: nothing to write\n"


def test_a_gateway_that_writes_meanwhile_is_backed_up_at_one_moment(living: Living) -> None:
    stopping, wrote = threading.Event(), threading.Event()

    def write() -> None:
        while not stopping.is_set():
            living.take(1)
            wrote.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert wrote.wait(10)
        backup = living.made()
    finally:
        stopping.set()
        thread.join()
    living.lose()
    assert living.lot.run("restore", backup).exit_code == 0
    assert verify(living.settings.store.path).good
    again = GatewayStore(living.settings.store.path, 10_000_000)
    assert 3 <= again.streams()["pi-1", "e1"] <= living.taken
    again.close()


def test_a_backup_of_an_older_release_is_restored_into_this_one(living: Living) -> None:
    living.store.close()
    path = living.settings.store.path
    for each in path.parent.glob("gateway.db*"):
        each.unlink()
    old = sqlite3.connect(path, isolation_level=None)
    migrate(old, MIGRATIONS[:1])
    old.close()
    backup = living.made()
    living.lose()
    result = living.lot.run("restore", backup)
    assert result.exit_code == 0, result.output
    assert verify(path).good
    GatewayStore(path, 1_000_000).close()


def test_a_backup_of_a_newer_release_is_refused(living: Living) -> None:
    living.store.db.execute("PRAGMA user_version = 99")
    backup = living.made()
    living.lose()
    result = living.lot.run("restore", backup)
    assert (result.exit_code, "of schema 99" in result.output) == (1, True), result.output
    assert not living.lot.places.root.exists()


def test_what_is_there_is_not_written_over(living: Living) -> None:
    backup = living.made()
    config = living.config.read_bytes()
    result = living.lot.run("restore", backup)
    assert (result.exit_code, "an empty place" in result.output) == (1, True)
    assert living.config.read_bytes() == config
    living.store.close()
    shutil.rmtree(living.lot.places.root)
    result = living.lot.run("restore", backup)  # the store is still there
    assert (result.exit_code, "gateway.db" in result.output) == (1, True)
    assert not living.lot.places.root.exists()


def rewritten(backup: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """The archive with its members changed, or left out."""
    target = backup.with_name("changed.tar.gz")
    with tarfile.open(backup) as source, tarfile.open(target, "w:gz") as archive:
        for member in source:
            content = source.extractfile(member)
            assert content
            new = change(member.name, content.read())
            if new is not None:
                info = tarfile.TarInfo(new[0])
                info.size = len(new[1])
                archive.addfile(info, io.BytesIO(new[1]))
    return target


def flip(name: str) -> Callable[[str, bytes], tuple[str, bytes] | None]:
    return lambda n, c: (n, c[:-1] + bytes([c[-1] ^ 1])) if n == name else (n, c)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (flip("lotkeeper/provision/ca.key"), "ca.key is missing or damaged"),
        (flip("store/gateway.db"), "store/gateway.db is missing or damaged"),
        (lambda n, c: None if n == "lotkeeper/tls/ca.crt" else (n, c), "ca.crt is missing"),
        (lambda n, c: None if n == "MANIFEST.json" else (n, c), "has no MANIFEST.json"),
        (lambda n, c: ("../evil", c) if n.endswith("ca.crt") else (n, c), "no place in a backup"),
        (lambda n, c: ("/tmp/evil", c) if n.endswith("ca.crt") else (n, c), "no place in a backup"),
        (lambda n, c: ("lotkeeper/more", c) if n.endswith("ca.crt") else (n, c), "more is not in"),
    ],
)
def test_a_damaged_backup_restores_nothing(
    living: Living, change: Callable[[str, bytes], tuple[str, bytes] | None], words: str
) -> None:
    backup = rewritten(living.made(), change)
    living.lose()
    result = living.lot.run("restore", backup)
    assert (result.exit_code, words in result.output) == (1, True), result.output
    assert not living.lot.places.root.exists()
    assert not list(living.lot.folder.glob(".restore*"))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_cut_off_backup_restores_nothing(living: Living, share: float) -> None:
    backup = living.made()
    content = backup.read_bytes()
    backup.write_bytes(content[: int(len(content) * share)])
    living.lose()
    result = living.lot.run("restore", backup)
    assert (result.exit_code, str(backup) in result.output) == (1, True), result.output
    assert not living.lot.places.root.exists()


def test_the_usual_folder_keeps_the_newest(living: Living) -> None:
    folder = living.folder / "var" / "backups"
    folder.mkdir()
    for day in range(1, 5):
        (folder / f"lotkeeper-north-2026010{day}T000000Z.tar.gz").write_bytes(b"old")
    (folder / "lotkeeper-south-20260101T000000Z.tar.gz").write_bytes(b"another lot's")
    assert living.backup("--keep", 2).exit_code == 0
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 3
    assert names[0] == "lotkeeper-north-20260104T000000Z.tar.gz"
    assert "south" in names[-1]


def test_standard_output_is_a_stream_of_it(living: Living) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lotkeeper", "gateway", "backup", "-c", str(living.config),
         "--to", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        assert {"MANIFEST.json", "store/gateway.db"} <= set(archive.getnames())


def test_who_may_not_read_the_keys_backs_up_the_rest_and_says_so(living: Living) -> None:
    living.lot.places.ca_key.unlink()
    living.lot.places.ca_key.symlink_to("/proc/self/mem")  # whose reading fails, for root too
    result = living.backup("--to", living.folder)
    assert result.exit_code == 0
    assert "without lotkeeper/provision/ca.key: " in result.output


def test_no_configuration_is_bad_usage(tmp_path: Path) -> None:
    result = run("backup", "-c", tmp_path / "none.toml")
    assert (result.exit_code, "none.toml" in result.output) == (2, True)
