"""DuckDB and Spark make the same lake: every object, the quarantine and the report, byte for byte.

Spark runs as people run it, by the command of its own environment (`make spark`). A start of it
alone costs some 20 s of a processor, so all of these are proofs; CI runs those with odd rows.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cloud.backfill import duck
from cloud.backfill.job import Report, backfill
from cloud.backfill.sources import SOURCES
from cloud.lake.store import Store

REPO = Path(__file__).parents[3]
PROGRAMS = REPO / "build/spark/bin"
PATIENCE_S = 300
ENVIRONMENT = {
    "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
    # A Java that lives for seconds does not earn back what it spends on fast code: half the time.
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
FILES = {
    "birmingham": "uci-birmingham/dataset.csv",
    "melbourne": "melbourne-sessions/sessions.csv",
}

COUNTS = """\
SystemCodeNumber,Capacity,Occupancy,LastUpdated
Bull Ring,100,50,2016-10-04 08:00:00
Bull Ring,100,50,2016-10-04 08:00:00
Bull Ring,100,60,2016-10-04 08:30:00
Bull Ring,100,61,2016-10-04 08:30:00
Bull Ring,100,61,2016-10-04 08:30:00
Bull Ring,100,-1,2016-10-04 09:00:00
Bull Ring,100,-1,2016-10-04 09:00:00
Bull Ring,100,101,2016-10-04 09:00:00
Bull Ring,100,100,2016-10-04 09:00:00
Bull Ring,0100,70,2016-10-04 09:30:00
Bull Ring,100,070,2016-10-04 09:30:00
Bull Ring,+100,70,2016-10-04 09:30:00
Bull Ring,100,7e1,2016-10-04 09:30:00
Bull Ring,100, 70,2016-10-04 09:30:00
Bull Ring,1000000,70,2016-10-04 09:30:00
Bull/Ring,100,70,2016-10-04 09:30:00
"Bull Ring
",100,70,2016-10-04 10:00:00
Bull Ring,"100
",70,2016-10-04 10:00:00
Bull Ring,100,"70
",2016-10-04 10:00:00
Bull Ring,100,70,"2016-10-04 10:00:00
"
Bül Ring,100,70,2016-10-04 10:00:00
,100,70,2016-10-04 10:00:00
Bull Ring,,70,2016-10-04 10:00:00
Bull Ring,100,,2016-10-04 10:00:00
Bull Ring,100,70,
"Bull, Ring",100

Bull Ring,100,70,2016-10-04 10:30:00,more
BHMBCCMKT01,577,61,2016-13-04 07:59:42
BHMBCCMKT01,577,61,2016-02-30 07:59:42
BHMBCCMKT01,577,61,2016-02-29 07:59:42
BHMBCCMKT01,577,61,2017-02-29 07:59:42
BHMBCCMKT01,577,61,2016-10-04 24:00:00
BHMBCCMKT01,577,61,2016-10-04 23:59:60
BHMBCCMKT01,577,61,2016-10-04T07:59:42
BHMBCCMKT01,577,61,2016-10-04 07:59:42Z
BHMBCCMKT01,577,61,2016-10-04 7:59:42
BHMBCCMKT01,577,61,2016-10-04
BHMBCCMKT01,577,61,0000-01-01 00:00:00
BHMBCCMKT01,577,61,1582-10-10 00:00:00
BHMBCCMKT01,577,61,1999-12-31 23:59:59
BHMBCCMKT01,577,61,2000-01-01 00:00:00
BHMBCCMKT01,577,61,2099-12-31 23:59:59
BHMBCCMKT01,577,61,2100-01-01 00:00:00
BHMBCCMKT01,577,61,2016-03-27 00:59:59
BHMBCCMKT01,577,61,2016-03-27 01:00:00
BHMBCCMKT01,577,61,2016-03-27 01:59:59
BHMBCCMKT01,577,61,2016-03-27 02:00:00
BHMBCCMKT01,577,61,2016-10-30 00:59:59
BHMBCCMKT01,577,61,2016-10-30 01:00:00
BHMBCCMKT01,577,62,2016-10-30 01:30:00
BHMBCCMKT01,577,61,2016-10-30 01:59:59
BHMBCCMKT01,577,61,2016-10-30 02:00:00
"""
STAYS = """\
Area,BayId,DepartureTime,duration
x,A,2019-01-06 13:00:00,30
x,A,2019-01-06 13:00:00,30
x,A,2019-01-06 13:00:00,30.0
x,A,2019-01-06 13:10:00,10.5
x,A,2019-01-06 13:20:30,11
x,A,2019-01-06 13:40:00,5
x,A,2019-01-06 13:40:00,6
x,A,2019-01-06 14:00:00,62
x,A,2019-01-06 14:30:00,40
x,A,2019-01-06 15:00:00,-5
x,A,2019-01-06 15:10:00,-0.001
x,A,2019-01-06 16:00:00,0.008333
x,A,2019-01-06 16:01:00,0.008334
x,A,2019-01-06 16:02:00,0.025
x,A,2019-01-06 16:03:00,0.491667
x,A,2019-01-06 16:04:00,0.499999
x,A,2019-01-06 16:05:00,.5
x,A,2019-01-06 16:06:00,5.
x,A,2019-01-06 16:07:00,1e1
x,A,2019-01-06 16:08:00,0.1234567
x,A,2019-01-06 16:09:00,soon
x,A,2019-01-06 16:10,5
x,A B,2019-01-06 16:11:00,5
x,Ä,2019-01-06 16:11:00,5
x,"A
",2019-01-06 16:12:00,5
x,A,"2019-01-06 16:13:00
",5
x,A,2019-01-06 16:14:00,"5
"
x,B,2019-01-06 14:30:00,0
x,B,2019-01-06 14:30:20,0
x,B,2019-04-07 01:30:00,0
x,B,2019-04-07 02:00:00,15
x,B,2019-04-07 02:30:00,0
x,B,2019-04-07 02:59:59,0
x,B,2019-04-07 03:00:00,45
x,B,2019-10-06 01:59:59,0
x,B,2019-10-06 02:00:00,0
x,B,2019-10-06 02:30:00,0
x,B,2019-10-06 03:00:00,1
x,C,2019-10-06 03:30:00,60
x,C,2019-10-06 24:00:00,5
x,D,2019-01-31 23:59:59,999999
x,D,2099-12-31 12:00:00,1
x,D,2100-06-30 12:00:00,1
"""
ODD = {"birmingham": COUNTS, "melbourne": STAYS}


def program(name: str) -> Path:
    """One of Spark's environment, or a skip that says how to come by it."""
    if not (PROGRAMS / name).exists():
        pytest.skip("PySpark is not installed: make spark")
    if not shutil.which("java"):
        pytest.skip("Java is not installed: apt-get install openjdk-17-jre-headless")
    return PROGRAMS / name


def by_spark(command: list[str | Path], source: str, file: str, lake: str, at: Path) -> Report:
    """What the command says that it did, in the folder `at`."""
    words = ["cloud", "backfill", source, file, "--engine", "spark", "--lake", lake]
    run = subprocess.run(
        [*command, *words, "--json"],
        cwd=at,
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert run.returncode == 0, run.stderr
    return Report(**json.loads(run.stdout))


def assert_alike(folder: Path, source: str, file: Path, command: list[str | Path]) -> Report:
    """That both engines say and write the same of `file`."""
    here, there = Store(str(folder / "duckdb")), Store(str(folder / "spark"))
    report = backfill(here, SOURCES[source], str(file), SOURCES[source].time_zone, duck.judge)
    assert by_spark(command, source, str(file), str(folder / "spark"), folder) == report
    names = list(here.names(""))
    assert list(there.names("")) == names
    for name in names:
        if name.endswith(".parquet"):
            rows = [pq.ParquetFile(each.path(name)).read().to_pylist() for each in (here, there)]
            assert rows[1] == rows[0], name
        assert there.get(name) == here.get(name), name
    assert report.rows == report.kept + sum(report.dropped.values())
    return report


@pytest.mark.proof
@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.parametrize("source", SOURCES)
def test_odd_rows_are_judged_alike(tmp_path: Path, source: str) -> None:
    """Every fault, and what engines are known to read otherwise: line breaks, times, zones."""
    file = tmp_path / "odd.csv"
    file.write_text(ODD[source])
    report = assert_alike(tmp_path, source, file, [program("lotkeeper")])
    assert report.dropped.keys() >= {"duplicate", "conflicting duplicate", "no such local time"}
    assert report.noted["clock_twice"] > 1
    assert report.kept > 10


@pytest.mark.proof
@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.parametrize("source", SOURCES)
def test_the_published_files_are_judged_alike(
    tmp_path: Path, shared_data: Path, source: str
) -> None:
    file = shared_data / FILES[source]
    report = assert_alike(tmp_path, source, file, [program("lotkeeper")])
    assert report.rows > 30_000


@pytest.mark.proof
@pytest.mark.timeout(PATIENCE_S)
def test_spark_submit_starts_it_too(tmp_path: Path) -> None:
    """As EMR Serverless does: a master of its own, and the file that the Terraform output names."""
    file = tmp_path / "odd.csv"
    file.write_text(STAYS)
    command = [program("spark-submit"), "--master", "local[2]", REPO / "lotkeeper/__main__.py"]
    assert_alike(tmp_path, "melbourne", file, command)
    outputs = (REPO / "cloud/terraform/modules/emr/outputs.tf").read_text()
    assert '"local:///opt/lotkeeper/lotkeeper/__main__.py"' in outputs
