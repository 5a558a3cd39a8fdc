"""cloud/terraform put up on the emulator: arguments, columns, alarms are read from the text of its
modules, and handed to AWS's API in a provider's place. Networks, keys and roles are left out.
"""

import io
import json
import re
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud.lake.schema import PARTITIONS
from tests.cloud.aws.emulator import ACCOUNT, REGION, Emulator
from tests.cloud.test_terraform import ROOT, arguments, blocks, rows

REPO = Path(__file__).parents[3]
NAME = "lotkeeper-test"
DATABASE = "parking_analytics"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{NAME}"


def text(module: str, file: str = "main.tf") -> str:
    return (ROOT / f"modules/{module}/{file}").read_text()


def resource(module: str, kind: str, name: str) -> dict[str, str]:
    """The arguments that a resource has in its own lines, as they are written."""
    return next(
        arguments(body)
        for labels, body in blocks(ROOT / f"modules/{module}", "resource")
        if labels == [kind, name]
    )


def literal(module: str, name: str) -> Any:
    """The first value that is said of `name` in plain words or numbers."""
    found = re.search(rf'(?m)^ +"?{re.escape(name)}"? += (".*"|\d+)(?: #.*)?$', text(module))
    assert found, (module, name)
    return json.loads(found[1])


def default(module: str, name: str) -> int:
    """Of a variable that is a number."""
    variables = blocks(ROOT / f"modules/{module}", "variable")
    return next(int(arguments(body)["default"]) for labels, body in variables if labels == [name])


def alarm(opening: str) -> dict[str, str]:
    """What one of the alarms says, its dimensions left out."""
    body = re.split(r"\n +\}", text("cloudwatch").partition(opening + " {\n")[2])[0]
    return {key: said.strip('"') for key, said in re.findall(r'(\w+) += ("[^"]*"|\w+)', body)}


def package() -> bytes:
    """Our packages, as a function's zip file."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name in project["tool"]["setuptools"]["packages"]:
            for path in (REPO / name.replace(".", "/")).iterdir():
                if path.is_file():
                    archive.write(path, path.relative_to(REPO))
    return kept.getvalue()


@dataclass
class Deployment:
    """`toml` is the configuration that functions are given."""

    aws: Emulator
    dsn: str
    folder: Path
    stream: str = f"{NAME}-parking-events"
    lake: str = f"{NAME}-lake-{ACCOUNT}"
    results: str = f"{NAME}-results-{ACCOUNT}"
    extracted: int = 0

    @property
    def toml(self) -> Path:
        return self.folder / "cloud.toml"

    @property
    def tokens(self) -> Path:
        return self.folder / "door-tokens"

    def function(self, key: str) -> str:
        return f"{NAME}-{key.replace('_', '-')}"

    def put_up(self) -> None:
        """The stream, the tables, Firehose, Athena's workgroup."""
        for bucket in (self.lake, self.results):
            self.aws.client("s3").create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        assert json.loads(resource("kinesis", "aws_kinesis_stream", "events")["name"]) == (
            self.stream.replace(NAME, "${var.name}")
        )
        self.aws.client("kinesis").create_stream(StreamName=self.stream, ShardCount=2)
        self._tables()
        self._firehose()
        self.aws.client("athena").create_work_group(
            Name=NAME,
            Configuration={
                "ResultConfiguration": {"OutputLocation": f"s3://{self.results}/athena/"}
            },
        )
        self._configure()

    @property
    def stream_arn(self) -> str:
        found = self.aws.client("kinesis").describe_stream_summary(StreamName=self.stream)
        arn: str = found["StreamDescriptionSummary"]["StreamARN"]
        return arn

    def start_function(self, key: str, toml: Path | None = None) -> str:
        """One of cloud/lambdas.py; its ARN. Other people's packages are this environment's; on AWS
        they are in the image.
        """
        (handler,) = re.findall(rf'{key} += \{{ handler = "([\w.]+)"', text("lambdas"))
        environment = {
            "LOTKEEPER_CLOUD_CONFIG": str(toml or self.toml),
            "PYTHONPATH": next(path for path in sys.path if path.endswith("site-packages")),
        }
        made = self.aws.client("lambda").create_function(
            FunctionName=self.function(key),
            Runtime=f"python3.{sys.version_info[1]}",
            Role=ROLE,
            Handler=handler,
            Code={"ZipFile": package()},
            Timeout=default("lambdas", "timeout_s"),
            MemorySize=default("lambdas", "memory_mb"),
            Environment={"Variables": environment},
        )
        arn: str = made["FunctionArn"]
        return arn

    def call(self, key: str) -> Any:
        """The function `key`, as a schedule does; what it returned."""
        found = self.aws.client("lambda").invoke(FunctionName=self.function(key))
        said = json.loads(found["Payload"].read())
        assert "FunctionError" not in found, said
        return said

    def map_stream(self, key: str) -> None:
        """The stream calls the function `key`."""
        said = resource("lambdas", "aws_lambda_event_source_mapping", "kinesis")
        which = -3 if key == "kinesis_lake" else -1  # CONDITION ? A : B
        batch, window_s = (
            int(said[name].split()[which])
            for name in ("batch_size", "maximum_batching_window_in_seconds")
        )
        self.aws.client("lambda").create_event_source_mapping(
            EventSourceArn=self.stream_arn,
            FunctionName=self.function(key),
            StartingPosition=json.loads(said["starting_position"]),
            BatchSize=batch,
            MaximumBatchingWindowInSeconds=window_s,
            FunctionResponseTypes=json.loads(said["function_response_types"]),
        )

    def open_door(self, tokens: str) -> str:
        """The front door's function behind an HTTP API; the address to post to."""
        self.tokens.touch(0o600)
        self.tokens.write_text(tokens)
        api = self.aws.client("apigatewayv2")
        made = api.create_api(Name=f"{NAME}-door", ProtocolType=literal("api", "protocol_type"))
        behind = api.create_integration(
            ApiId=made["ApiId"],
            IntegrationType=literal("api", "integration_type"),
            IntegrationUri=self.start_function("door"),
            PayloadFormatVersion=literal("api", "payload_format_version"),
        )
        route = literal("api", "route_key")
        target = f"integrations/{behind['IntegrationId']}"
        api.create_route(ApiId=made["ApiId"], RouteKey=route, Target=target)
        api.create_stage(ApiId=made["ApiId"], StageName="$default", AutoDeploy=True)
        return f"{self.aws.url}/_aws/execute-api/{made['ApiId']}/$default{route.split()[1]}"

    def set_alarm(self, name: str, opening: str, dimensions: dict[str, str]) -> str:
        """As the module cloudwatch sets it; the alarm's name."""
        said = alarm(opening)
        self.aws.client("cloudwatch").put_metric_alarm(
            AlarmName=f"{NAME}-{name}",
            Namespace=said["namespace"],
            MetricName=said["metric"],
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            Statistic=said["statistic"],
            Period=int(said["period"]),
            EvaluationPeriods=int(said["times"]),
            ComparisonOperator="GreaterThanThreshold",
            Threshold=float(said["above"]),
            TreatMissingData=said["missing"],
        )
        return f"{NAME}-{name}"

    def state_of(self, alarm: str) -> str:
        found = self.aws.client("cloudwatch").describe_alarms(AlarmNames=[alarm])
        state: str = found["MetricAlarms"][0]["StateValue"]
        return state

    def extract_metrics(self) -> int:
        """What CloudWatch does with embedded metrics, and this one does not: out of the functions'
        logs, those that were not taken out yet; how many.
        """
        logs, cloudwatch = self.aws.client("logs"), self.aws.client("cloudwatch")
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{self.function('kinesis_present')}"
        )
        told = [e["message"] for page in pages for e in page["events"] if '"_aws"' in e["message"]]
        for line in told[self.extracted :]:
            said = json.loads(line)
            (head,) = said["_aws"]["CloudWatchMetrics"]
            (keys,) = head["Dimensions"]
            dimensions = [{"Name": key, "Value": said[key]} for key in keys]
            cloudwatch.put_metric_data(
                Namespace=head["Namespace"],
                MetricData=[
                    {
                        "MetricName": each["Name"],
                        "Unit": each["Unit"],
                        "Value": said[each["Name"]],
                        "Dimensions": dimensions,
                    }
                    for each in head["Metrics"]
                ],
            )
        found, self.extracted = len(told) - self.extracted, len(told)
        return found

    def _tables(self) -> None:
        glue = self.aws.client("glue")
        glue.create_database(DatabaseInput={"Name": DATABASE})
        columns = rows(text("glue"), "columns")
        glue.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": json.loads(resource("glue", "aws_glue_catalog_table", "events")["name"]),
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
                "PartitionKeys": [{"Name": each, "Type": "string"} for each in PARTITIONS],
                "StorageDescriptor": {
                    "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
                    "Location": literal("glue", "location").replace(
                        "${var.lake_bucket}", self.lake
                    ),
                    "InputFormat": literal("glue", "input_format"),
                    "OutputFormat": literal("glue", "output_format"),
                    "SerdeInfo": {"SerializationLibrary": literal("glue", "serialization_library")},
                },
            },
        )

    def _firehose(self) -> None:
        path = "/".join(f"{key}=!{{partitionKeyFromQuery:{key}}}" for key in PARTITIONS)
        hint = {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"}
        query = {
            "ParameterName": literal("firehose", "parameter_name"),
            "ParameterValue": literal("firehose", "hour"),
        }
        (kind,) = re.findall(r'processors \{\n +type = "(\w+)"', text("firehose"))
        (formats,) = re.findall(r"timestamp_formats = (\[.*\])", text("firehose"))
        self.aws.client("firehose").create_delivery_stream(
            DeliveryStreamName=f"{NAME}-lake",
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration={
                "KinesisStreamARN": self.stream_arn,
                "RoleARN": ROLE,
            },
            ExtendedS3DestinationConfiguration={
                "RoleARN": ROLE,
                "BucketARN": f"arn:aws:s3:::{self.lake}",
                "Prefix": literal("firehose", "prefix").replace("${local.path}", path),
                "ErrorOutputPrefix": literal("firehose", "error_output_prefix"),
                "BufferingHints": {
                    "SizeInMBs": literal("firehose", "buffering_size"),
                    "IntervalInSeconds": default("firehose", "wait_s"),
                },
                "DynamicPartitioningConfiguration": {"Enabled": True},
                "ProcessingConfiguration": {
                    "Enabled": True,
                    "Processors": [{"Type": kind, "Parameters": [query, hint]}],
                },
                "DataFormatConversionConfiguration": {
                    "Enabled": True,
                    "InputFormatConfiguration": {
                        "Deserializer": {"HiveJsonSerDe": {"TimestampFormats": json.loads(formats)}}
                    },
                    "OutputFormatConfiguration": {
                        "Serializer": {
                            "ParquetSerDe": {"Compression": literal("firehose", "compression")}
                        }
                    },
                    "SchemaConfiguration": {
                        "RoleARN": ROLE,
                        "DatabaseName": DATABASE,
                        "TableName": "parking_data",
                        "Region": REGION,
                    },
                },
            },
        )

    def _configure(self) -> None:
        """The functions' file, rendered as the module renders it; this database takes no token."""
        values = {
            "dsn": self.dsn,
            "keep_days": 400,
            "region": REGION,
            "lake_url": f"s3://{self.lake}?region={REGION}",
            "time_zone": "Europe/Berlin",
            "database": DATABASE,
            "workgroup": NAME,
            "sink": f'{{ kind = "kinesis", region = "{REGION}", stream_name = "{self.stream}" }}',
        }
        said = re.sub(r"(?m)^iam_region = .*\n", "", text("lambdas", "cloud.toml.tftpl"))
        said = re.sub(r"\$\{jsonencode\((\w+)\)\}", lambda m: json.dumps(values[m[1]]), said)
        said = re.sub(r"\$\{(\w+)\}", lambda m: str(values[m[1]]), said)
        self.toml.write_text(said.replace("/tmp/door-tokens", str(self.tokens)))
