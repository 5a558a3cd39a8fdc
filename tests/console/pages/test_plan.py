"""Where bays are drawn: rows, angled rows, kerbs and piles come out as they lie."""

from math import cos, radians, sin

import pytest

from console.pages.plan import LENGTH_M, WIDTH_M, placed, plan
from contract.spots import Position
from gateway.config import GatewaySettings, SpotSettings


def spots(*places: tuple[float, float] | None) -> list[SpotSettings]:
    return [
        SpotSettings(
            spot_id=f"S{number}",
            zone_id="A",
            position=place and Position(x_m=place[0], y_m=place[1]),
        )
        for number, place in enumerate(places)
    ]


def row(count: int, x_m: float, y_m: float, turn: float = 0.0, pitch_m: float = 2.5):
    return [
        (x_m + k * pitch_m * cos(radians(turn)), y_m + k * pitch_m * sin(radians(turn)))
        for k in range(count)
    ]


def test_a_row_stands_upright_side_by_side() -> None:
    boxes = placed(spots(*row(4, 10, 5)))
    assert boxes is not None
    assert {(round(box.width_m, 3), box.length_m, box.turn) for box in boxes} == {
        (2.3, LENGTH_M, 0.0)
    }
    assert [box.x_m for box in boxes] == [10, 12.5, 15, 17.5]
    assert {box.y_m for box in boxes} == {-5}  # a plan's y goes up, a screen's goes down


@pytest.mark.parametrize("turn", [30, -20, 90])
def test_a_row_that_is_turned_turns_its_bays(turn: float) -> None:
    boxes = placed(spots(*row(4, 0, 0, turn)))
    assert boxes is not None
    lines = {round(box.turn) % 180 for box in boxes}
    assert lines == {-turn % 180}


def test_two_rows_nose_to_nose_do_not_overlap() -> None:
    boxes = placed(spots(*row(3, 0, 0), *row(3, 0, 4)))
    assert boxes is not None
    assert all(box.length_m < 4 for box in boxes)


def test_along_a_kerb_they_stand_nose_to_tail() -> None:
    boxes = placed(spots(*row(3, 0, 0, pitch_m=6)))
    assert boxes is not None
    assert {(box.width_m, box.length_m, abs(box.turn)) for box in boxes} == {
        (WIDTH_M, LENGTH_M, 90.0)
    }


def test_a_bay_alone_is_a_bay() -> None:
    assert placed(spots((3, 4))) == [(3, -4, WIDTH_M, LENGTH_M, 0.0)]


@pytest.mark.parametrize("places", [[(0, 0), None], [(0, 0), (0, 0)], [None]])
def test_without_a_place_of_its_own_for_each_none_is_placed(places) -> None:
    assert placed(spots(*places)) is None


def test_degrees_are_metres_north_up() -> None:
    south, north = (
        SpotSettings(
            spot_id=name, zone_id="A", position=Position(latitude=latitude, longitude=11.5)
        )
        for name, latitude in (("S", 48.1), ("N", 48.1 + 2.5 / 111_320))
    )
    boxes = placed([south, north])
    assert boxes is not None
    assert boxes[0].y_m - boxes[1].y_m == pytest.approx(2.5, abs=0.01)


def test_a_floor_without_places_is_drawn_in_rows_beside_one_with() -> None:
    document = {
        "facility_id": "f",
        "lot_id": "l",
        "zones": [{"zone_id": "A", "name": "North"}, {"zone_id": "L", "counted_capacity": 4}],
        "spots": [
            {"spot_id": "A1", "zone_id": "A", "floor": 1, "kinds": ["ev", "accessible"]},
            {"spot_id": "A2", "zone_id": "A", "floor": 0, "position": {"x_m": 1, "y_m": 2}},
        ],
    }
    made = plan(GatewaySettings.model_validate(document))
    assert made["floors"] == [
        {"floor": 0, "bays": [["A2", "A", [], [1.0, -2.0, WIDTH_M, LENGTH_M, 0.0]]]},
        {"floor": 1, "bays": [["A1", "A", ["accessible", "ev"], None]]},
    ]
    assert made["zones"] == [
        {"id": "A", "name": "North", "counted": False},
        {"id": "L", "name": "L", "counted": True},
    ]
