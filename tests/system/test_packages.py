"""The real packages: built twice the same bytes, and every library in them one of the locks'."""

import json
import subprocess
from pathlib import Path

import pytest

from debian.build import LOCKS, build
from debian.control import PACKAGES
from debian.target import SUITES, Target

REPO = Path(__file__).parents[2]

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


def test_two_builds_give_the_same_bytes(
    suite: str, arch: str, debs: dict[int, list[Path]], tmp_path: Path
) -> None:
    again = build(Target(SUITES[suite], arch), 1, tmp_path)
    assert [path.name for path in again] == [path.name for path in debs[1]]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in debs[1]]


def test_each_sbom_names_what_the_locks_allow(debs: dict[int, list[Path]], tmp_path: Path) -> None:
    locks = "".join((REPO / f"requirements/{n}.txt").read_text() for n in LOCKS.values())
    for path in debs[1]:
        subprocess.run(["dpkg-deb", "--extract", path, tmp_path], check=True)
    listed = list(tmp_path.glob("usr/share/doc/*/sbom.cdx.json"))
    components = [c for path in listed for c in json.loads(path.read_text())["components"]]
    hashes = {each["hashes"][0]["content"] for each in components}
    assert len(listed) == len(PACKAGES)
    assert [each for each in hashes if f"sha256:{each}" not in locks] == []
    unpacked = {path.name for path in tmp_path.glob("usr/lib/lotkeeper/lib/*/*/*.dist-info")}
    assert len(unpacked) == len(components) > 20
