import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.sinks import ACCEPTED, Answer, SinkError, Verdict
from gateway.sinks.http import Config, Sink
from gateway.sinks.testing import SinkContract, make_record
from proof.fault_proxy import FaultProxy
from proof.fault_proxy import Reply as Dripped
from tests.gateway.sinks.wire import Gate, Reply, Request, ScriptedServer


class HttpRig:
    """An API that takes all but poison, behind a gate."""

    poison = make_record(2, "lot/A2", poison=True)

    def __init__(self, server: ScriptedServer, gate: Gate) -> None:
        gate.target = ("127.0.0.1", server.port)
        server.respond = self._respond
        self._gate = gate
        self._taken: list[dict[str, Any]] = []
        self.sink = Sink(Config(url=f"http://127.0.0.1:{gate.port}/ingest"))

    def _respond(self, request: Request) -> Reply:
        records = json.loads(request.body)
        if any("poison" in record for record in records):
            return Reply(422, {"error": "poison"})
        self._taken += records
        return Reply(201)

    def taken(self) -> list[dict[str, Any]]:
        return self._taken

    def break_upstream(self) -> None:
        self._gate.shut()

    def mend_upstream(self) -> None:
        self._gate.mend()


class TestContract(SinkContract):
    @pytest.fixture
    def rig(self, server: ScriptedServer, gate: Gate) -> HttpRig:
        return HttpRig(server, gate)


@pytest.fixture
def sink(server: ScriptedServer) -> Sink:
    return Sink(Config(url=f"{server.url}/v1/records", read_timeout_s=0.3))


def test_posts_an_array_with_the_token_of_the_moment(
    server: ScriptedServer, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    sink = Sink(Config(url=f"{server.url}/v1/records", token_file=token))
    for secret in ("first", "renewed"):
        token.write_text(f"{secret}\n")
        sink.send([make_record(1), make_record(2, "lot/A2")])
    assert [r.headers["authorization"] for r in server.requests] == [
        "Bearer first",
        "Bearer renewed",
    ]
    assert server.requests[0].path == "/v1/records"
    assert server.requests[0].headers["content-type"] == "application/json"
    assert [item["seq"] for item in json.loads(server.requests[0].body)] == [1, 2]


def test_token_open_to_the_world_is_never_sent(server: ScriptedServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    token.chmod(0o644)
    sink = Sink(Config(url=server.url, token_file=token))
    with pytest.raises(SinkError, match="open to every user"):
        sink.send([make_record(1)])
    assert server.requests == []


def test_results_are_answered_record_by_record(server: ScriptedServer, sink: Sink) -> None:
    results = [
        {"status": "accepted"},
        {"status": "rejected", "reason": "no such spot"},
        {"status": "retry", "reason": "locked"},
    ]
    server.script.append(Reply(207, {"results": results}))
    batch = [make_record(n, f"lot/A{n}") for n in range(3)]
    assert sink.send(batch) == [
        ACCEPTED,
        Answer(Verdict.REJECTED, "no such spot"),
        Answer(Verdict.KEEP, "locked"),
    ]


def test_record_behind_a_retried_one_of_its_key_is_kept(server: ScriptedServer, sink: Sink) -> None:
    sink.send([make_record(0)])
    server.script.append(Reply(200, {"results": [{"status": "retry"}, {"status": "accepted"}]}))
    answers = sink.send([make_record(1), make_record(2)])
    assert [answer.verdict for answer in answers] == [Verdict.KEEP, Verdict.KEEP]


def test_a_batch_holds_one_record_a_key_where_the_api_may_answer_each(
    server: ScriptedServer, sink: Sink
) -> None:
    """At first nobody knows; once it did so it may do it again, whatever it answers meanwhile."""
    assert sink.partial
    sink.send([make_record(1)])
    assert not sink.partial
    server.script.append(Reply(200, {"results": [{"status": "accepted"}]}))
    for seq in (2, 3):
        sink.send([make_record(seq)])
        assert sink.partial


def test_a_reply_that_drips_in_is_a_timeout() -> None:
    """Each read of it is in time."""
    dripping = FaultProxy(("", 0))
    dripping.otherwise = lambda call: Dripped(200, b" " * 50, pause_s=0.1)
    with pytest.raises(SinkError, match="took more than") as caught:
        Sink(Config(url=dripping.url, read_timeout_s=0.3)).send([make_record(1)])
    dripping.close()
    assert caught.value.retryable


@pytest.mark.parametrize("body", [None, "taken", {"count": 1}, [1]])
def test_success_without_results_accepts_all(
    server: ScriptedServer, sink: Sink, body: object
) -> None:
    server.script.append(Reply(200, body))
    assert sink.send([make_record(1)]) == [ACCEPTED]


@pytest.mark.parametrize(
    "results", [[], [{"status": "accepted"}] * 2, [{"status": "maybe"}], "all", [None]]
)
def test_results_that_do_not_match_accept_nothing(
    server: ScriptedServer, sink: Sink, results: object
) -> None:
    server.script.append(Reply(200, {"results": results}))
    with pytest.raises(SinkError) as caught:
        sink.send([make_record(1)])
    assert caught.value.retryable
    assert "`results`" in caught.value.hint


@pytest.mark.parametrize("status", [400, 413, 422])
def test_refused_batch_is_for_bisection_and_a_refused_record_is_rejected(
    server: ScriptedServer, sink: Sink, status: int
) -> None:
    server.script.extend([Reply(status, "bad"), Reply(status, "bad")])
    with pytest.raises(SinkError) as caught:
        sink.send([make_record(1), make_record(2, "lot/A2")])
    assert not caught.value.retryable
    (answer,) = sink.send([make_record(1)])
    assert answer.verdict is Verdict.REJECTED
    assert f"HTTP {status}" in answer.reason


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (301, "`url`"),
        (401, "token"),
        (403, "permission"),
        (404, "`url`"),
        (408, "uplink"),
        (409, "`url`"),
        (429, "slower"),
        (500, "log"),
        (503, "log"),
    ],
)
def test_failures_of_the_moment_reject_nothing(
    server: ScriptedServer, sink: Sink, status: int, hint: str
) -> None:
    server.script.append(Reply(status, headers={"Location": "/elsewhere"}))
    with pytest.raises(SinkError, match=f"HTTP {status}") as caught:
        sink.send([make_record(1)])
    assert caught.value.retryable
    assert hint in caught.value.hint
    assert len(server.requests) == 1


def test_retry_after_in_seconds_or_as_a_date(server: ScriptedServer, sink: Sink) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    waits = []
    for value in ("120", at, "soon", "Wed, 21 Oct 2015 07:28:00 GMT"):
        server.script.append(Reply(429, headers={"Retry-After": value}))
        with pytest.raises(SinkError) as caught:
            sink.send([make_record(1)])
        waits.append(caught.value.retry_after_s)
    assert waits == [120, pytest.approx(600, abs=10), None, 0]


def test_late_reply_is_a_timeout(server: ScriptedServer, sink: Sink) -> None:
    release = threading.Event()
    server.script.append(Reply(hold=release))
    with pytest.raises(SinkError, match="Read timed out") as caught:
        sink.send([make_record(1)])
    release.set()
    assert caught.value.retryable


def test_plain_reply_to_tls_names_certificate_and_clock(gate: Gate, server: ScriptedServer) -> None:
    gate.target = ("127.0.0.1", server.port)
    with pytest.raises(SinkError) as caught:
        Sink(Config(url=f"https://127.0.0.1:{gate.port}")).send([make_record(1)])
    assert "clock" in caught.value.hint


def test_ca_file_decides_whom_to_trust(
    tls_server: ScriptedServer, certificate: tuple[Path, Path]
) -> None:
    assert Sink(Config(url=tls_server.url, ca_file=certificate[0])).send([make_record(1)]) == [
        ACCEPTED
    ]
    with pytest.raises(SinkError, match="certificate verify failed") as caught:
        Sink(Config(url=tls_server.url)).send([make_record(1)])
    assert "`ca_file`" in caught.value.hint
    assert len(tls_server.requests) == 1


def test_name_that_does_not_resolve_names_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_dns(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_dns)
    with pytest.raises(SinkError) as caught:
        Sink(Config(url="http://api.invalid/")).send([make_record(1)])
    assert "DNS" in caught.value.hint


def test_bad_ca_file_is_named(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("no certificate")
    with pytest.raises(SinkError, match=r"ca\.pem"):
        Sink(Config(url="https://api.example/", ca_file=ca_file)).open()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://api.example/", "must be https"),
        ("https:///records", "must be https"),
        ("https://user:pw@api.example/", "token_file"),
        ("http://api.example/", "use https"),
    ],
)
def test_unsafe_urls_are_refused(url: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Config(url=url, token_file=Path("/run/token"))
