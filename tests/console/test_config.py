"""console.toml and the environment over it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from console.config import SECTIONS, ConsoleSettings, FleetSettings, LotSettings, read
from console.lots import open_lots
from runtime.config import ConfigError

WHOLE = ConsoleSettings(
    lots=[LotSettings(gateway=Path("gateway.toml"))], fleet=FleetSettings(dsn="host=db")
)
MINIMAL = '[[lots]]\ngateway = "gateway.toml"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "console.toml"
    made.write_text(MINIMAL + "[http]\nport = 8081\n")
    return made


def test_the_environment_goes_before_the_file(path: Path) -> None:
    assert read(path, {}).http.port == 8081
    found = read(
        path, {"LOTKEEPER_CONSOLE_HTTP__PORT": "8082", "LOTKEEPER_CONSOLE_LIVE__CACHE_S": "0.5"}
    )
    assert (found.http.port, found.live.cache_s) == (8082, 0.5)


def test_every_variable_is_on_the_page_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "console.md").read_text()
    shown = dict(re.findall(r"^\| `(LOTKEEPER_CONSOLE_\w+)` \| (`[^`]*`)? ?\|", page, re.MULTILINE))
    there = {
        f"LOTKEEPER_CONSOLE_{section}__{option}".upper(): field.get_default()
        for section in SECTIONS
        for option, field in type(getattr(WHOLE, section)).model_fields.items()
    }
    assert shown == {
        name: "" if default in (None, PydanticUndefined) else f"`{default}`"
        for name, default in there.items()
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LOTKEEPER_CONSOLE_HTTP__PORT", "many", "http.port = 'many'"),
        ("LOTKEEPER_CONSOLE_HTTP__PROT", "1", "http.prot is no option"),
        ("LOTKEEPER_CONSOLE_PORT", "1", "LOTKEEPER_CONSOLE_PORT: no option"),
        ("LOTKEEPER_CONSOLE_LOTS__0", "x", "LOTKEEPER_CONSOLE_LOTS__0: no option"),
        ("LOTKEEPER_CONSOLE_FLEET__DSN", "host=db password=x", "fleet.dsn: holds a password"),
        ("LOTKEEPER_CONSOLE_FLEET__ANALYTICS", "lake", "fleet.dsn is missing"),
    ],
)
def test_a_wrong_variable_is_named(path: Path, name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError, match=r".") as error:
        read(path, {name: value})
    assert words in str(error.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "console.example.org"])
def test_tokens_do_not_leave_the_machine_in_the_clear(path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="give cert_file and key_file"):
        read(path, {"LOTKEEPER_CONSOLE_HTTP__HOST": host})
    certified = {
        "LOTKEEPER_CONSOLE_HTTP__HOST": host,
        "LOTKEEPER_CONSOLE_HTTP__CERT_FILE": "a.crt",
        "LOTKEEPER_CONSOLE_HTTP__KEY_FILE": "a.key",
    }
    assert read(path, certified).http.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_no_certificate(path: Path, host: str) -> None:
    assert read(path, {"LOTKEEPER_CONSOLE_HTTP__HOST": host}).http.host == host


def test_a_lot_given_twice_is_named(site, tmp_path: Path) -> None:
    settings = ConsoleSettings.model_validate({"lots": [{"gateway": site.config}] * 2})
    with pytest.raises(ConfigError, match=f"lot_id = '{site.lot_id}' is another's"):
        open_lots(settings)


def test_a_fleet_needs_no_lot_and_one_of_both_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "console.toml"
    path.write_text('[fleet]\ndsn = "host=db user=reader"\nanalytics = "s3://bucket/lake"\n')
    found = read(path, {})
    assert (found.lots, found.fleet and found.fleet.analytics) == ([], "s3://bucket/lake")
    path.write_text("[http]\nport = 8081\n")
    with pytest.raises(
        ConfigError, match=r"lots = \[\]: name a lot by \[\[lots\]\].*or a \[fleet\]"
    ):
        read(path, {})


def test_a_fault_of_the_fleet_is_the_only_one(tmp_path: Path) -> None:
    path = tmp_path / "console.toml"
    path.write_text('[fleet]\ndsn = "hunter2 host=db"\n')
    with pytest.raises(ConfigError) as refused:
        read(path, {})
    assert str(refused.value).startswith(f"{path}: fleet.dsn: is no connection string")
    assert "hunter2" not in str(refused.value)
    assert "lots" not in str(refused.value)


@pytest.mark.parametrize(
    ("section", "library"),
    [('dsn = "host=db"', "psycopg"), ('dsn = "host=db"\nanalytics = "lake"', "pyarrow")],
)
def test_a_library_that_is_missing_is_named_with_its_extra(
    path: Path, section: str, library: str
) -> None:
    """In a process that cannot find it; nothing else there needs it."""
    path.write_text(f"{MINIMAL}[fleet]\n{section}\n")
    words = ["lotkeeper", "console", "validate", "-c", str(path)]
    without = f"import sys; sys.modules[{library!r}] = None; sys.argv = {words}"
    run = "from lotkeeper.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", f"{without}; {run}"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"needs {library}, which is not installed" in done.stderr
    assert "lotkeeper[console-fleet]" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_fleet_nothing_of_one_is_loaded() -> None:
    code = "import console.app, console.pages.mount, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "console.fleet" in loaded
    assert not loaded & {"psycopg", "pyarrow", "boto3", "cloud"}
