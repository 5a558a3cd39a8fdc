"""A configuration's error names file, key, value and what would be right."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from runtime.config import ConfigError, load, read_secret, validated


class Link(BaseModel):
    model_config = ConfigDict(extra="forbid")

    port: int = Field(1883, ge=1)


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    mqtt: Link = Link()
    spots: list[Link] = []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.toml"


def test_a_good_file_is_loaded(path: Path) -> None:
    path.write_text('name = "x"\n[mqtt]\nport = 8883\n')
    assert load(path, Settings) == Settings(name="x", mqtt=Link(port=8883))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "name is missing"),
        ('name = "x"\nnaem = 1', "naem is no option; check its spelling"),
        ("name = 7", "name = 7: Input should be a valid string"),
        ('name = "x"\n[mqtt]\nport = 0', "mqtt.port = 0: Input should be greater than"),
        ('name = "x"\n[[spots]]\nport = "y"', "spots.0.port = 'y': Input should be a valid int"),
        ("name = ?", "Invalid value (at line 1, column 8)"),
        ('name = "\udcff"', "can't decode byte"),
    ],
)
def test_a_bad_file_is_told_in_one_line(path: Path, text: str, told: str) -> None:
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load(path, Settings)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: ")
    assert told in line


def test_every_problem_has_its_line(path: Path) -> None:
    path.write_text("[mqtt]\nport = 0\nprot = 1\n")
    with pytest.raises(ConfigError) as caught:
        load(path, Settings)
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_that_is_not_there_and_one_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: no such file; --help"):
        load(tmp_path / "absent.toml", Settings)
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path, Settings)


def test_a_rule_over_several_keys_is_told_in_its_own_words() -> None:
    class Ruled(BaseModel):
        low: int

        def model_post_init(self, context: Any) -> None:
            if self.low < 0:
                raise ValueError("low must be positive: give the depth upwards")

    with pytest.raises(ConfigError, match=r"here: .*: low must be positive: give the depth"):
        validated({"low": -1}, Ruled, "here")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("s3cret\nsecond line\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440])  # systemd's LoadCredential= gives 440
def test_a_secret_is_the_first_line(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    assert read_secret(secret) == "s3cret"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o460])
def test_a_secret_that_others_may_read_or_write_is_refused(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(ConfigError, match=rf"password: .*mode {mode:o}.*chmod 600"):
        read_secret(secret)


@pytest.mark.parametrize("text", ["", "\n", "  \nsecond"])
def test_an_empty_secret_is_refused(secret: Path, text: str) -> None:
    secret.write_text(text)
    with pytest.raises(ConfigError, match="empty; write the secret on its first line"):
        read_secret(secret)


def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere: No such file"):
        read_secret(tmp_path / "nowhere")


@pytest.mark.skipif(os.getuid() == 0, reason="inherent: root may read every file")
def test_a_secret_that_we_may_not_read_is_named(secret: Path) -> None:
    secret.chmod(0)
    with pytest.raises(ConfigError, match="password: Permission denied"):
        read_secret(secret)
