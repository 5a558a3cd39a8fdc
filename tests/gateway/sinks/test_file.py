import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.sinks import ACCEPTED, Outgoing, SinkError, Verdict
from gateway.sinks.file import Config, Sink
from gateway.sinks.testing import SinkContract, make_record

REPO = Path(__file__).parents[3]
DAY = date(2024, 3, 20)


def files(path: Path) -> list[Path]:
    return sorted(path.glob("*.jsonl"))


def lines(path: Path) -> list[dict[str, Any]]:
    """Every record in order; fails on a torn line."""
    return [json.loads(line) for file in files(path) for line in file.read_text().splitlines()]


def store_seqs(path: Path) -> list[int]:
    return [line["store_seq"] for line in lines(path)]


class FileLimit:
    """The system refuses to let files grow: what a full disk does, without one."""

    def __init__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def set(self, size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, self._before[1]))

    def lift(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@pytest.fixture
def limit() -> Iterator[FileLimit]:
    limit = FileLimit()
    yield limit
    limit.lift()


class FileRig:
    poison = Outgoing(2, "lot/A2", b'{"torn": ')

    def __init__(self, path: Path, limit: FileLimit) -> None:
        self._path = path
        self._limit = limit
        self.sink = Sink(Config(path=path))

    def taken(self) -> list[dict[str, Any]]:
        return lines(self._path)

    def break_upstream(self) -> None:
        self._limit.set(files(self._path)[-1].stat().st_size + 10)

    def mend_upstream(self) -> None:
        self._limit.lift()


class TestContract(SinkContract):
    @pytest.fixture
    def rig(self, tmp_path: Path, limit: FileLimit) -> Iterator[FileRig]:
        rig = FileRig(tmp_path / "out", limit)
        yield rig
        rig.sink.close()


def reopened(path: Path, **options: Any) -> Sink:
    sink = Sink(Config(path=path, **options), today=lambda: DAY)
    sink.open()
    return sink


@pytest.mark.parametrize("payload", [b"{}", b' {"a": 1}\n', b'{"a":\r\n{}}', b'{"store_seq": 99}'])
def test_store_seq_is_spliced_into_one_line(tmp_path: Path, payload: bytes) -> None:
    reopened(tmp_path).send([Outgoing(7, "lot/A1", payload)])
    (line,) = lines(tmp_path)
    assert line == {**json.loads(payload), "store_seq": 7}


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b"{", b'{"a":"\xff"}', b"[" * 100_000])
def test_what_is_no_object_is_rejected(tmp_path: Path, payload: bytes) -> None:
    answers = reopened(tmp_path).send([Outgoing(1, "lot/A1", payload), make_record(2)])
    assert [answer.verdict for answer in answers] == [Verdict.REJECTED, Verdict.ACCEPTED]
    assert store_seqs(tmp_path) == [2]


@pytest.mark.parametrize("umask", [0, 0o077])
def test_the_owner_may_read_and_the_group_where_the_umask_lets_it(
    tmp_path: Path, umask: int
) -> None:
    path = tmp_path / "out"
    before = os.umask(umask)
    try:
        reopened(path).send([make_record(1)])
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o750 & ~umask
    assert files(path)[0].stat().st_mode & 0o777 == 0o640 & ~umask


def test_records_offered_again_are_written_once(tmp_path: Path) -> None:
    sink = reopened(tmp_path)
    sink.send([make_record(1), make_record(2)])
    assert sink.send([make_record(2), make_record(3)]) == [ACCEPTED, ACCEPTED]
    sink.close()
    reopened(tmp_path).send([make_record(n) for n in range(1, 5)])
    assert store_seqs(tmp_path) == [1, 2, 3, 4]


def test_snapshots_are_written_each_time_and_move_no_place(tmp_path: Path) -> None:
    for _ in range(2):
        sink = reopened(tmp_path)
        sink.send([make_record(5), make_record(-1)])
        sink.close()
    assert store_seqs(tmp_path) == [5, -1, -1]


def test_replaced_store_starts_anew(tmp_path: Path) -> None:
    sink = reopened(tmp_path)
    sink.send([make_record(5), make_record(1, store_id="s2")])
    sink.close()
    sink = reopened(tmp_path)
    sink.send([make_record(1, store_id="s2"), make_record(2, store_id="s2")])
    assert [(r["store_id"], r["store_seq"]) for r in lines(tmp_path)] == [
        ("s1", 5),
        ("s2", 1),
        ("s2", 2),
    ]


def test_without_a_store_id_a_repeat_is_better_than_a_loss(tmp_path: Path) -> None:
    sink = reopened(tmp_path)
    for _ in range(2):
        sink.send([Outgoing(1, "lot/A1", b'{"a":1}')])
    assert store_seqs(tmp_path) == [1, 1]


@pytest.mark.parametrize(
    "torn",
    [
        b'{"store_id":"s1","store_s',
        b"\0" * 4096,
        b'{"store_id":"s1","store_seq":2}\n' + b"\0" * 100 + b'\n{"store_seq":9}\n',
        b'{"store_id":"s1","store_\n',
        b'{"store_id":"s1","store_seq":2}\n\0\0\n\n',
    ],
)
def test_torn_end_is_cut_away(tmp_path: Path, torn: bytes) -> None:
    sink = reopened(tmp_path)
    sink.send([make_record(1)])
    sink.close()
    with files(tmp_path)[0].open("ab") as file:
        file.write(torn)
    reopened(tmp_path).send([make_record(n) for n in range(1, 5)])
    assert store_seqs(tmp_path) == [1, 2, 3, 4]


def test_place_is_found_in_an_earlier_file(tmp_path: Path) -> None:
    sink = reopened(tmp_path)
    sink.send([make_record(7)])
    sink.close()
    (tmp_path / "00000002-2024-03-21.jsonl").touch()
    reopened(tmp_path).send([make_record(7), make_record(8)])
    assert store_seqs(tmp_path) == [7, 8]


def test_begins_a_file_by_size(tmp_path: Path) -> None:
    sink = reopened(tmp_path, max_bytes=4096)
    for seq in range(1, 31):
        sink.send([make_record(seq, fill="x" * 500)])
    sizes = [file.stat().st_size for file in files(tmp_path)]
    assert max(sizes) <= 4096
    assert len(sizes) == 5
    assert store_seqs(tmp_path) == list(range(1, 31))


def test_begins_a_file_by_day(tmp_path: Path) -> None:
    days = iter([DAY] * 4 + [date(2024, 3, 21)] * 4)
    sink = Sink(Config(path=tmp_path), today=lambda: next(days))
    sink.send([make_record(1)])
    sink.send([make_record(2)])
    for seq in range(3, 6):
        sink.send([make_record(seq)])
    assert [file.name for file in files(tmp_path)] == [
        "00000001-2024-03-20.jsonl",
        "00000002-2024-03-21.jsonl",
    ]
    assert store_seqs(tmp_path) == [1, 2, 3, 4, 5]


def test_keeps_the_newest_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    sink = reopened(tmp_path, max_bytes=4096, keep=2)
    for seq in range(1, 31):
        sink.send([make_record(seq, fill="x" * 500)])
    assert len(files(tmp_path)) == 2
    assert store_seqs(tmp_path)[-1] == 30
    assert (tmp_path / "notes.txt").exists()


def test_second_writer_is_refused(tmp_path: Path) -> None:
    sink = reopened(tmp_path)
    with pytest.raises(SinkError, match="another process writes") as caught:
        reopened(tmp_path)
    assert "`path`" in caught.value.hint
    sink.close()
    reopened(tmp_path)


def test_disk_that_refuses_leaves_no_torn_line(tmp_path: Path, limit: FileLimit) -> None:
    sink = reopened(tmp_path)
    sink.send([make_record(1)])
    before = files(tmp_path)[0].stat().st_size
    limit.set(before + 200)  # room for the first two lines of the batch, and a part of the third
    batch = [make_record(n) for n in range(2, 10)]
    with pytest.raises(SinkError) as caught:
        sink.send(batch)
    assert caught.value.retryable
    assert "`max_bytes`" in caught.value.hint
    assert files(tmp_path)[0].stat().st_size == before
    limit.lift()
    sink.send(batch)
    assert store_seqs(tmp_path) == list(range(1, 10))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("inherent: a small file system to fill needs the right to mount")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_full_disk_names_itself_and_recovers(small_disk: Path) -> None:
    sink = reopened(small_disk)
    ballast = small_disk / "ballast"
    sink.send([make_record(1)])
    ballast.write_bytes(b"x" * 40_000)
    batch = [make_record(n, fill="x" * 6000) for n in range(2, 8)]
    with pytest.raises(SinkError, match="No space left") as caught:
        sink.send(batch)
    assert "free space" in caught.value.hint
    assert store_seqs(small_disk) == [1]
    ballast.unlink()
    assert sink.send(batch) == [ACCEPTED] * 6
    sink.close()
    assert store_seqs(small_disk) == list(range(1, 8))


def test_path_that_is_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.touch()
    with pytest.raises(SinkError, match="out: File exists") as caught:
        reopened(path)
    assert "directory" in caught.value.hint


WRITER = """
import sys
from pathlib import Path
from gateway.sinks.file import Config, Sink
from gateway.sinks.testing import make_record
sink = Sink(Config(path=Path(sys.argv[1]), max_bytes=200_000))
sink.open()
start = int(sys.argv[2])
while True:
    sink.send([make_record(n, fill="x" * (n % 997)) for n in range(start, start + 50)])
    start += 50
    print(start, flush=True)
"""


def killed_writer(path: Path, start: int, batches: int) -> int:
    """Write from `start`, be killed amid a batch; the first seq that was never answered for."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(start)], stdout=subprocess.PIPE, cwd=REPO
    )
    assert writer.stdout is not None
    answered = start
    for _ in range(batches):
        answered = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    for line in writer.stdout.read().splitlines():
        answered = int(line)
    writer.wait()
    writer.stdout.close()
    return answered


def test_kill_9_amid_writes_tears_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """After each kill the forwarder's cursor stands behind what was written: it offers again."""
    start = 1
    for batches in (3, 7, 11, 2, 5, 9):
        start = killed_writer(tmp_path, max(1, start - 50), batches)
    sink = Sink(Config(path=tmp_path))
    sink.send([make_record(n) for n in range(start - 50, start + 60)])
    assert store_seqs(tmp_path) == list(range(1, start + 60))
    assert len(files(tmp_path)) > 1
