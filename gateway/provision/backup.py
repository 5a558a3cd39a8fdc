"""A lot in one file, and back: its configuration, CA, register, and the gateway's store.

    lotkeeper-LOT-TIME.tar.gz
        MANIFEST.json     of which lot, when, by whom; each file's SHA-256; what could not be read
        lotkeeper/...     what is below the lot's folder
        store/gateway.db  the store, by SQLite's online backup: one moment of a running gateway

The broker's files are not in it: `lotkeeper gateway init` makes them from these. Whoever has a
backup with the CA's key can make identities of the lot: its mode is 600, keep it like a key.
"""

import hashlib
import io
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import AwareDatetime, BaseModel, ValidationError

from gateway.config import GatewaySettings
from gateway.provision.files import SECRET
from gateway.tools.reading import Unreadable, reading
from lotkeeper import __version__
from runtime.config import load

MANIFEST = "MANIFEST.json"
FOLDER = "lotkeeper"
STORE = "store/gateway.db"
KEPT = ("tls", "provision")
"""Below the lot's folder, beside the configuration. Other files there are not ours."""
PAGES_A_STEP = 1000
"""Between steps the running gateway may write."""


class NotBackedUp(Exception):
    """No backup was made; the text says why."""


class Kept(BaseModel):
    """One file of a backup."""

    sha256: str
    mode: int


class Manifest(BaseModel):
    """What a backup says of itself. `without` names what could not be read, with the reason."""

    lot_id: str
    facility_id: str
    made: AwareDatetime
    version: str
    folder: str
    store: str
    files: dict[str, Kept] = {}
    without: dict[str, str] = {}


@dataclass(slots=True)
class Made:
    """A backup that was made."""

    manifest: Manifest
    path: Path | None
    removed: list[Path] = field(default_factory=list)


def back_up(config: Path, now: datetime, to: Path | BinaryIO | None, keep: int) -> Made:
    """Write a backup: to a folder or file, a stream, or the folder `backups` beside the store.

    Of those in that folder the newest `keep` stay. Raises ConfigError, NotBackedUp, OSError.
    """
    settings = load(config, GatewaySettings)
    manifest = Manifest(
        lot_id=settings.lot_id,
        facility_id=settings.facility_id,
        made=now,
        version=__version__,
        folder=str(config.absolute().parent),
        store=str(settings.store.path),
    )
    if to is not None and not isinstance(to, Path):
        _write(to, config, settings, manifest)
        return Made(manifest, None)
    folder = to or settings.store.path.parent / "backups"
    name = f"lotkeeper-{settings.lot_id}-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    path = folder if to and to.name.endswith(".tar.gz") else folder / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _new_file(path) as file:
        _write(file, config, settings, manifest)
    others = [] if to else sorted(folder.glob(f"lotkeeper-{settings.lot_id}-*.tar.gz"))[:-keep]
    for each in others:
        each.unlink()
    return Made(manifest, path, others)


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Renamed to `path` when it is complete and on the disk."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".backup.")  # mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write(stream: BinaryIO, config: Path, settings: GatewaySettings, manifest: Manifest) -> None:
    with tarfile.open(fileobj=stream, mode="w|gz") as archive:
        for name, path in _files(config):
            try:
                content = path.read_bytes()
            except OSError as error:
                manifest.without[name] = error.strerror or str(error)
                continue
            _add(archive, manifest, name, content, path.stat().st_mode & 0o777)
        _add_store(archive, manifest, settings.store.path)
        _add(archive, manifest, MANIFEST, manifest.model_dump_json(indent=1).encode(), SECRET)


def _files(config: Path) -> Iterator[tuple[str, Path]]:
    """Names in the archive, and files. A folder that cannot be looked into stands for itself."""
    yield f"{FOLDER}/gateway.toml", config
    for kept in KEPT:
        start = config.parent / kept
        if start.is_dir() and not os.access(start, os.R_OK | os.X_OK):
            yield f"{FOLDER}/{kept}", start
        for path in sorted(start.rglob("*")):
            if path.is_file() and path.suffix != ".lock":
                yield f"{FOLDER}/{path.relative_to(config.parent)}", path


def _add(
    archive: tarfile.TarFile, manifest: Manifest, name: str, content: bytes, mode: int
) -> None:
    manifest.files[name] = Kept(sha256=hashlib.sha256(content).hexdigest(), mode=mode)
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    archive.addfile(info, io.BytesIO(content))


def _add_store(archive: tarfile.TarFile, manifest: Manifest, store: Path) -> None:
    """A copy of one moment goes to a file first: a tar must know its length."""
    if not store.exists():
        manifest.without[STORE] = "there is none yet"
        return
    with tempfile.NamedTemporaryFile(dir=store.parent, prefix=".backup.") as file:
        try:
            _copy(store, Path(file.name))
        except (Unreadable, sqlite3.Error) as error:
            raise NotBackedUp(f"{store}: {error}") from error
        with Path(file.name).open("rb") as copy:
            digest = hashlib.file_digest(copy, "sha256").hexdigest()
            manifest.files[STORE] = Kept(sha256=digest, mode=SECRET)
            info = tarfile.TarInfo(STORE)
            info.size, info.mode = copy.seek(0, os.SEEK_END), SECRET
            copy.seek(0)
            archive.addfile(info, copy)


def _copy(store: Path, copy: Path) -> None:
    with reading(store) as source, closing(sqlite3.connect(copy)) as target:
        target.execute("PRAGMA synchronous = OFF")  # it is thrown away where power fails
        source.backup(target, pages=PAGES_A_STEP, sleep=0.01)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it


def read_manifest(content: bytes) -> Manifest:
    """Raises NotBackedUp where it is none."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise NotBackedUp(f"{MANIFEST}: {error.errors()[0]['msg']}") from None
