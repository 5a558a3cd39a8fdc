"""console.toml and the environment over it."""

import re
from pathlib import Path

import pytest

from console.config import SECTIONS, ConsoleSettings, LotSettings, read
from console.lots import open_lots
from runtime.config import ConfigError

LOT = LotSettings(gateway=Path("gateway.toml"))
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
        f"LOTKEEPER_CONSOLE_{section}__{option}".upper(): field.default
        for section in SECTIONS
        for option, field in type(
            getattr(ConsoleSettings(lots=[LOT]), section)
        ).model_fields.items()
    }
    assert shown == {
        name: "" if default is None else f"`{default}`" for name, default in there.items()
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LOTKEEPER_CONSOLE_HTTP__PORT", "many", "http.port = 'many'"),
        ("LOTKEEPER_CONSOLE_HTTP__PROT", "1", "http.prot is no option"),
        ("LOTKEEPER_CONSOLE_PORT", "1", "LOTKEEPER_CONSOLE_PORT: no option"),
        ("LOTKEEPER_CONSOLE_LOTS__0", "x", "LOTKEEPER_CONSOLE_LOTS__0: no option"),
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
