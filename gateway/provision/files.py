"""Files that are to be written: shown first if wanted, then swapped in one by one."""

import grp
import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

SECRET = 0o600
PUBLIC = 0o644
NOBODY = 65534
"""What others' files are of for a service with PrivateUsers=: their owners are hidden from it
(user_namespaces(7))."""


class NotWritten(Exception):
    """A file cannot be written; the text names it and the mend."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A file as it is to be, root's where root writes. The members of `group` may read it too,
    where there is such a group: a service's, which has no business to change it.
    """

    path: Path
    content: bytes = field(repr=False)
    mode: int = PUBLIC
    group: str | None = None

    @property
    def secret(self) -> bool:
        """Whether others may not see it, on a screen neither."""
        return not self.mode & 0o077

    @property
    def gid(self) -> int | None:
        """The group that may read it; None where that is not ours to say."""
        return _gid(self.group) if self.group else None

    @property
    def bits(self) -> int:
        """The file's mode in the end."""
        return self.mode | 0o040 if self.gid is not None else self.mode

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
        same = same and there.st_mode & 0o777 == self.bits
        return "keep" if same and self._is_whose(there) else "change"

    def _is_whose(self, there: os.stat_result) -> bool:
        """The group's own service may have written it; all else is root's."""
        if self.gid is not None:
            return there.st_gid in (self.gid, NOBODY)
        return os.geteuid() != 0 or there.st_uid == 0


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
    head = f"--- {each.state} {each.path} (mode {each.bits:o})"
    if each.secret:
        return f"{head}: secret, not shown"
    return head if each.state == "keep" else f"{head}\n{each.content.decode()}"


def _swap(planned: Planned) -> None:
    """Write beside the file, sync, rename: a power cut leaves the old file or the new one."""
    folder = planned.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    if planned.gid is not None:
        _share(folder, planned.gid)
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{planned.path.name}.")  # mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(planned.content)
            file.flush()
            os.fchmod(file.fileno(), planned.bits)
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


def _share(folder: Path, gid: int) -> None:
    """New files in it are of the group: no writer needs the right to give files away."""
    there = folder.stat()
    if there.st_gid not in (gid, NOBODY) or not there.st_mode & stat.S_ISGID:
        os.chown(folder, -1, gid)
        folder.chmod(stat.S_IMODE(there.st_mode) | stat.S_ISGID)


def _gid(group: str) -> int | None:
    """Root's and the group's own to use; None for others, or where there is no such group."""
    try:
        gid = grp.getgrnam(group).gr_gid
    except KeyError:
        return None
    return gid if os.geteuid() == 0 or os.getegid() == gid else None
