"""Logs for programs are JSON, one line a record, whatever is in it."""

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.lake.schema import partition
from cloud.lake.taker import EVENTS
from cloud.logs import JsonLines, start_in_lambda


def line(record: logging.LogRecord) -> dict[str, str]:
    text = JsonLines().format(record)
    assert "\n" not in text
    found: dict[str, str] = json.loads(text)
    return found


def made(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("cloud.kafka", logging.WARNING, "f.py", 1, message, args, info)


def test_a_record_is_one_line_whatever_it_says() -> None:
    found = line(made("%s: %s", "lots", 'a "word",\nand another'))
    assert found["message"] == 'lots: a "word",\nand another'
    assert (found["level"], found["logger"], found["event"]) == ("WARNING", "cloud.kafka", "%s: %s")
    assert found["time"].endswith("+00:00")


def test_an_exception_is_in_its_line() -> None:
    with pytest.raises(ValueError, match="bad") as caught:
        raise ValueError("bad")
    assert "ValueError: bad" in line(made("failed", error=caught.value))["exception"]


def test_lambdas_own_handler_writes_them_with_its_call() -> None:
    root, own = logging.getLogger(), logging.NullHandler()
    root.addHandler(own)
    try:
        start_in_lambda()
    finally:
        root.removeHandler(own)
    record = made("x")
    record.aws_request_id = "r-1"
    assert own.formatter is not None
    assert json.loads(own.formatter.format(record))["request_id"] == "r-1"


def test_a_process_logs_json_where_nobody_reads_along(tmp_path: Path) -> None:
    """Each query fails: an object of this hour's is no Parquet."""
    path, now = tmp_path / "cloud.toml", datetime.now(UTC)
    for hour in (now - timedelta(hours=1), now):
        broken = tmp_path / "lake" / EVENTS / partition(hour) / "a.parquet"
        broken.parent.mkdir(parents=True)
        broken.write_bytes(b"PAR1 and nothing else")
    path.write_text(f'[lake]\nurl = "{tmp_path / "lake"}"\n')
    command = [sys.executable, "-m", "lotkeeper", "cloud", "analyse", "-c", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    lines = [json.loads(each) for each in run.stderr.splitlines()]
    assert {(each["level"], each["logger"]) for each in lines} == {("ERROR", "cloud.analytics.job")}
    assert "parquet" in lines[0]["exception"].lower()
