"""The front door that stands for the cloud: what it takes, what it refuses, how it is cut."""

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from simulator.frontdoor import PATH, FrontDoor
from simulator.processes import free_port

TOKEN = "let me in"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[FrontDoor]:
    door = FrontDoor(free_port(), TOKEN, tmp_path)
    door.restore()
    yield door
    door.cut()


def post(door: FrontDoor, body: Any, token: str = TOKEN, path: str = PATH) -> tuple[int, Any]:
    """Status and answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{door.port}{path}",
        data=body if isinstance(body, bytes) else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def kept(door: FrontDoor) -> list[Any]:
    return [json.loads(line) for line in door.path.read_text().splitlines()]


def test_batches_are_kept_in_order_repeats_and_all(door: FrontDoor) -> None:
    assert post(door, [{"n": 1}, {"n": 2}]) == (200, {"accepted": 2})
    assert post(door, [{"n": 2}]) == (200, {"accepted": 1})
    assert kept(door) == [{"n": 1}, {"n": 2}, {"n": 2}]
    assert door.received == 3


@pytest.mark.parametrize(
    ("body", "options", "status", "said"),
    [
        ([{}], {"token": "guess"}, 401, "wrong token"),
        ([{}], {"path": "/v1/event"}, 404, f"post to {PATH}"),
        ({"n": 1}, {}, 400, "an array of records"),
        (b"[{", {}, 400, "Expecting"),
    ],
)
def test_anything_else_is_refused_and_not_kept(
    door: FrontDoor, body: Any, options: dict[str, str], status: int, said: str
) -> None:
    code, answer = post(door, body, **options)
    assert code == status
    assert said in answer["error"]
    assert door.received == 0
    assert not door.path.exists()


def test_no_token_is_a_wrong_token(door: FrontDoor) -> None:
    connection = HTTPConnection("127.0.0.1", door.port, timeout=10)
    connection.request("POST", PATH, body="[]")
    assert connection.getresponse().status == 401
    connection.close()


def test_a_cut_refuses_connections_until_it_is_over(door: FrontDoor) -> None:
    post(door, [{"n": 1}])
    assert door.open
    door.cut()
    assert not door.open
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", door.port), 5)
    door.restore()
    assert door.open
    assert post(door, [{"n": 2}])[0] == 200  # at the same port, behind what was kept
    assert [each["n"] for each in kept(door)] == [1, 2]


def test_a_cut_ends_a_connection_that_stands_idle(door: FrontDoor) -> None:
    """One that stayed open would go on to be served through the cut."""
    with socket.create_connection(("127.0.0.1", door.port), 10) as idle:
        head = f"POST {PATH} HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
        idle.sendall(head.encode())
        assert idle.recv(100).startswith(b"HTTP/1.1 100 ")
        door.cut()
        assert idle.recv(1) == b""
        assert door.received == 0


def test_cutting_and_restoring_twice_is_once(door: FrontDoor) -> None:
    door.restore()
    assert post(door, [])[0] == 200
    door.cut()
    door.cut()
    door.restore()
    assert post(door, [])[0] == 200


def test_batches_that_come_at_once_do_not_mix(door: FrontDoor) -> None:
    records = [{"sender": sender, "n": n} for sender in range(4) for n in range(50)]
    threads = [
        threading.Thread(target=post, args=(door, records[n : n + 50])) for n in range(0, 200, 50)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    found = kept(door)
    assert [found[n : n + 50] for n in range(0, 200, 50)] == [
        [{"sender": found[n]["sender"], "n": m} for m in range(50)] for n in range(0, 200, 50)
    ]
