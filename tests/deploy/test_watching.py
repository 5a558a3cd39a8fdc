"""Dashboard and alert rules name what is exported, and the rules do what they say."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from cloud.app import PARTS
from cloud.gateways import GatewayAges
from cloud.watching import Lag, Watch
from gateway import metrics
from gateway.batch import Arrived
from gateway.config import ForwardSettings
from gateway.forwarder import Forwarder
from gateway.service import Service
from gateway.sinks import registry
from gateway.store import GatewayStore
from gateway.testing import SetClock, changed, lot_settings
from runtime.postgres import PostgresAccess

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus/alerts.yml"
DASHBOARD = DEPLOY / "grafana/lotkeeper.json"
OF_THE_SCRAPE = {"instance", "job", "lot"}
"""Labels that Prometheus adds, and the address files of gateways."""

Exported = dict[str, dict[str, set[str]]]
"""By the name of a series: its labels, with the values that were seen."""


def exported(found: CollectorRegistry) -> Exported:
    """What a registry says; a family without a sample is no help here."""
    series: Exported = {}
    for family in found.collect():
        assert family.samples, family.name
        for sample in family.samples:
            labels = series.setdefault(sample.name, defaultdict(set))
            for name, value in sample.labels.items():
                labels[name].add(value)
    return series


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """What a gateway with something to tell, and both consumers, export."""
    found = _gateway(tmp_path_factory.mktemp("gateway"))
    for family in GatewayAges(PostgresAccess(dsn="host=/nowhere")).describe():
        family.add_metric(["north"], 1.0)
        found[family.name] = {name: {value} for name, value in family.samples[0].labels.items()}
    for part in PARTS:
        watch = Watch(part)
        watch.polled(3, Lag(5, 1.0))
        watch.written(3, 2, 1)
        watch.aged(datetime(2024, 3, 20, tzinfo=UTC), datetime(2024, 3, 20, 0, 1, tzinfo=UTC))
        for name, labels in exported(watch.registry).items():
            for label, values in labels.items():
                found.setdefault(name, defaultdict(set))[label] |= values
    return found


def _gateway(folder: Path) -> Exported:
    target = {"name": "wardens", "url_file": folder / "url"}
    settings = lot_settings(folder, alerts={"notify": [target]})
    store, clock = GatewayStore(settings.store.path, 10_000_000), SetClock()
    store.register_sinks(["archive"])
    service = Service(settings, store, clock)
    sink = registry.build("file", {"path": str(folder / "records")})
    lot = service.lot
    forwarder = Forwarder("archive", "lot-1", sink, store, lot.snapshots, ForwardSettings(), clock)
    events = "parking/v1/lot-1/agents/pi-1/events"
    bodies = [json.dumps(changed(1)).encode(), b"{"]
    lot.ingest.take([Arrived("pi-1", events, body) for body in bodies])
    lot.presences["pi-1"].hears(clock.monotonic())
    for _ in range(3):  # what is not well is an alert once it has lasted
        clock.now_s += 3600
        service.alarms.tick(linked=True)
    try:
        return exported(metrics.registry_of(lot, [forwarder]))
    finally:
        store.close()


def rules() -> list[dict[str, Any]]:
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """(whose, expression) of each rule and each panel."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    yield from ((p["title"], target["expr"]) for p in panels() for target in p["targets"])
    for variable in json.loads(DASHBOARD.read_text())["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            assert asked, variable
            yield variable["name"], f"sum by ({asked[2]}) ({asked[1]})"


@pytest.mark.parametrize(
    "expression", [pytest.param(asked, id=whose) for whose, asked in expressions()]
)
def test_names_what_is_exported(known: Exported, expression: str) -> None:
    series = re.findall(r"\b(lotkeeper_\w+)(?:\{([^}]*)\})?", expression)
    labels_of = {name: known[name].keys() | OF_THE_SCRAPE for name, _ in series}
    for name, matchers in series:
        for label, how, value in re.findall(r'(\w+)\s*(=~|!=|=)\s*"([^"]*)"', matchers):
            assert label in labels_of[name], (name, label)
            if how != "=~" and label not in OF_THE_SCRAPE:
                assert value in known[name][label], (name, label, value)
    for names in re.findall(r"\b(?:by|on|without)\s*\(([^)]*)\)", expression):
        for label in re.split(r",\s*", names):
            assert label in set().union(OF_THE_SCRAPE, *labels_of.values()), label
    assert series or expression.startswith("up{"), "asks for nothing of ours"


def test_all_that_is_exported_is_looked_at(known: Exported) -> None:
    """A metric that neither rule nor panel asks for is one that nobody sees."""
    asked = " ".join(expression for _, expression in expressions())
    made = {name for name in known if not name.endswith("_created")}
    assert made - set(re.findall(r"\blotkeeper_\w+", asked)) == set()


def test_panels_stand_beside_each_other() -> None:
    board = json.loads(DASHBOARD.read_text())
    assert len({each["id"] for each in board["panels"]}) == len(board["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=50)


def test_prometheus_takes_its_configuration() -> None:
    run = promtool("check", "config", DEPLOY / "prometheus/prometheus.yml")
    assert run.returncode == 0, run.stdout + run.stderr


def test_rules_do_what_they_say() -> None:
    run = promtool("test", "rules", DEPLOY / "prometheus/tests.yml")
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_rule_is_played() -> None:
    played = yaml.safe_load((DEPLOY / "prometheus/tests.yml").read_text())["tests"]
    raised = {
        each["alertname"]
        for test in played
        for each in test["alert_rule_test"]
        if each.get("exp_alerts")
    }
    assert raised == {rule["alert"] for rule in rules()}


def test_panels_ask_what_prometheus_understands(tmp_path: Path) -> None:
    """As if each were a rule, with the dashboard's variables filled in."""
    filled = {"$lot": ".*", "$__rate_interval": "5m"}
    asked = []
    for number, panel in enumerate(panels()):
        for place, target in enumerate(panel["targets"]):
            expression = target["expr"]
            for name, value in filled.items():
                expression = expression.replace(name, value)
            assert "$" not in expression, panel["title"]
            asked.append({"record": f"panel_{number}_{place}", "expr": expression})
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": asked}]}))
    run = promtool("check", "rules", path)
    assert run.returncode == 0, run.stdout + run.stderr
