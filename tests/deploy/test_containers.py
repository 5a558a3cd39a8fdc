"""Container files: what they copy is enough to run, and what they install is what the locks pin.

No image is built (docs/decisions/0015): the rooms that an image gets are laid out in a folder, and
every module of its role is imported there, by this environment's libraries.
"""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
FILES = sorted((REPO / "deploy/containers").glob("*.Containerfile"))
OURS = [path for path in FILES if path.stem != "spark"]
NOT_OF_THE_ROLE = ("spark", "testing", "seed", "seeded_past", "seeded_days", "seeded_lots")
"""Modules that need another extra, or are for tests and demonstrations ..."""
TOOLS = REPO / "cloud/terraform"
"""... and tools of the repository, which no role runs."""


def stages(path: Path) -> list[list[tuple[str, str]]]:
    """(instruction, words) of each stage."""
    text = re.sub(r"\\\n\s*", "", "".join(_told(path)))
    found: list[list[tuple[str, str]]] = []
    for line in filter(None, text.split("\n")):
        instruction, _, words = line.partition(" ")
        if instruction == "FROM":
            found.append([])
        if found:
            found[-1].append((instruction, words.strip()))
    return found


def _told(path: Path) -> list[str]:
    lines = path.read_text().splitlines(keepends=True)
    return [line for line in lines if not line.startswith("#")]


def rooms(path: Path) -> list[str]:
    """What of this repository the image gets."""
    copied = [words.split() for stage in stages(path) for how, words in stage if how == "COPY"]
    return [words[0] for words in copied if len(words) == 2 and "/" not in words[0]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
class TestFile:
    def test_copies_what_there_is(self, path: Path) -> None:
        for stage in stages(path):
            for how, words in stage:
                if how == "COPY" and not words.startswith("--from"):
                    assert (REPO / words.split()[0]).exists(), words

    def test_installs_by_hashes_alone(self, path: Path) -> None:
        runs = [words for stage in stages(path) for how, words in stage if how == "RUN"]
        installs = [words for words in runs if re.search(r"pip.* install ", words)]
        assert installs
        for words in installs:
            assert {"--require-hashes", "--requirement", "--only-binary"} <= set(words.split())

    def test_is_not_run_by_root(self, path: Path) -> None:
        (*_, user) = [words for how, words in stages(path)[-1] if how == "USER"]
        assert user in ("10001:10001", "hadoop:hadoop")

    def test_holds_no_secret_and_no_address(self, path: Path) -> None:
        assert not re.search(r"://|(?i:password|token|secret)", "".join(_told(path)))


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
class TestImage:
    def test_tools_of_the_build_stay_behind(self, path: Path) -> None:
        built, image = stages(path)
        assert not [words for how, words in image if how == "RUN"]
        assert [words for how, words in image if words.startswith("--from=libraries")]
        assert built[0][1].endswith("AS libraries")

    def test_holds_all_that_its_role_imports(self, path: Path, tmp_path: Path) -> None:
        role = path.stem
        names = [
            ".".join(each.relative_to(REPO).with_suffix("").parts).removesuffix(".__init__")
            for each in sorted((REPO / role).rglob("*.py"))
            if each.stem not in NOT_OF_THE_ROLE and TOOLS not in each.parents
        ]
        assert len(names) > 20
        asked = "; ".join(f"import {name}" for name in [*names, "lotkeeper.__main__"])
        shown = f"{asked}; print(*{{m.partition('.')[0] for m in sys.modules}})"
        loaded = alone(path, tmp_path, "-c", f"import sys; {shown}").split()
        packages = {each.name for each in REPO.iterdir() if (each / "__init__.py").exists()}
        assert set(loaded) & packages <= set(rooms(path))

    def test_runs_its_command(self, path: Path, tmp_path: Path) -> None:
        entry = dict(stages(path)[-1])["ENTRYPOINT"]
        assert entry == f'["python", "-m", "lotkeeper", "{path.stem}"]'
        assert "Usage" in alone(path, tmp_path, "-m", "lotkeeper", path.stem, "--help")


def test_the_image_of_jobs_does_a_backfill(tmp_path: Path) -> None:
    """By the engine that needs no Spark; PySpark is the base's."""
    (jobs,) = [path for path in FILES if path not in OURS]
    file = tmp_path / "stays.csv"
    file.write_text("BayId,DepartureTime,duration\nA,2019-01-06 13:00:00,30\n")
    words = ("cloud", "backfill", "melbourne", str(file), "--lake", str(tmp_path / "lake"))
    assert "1 kept" in alone(jobs, tmp_path, "-m", "lotkeeper", *words)


def alone(path: Path, folder: Path, *words: str) -> str:
    """What Python prints that finds our code in the image's rooms alone."""
    for room in rooms(path):
        (folder / room).symlink_to(REPO / room)
    libraries = sysconfig.get_paths()["purelib"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{folder}:{libraries}"}
    # Without `site`: it would put this repository on the path.
    run = subprocess.run(
        [sys.executable, "-S", *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return run.stdout
