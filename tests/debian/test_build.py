"""The packages: what is chosen from a lock, what a wheel leaves, and the same bytes each time.

`make test-system` installs real ones.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from debian import trees
from debian.build import pack
from debian.control import AGENT, COMMON, CONSOLE, GATEWAY, PACKAGES
from debian.sbom import sbom
from debian.target import SUITES, Target
from debian.wheels import LEFT_OUT, Wheel, entries

REPO = Path(__file__).parents[2]
PI = Target(SUITES["bookworm"], "arm64")
LOCK = """\
# made by a tool
click==8.5.1 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via typer
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:cc
old==1.0 ; python_full_version < '3.13' and platform_machine == 'aarch64' \\
    --hash=sha256:dd
pip==26.3 \\
    --hash=sha256:ee
"""
needs_dpkg = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="inherent: no Debian: dpkg-deb is not there"
)


def wheel(folder: Path, files: dict[str, str]) -> Wheel:
    path = folder / "Some_Thing-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some_thing-1.2.dist-info/METADATA", "Name: x\nLicense-Expression: MIT\n")
        for name, text in files.items():
            archive.writestr(name, text)
    return Wheel(path)


class TestEntries:
    def test_keep_what_the_target_needs_with_its_hashes(self) -> None:
        found = entries(LOCK, PI)
        assert set(found) == {"click", "old"}
        assert found["click"].count("--hash=sha256:") == 2

    def test_follow_the_targets_python(self) -> None:
        assert set(entries(LOCK, Target(SUITES["trixie"], "arm64"))) == {"click"}

    def test_drop_no_line_in_silence(self) -> None:
        with pytest.raises(ValueError, match="not understood"):
            entries("--index https://other.example\n", PI)

    @pytest.mark.parametrize("role", ["agent", "gateway", "console"])
    @pytest.mark.parametrize("suite", SUITES)
    def test_of_our_locks_all_have_hashes(self, role: str, suite: str) -> None:
        found = entries(
            (REPO / f"requirements/{role}.txt").read_text(), Target(SUITES[suite], "arm64")
        )
        assert {"pydantic", "paho-mqtt"} <= set(found)
        assert not set(found) & set(LEFT_OUT)
        assert [name for name, entry in found.items() if "--hash=sha256:" not in entry] == []


class TestWheel:
    def test_is_known_by_its_file(self, tmp_path: Path) -> None:
        made = wheel(tmp_path, {})
        assert (made.name, made.version, made.licence) == ("some-thing", "1.2", "MIT")
        assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()

    def test_brings_modules_and_no_scripts(self, tmp_path: Path) -> None:
        files = {"thing/__init__.py": "", "some_thing-1.2.data/scripts/thing": "#!python"}
        wheel(tmp_path, files).unpack(tmp_path / "site")
        found = {path.name for path in (tmp_path / "site").rglob("*") if path.is_file()}
        assert found == {"__init__.py", "METADATA"}

    @pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "x/../../evil.py"])
    def test_stays_in_its_folder(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ValueError, match="leaves its folder"):
            wheel(tmp_path, {name: ""}).unpack(tmp_path / "site")

    def test_that_belongs_elsewhere_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="belongs elsewhere"):
            wheel(tmp_path, {"x-1.data/platlib/x.so": ""}).unpack(tmp_path / "site")


def test_the_sbom_names_the_wheel_and_its_hash(tmp_path: Path) -> None:
    made = wheel(tmp_path, {})
    text = sbom(AGENT, "1-1", [made], 1_700_000_000)
    (component,) = json.loads(text)["components"]
    assert component["purl"] == "pkg:pypi/some-thing@1.2"
    assert component["hashes"] == [{"alg": "SHA-256", "content": made.sha256}]
    assert text == sbom(AGENT, "1-1", [made], 1_700_000_000)


@pytest.mark.parametrize(
    ("roles", "owner"),
    [
        ((AGENT,), COMMON),  # where there is no other
        ((AGENT, GATEWAY), COMMON),
        ((AGENT, CONSOLE), COMMON),
        ((AGENT, GATEWAY, CONSOLE), COMMON),
        ((GATEWAY,), GATEWAY),
        ((GATEWAY, CONSOLE), GATEWAY),
        ((CONSOLE,), CONSOLE),
    ],
)
def test_a_library_is_in_one_package_of_those_that_need_it(
    tmp_path: Path, roles: tuple[str, ...], owner: str
) -> None:
    made = wheel(tmp_path, {"thing.py": ""})
    folders = {package.name: tmp_path / package.name for package in PACKAGES}
    wheels = {role: [made] if role in roles else [] for role in (AGENT, GATEWAY, CONSOLE)}
    owned = trees.libraries(wheels, PI, folders)
    assert [name for name, wheels in owned.items() if wheels] == [owner]
    assert (folders[owner] / PI.site / "thing.py").exists()


def test_every_unit_is_in_one_package() -> None:
    there = [path.name for path in trees.UNITS.iterdir()]
    listed = [name for package in PACKAGES for name in (*package.units, *package.drop_ins)]
    assert sorted(listed) == sorted(there)
    assert all(set(package.enabled) <= set(package.units) for package in PACKAGES)


def test_our_modules_come_without_those_for_developers(tmp_path: Path) -> None:
    trees.own_modules(tmp_path, PI)
    site = tmp_path / PI.site
    rooms = {path.name for path in site.iterdir()}
    assert {"agent", "gateway", "doctor", "lotkeeper"} <= rooms
    assert not rooms & {"simulator", "proof", "score", "tests"}
    assert (site / "console/pages/static/lotkeeper.css").exists()
    modules = [
        ".".join(path.relative_to(site).with_suffix("").parts)
        for room in ("agent", "gateway", "doctor", "display", "drivers", "spool", "contract")
        for path in (site / room).rglob("*.py")
        if path.stem != "__init__"
    ]
    run = subprocess.run(
        [sys.executable, "-P", "-c", f"import console.app, {', '.join(modules)}"],
        env={
            **os.environ,
            "PYTHONPATH": f"{site}:{site_packages()}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


def site_packages() -> str:
    import typer

    return str(Path(typer.__file__).parents[1])


@needs_dpkg
def test_the_same_bytes_whoever_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made = []
    for umask in (0o022, 0o077):
        before = os.umask(umask)
        try:
            made.append(packed(tmp_path / f"{umask:o}"))
        finally:
            os.umask(before)
    assert made[0].read_bytes() == made[1].read_bytes()


def packed(folder: Path) -> Path:
    """The common package without its libraries."""
    tree = folder / "tree"
    trees.environment(tree, PI)
    trees.shared_files(tree)
    return pack(tree, PACKAGES[0], [], "1.0-1~deb12", PI, folder)


@needs_dpkg
def test_says_what_it_needs(tmp_path: Path) -> None:
    path = packed(tmp_path)
    fields = subprocess.run(["dpkg-deb", "--field", path], capture_output=True, text=True).stdout
    assert "Depends: python3 (>= 3.11), python3 (<< 3.12), libc6 (>= 2.36)" in fields
    scripts = subprocess.run(
        ["dpkg-deb", "--info", path, "postinst"], capture_output=True, text=True
    )
    assert "@" not in scripts.stdout.replace("lotkeeper-gateway@*", "")
