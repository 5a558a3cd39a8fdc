"""Every sink keeps the conventions of docs/adding-a-sink.md."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.sinks import SinkError, registry

REPO = Path(__file__).parents[3]
SUPPORT = {"__init__", "registry", "testing"}
UPSTREAM_PACKAGES = ("aws_msk_iam_sasl_signer", "boto3", "botocore", "confluent_kafka", "urllib3")


def test_every_module_is_registered() -> None:
    modules = {path.stem for path in (REPO / "gateway/sinks").glob("*.py")}
    assert modules - SUPPORT == set(registry.kinds())
    assert list(registry.kinds()) == sorted(registry.kinds())


@pytest.mark.parametrize("kind", registry.kinds())
class TestEverySink:
    def test_config_is_frozen_closed_and_named(self, kind: str) -> None:
        config = registry.load(kind).Config
        assert issubclass(config, BaseModel)
        assert config.model_config["frozen"]
        assert config.model_config["extra"] == "forbid"
        assert config.model_fields["kind"].default == kind

    def test_config_holds_no_secret(self, kind: str) -> None:
        """A secret stands in a file of its own: `token_file`, `password_file`."""
        for name in registry.load(kind).Config.model_fields:
            assert name.endswith("_file") or not any(
                word in name for word in ("password", "token", "secret", "access_key")
            )

    def test_sink_names_its_limits(self, kind: str) -> None:
        sink = registry.load(kind).Sink
        assert isinstance(sink.partial, bool)
        assert sink.max_bytes > 0

    def test_has_tests_that_run_the_contract(self, kind: str) -> None:
        text = (REPO / f"tests/gateway/sinks/test_{kind}.py").read_text()
        assert "(SinkContract)" in text

    def test_docs_name_every_option(self, kind: str) -> None:
        rows = (REPO / "docs/sinks.md").read_text().splitlines()
        (row,) = [row for row in rows if row.startswith(f"| `{kind}` |")]
        for option in set(registry.load(kind).Config.model_fields) - {"kind"}:
            assert f"`{option}`" in row

    def test_upstream_package_loads_on_open_alone(self, kind: str) -> None:
        code = (
            f"import sys, gateway.sinks.{kind}\n"
            f"print(*sorted(set(sys.modules) & set({UPSTREAM_PACKAGES})))"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == ""


OPTIONS = {
    "kafka": {"bootstrap_servers": "127.0.0.1:1", "topic": "lot", "security": "plaintext"},
    "kinesis": {"stream_name": "lot", "region": "eu-central-1"},
}


@pytest.mark.parametrize(
    ("kind", "package"), [("kafka", "confluent_kafka"), ("kinesis", "boto3.session")]
)
def test_missing_package_names_its_extra(
    kind: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    sink = registry.build(kind, OPTIONS[kind])
    with pytest.raises(SinkError) as caught:
        sink.open()
    assert f"lotkeeper[{kind}]" in caught.value.hint
