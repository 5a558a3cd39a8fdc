"""Every rule keeps the conventions of docs/adding-an-alert.md."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.alerts import RuleSettings, registry
from gateway.alerts.facts import Facts
from gateway.testing import START

REPO = Path(__file__).parents[3]
SUPPORT = {"__init__", "engine", "facts", "registry"}


def test_every_module_is_registered() -> None:
    modules = {path.stem for path in (REPO / "gateway/alerts").glob("*.py")}
    assert modules - SUPPORT == set(registry.kinds())
    assert list(registry.kinds()) == sorted(registry.kinds())


@pytest.mark.parametrize("kind", registry.kinds())
class TestEveryRule:
    def test_its_settings_are_frozen_and_closed(self, kind: str) -> None:
        settings = registry.Rules().of(kind)
        assert isinstance(settings, RuleSettings)
        assert settings.model_config["frozen"]
        assert settings.model_config["extra"] == "forbid"
        assert type(settings).__module__ == f"gateway.alerts.{kind}"

    def test_it_has_a_test_file(self, kind: str) -> None:
        text = (REPO / f"tests/gateway/alerts/test_{kind}.py").read_text()
        assert f"from gateway.alerts.{kind} import" in text

    def test_the_docs_name_every_option(self, kind: str) -> None:
        rows = (REPO / "docs/alerts.md").read_text().splitlines()
        (row,) = [row for row in rows if row.startswith(f"| `{kind}` |")]
        own = set(type(registry.Rules().of(kind)).model_fields) - set(RuleSettings.model_fields)
        assert [option for option in own if f"`{option}`" not in row] == []

    def test_it_looks_now_and_then(self, kind: str) -> None:
        assert 0 <= registry.every_s(kind) <= 60

    def test_an_empty_lot_is_well(self, kind: str) -> None:
        assert list(registry.look(kind, Facts(START), registry.Rules().of(kind))) == []


def test_the_docs_know_no_rule_that_is_gone() -> None:
    rows = (REPO / "docs/alerts.md").read_text().splitlines()
    shown = [row.split("`")[1] for row in rows if row.startswith("| `") and "|" in row]
    assert set(registry.kinds()) <= set(shown)


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("disk", {"raise_below": 0.5}, "raise_below = 0.5 is above clear_from = 0.15"),
        ("sensor", {"raise_below": 90}, "raise_below = 90 is above clear_from = 80"),
        ("full", {"raise_share": 0.5}, "clear_share = 0.9 is above raise_share = 0.5"),
        ("spool", {"clear_share": 0.9}, "clear_share = 0.9 is above raise_share = 0.8"),
        ("power", {"battery_below": 40}, "battery_below = 40.0 is above battery_clear_from"),
        ("power", {"volts_below": 5}, "volts_below = 5.0 is above volts_clear_from"),
        ("certificate", {"days": 3}, "critical_days = 7.0 is above days = 3.0"),
    ],
)
def test_thresholds_that_cross_are_refused(kind: str, options: dict[str, float], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        registry.Rules.model_validate({kind: options})
