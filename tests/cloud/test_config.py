"""The cloud's configuration: the commented example holds every option, and faults are named."""

from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from cloud.cli import app
from cloud.config import CloudSettings
from cloud.door.tokens import parse
from runtime.config import ConfigError, load

EXAMPLE = Path(__file__).parents[2] / "docs/examples/cloud.toml"


def options(model: type[BaseModel]) -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        inner = (field.annotation, *getattr(field.annotation, "__args__", ()))
        models = [k for k in inner if isinstance(k, type) and issubclass(k, BaseModel)]
        found |= {name} if not models else set().union(*map(options, models))
    return found


def test_the_example_loads_and_names_every_option() -> None:
    settings = load(EXAMPLE, CloudSettings)
    assert settings.lake is not None
    text = EXAMPLE.read_text()
    assert [name for name in options(CloudSettings) if f"{name} = " not in text] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[postgres]\ndsn = "host=db password=secret"', "holds a password"),
        ("[postgres]\ndns = 1", "postgres.dns is no option"),
        ('[stream.kafka]\nbootstrap_servers = "b"\ntopic = "t"', "stream.kafka.bootstrap_servers"),
        ('[lake]\nurl = "/x"\nwait_s = 0', "lake.wait_s = 0"),
        ('[stream]\ngroup = "g"', "needs one of [stream.kafka] and [stream.kinesis]"),
        (
            '[stream.kinesis]\nstream_name = "s"\nregion = "eu-west-1"\nlease_s = 0',
            "stream.kinesis.lease_s = 0",
        ),
    ],
)
def test_a_fault_is_named_and_a_secret_not_shown(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "cloud.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"cloud\.toml") as caught:
        load(path, CloudSettings)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    result = CliRunner().invoke(app, ["validate", "-c", str(path)])
    assert (result.exit_code, said in result.output) == (2, True)


def test_a_part_that_is_not_configured_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cloud.toml"
    path.write_text("")
    for command, missing in (("migrate", "[postgres]"), ("compact", "[lake]")):
        result = CliRunner().invoke(app, [command, "-c", str(path)])
        assert (result.exit_code, missing in result.output) == (2, True)
    result = CliRunner().invoke(app, ["consume", "present", "-c", str(path)])
    assert (result.exit_code, "[stream.kafka] is missing" in result.output) == (2, True)


def test_shards_are_shared_by_postgres(tmp_path: Path) -> None:
    path = tmp_path / "cloud.toml"
    kinesis = '[stream.kinesis]\nstream_name = "s"\nregion = "eu-west-1"\n'
    path.write_text(f'{kinesis}[lake]\nurl = "{tmp_path / "lake"}"\n')
    result = CliRunner().invoke(app, ["validate", "-c", str(path)])
    assert (result.exit_code, "stream s" in result.output) == (0, True)
    result = CliRunner().invoke(app, ["consume", "lake", "-c", str(path)])
    assert (result.exit_code, "[postgres] is missing" in result.output) == (2, True)


def test_a_token_is_shown_apart_from_its_line() -> None:
    result = CliRunner().invoke(app, ["token", "north", "air-*"])
    assert result.exit_code == 0
    made = result.stderr.strip().rpartition(" ")[2]
    assert made not in result.stdout
    assert parse(result.stdout).lots_of(made) is not None
    assert CliRunner().invoke(app, ["token", "no/lot"]).exit_code == 2
