"""Alerts told for good: to a real SMTP server, an HTTP server and a broker, by the real sender."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from typer.testing import CliRunner

from contract.alerts import Alert
from gateway.alerts.engine import Change, What
from gateway.cli import app
from gateway.config import NotifySettings
from gateway.notifier import Notifier
from gateway.store import GatewayStore
from gateway.testing import START, SetClock
from runtime.mqtt import Handlers, Link, MqttSettings
from simulator.processes import free_port

PATIENCE_S = 30.0
UTC = ZoneInfo("UTC")


class Office:
    """A store with one notice for `ops`, and the notifier that is to tell it."""

    def __init__(self, folder: Path, url: str, mode: int = 0o600) -> None:
        self.url_file = folder / "url"
        self.url_file.write_text(f"{url}\n")
        self.url_file.chmod(mode)
        self.settings = NotifySettings(name="ops", url_file=self.url_file)
        self.store = GatewayStore(folder / "gateway.db", 1_000_000)
        self.clock = SetClock()
        self.notifier = Notifier(self.settings, "lot-1", UTC, self.store, self.clock)
        self.put("it is low: é")

    def put(self, *texts: str) -> None:
        changes = [Change(What.RAISED, self.alert(text)) for text in texts]
        with self.store.transaction():
            self.store.outbox.put([self.settings], changes, self.clock.wall(), UTC)

    def alert(self, text: str) -> Alert:
        return Alert(alert_id="power.pi-1", kind="power", text=text, since=START, raised_at=START)

    def waiting(self) -> int:
        return len(self.store.outbox.due("ops", self.clock.wall()))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Any]:
    made: list[Office] = []

    def make(url: str, mode: int = 0o600) -> Office:
        made.append(Office(tmp_path, url, mode))
        return made[0]

    yield make
    for each in made:
        each.notifier.stop()
        if each.notifier._thread.is_alive():
            each.notifier.join(10)
        each.store.close()


class Mailbox:
    """A handler of aiosmtpd that keeps what comes."""

    def __init__(self) -> None:
        self.came: queue.SimpleQueue[Any] = queue.SimpleQueue()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.came.put(envelope)
        return "250 OK"


def test_by_mail(office: Any) -> None:
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        url = f"mailto://127.0.0.1:{controller.port}/ops@example.org?from=lot@example.org"
        told = office(url)
        told.put("and so is this")
        told.notifier.step()
    finally:
        controller.stop()
    envelope = mailbox.came.get_nowait()
    assert (envelope.mail_from, envelope.rcpt_tos) == ("lot@example.org", ["ops@example.org"])
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert mail["Subject"] == "[lot-1] 2 alerts raised, 0 resolved"
    text = mail.get_body(("plain",)).get_content()
    assert text.splitlines()[:2] == [
        "2026-03-01 12:00 UTC warning: it is low: é (power.pi-1)",
        "2026-03-01 12:00 UTC warning: and so is this (power.pi-1)",
    ]
    assert told.waiting() == 0


class Hook:
    """An HTTP server that answers with the statuses it was given, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.came: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.statuses = list(statuses)
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
                self.end_headers()
                hook.came.put((self.path, json.loads(body)))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://warden:hunter22@127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook(request: pytest.FixtureRequest) -> Iterator[Hook]:
    made = Hook(*getattr(request, "param", []))
    yield made
    made.close()


def test_by_webhook(office: Any, hook: Hook) -> None:
    told = office(hook.url)
    told.notifier.step()
    path, body = hook.came.get(timeout=PATIENCE_S)
    assert (path, body["title"], body["type"]) == (
        "/hook", "[lot-1] warning: power.pi-1", "warning",
    )  # fmt: skip
    assert body["message"] == "2026-03-01 12:00 UTC warning: it is low: é (power.pi-1)"
    assert told.waiting() == 0


@pytest.mark.parametrize("hook", [[503, 503]], indirect=True)
def test_what_is_refused_is_told_again_later_and_later(
    office: Any, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    """Red where a refused notice leaves the queue, or a success does not."""
    told = office(hook.url)
    began_s = told.clock.now_s
    told.notifier.step()
    bodies = [hook.came.get(timeout=PATIENCE_S)[1] for _ in range(3)]
    assert bodies[0] == bodies[1] == bodies[2]
    assert told.clock.now_s - began_s > 5  # the clock that was set has waited
    assert (told.waiting(), told.notifier.sent, told.notifier.error) == (0, 1, "")
    assert "503" in caplog.text
    assert "hunter22" not in caplog.text


def test_the_command_tries_a_target(hook: Hook, tmp_path: Path) -> None:
    url_file, toml = tmp_path / "url", tmp_path / "gateway.toml"
    url_file.touch(mode=0o600)
    url_file.write_text(hook.url)
    toml.write_text(
        'facility_id = "f1"\nlot_id = "lot-1"\nzones = []\n'
        f'[[alerts.notify]]\nname = "ops"\nurl_file = "{url_file}"\n'
    )

    def tried(name: str) -> Any:
        return CliRunner().invoke(app, ["alerts", "try", name, "-c", str(toml)])

    assert tried("ops").exit_code == 0
    assert hook.came.get(timeout=PATIENCE_S)[1]["title"] == "[lot-1] a trial"
    wrong = tried("nobody")
    assert (wrong.exit_code, "no [[alerts.notify]] of the name 'nobody': ops" in wrong.output) == (
        2, True,
    )  # fmt: skip
    url_file.chmod(0o644)
    refused = tried("ops")
    assert (refused.exit_code, "chmod 600" in refused.output) == (1, True)


def test_by_mqtt(office: Any, broker: tuple[str, int]) -> None:
    came: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    ready = threading.Event()

    def connected(session_present: bool) -> None:
        link.subscribe("people/ops")
        ready.set()

    handlers = Handlers(message=lambda m: came.put(bytes(m.payload)), connected=connected)
    settings = MqttSettings(host=broker[0], port=broker[1], protocol="3.1.1")
    link = Link(settings, "people", handlers, clean=True)
    link.start()
    try:
        assert ready.wait(PATIENCE_S)
        told = office(f"mqtt://{broker[0]}:{broker[1]}/people/ops")
        told.notifier.step()
        assert "it is low: é" in came.get(timeout=PATIENCE_S).decode()
        assert told.waiting() == 0
    finally:
        link.stop()


def test_its_thread_sends_when_it_is_told_and_ends_when_it_is_stopped(
    office: Any, hook: Hook
) -> None:
    told = office(hook.url)
    told.notifier.start()
    hook.came.get(timeout=PATIENCE_S)
    told.put("another")
    told.notifier.notice()
    assert "another" in hook.came.get(timeout=PATIENCE_S)[1]["message"]
    assert told.notifier.failure is None


@pytest.mark.parametrize(
    ("url", "mode", "error"),
    [
        ("json://127.0.0.1:1/x", 0o644, "others may use it"),
        ("", 0o600, "empty"),
        ("nonsense://x", 0o600, "none that apprise knows"),
        ("json://warden:hunter22@127.0.0.1:1/x", 0o600, "onnection"),
    ],
)
def test_why_it_cannot_be_told_is_said_without_the_secret(
    office: Any, url: str, mode: int, error: str
) -> None:
    told = office(url, mode)
    notifier = told.notifier
    told.clock.wait = lambda event, seconds: notifier.stop()  # once is enough
    notifier.step()
    assert error in notifier.error
    assert "hunter22" not in notifier.error
    assert told.waiting() == 1


def test_a_server_that_never_answers_does_not_hold_the_end_up(office: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = office(f"json://127.0.0.1:{silent.getsockname()[1]}/x")
        told.notifier.start()
        connection, _ = silent.accept()
        told.notifier.stop()
        told.notifier.join(PATIENCE_S)
        connection.close()
        assert not told.notifier._thread.is_alive()
    assert told.waiting() == 1
