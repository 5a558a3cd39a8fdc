"""Months against figures reckoned elsewhere, and against the billing units by hand."""

import json
from collections.abc import Sequence

import pytest
from typer.testing import CliRunner

from cloud.cli import app
from cloud.cost.designs import Design, Load, designs, joined, shards

SIZES = (1_000, 100_000, 10_000_000)
PROVISIONED, ON_DEMAND = "Kinesis, provisioned", "Kinesis, on-demand"
SERVERLESS, SMALL = "MSK Serverless", "MSK, 2 x kafka.t3.small"
FIREHOSE, HTTP, S3 = "Firehose to Parquet", "HTTP API", "S3, a PUT a record"


def design(name: str, load: Load, fill: float = 1) -> Design:
    return next(each for each in designs(load, fill) if each.name == name)


@pytest.mark.parametrize(
    ("name", "single", "hundred"),
    [
        (PROVISIONED, (11, 11, 108), (11, 11, 22)),
        (ON_DEMAND, (29, 32, 280), (29, 30, 97)),
        (SERVERLESS, (554, 555, 671), (554, 555, 644)),
        (FIREHOSE, (0.07, 6.7, 672), (None, 0.3, 27)),
        (HTTP, (0.3, 30, 3_000), (None, 0.3, 30)),
        (S3, (1.5, 150, 15_000), (None, 1.5, 150)),
    ],
)
def test_the_months_of_the_notes(
    name: str, single: Sequence[float], hundred: Sequence[float | None]
) -> None:
    """10 events a bay and day of 200 B, peak 5: an earlier, independent reckoning."""
    for bays, alone, together in zip(SIZES, single, hundred, strict=True):
        for fill, noted in ((1, alone), (100, together)):
            if noted is not None:
                half = 0.5 if noted >= 10 else 0.05 if noted >= 0.1 else 0.005
                assert design(name, Load(bays), fill).month == pytest.approx(noted, abs=half)


def test_small_brokers_cost_the_same_but_for_what_they_keep() -> None:
    """The notes have 67 at every size, without storage."""
    for bays in SIZES:
        assert design(SMALL, Load(bays)).items["brokers"] == pytest.approx(67, abs=0.5)
    kept = design(SMALL, Load(SIZES[2])).items["storage"]
    three_days = 1e8 * 3 * (200 + 61) / 2**30
    assert kept == pytest.approx(2 * three_days * 0.10)


@pytest.mark.parametrize(("linger_s", "noted"), [(10, 1.2), (60, 7), (300, 35)])
def test_what_a_linger_gathers_at_the_peak(linger_s: float, noted: float) -> None:
    assert joined(200, 10, linger_s) * Load(200).peak == pytest.approx(noted, rel=0.05)


def test_a_record_is_billed_in_whole_units() -> None:
    load = Load(1_000_000)
    per_month = load.month * 0.014 / 1e6
    full = design(PROVISIONED, load, 128).items["PUT units"]  # 25,600 B
    over = design(PROVISIONED, load, 129).items["PUT units"]
    assert full == pytest.approx(per_month / 128)
    assert over == pytest.approx(per_month / 129 * 2)
    in_small, in_whole = (
        design(ON_DEMAND, Load(1_000_000, event_bytes=size)).items["in"] for size in (1, 1024)
    )
    assert in_small == in_whole == pytest.approx(load.month * 1024 / 2**30 * 0.08)
    small, whole, more = (
        design(FIREHOSE, Load(1_000_000, event_bytes=size)).month for size in (1, 5120, 5121)
    )
    assert small == whole == more / 2


def test_shards_are_by_records_or_by_bytes() -> None:
    busy = Load(8_640_000)  # 5,000 events in the busiest second, 1 MB
    assert (shards(busy, 1), shards(busy, 100), shards(Load(1), 1)) == (5, 1, 1)
    assert shards(Load(8_640_000, event_bytes=2_000), 100) == 10


def cost(*words: str) -> str:
    result = CliRunner().invoke(app, ["cost", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_says_its_prices_and_sums() -> None:
    said = json.loads(cost("--bays", "100000", "--linger", "60", "--json"))
    assert said["prices"]["region"] == "us-east-1"
    fills = sorted({each["events_a_record"] for each in said["months"]})
    assert fills == [1, pytest.approx(1 + 200 * 10 / 86_400 * 60), 100]
    for each in said["months"]:
        assert each["month"] == pytest.approx(sum(each["items"].values()))
    requests = [each["month"] for each in said["months"] if each["design"] == HTTP]
    assert requests == [pytest.approx(30 / fill) for fill in fills]


def test_the_command_for_people() -> None:
    assert "30,000,000 events a month" in " ".join(cost("--bays", "100000").split())


@pytest.mark.parametrize("words", [[], ["--bays", "0"], ["--bays", "1", "--linger", "-1"]])
def test_wrong_words(words: list[str]) -> None:
    assert CliRunner().invoke(app, ["cost", *words]).exit_code == 2
