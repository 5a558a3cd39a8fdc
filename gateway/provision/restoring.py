"""A backup, put back into an empty place: all of it checked before any of it is there."""

import hashlib
import os
import shutil
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from gateway.config import GatewaySettings
from gateway.ownership import give_back
from gateway.provision import ca, register
from gateway.provision.backup import (
    FOLDER,
    MANIFEST,
    STORE,
    Manifest,
    NotBackedUp,
    read_manifest,
)
from gateway.provision.files import NotWritten
from gateway.store import MIGRATIONS, GatewayStore
from gateway.tools.reading import Unreadable, reading
from gateway.tools.verify import verify
from runtime.config import ConfigError, load


class NotRestored(Exception):
    """Nothing was put back; the text has a line for each reason."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What is there now."""

    manifest: Manifest
    folder: Path
    store: Path | None


def restore(backup: Path, folder: Path) -> Restored:
    """Check a backup and put it into `folder`, and its store where its configuration says.

    Raises NotRestored; then nothing has changed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".restore.") as name:
        staged = Path(name)
        manifest = _unpacked(backup, staged)
        config = staged / FOLDER / "gateway.toml"
        if faults := _faults(staged, manifest, config):
            raise NotRestored("\n".join(f"{backup}: {each}" for each in faults))
        settings = load(config, GatewaySettings).store
        store = settings.path
        _must_be_empty(folder, store)
        has_store = (staged / STORE).exists()
        if has_store:
            _begin_epoch(staged / STORE, settings.limit_bytes)
            store.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(staged / STORE, store)
            give_back(store)
        _move(staged / FOLDER, folder)
    return Restored(manifest, folder, store if has_store else None)


def _begin_epoch(store: Path, limit_bytes: int) -> None:
    opened = GatewayStore(store, limit_bytes)
    with opened.transaction():
        opened.devices.begin_epoch()
    opened.close()


def _move(staged: Path, folder: Path) -> None:
    """File by file: the package has made some of the folders, with owners of their own."""
    for path in sorted(staged.rglob("*")):
        to = folder / path.relative_to(staged)
        if path.is_dir():
            to.mkdir(parents=True, exist_ok=True)
        else:
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, to)


def _unpacked(backup: Path, staged: Path) -> Manifest:
    """The files of a backup, each as its manifest has it."""
    try:
        with tarfile.open(backup, "r:gz") as archive:
            for member in archive:
                _unpack(archive, member, staged)
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        raise NotRestored(f"{backup}: {error}; it is no backup, or a damaged one") from None
    if not (staged / MANIFEST).is_file():
        raise NotRestored(f"{backup}: it has no {MANIFEST}: no backup, or one that was cut off")
    try:
        return read_manifest((staged / MANIFEST).read_bytes())
    except NotBackedUp as error:
        raise NotRestored(f"{backup}: {error}") from None


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, staged: Path) -> None:
    """A file, nothing else, and below the folder: whatever the archive says."""
    path, content = staged / member.name, archive.extractfile(member)
    if content is None or ".." in Path(member.name).parts or not path.is_relative_to(staged):
        raise tarfile.TarError(f"{member.name} has no place in a backup")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        shutil.copyfileobj(content, file)


def _faults(staged: Path, manifest: Manifest, config: Path) -> list[str]:
    found = {str(path.relative_to(staged)) for path in staged.rglob("*") if path.is_file()} - {
        MANIFEST
    }
    faults = [f"{name} is not in its manifest" for name in found - manifest.files.keys()]
    for name, kept in manifest.files.items():
        path = staged / name
        if name not in found or _digest(path) != kept.sha256:
            faults.append(f"{name} is missing or damaged")
            continue
        os.chmod(path, kept.mode)
    return faults or _unfit(staged, config)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unfit(staged: Path, config: Path) -> list[str]:
    """What is whole and yet no good: a configuration, a CA, a register, a store."""
    faults: list[str] = []
    try:
        load(config, GatewaySettings)
        register.read(staged / FOLDER / "provision" / "identities.json")
        _check_ca(staged / FOLDER)
        if (staged / STORE).exists():
            limit_bytes = load(config, GatewaySettings).store.limit_bytes
            faults += [
                f"the store: {fault}" for fault in _store_faults(staged / STORE, limit_bytes)
            ]
    except (ConfigError, NotWritten, Unreadable, ValueError) as error:
        faults.append(str(error))
    return faults


def _store_faults(store: Path, limit_bytes: int) -> list[str]:
    """What an older release wrote is brought to this one first, as its gateway would at a start."""
    with reading(store) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
    if version < len(MIGRATIONS):
        opened = GatewayStore(store, limit_bytes)
        opened.close()
        if opened.damaged:
            return ["damaged when it was backed up; `gateway buffer salvage` can read some of it"]
    return verify(store).faults


def _check_ca(folder: Path) -> None:
    certificate, key = folder / "tls" / "ca.crt", folder / "provision" / "ca.key"
    if certificate.exists() and key.exists():
        known = x509.load_pem_x509_certificate(certificate.read_bytes())
        if known.public_key() != ca.load_key(key.read_bytes()).public_key():
            raise ValueError("ca.key is not the key of ca.crt")


def _must_be_empty(folder: Path, store: Path) -> None:
    there = [folder / name for name in ("gateway.toml", "tls", "provision")]
    if found := [str(path) for path in [*there, store] if _is_taken(path)]:
        raise NotRestored(
            f"there is something already: {', '.join(found)}. A backup is restored into an empty "
            "place: move these aside first"
        )


def _is_taken(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()
