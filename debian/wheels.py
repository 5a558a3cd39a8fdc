"""The wheels of a role's lock: fetched with their hashes checked, unpacked without running any."""

import hashlib
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name, parse_wheel_filename

from debian.target import Target

LEFT_OUT = {
    "lgpio": "apt's python3-lgpio is for this Python and this kernel",
    "pip": "sqlite-utils names it for a command of its own that installs plug-ins",
    "setuptools": "gpiozero names it for old Pythons",
}
ENTRY = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\$"
)


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel's file; its name, version and hash are of the file itself."""

    path: Path

    @property
    def name(self) -> str:
        """Normalised."""
        return canonicalize_name(parse_wheel_filename(self.path.name)[0])

    @property
    def version(self) -> str:
        """Of the distribution."""
        return str(parse_wheel_filename(self.path.name)[1])

    @property
    def sha256(self) -> str:
        """One of those that the lock allows."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def licence(self) -> str:
        """As its metadata says."""
        with zipfile.ZipFile(self.path) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            fields = HeaderParser().parsestr(archive.read(name).decode())
        told = fields.get("License-Expression") or fields.get("License") or ""
        classified = [
            value.rpartition(" :: ")[2]
            for value in fields.get_all("Classifier", [])
            if value.startswith("License ::")
        ]
        return told if 0 < len(told) < 60 else ", ".join(classified) or "see its dist-info"

    def unpack(self, site: Path) -> None:
        """Into a site-packages. Raises ValueError where a wheel wants to be elsewhere too."""
        with zipfile.ZipFile(self.path) as archive:
            for name in archive.namelist():
                top, _, rest = name.partition("/")
                if name.startswith("/") or ".." in name.split("/"):
                    raise ValueError(f"{self.path.name}: {name} leaves its folder")
                if not top.endswith(".data"):
                    archive.extract(name, site)
                elif rest.startswith(("purelib", "platlib")):
                    raise ValueError(f"{self.path.name}: {name} belongs elsewhere")
                # else a script or a manual page: the command is `lotkeeper` alone


def entries(lock: str, target: Target) -> dict[str, str]:
    """A lock's entries for the target, each with its hashes, by name.

    Raises ValueError where a line is understood by nobody: it must not be dropped in silence.
    """
    found: dict[str, str] = {}
    name = ""
    for line in lock.splitlines():
        if entry := ENTRY.match(line):
            name = canonicalize_name(entry["name"])
            marker = entry["marker"]
            if name in LEFT_OUT or (marker and not Marker(marker).evaluate(dict(target.markers))):
                name = ""
            else:
                found[name] = f"{entry['name']}=={entry['version']} \\\n"
        elif line.startswith("    --hash="):
            found |= {name: found[name] + line + "\n"} if name else {}
        elif line.strip() and not line.lstrip().startswith("#"):
            raise ValueError(f"a lock's line that is not understood: {line}")
    return found


def fetch(lock: Path, target: Target, cache: Path) -> list[Wheel]:
    """Every wheel of a lock that the target needs, in `cache`. Raises CalledProcessError."""
    wanted = entries(lock.read_text(), target)
    folder = cache / lock.stem
    if {each.name for each in _good(folder, wanted)} != set(wanted):
        _download(wanted, target, folder)
    return _good(folder, wanted)


def _good(folder: Path, wanted: dict[str, str]) -> list[Wheel]:
    """Those whose hash the lock names: the cache may hold older ones too."""
    wheels = [Wheel(path) for path in sorted(folder.glob("*.whl"))]
    return [each for each in wheels if f"sha256:{each.sha256}" in wanted.get(each.name, "")]


def _download(wanted: dict[str, str], target: Target, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(wanted.values()))
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation=cp"]
    options += [f"--python-version={target.suite.python}"]
    options += [f"--platform={tag}" for tag in target.platforms]
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "download"]
    command = [*pip, *options, f"--dest={folder}", f"--requirement={requirements}"]
    subprocess.run(command, check=True)
