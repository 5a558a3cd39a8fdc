"""The front door: each record answered, in its order, by those alone who may speak for its lot."""

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn

from cloud.door.outlet import Door
from cloud.door.server import MAX_BYTES, make_app
from cloud.door.tokens import BadTokens, make, parse
from cloud.record import decode
from cloud.testing import record
from contract.golden import golden, names
from gateway.sinks import ACCEPTED, Answer, Outgoing, SinkError, Verdict, check_batch, hold_back


class Stream:
    """A sink that keeps what it takes, refuses some spots, and is away when told so."""

    max_records = 3
    max_bytes = 100_000

    def __init__(self, *, partial: bool = False) -> None:
        self.partial = partial
        self.took: list[Outgoing] = []
        self.kept: set[str] = set()
        self.refused: set[str] = set()
        self.away = False

    def open(self) -> None: ...
    def close(self) -> None: ...

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        check_batch(self, batch)
        if self.away:
            raise SinkError("no reply", hint="wait")
        answers = hold_back(batch, [self._answer(each) for each in batch])
        for each, answer in zip(batch, answers, strict=True):
            if answer == ACCEPTED:
                self.took.append(each)
        return answers

    def _answer(self, each: Outgoing) -> Answer:
        if each.key in self.kept:
            return Answer(Verdict.KEEP, "later")
        return Answer(Verdict.REJECTED, "never") if each.key in self.refused else ACCEPTED


@pytest.fixture(params=[False, True], ids=["whole", "partial"])
def stream(request: pytest.FixtureRequest) -> Stream:
    return Stream(partial=request.param)


TOKEN, LINE = make(["north", "air-*"])


@pytest.fixture
def door(stream: Stream) -> Iterator[httpx.Client]:
    listener = socket.create_server(("127.0.0.1", 0))
    app = make_app(Door(parse(LINE), stream))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with httpx.Client(base_url=base, timeout=20) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client
    server.should_exit = True
    thread.join()


def now(body: dict[str, Any], ahead_s: float = 0) -> dict[str, Any]:
    return body | {"timestamp": (datetime.now(UTC) + timedelta(seconds=ahead_s)).isoformat()}


def post(door: httpx.Client, items: Any) -> list[str]:
    reply = door.post("/v1/events", content=json.dumps(items))
    assert reply.status_code == 200
    return [f"{each['status']} {each['reason']}".strip() for each in reply.json()["results"]]


SENT = [name for name in names() if name.startswith("cloud_") and name != "cloud_minimal"]


def test_takes_what_a_gateway_sends_as_it_is(door: httpx.Client, stream: Stream) -> None:
    """What its agents say, and what it says itself."""
    bodies = [json.loads(golden(name)) | {"lot_id": "north"} for name in SENT]
    assert post(door, bodies) == ["accepted"] * len(bodies)
    assert [json.loads(each.payload) for each in stream.took] == bodies
    assert stream.took[SENT.index("cloud_arrival")].key == "north/A1"


def test_standardises_what_says_less(door: httpx.Client, stream: Stream) -> None:
    item = {"lot_id": "air-1", "spot_id": "A1", "event_type": "ARRIVAL"}
    assert post(door, [now(item)]) == ["accepted"]
    found = decode(stream.took[0].payload)
    assert (found.status, found.event_type, found.agent_id) == (
        "occupied",
        "ARRIVAL",
        "status-only",
    )
    lane = {"lot_id": "air-2", "event_id": "gate:7", "event_type": "DEPARTURE"}
    assert post(door, [now(lane)]) == ["accepted"]
    assert decode(stream.took[1].payload).counts == -1


def test_answers_each_record(door: httpx.Client, stream: Stream) -> None:
    stream.refused = {"north/B1"}
    answers = post(
        door,
        [
            now(record(1, "occupied", 0)),
            now(record(2, "free", 0)),
            now(record(1, "occupied", 0, spot="B1")),
            now(record(1, "occupied", 0, lot="south")),
            now(record(3, "vacant", 0), 290),
            now(record(4, "vacant", 0), 330),
            "nothing",
        ],
    )
    assert [answer.partition(" ")[0] for answer in answers] == [
        "accepted",
        "rejected",
        "rejected",
        "rejected",
        "accepted",
        "rejected",
        "rejected",
    ]
    assert "status" in answers[1]
    assert "does not speak for it" in answers[3]
    assert "5 minutes ahead" in answers[5]
    assert len(stream.took) == 2


def test_what_follows_a_record_that_is_kept_is_kept(door: httpx.Client, stream: Stream) -> None:
    stream.kept = {"north/A1"}
    items = [now(record(n, "occupied", 0, spot=spot)) for n in range(1, 5) for spot in ("A1", "B1")]
    answers = post(door, items)
    assert [answer.partition(" ")[0] for answer in answers] == ["retry", "accepted"] * 4
    assert [each.key for each in stream.took] == ["north/B1"] * 4


def test_a_stream_that_is_away_is_no_loss(door: httpx.Client, stream: Stream) -> None:
    stream.away = True
    items = [now(record(n, "occupied", 0)) for n in range(1, 8)]
    assert set(post(door, items)) <= {
        "retry the stream takes nothing now",
        "retry an earlier record of its spot is kept",
    }
    stream.away = False
    assert post(door, items) == ["accepted"] * 7


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}"],
    ids=["none", "empty", "no token", "wrong", "basic"],
)
def test_nobody_else_is_let_in(door: httpx.Client, stream: Stream, header: str | None) -> None:
    del door.headers["Authorization"]
    headers = {} if header is None else {"Authorization": header}
    reply = door.post("/v1/events", content=b"[]", headers=headers)
    assert (reply.status_code, stream.took) == (401, [])


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{]", 400, "array"),
        (b"7", 400, "array"),
        (b"[" * 100_000, 400, "array"),
        (json.dumps([{}] * 1001).encode(), 400, "at most 1000"),
        (b" " * (MAX_BYTES + 1), 413, "fewer"),
    ],
)
def test_a_request_that_is_none_is_told(
    door: httpx.Client, body: bytes, status: int, said: str
) -> None:
    reply = door.post("/v1/events", content=body)
    assert (reply.status_code, said in reply.json()["detail"]) == (status, True)


class TestTokens:
    def test_the_token_itself_is_not_in_its_line(self) -> None:
        assert TOKEN not in LINE
        may = parse(f"# of the airport\n\n{LINE}  # since spring").lots_of(TOKEN)
        assert may is not None
        assert [may(lot) for lot in ("north", "air-7", "south", "air")] == [
            True,
            True,
            False,
            False,
        ]

    @pytest.mark.parametrize("line", ["token north", "ab" * 32, f"{'ab' * 32} no/lot"])
    def test_a_wrong_line_is_named(self, line: str) -> None:
        with pytest.raises(BadTokens, match="line 2"):
            parse(f"\n{line}")
