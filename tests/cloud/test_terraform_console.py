"""What the Terraform module `console` starts, as its container would: the console over a fleet."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from simulator.processes import free_port
from tests.cloud.test_consume import until
from tests.cloud.test_terraform import ROOT

MODULE = ROOT / "modules/console"
FIRST, SECOND = "the first password", "another password"


def rendered(values: dict[str, str]) -> str:
    """console.toml, as Terraform makes it."""
    told = re.sub(
        r"\$\{jsonencode\((\w+)\)\}",
        lambda found: json.dumps(values[found[1]]),
        (MODULE / "console.toml.tftpl").read_text(),
    )
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], told)


def start_script() -> str:
    """The container's, from the module's text."""
    listed = re.search(
        r'(?ms)^  start = join\("\\n", \[\n(.*?)^  \]\)$', (MODULE / "main.tf").read_text()
    )
    assert listed
    return "\n".join(json.loads(line.strip().rstrip(",")) for line in listed[1].splitlines())


@contextmanager
def container(folder: Path, port: int, password: str) -> Iterator[subprocess.Popen[bytes]]:
    """The script, with a folder in the place of the container's own; the database is away."""

    def here(text: str) -> str:
        moved = text.replace("/tmp/", f"{folder}/").replace("/var/lib", f"{folder}")
        return moved.replace("python -m", f"{sys.executable} -m")

    values = {
        "port": str(port),
        "dsn": "host=127.0.0.1 port=1 dbname=lotkeeper user=lotkeeper sslmode=verify-full",
        "region": "eu-central-1",
        "lake_url": "s3://example-lake?region=eu-central-1",
    }
    (folder / "lotkeeper-console").mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "LOTKEEPER_TOML": here(rendered(values)),
        "LOTKEEPER_FIRST_PASSWORD": password,
    }
    process = subprocess.Popen(["/bin/sh", "-c", here(start_script())], env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def answers(port: int) -> bool:
    """As the balancer asks it: it looks at no certificate."""
    try:
        reply = httpx.get(f"https://127.0.0.1:{port}/", verify=False, timeout=5)
    except httpx.TransportError:
        return False
    return 200 <= reply.status_code < 400


def logs_in(port: int, password: str) -> bool:
    reply = httpx.post(
        f"https://127.0.0.1:{port}/login",
        data={"name": "admin", "password": password},
        headers={"Origin": f"https://127.0.0.1:{port}"},
        verify=False,
    )
    return "set-cookie" in reply.headers


def test_it_serves_tls_and_lets_the_first_admin_in(tmp_path: Path) -> None:
    port = free_port()
    with container(tmp_path, port, FIRST) as process:
        until(lambda: answers(port))
        assert logs_in(port, FIRST)
        assert not logs_in(port, SECOND)
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert FIRST.encode() not in environment
    assert (tmp_path / "https.key").stat().st_mode & 0o077 == 0
    with container(tmp_path, port, SECOND):  # a later start changes nobody's password
        until(lambda: answers(port))
        assert logs_in(port, FIRST)
        assert not logs_in(port, SECOND)


def test_all_that_is_rendered_is_given() -> None:
    given = re.search(r"(?ms)templatefile\(.*?\n  \}\)", (MODULE / "main.tf").read_text())
    assert given
    wanted = re.findall(r"\$\{(?:jsonencode\()?(\w+)", (MODULE / "console.toml.tftpl").read_text())
    assert set(re.findall(r"(?m)^    (\w+) += ", given[0])) == set(wanted)
