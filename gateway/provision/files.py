"""Files that are to be written: shown first if wanted, then swapped in one by one."""

import os
import pwd
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

SECRET = 0o600
PUBLIC = 0o644


class NotWritten(Exception):
    """A file cannot be written; the text names it and the mend."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A file as it is to be. `owner` counts where root writes and such a user exists."""

    path: Path
    content: bytes = field(repr=False)
    mode: int = PUBLIC
    owner: str | None = None

    @property
    def secret(self) -> bool:
        """Whether others may not see it, on a screen neither."""
        return not self.mode & 0o077

    @property
    def state(self) -> str:
        """`create`, `change` or `keep`."""
        try:
            there = self.path.stat()
            same = self.path.read_bytes() == self.content
        except FileNotFoundError:
            return "create"
        except OSError as error:
            raise NotWritten(f"{self.path}: {error.strerror}; run this as root") from None
        uid = _uid(self.owner)
        same = same and there.st_mode & 0o777 == self.mode and uid in (None, there.st_uid)
        return "keep" if same else "change"


def write(planned: Iterable[Planned]) -> list[Planned]:
    """Swap in what differs, in order; answers what was written. Raises NotWritten."""
    changed = [each for each in planned if each.state != "keep"]
    for each in changed:
        try:
            _swap(each)
        except OSError as error:
            raise NotWritten(
                f"{each.path}: {error.strerror}; run this as root, or choose another --dir"
            ) from error
    return changed


def shown(planned: Iterable[Planned]) -> str:
    """What `write` would do, with each file's text; secrets are named and not shown."""
    return "\n".join(_shown(each) for each in planned)


def _shown(each: Planned) -> str:
    head = f"--- {each.state} {each.path} (mode {each.mode:o})"
    if each.secret:
        return f"{head}: secret, not shown"
    return head if each.state == "keep" else f"{head}\n{each.content.decode()}"


def _swap(planned: Planned) -> None:
    """Write beside the file, sync, rename: a power cut leaves the old file or the new one."""
    folder = planned.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{planned.path.name}.")  # mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(planned.content)
            file.flush()
            uid = _uid(planned.owner)
            if uid not in (None, os.geteuid()):
                os.fchown(file.fileno(), uid, -1)
            os.fchmod(file.fileno(), planned.mode)
            os.fsync(file.fileno())
        os.replace(name, planned.path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _uid(owner: str | None) -> int | None:
    """The user to give a file to; None where that is not ours to do."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(owner).pw_uid if owner else 0
    except KeyError:
        return None
