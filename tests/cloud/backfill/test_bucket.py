"""A file in a bucket goes into a lake in a bucket: as on EMR Serverless, against moto's S3."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloud.backfill import duck
from cloud.backfill.job import Report, backfill
from cloud.backfill.rows import BadFile
from cloud.backfill.sources import SOURCES
from cloud.lake.store import Store
from tests.cloud.backfill.test_engines import STAYS, by_spark, program

SHA256 = hashlib.sha256(STAYS.encode()).hexdigest()
RAW = f"raw/historical/melbourne/{SHA256}.csv"
MELBOURNE = SOURCES["melbourne"]


@dataclass
class Bucket:
    """A lake in it, whose raw file is already there, by its own name."""

    client: Any
    address: str

    def url(self, name: str = "") -> str:
        return f"s3://lake/{name}?endpoint_override={self.address}&scheme=http&region=us-east-1"

    def written(self) -> list[str]:
        """How often each object was put, as its versions tell."""
        found = self.client.list_object_versions(Bucket="lake").get("Versions", [])
        return sorted(each["Key"] for each in found)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    server_module = pytest.importorskip("moto.server", reason="needs moto[server]")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    from boto3.session import Session

    address = "{}:{}".format(*server.get_host_and_port())
    client = Session().client("s3", endpoint_url=f"http://{address}", region_name="us-east-1")
    client.create_bucket(Bucket="lake")
    client.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="lake", Key=RAW, Body=STAYS.encode())
    yield Bucket(client, address)
    server.stop()


def by_duckdb(bucket: Bucket, folder: Path) -> Report:
    lake = Store(bucket.url())
    return backfill(lake, MELBOURNE, bucket.url(RAW), MELBOURNE.time_zone, duck.judge)


def by_spark_here(bucket: Bucket, folder: Path) -> Report:
    url = bucket.url()
    return by_spark([program("lotkeeper")], "melbourne", bucket.url(RAW), url, folder)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("run", [by_duckdb, pytest.param(by_spark_here, marks=pytest.mark.proof)])
def test_it_is_judged_where_it_lies(
    tmp_path: Path, bucket: Bucket, run: Callable[[Bucket, Path], Report]
) -> None:
    """The lake is that of a folder, and the file as it came is not written again."""
    here = tmp_path / "odd.csv"
    here.write_text(STAYS)
    folder = Store(str(tmp_path / "lake"))
    report = backfill(folder, MELBOURNE, str(here), MELBOURNE.time_zone, duck.judge)
    assert run(bucket, tmp_path) == report
    there = Store(bucket.url())
    names = list(folder.names(""))
    assert list(there.names("")) == names
    assert [name for name in names if there.get(name) != folder.get(name)] == []
    assert bucket.written() == sorted(names)


def test_a_file_that_is_not_there(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        duck.judge(MELBOURNE, bucket.url("none.csv"), "UTC")
    bucket.client.put_object(Bucket="lake", Key="other.csv", Body=b"a,b\n1,2\n")
    with pytest.raises(BadFile, match="no column BayId"):
        duck.judge(MELBOURNE, bucket.url("other.csv"), "UTC")
