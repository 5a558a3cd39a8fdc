"""Where the lake lies: a folder or a bucket, behind pyarrow's file systems.

An object appears whole or not at all: a bucket does so by itself; on a disk it is written under a
name that readers pass over, synced, and moved into its place.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from runtime.lake import opened


class Store:
    """The lake under `url`: a folder's path, or `s3://bucket/prefix?region=...`."""

    def __init__(self, url: str) -> None:
        self._fs, self._root = opened(url)
        if isinstance(self._fs, fs.LocalFileSystem):
            Path(self._root).mkdir(parents=True, exist_ok=True)
        self.filesystem = self._fs

    def path(self, name: str) -> str:
        """Of the object `name`, as `filesystem` has it."""
        return f"{self._root}/{name}"

    def put(self, name: str, data: "bytes | memoryview[int]") -> None:
        """Write an object, over one of the same name. Raises OSError."""
        path = self.path(name)
        if not isinstance(self._fs, fs.LocalFileSystem):
            with self._fs.open_output_stream(path) as stream:
                stream.write(data)
            return
        folder = Path(path).parent
        folder.mkdir(parents=True, exist_ok=True)
        unseen = folder / f"_{Path(path).name}.part"
        with unseen.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        unseen.rename(path)
        _sync(folder)

    def put_table(self, name: str, table: pa.Table) -> int:
        """Write `table` as Parquet; its size in bytes. Raises OSError."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        data = sink.getvalue()
        self.put(name, memoryview(data))
        return int(data.size)

    def get(self, name: str) -> bytes:
        """An object's bytes. Raises FileNotFoundError, OSError."""
        with self._fs.open_input_stream(self.path(name), compression=None) as stream:
            return bytes(stream.read())

    def remove(self, name: str) -> None:
        """Let an object go; nothing where it is not there. Raises OSError."""
        try:
            self._fs.delete_file(self.path(name))
        except FileNotFoundError:
            return

    def names(self, prefix: str) -> Iterator[str]:
        """The objects under `prefix`, in order; those whose name begins with _ or . too."""
        selector = fs.FileSelector(self.path(prefix), allow_not_found=True, recursive=True)
        found = (each.path for each in self._fs.get_file_info(selector) if each.is_file)
        yield from sorted(path.removeprefix(f"{self._root}/") for path in found)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
