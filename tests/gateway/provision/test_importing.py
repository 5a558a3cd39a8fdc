"""A lot from a file: all of it, or every fault of it."""

import re
from pathlib import Path
from typing import Any

import pytest

from agent.config import AgentSettings
from gateway.config import GatewaySettings
from gateway.provision.importing import BadPlan, read
from runtime.config import load

HEADER = (
    "spot_id,zone_id,floor,size,kinds,latitude,longitude,x_m,y_m,agent_id,"
    "sensor,sensor.port,sensor.trigger,sensor.echo,sensor.bus,sensor.address,detector,detector.on_mg"
)
GOOD = f"""{HEADER}
A1,A,0,standard,ev accessible,48.1000,11.5000,,,pi-07,a02yyuw,/dev/serial0,,,,,,
A2,A,0,large,,48.1001,11.5001,,,pi-07,hcsr04,,23,24,,,,
B1,roof,3,,permit,,,2.5,-1,pi-08,qmc5883l,,,,1,0x0D,magnetic,30
B2,roof,3,,,,,,,,,,,,,,,
"""
BAD = f"""{HEADER}
A 1,A,,,,,,,,,,,,,,,,
A2,A,ground,,,,,,,,,,,,,,,
A3,A,,huge,,,,,,,,,,,,,,
A4,A,,,flying,,,,,,,,,,,,,
A5,A,,,,148,11,,,,,,,,,,,
A6,A,,,,48,,,,,,,,,,,,
A7,A,,,,,,,,pi-1,sonar,,,,,,,
A8,A,,,,,,,,pi-1,a02yyuw,,23,,,,,
A9,A,,,,,,,,pi-1,hcsr04,,23,24,,,,
A9,A,,,,,,,,,,,,,,,,
B1,A,,,,,,,,pi-1,hcsr04,,23,25,,,,
B2,,,,,,,,,,,,,,,,,
B3,A,,,,,,,,,a02yyuw,,,,,,,
B4,A,,,,,,,,gateway,,,,,,,,
"""


def test_everything_of_a_csv_arrives(lot: Any, tmp_path: Path) -> None:
    path = tmp_path / "lot.csv"
    path.write_text(GOOD)
    said = lot.done("import", path, "--remove")
    assert "4 spots in 2 zones: 2 new, 2 changed, 1 removed" in said
    assert "agents: pi-07 pi-08" in said
    spots = {spot.spot_id: spot for spot in load(lot.places.gateway_toml, GatewaySettings).spots}
    assert spots["A1"].kinds == {"ev", "accessible"}
    assert spots["A1"].position
    assert spots["A1"].position.latitude == 48.1
    assert (spots["A2"].size, spots["A2"].agent_id) == ("large", "pi-07")
    assert (spots["B1"].floor, spots["B1"].zone_id) == (3, "roof")
    assert spots["B1"].position
    assert spots["B1"].position.y_m == -1
    assert spots["B2"].agent_id is None
    assert lot.done("import", path).startswith("4 spots in 2 zones: 0 new, 0 changed, 0 removed")

    for agent in ("pi-07", "pi-08"):
        lot.done("add-agent", agent, "--out", tmp_path)
    bay = load(tmp_path / "pi-07" / "agent.toml", AgentSettings)
    assert [(spot.spot_id, spot.sensor.kind) for spot in bay.spots] == [
        ("A1", "a02yyuw"),
        ("A2", "hcsr04"),
    ]
    assert bay.spots[1].sensor.options == {"trigger": 23, "echo": 24}
    roof = load(tmp_path / "pi-08" / "agent.toml", AgentSettings)
    assert roof.spots[0].sensor.options == {"bus": 1, "address": 13}
    assert roof.spots[0].detector.kind == "magnetic"


def test_every_bad_row_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "lot.csv"
    path.write_text(BAD)
    with pytest.raises(BadPlan) as caught:
        read(path)
    expected = [
        "lot.csv:2: A 1: spot_id = 'A 1'",
        "lot.csv:3: A2: floor = 'ground'",
        "lot.csv:4: A3: size = 'huge'",
        "lot.csv:5: A4: kinds.0 = 'flying'",
        "lot.csv:6: A5: position.latitude = '148'",
        "lot.csv:7: A6: latitude and longitude go together",
        "lot.csv:8: A7: unknown sensor kind 'sonar': use one of a02yyuw",
        "lot.csv:9: A8: sensor.trigger of a02yyuw: Extra inputs",
        "lot.csv:11: spot_id A9 is taken already, by lot.csv:10",
        "lot.csv:12: pi-1 pin 23 is taken already, by lot.csv:10",
        "lot.csv:13: B2: zone_id is missing",
        "lot.csv:14: B3: a sensor without an agent_id that reads it",
        "lot.csv:15: B4: agent_id gateway is the gateway's own name",
    ]
    told = str(caught.value).splitlines()
    assert [line.startswith(words) for line, words in zip(told, expected, strict=True)] == [
        True
    ] * len(expected), told


def test_nothing_is_half_imported(lot: Any, tmp_path: Path) -> None:
    path = tmp_path / "lot.csv"
    path.write_text(GOOD + "B3,roof,high,,,,,,,,,,,,,,,\n")
    before = [each.read_bytes() for each in (lot.places.lot, lot.places.gateway_toml)]
    result = lot.run("import", path, "--remove")
    assert result.exit_code == 1
    assert "lot.csv:6: B3: floor = 'high'" in result.output
    assert "nothing was taken" in result.output
    assert [each.read_bytes() for each in (lot.places.lot, lot.places.gateway_toml)] == before


def test_spots_that_the_file_lacks_are_not_lost_by_accident(lot: Any, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("spot_id,zone_id\nNEW,A\n")
    result = lot.run("import", path)
    assert result.exit_code == 1
    assert "A1" in result.output
    assert "--remove" in result.output
    assert '"NEW"' not in lot.places.gateway_toml.read_text()


def test_a_dry_run_takes_nothing(lot: Any, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("spot_id,zone_id\nNEW,A\n")
    assert 'spot_id = "NEW"' in lot.done("import", path, "--remove", "--dry-run")
    assert '"NEW"' not in lot.places.gateway_toml.read_text()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheets_csv_is_read(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "lot.csv"
    text = f"spot_id,zone_id,floor\r\nA1,A,-1\r\n,,\r\n{'A2,A,'}\r\n".replace(",", delimiter)
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert [(spot.spot_id, spot.floor) for spot in read(path).spots] == [("A1", -1), ("A2", 0)]


def test_toml_says_zones_too(tmp_path: Path) -> None:
    path = tmp_path / "lot.toml"
    path.write_text(TOML)
    plan = read(path)
    assert [(zone.zone_id, zone.counted_capacity) for zone in plan.zones] == [
        ("meadow", 120),
        ("A", None),
    ]
    assert plan.spots[0].sensor == {"kind": "vl53l1x", "bus": 3}


TOML = """
[[zones]]
zone_id = "meadow"
counted_capacity = 120
[[spots]]
spot_id = "A1"
zone_id = "A"
agent_id = "pi-1"
sensor = { kind = "vl53l1x", bus = 3 }
"""


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("lot.csv", "", "empty"),
        ("lot.csv", "spot_id,colour\nA1,red\n", "lot.csv:1: 'colour'; columns are agent_id"),
        ("lot.csv", "zone_id\nA\n", "no spot_id"),
        ("lot.csv", "spot_id,zone_id\nA1\nA2,A\nA3\n", "lot.csv:2: 1 cells, and 2 columns"),
        ("lot.csv", "spot_id,zone_id\nA1\nA2,A\nA3\n", "lot.csv:4: 1 cells, and 2 columns"),
        ("lot.csv", "spot_id,zone_id\n", "no spots in it"),
        ("lot.csv", "spot_id,zone_id,sensor.port\nA1,A,x\n", "a sensor needs its kind"),
        ("lot.toml", "[[spots]\n", "lot.toml: "),
        ("lot.toml", "name = 1\n", "name: only [[zones]] and [[spots]]"),
        ("lot.toml", TOML.replace("bus = 3", "bus = 'x'"), "lot.toml: spots:1: A1: sensor.bus"),
        ("lot.toml", TOML + TOML.split("120")[1], "spot_id A1 is taken already"),
        ("none.csv", None, "none.csv"),
    ],
)
def test_what_is_no_plan_is_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(BadPlan) as caught:
        read(tmp_path / name)
    assert words in str(caught.value)


def test_swapped_coordinates_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "lot.csv"
    rows = [f"A{i},A,48.1,{11.5 + i / 1e4}" for i in range(4)]
    path.write_text("\n".join(["spot_id,zone_id,latitude,longitude", *rows, "A9,A,11.5,48.1"]))
    with pytest.raises(BadPlan) as caught:
        read(path)
    assert re.fullmatch(r"lot.csv:6: A9: \d{4} km from the lot's other spots", str(caught.value))
