"""`make deb`: the Debian packages of `debian.control`, the same bytes each time.

The wheels are those whose hashes the locks hold; times are those of the last commit, or of
SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/). Another processor's
packages are built here too: nothing of them is run.
"""

import argparse
import os
import shutil
import subprocess
from pathlib import Path

from debian import trees
from debian.control import AGENT, COMMON, CONSOLE, GATEWAY, PACKAGES, Package
from debian.sbom import sbom
from debian.target import MACHINES, SUITES, Target
from debian.wheels import Wheel, fetch
from lotkeeper import __version__

REPO = Path(__file__).parents[1]
BUILD = REPO / "build" / "deb"
LOCKS = {AGENT: "agent", GATEWAY: "gateway", CONSOLE: "console"}
AGENT_ALONE = ("armhf",)
"""Where the others' compiled libraries have no wheels."""


def main() -> None:
    """Build for the suite and the architecture that are asked for; prints the files."""
    parser = argparse.ArgumentParser(description="Debian packages of Lotkeeper")
    parser.add_argument("--suite", choices=SUITES, default="bookworm")
    parser.add_argument("--arch", choices=MACHINES, default="arm64")
    parser.add_argument("--revision", type=int, default=1, help="of the package, not of Lotkeeper")
    parser.add_argument("--out", type=Path, default=BUILD, help="where the .deb files go")
    options = parser.parse_args()
    target = Target(SUITES[options.suite], options.arch)
    for path in build(target, options.revision, options.out):
        print(path)


def build(target: Target, revision: int, out: Path) -> list[Path]:
    """The .deb files. Raises CalledProcessError where a wheel is not to be had."""
    packages = [
        each for each in PACKAGES if each.name in (COMMON, AGENT) or target.arch not in AGENT_ALONE
    ]
    cache = BUILD / "wheels" / f"{target.suite.number}-{target.arch}"
    wheels = {
        role: fetch(REPO / f"requirements/{lock}.txt", target, cache)
        if any(each.name == role for each in packages)
        else []
        for role, lock in LOCKS.items()
    }
    stage = out / f"stage-{target.suite.number}-{target.arch}"
    shutil.rmtree(stage, ignore_errors=True)
    folders = {each.name: stage / each.name for each in PACKAGES}
    owned = trees.libraries(wheels, target, folders)
    trees.environment(folders[COMMON], target)
    trees.own_modules(folders[COMMON], target)
    trees.shared_files(folders[COMMON])
    version = f"{__version__}-{revision}~deb{target.suite.number}"
    made = [
        pack(folders[each.name], each, owned[each.name], version, target, out) for each in packages
    ]
    shutil.rmtree(stage)
    return made


def pack(
    tree: Path, package: Package, wheels: list[Wheel], version: str, target: Target, out: Path
) -> Path:
    """Finish one tree and make its .deb."""
    epoch = source_date()
    trees.units(tree, package)
    trees.copyright_of(tree, package)
    listed = tree / "usr/share/doc" / package.name / "sbom.cdx.json"
    listed.write_text(sbom(package.name, version, wheels, epoch))
    size_kb = trees.size_kb(tree)
    trees.scripts(tree, package)
    control = tree / "DEBIAN/control"
    control.write_text(package.control(version, target, size_kb))
    trees.settle(tree, epoch)
    path = out / f"{package.name}_{version}_{target.arch}.deb"
    # zstd: 6 % larger than xz here, packed in seconds for minutes, and a Pi unpacks it faster.
    options = ["--root-owner-group", "--uniform-compression", "-Zzstd", "-z9", "--threads-max=1"]
    subprocess.run(
        ["dpkg-deb", *options, "--build", tree, path],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
    )
    return path


def source_date() -> int:
    """SOURCE_DATE_EPOCH, else the last commit's time."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told:
        return int(told)
    command = ["git", "-C", str(REPO), "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
