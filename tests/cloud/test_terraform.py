"""What can be said of cloud/terraform without a provider: its form, and that it fits the code."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import sqlglot

from cloud import emf, lambdas
from cloud.analytics import saved
from cloud.analytics.queries import queries
from cloud.config import CloudSettings
from cloud.lake import compaction, schema, taker

ROOT = Path(__file__).parents[2] / "cloud/terraform"
MODULES = sorted((ROOT / "modules").iterdir())
ENVIRONMENTS = sorted((ROOT / "environments").iterdir())
ENCRYPTED_BY = {
    "aws_athena_workgroup": "kms_key_arn",
    "aws_cloudwatch_log_group": "kms_key_id",
    "aws_db_instance": "kms_key_id",
    "aws_kinesis_firehose_delivery_stream": "kms_key_arn",
    "aws_kinesis_stream": "kms_key_id",
    "aws_lambda_function": "kms_key_arn",
    "aws_msk_cluster": "encryption_at_rest_kms_key_arn",
    "aws_scheduler_schedule": "kms_key_arn",
    "aws_sns_topic": "kms_master_key_id",
    "aws_sqs_queue": "kms_master_key_id",
}
GLUE_TYPES = {
    pa.string(): "string",
    pa.timestamp("us", tz="UTC"): "timestamp",
    pa.int64(): "bigint",
    pa.int32(): "int",
    pa.float32(): "float",
    pa.bool_(): "boolean",
}


def blocks(folder: Path, kind: str) -> Iterator[tuple[list[str], str]]:
    """(labels, body) of each top-level block: in a formatted file it ends with a brace alone."""
    for path in sorted(folder.glob("*.tf")):
        found = re.findall(rf'(?ms)^{kind} ((?:"[^"]+" )+)\{{\n(.*?)^\}}$', path.read_text())
        yield from ((re.findall(r'"([^"]+)"', labels), body) for labels, body in found)


def arguments(body: str) -> dict[str, str]:
    """What a block says in its own lines, not in blocks within."""
    return dict(re.findall(r"(?m)^  (\w+) += (.*)$", body))


def statements(folder: Path) -> Iterator[str]:
    """Each statement of a policy."""
    for _, body in blocks(folder, 'data "aws_iam_policy_document"'):
        yield from re.split(r'(?m)^  (?:dynamic "statement"|statement) \{$', body)[1:]


def rows(text: str, name: str) -> list[tuple[str, str]]:
    """A list of pairs among a module's locals."""
    listed = re.search(rf"(?ms)^  {name} = \[\n(.*?)^  \]$", text)
    assert listed, name
    return re.findall(r'\["(\w+)", "(\w+)"\]', listed[1])


@pytest.mark.skipif(
    shutil.which("terraform") is None,
    reason="inherent: needs terraform, which no registry that CI uses has",
)
def test_files_are_formatted() -> None:
    run = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", "-no-color", ROOT],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("folder", [*MODULES, *ENVIRONMENTS], ids=lambda path: path.name)
class TestModule:
    def test_has_its_three_files(self, folder: Path) -> None:
        assert {"main.tf", "variables.tf", "outputs.tf"} <= {each.name for each in folder.iterdir()}

    def test_says_what_goes_in_and_out(self, folder: Path) -> None:
        variables = list(blocks(folder, "variable"))
        assert variables
        for labels, body in variables:
            assert {"description", "type"} <= arguments(body).keys(), labels
        for labels, body in blocks(folder, "output"):
            assert {"description", "value"} <= arguments(body).keys(), labels

    def test_uses_each_variable_and_only_those(self, folder: Path) -> None:
        declared = {labels[0] for labels, _ in blocks(folder, "variable")}
        told = "".join(path.read_text() for path in folder.glob("*.tf") if path.stem != "variables")
        assert set(re.findall(r"\bvar\.(\w+)", told)) == declared

    def test_refers_to_what_it_declares(self, folder: Path) -> None:
        text = "".join(path.read_text() for path in folder.glob("*.tf"))
        data = set(re.findall(r'(?m)^data "(\w+)" "(\w+)"', text))
        resources = set(re.findall(r'(?m)^resource "(\w+)" "(\w+)"', text))
        found = "".join(re.findall(r"(?ms)^locals \{\n(.*?)^\}$", text))
        assert set(re.findall(r"\bdata\.(aws_\w+)\.(\w+)", text)) == data
        assert set(re.findall(r"(?<![\w.])(aws_\w+)\.(\w+)", text)) <= resources
        assert set(re.findall(r"\blocal\.(\w+)", text)) == arguments(found).keys()

    def test_calls_modules_as_they_declare(self, folder: Path) -> None:
        for (name,), body in blocks(folder, "module"):
            given = arguments(body)
            called = (folder / json.loads(given["source"])).resolve()
            declared = {labels[0]: arguments(text) for labels, text in blocks(called, "variable")}
            needed = {key for key, said in declared.items() if "default" not in said}
            outputs = {labels[0] for labels, _ in blocks(called, "output")}
            assert needed <= given.keys() - {"source", "count"} <= declared.keys(), name
            text = (folder / "main.tf").read_text() + (folder / "outputs.tf").read_text()
            assert set(re.findall(rf"module\.{name}(?:\[[*\d]\])?\.(\w+)", text)) <= outputs, name

    def test_lets_nobody_at_every_bucket(self, folder: Path) -> None:
        for statement in statements(folder):
            if '"s3:' in statement:
                resources = re.search(r"resources += \[(.*?)\]", statement, re.S)
                assert resources, statement
                assert '"*"' not in resources[1], statement
                assert "arn" in resources[1], statement

    def test_encrypts_what_lies_still(self, folder: Path) -> None:
        for (kind, name), body in blocks(folder, "resource"):
            if key := ENCRYPTED_BY.get(kind):
                assert re.search(rf"(?m)^ +{key} += var\.kms_key_arn$", body), f"{kind}.{name}"


def test_every_star_has_a_reason() -> None:
    """A key's own policy, and what AWS grants on "*" alone."""
    stars = {
        (folder.name, action)
        for folder in MODULES
        for statement in statements(folder)
        if re.search(r'resources += \["\*"\]', statement)
        for action in re.findall(r'"(\w+):', statement.partition("resources")[0])
    }
    assert stars == {("kms", "kms"), ("lambdas", "ec2"), ("lambdas", "kafka")}


class TestTables:
    text = (ROOT / "modules/glue/main.tf").read_text()

    def test_have_the_columns_of_the_lake(self) -> None:
        columns = [(each.name, GLUE_TYPES[each.type]) for each in schema.SCHEMA]
        assert rows(self.text, "columns") == columns

    def test_old_ones_find_their_columns_in_the_lines(self) -> None:
        assert [name for name, _ in rows(self.text, "old_columns")] == schema.SCHEMA.names[:3]

    def test_lie_where_the_lake_puts_them(self) -> None:
        assert f"{json.dumps(list(schema.PARTITIONS))}\n" in self.text
        for place in (taker.EVENTS, taker.LINES):
            assert f"s3://${{var.lake_bucket}}/{place}/${{local.hours}}" in self.text
        assert compaction.MANIFEST.startswith("_")  # Athena passes such objects over


class TestQueries:
    def test_are_those_that_are_tested(self) -> None:
        assert dict(saved.files()).keys() == {f"{name}.sql" for name in queries()}

    def test_are_as_the_code_writes_them(self) -> None:
        """Else: python -m cloud.analytics.saved"""
        kept = {path.name: path.read_text() for path in saved.FOLDER.iterdir()}
        assert kept == dict(saved.files())

    @pytest.mark.parametrize("name", list(queries()))
    def test_leave_nothing_to_put_in_but_the_zone(self, name: str) -> None:
        text = (saved.FOLDER / f"{name}.sql").read_text()
        assert set(re.findall(r"[$%]\{.*?\}", text)) <= {saved.TIME_ZONE}
        tree = sqlglot.parse_one(text.replace(saved.TIME_ZONE, "Europe/Berlin"), read="athena")
        assert not list(tree.find_all(sqlglot.exp.Placeholder))


class TestFunctions:
    text = (ROOT / "modules/lambdas/main.tf").read_text()

    def test_are_all_that_there_are(self) -> None:
        named = set(re.findall(r'handler = "cloud\.lambdas\.(\w+)"', self.text))
        takes_an_event = {
            name
            for name, each in vars(lambdas).items()
            if getattr(each, "__module__", "") == "cloud.lambdas"
            and getattr(each, "__code__", None)
            and each.__code__.co_varnames[:2] in (("event", "_context"), ("_event", "_context"))
        }
        assert (
            named == takes_an_event == set(re.findall(r"(?m)^    (\w+) += \{ handler", self.text))
        )

    @pytest.mark.parametrize(
        "sink",
        [
            'kind = "kinesis", region = "eu-central-1", stream_name = "events"',
            'bootstrap_servers = "b-1:9098", kind = "kafka", region = "eu-central-1", '
            'security = "msk_iam", topic = "parking-events"',
        ],
    )
    def test_can_read_what_is_rendered_for_them(self, sink: str) -> None:
        values = {
            "dsn": "host=db.example port=5432 dbname=lotkeeper user=lotkeeper sslmode=verify-full",
            "keep_days": "400",
            "region": "eu-central-1",
            "lake_url": "s3://example-lake?region=eu-central-1",
            "time_zone": "Europe/Berlin",
            "database": "parking_analytics",
            "workgroup": "lotkeeper-dev",
            "sink": f"{{ {sink} }}",
        }
        template = (ROOT / "modules/lambdas/cloud.toml.tftpl").read_text()
        told = re.sub(
            r"\$\{jsonencode\((\w+)\)\}", lambda found: json.dumps(values[found[1]]), template
        )
        told = re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], told)
        settings = CloudSettings.model_validate(tomllib.loads(told))
        assert settings.postgres
        assert settings.postgres.iam_region == "eu-central-1"
        assert settings.door
        assert settings.door.sink["kind"] in ("kinesis", "kafka")
        given = re.search(r"(?ms)templatefile\(.*?\n  \}\)", self.text)
        assert given
        assert set(re.findall(r"(?m)^    (\w+) += ", given[0])) == values.keys()

    def test_are_where_the_alarms_look(self) -> None:
        text = (ROOT / "modules/cloudwatch/main.tf").read_text()
        own = re.findall(r'"Lotkeeper", metric = "(\w+)"', text)
        own += re.findall(r'\["Lotkeeper", "(\w+)"', text)
        assert set(own) == {"Records", "Heartbeats", "AgeSeconds", "DeadLetters"}
        assert set(own) <= emf.UNITS.keys()
        assert emf.NAMESPACE == "Lotkeeper"
