"""The file trees of the packages, before they are packed."""

import os
import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path

from debian.control import AGENT, COMMON, CONSOLE, GATEWAY, Package
from debian.target import Target
from debian.wheels import Wheel

REPO = Path(__file__).parents[1]
UNITS = REPO / "systemd" / "units"
DEVELOPERS = ("bench", "proof", "score", "simulator")
"""Rooms without a process on a Pi. Elsewhere a module may have such a name."""
FAKES = "testing"
"""What rooms have for their tests."""
CLOUD = ("kinesis", "sts", "sso", "sso-oidc", "signin")
"""What is sent to, and what gives credentials: of botocore's 400 services, a Pi needs these."""
COMMAND = """\
#!/bin/sh
# -P: the working directory is no place to import from
exec /usr/lib/lotkeeper/bin/python3 -P -m lotkeeper "$@"
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Lotkeeper

Files: *
Copyright: Lotkeeper contributors
License: MIT
{text}
Comment: The libraries in /usr/lib/lotkeeper have licences of their own: sbom.cdx.json beside this
 names them, each one's .dist-info holds its text.
"""


def libraries(
    wheels: dict[str, list[Wheel]], target: Target, trees: dict[str, Path]
) -> dict[str, list[Wheel]]:
    """Unpack every wheel into the package that it belongs to; answers which those are.

    What an agent needs like another role is the common package's, so that one Pi may have both. The
    console comes onto a gateway, and brings what that has not.
    """
    # Where no gateway runs, the doctor has all there is.
    others = [*wheels[GATEWAY], *wheels[CONSOLE]] or wheels[AGENT]
    shared = _names(wheels[AGENT]) & _names(others)
    there = shared | _names(wheels[GATEWAY])
    owned = {
        COMMON: [each for each in wheels[AGENT] if each.name in shared],
        AGENT: [each for each in wheels[AGENT] if each.name not in shared],
        GATEWAY: [each for each in wheels[GATEWAY] if each.name not in shared],
        CONSOLE: [each for each in wheels[CONSOLE] if each.name not in there],
    }
    for package, mine in owned.items():
        for wheel in mine:
            wheel.unpack(trees[package] / target.site)
    for folder in (trees[GATEWAY] / target.site).glob("boto*/data/*/"):
        if folder.name not in CLOUD:
            shutil.rmtree(folder)
    return owned


def _names(wheels: Iterable[Wheel]) -> set[str]:
    return {each.name for each in wheels}


def environment(tree: Path, target: Target) -> None:
    """A virtual environment as `python3 -m venv` makes it, without its copies and scripts."""
    home = tree / "usr/lib/lotkeeper"
    (home / "bin").mkdir(parents=True)
    (home / "bin/python3").symlink_to(f"/usr/bin/python{target.suite.python}")
    lines = ["home = /usr/bin", "include-system-site-packages = true"]
    (home / "pyvenv.cfg").write_text("\n".join([*lines, f"version = {target.suite.python}", ""]))
    command = tree / "usr/bin/lotkeeper"
    command.parent.mkdir(parents=True, exist_ok=True)
    command.write_text(COMMAND)
    command.chmod(0o755)


def own_modules(tree: Path, target: Target) -> None:
    """Our packages and their data, as pyproject.toml lists them."""
    listed = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["setuptools"]
    for package in listed["packages"]:
        parts = package.split(".")
        if parts[0] not in DEVELOPERS and FAKES not in parts:
            folder = tree / target.site / Path(*parts)
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(REPO.joinpath(*parts).iterdir()):
                if path.suffix == ".py" and path.stem != FAKES:
                    shutil.copyfile(path, folder / path.name)
            for pattern in listed["package-data"].get(package, []):
                for path in REPO.joinpath(*parts).glob(pattern):
                    _put(path, folder / path.relative_to(REPO.joinpath(*parts)))


def shared_files(tree: Path) -> None:
    """Users, folders, settings for a Pi, pages and examples."""
    _put(REPO / "systemd/sysusers.conf", tree / "usr/lib/sysusers.d/lotkeeper.conf")
    _put(REPO / "systemd/tmpfiles.conf", tree / "usr/lib/tmpfiles.d/lotkeeper.conf")
    for path in (REPO / "firmware-config").iterdir():
        _put(path, tree / "usr/share/lotkeeper/firmware-config" / path.name)
    doc = tree / "usr/share/doc" / COMMON
    for path in [*(REPO / "docs").glob("*.md"), REPO / "CHANGELOG.md"]:
        _put(path, doc / path.name)
    for path in (REPO / "docs/examples").iterdir():
        _put(path, doc / "examples" / path.name)


def units(tree: Path, package: Package) -> None:
    """Its units and drop-ins."""
    system = tree / "usr/lib/systemd/system"
    for name in package.units:
        _put(UNITS / name, system / name)
    for name in package.drop_ins:
        for path in (UNITS / name).iterdir():
            _put(path, system / name / path.name)


def scripts(tree: Path, package: Package) -> None:
    """What dpkg runs, with this package's names in it."""
    values = {
        "@NAME@": package.name,
        "@ENABLED@": " ".join(package.enabled),
        "@UNITS@": " ".join(each for each in package.units if "@" not in each),
    }
    for path in (REPO / "debian/scripts").iterdir():
        text = path.read_text()
        for key, value in values.items():
            text = text.replace(key, value)
        to = tree / "DEBIAN" / path.name
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text)
        to.chmod(0o755)


def copyright_of(tree: Path, package: Package) -> None:
    """Whose it is."""
    lines = (REPO / "LICENSE").read_text().strip().splitlines()
    path = tree / "usr/share/doc" / package.name / "copyright"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(COPYRIGHT.format(text="\n".join(f" {line or '.'}" for line in lines)))


def settle(tree: Path, epoch: int) -> None:
    """Modes and times that do not depend on who builds, and when."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def size_kb(tree: Path) -> int:
    """What it takes when installed."""
    files: Iterable[Path] = (path for path in tree.rglob("*") if path.is_file())
    return sum(path.lstat().st_size // 1024 + 1 for path in files)


def _put(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, to)
