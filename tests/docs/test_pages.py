"""The pages name what there is: requests, refusals, metrics, and files that they link to."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from contract.devices import Outcome, Reason
from gateway import decode, ingest, metrics, service
from gateway.errands import COMMANDS
from gateway.requests import ORDERS, QUESTIONS, TELEMETRY

REPO = Path(__file__).parents[2]
GATEWAY = (REPO / "docs" / "gateway.md").read_text()
PAGES = sorted([REPO / "README.md", *(REPO / "docs").rglob("*.md")])


def table_names(heading: str) -> set[str]:
    """The first column of the table under a heading."""
    section = GATEWAY.split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([a-z_-]+)`", section, re.MULTILINE))


def test_every_request_is_named() -> None:
    assert table_names("Requests") == {*QUESTIONS, *ORDERS, *COMMANDS, TELEMETRY}


def test_every_outcome_and_reason_of_telemetry_is_named() -> None:
    named = table_names("Devices without MQTT") | {"retired_device"}
    assert named == {*get_args(Outcome), *get_args(Reason)} - {""}


def test_every_reason_of_a_refusal_is_named() -> None:
    source = inspect.getsource(decode) + inspect.getsource(ingest)
    reasons = set(re.findall(r'(?:Poison\(\s*|return )"([a-z_]+)",', source))
    assert len(reasons) > 7
    assert table_names("Refused messages") == reasons | {"sink_rejected"}


def test_every_metric_is_named() -> None:
    source = inspect.getsource(metrics)
    families = {}
    for kind, name in re.findall(r'(Counter|Gauge)MetricFamily\(\s*"([a-z_]+)"', source):
        families[name + ("_total" if kind == "Counter" else "")] = kind
    assert table_names("Metrics") == set(families)


def test_every_outcome_of_ingest_is_named() -> None:
    source = inspect.getsource(ingest) + inspect.getsource(service)
    outcomes = set(re.findall(r'totals\["([a-z_]+)"\]', source))
    assert len(outcomes) > 10
    (row,) = re.findall(r"^\| `lotkeeper_ingest_total` .*$", GATEWAY, re.MULTILINE)
    assert set(re.findall(r"`([a-z_]+)`", row)) == outcomes | {"lotkeeper_ingest_total"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link
