"""The environment of ThingsBoard's gateway: its own, pinned with hashes, apart from our locks."""

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REPO = HERE.parents[1]
VENV = REPO / "build/peers/venv"
STAMP = VENV / ".requirements"


def prepare() -> Path:
    """The Python that has thingsboard-gateway, installed if it is not there or not as pinned.

    Raises subprocess.CalledProcessError where pip cannot install it.
    """
    python = VENV / "bin/python"
    wanted = hashlib.sha256((HERE / "requirements.txt").read_bytes()).hexdigest()
    if not STAMP.exists() or STAMP.read_text() != wanted:
        print(f"installing bench/peers/requirements.txt into {VENV.relative_to(REPO)}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        _install(python, "requirements-build.txt")
        _install(python, "requirements.txt", "--no-build-isolation")
        STAMP.write_text(wanted)
    return python


def _install(python: Path, requirements: str, *options: str) -> None:
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--require-hashes", *options, "--requirement", str(HERE / requirements)], check=True
    )
