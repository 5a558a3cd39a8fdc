"""One connection a lot: shared, found again when it is cut, and nothing asked is forgotten."""

import socket
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from tenacity import retry, retry_if_result, stop_after_delay

from console.line import Line, Watcher
from gateway.ask import NoAnswer
from runtime.mqtt import MqttSettings

PATIENCE_S = 20.0


class Relay:
    """Before a broker: counts the connections, can cut them, and can withhold what comes back."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.withholds = False
        self.withheld = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    @property
    def connections(self) -> int:
        return len(self._pairs)

    def cut(self) -> None:
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(PATIENCE_S)
        self._server.close()
        self.cut()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        for pair in self._pairs:
            for end in pair:
                end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client = self._server.accept()[0]
                broker = socket.create_connection(self._upstream)
                self._pairs.append((client, broker))
                for source, target, back in ((client, broker, False), (broker, client, True)):
                    pump = threading.Thread(
                        target=self._pump, args=(source, target, back), daemon=True
                    )
                    self._threads.append(pump)
                    pump.start()

    def _pump(self, source: socket.socket, target: socket.socket, back: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if back and self.withholds:
                    if b"/gateway/response/" in data:
                        self.withheld.set()
                else:
                    target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(broker: tuple[str, int]) -> Iterator[Relay]:
    made = Relay(broker)
    yield made
    made.close()


@pytest.fixture
def line(relay: Relay, site) -> Iterator[Line]:
    made = Line(mqtt(relay), site.lot_id)
    yield made
    made.close()


def mqtt(relay: Relay) -> MqttSettings:
    return MqttSettings(port=relay.port, protocol="3.1.1", reconnect_min_s=0.05)


def asked(line: Line, name: str = "ping", timeout_s: float = PATIENCE_S, **data: str):
    return line.ask(name, data, timeout_s, uuid.uuid4().hex)


def test_many_threads_ask_over_one_connection(line: Line, relay: Relay) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: asked(line, name), ["ping", "spots", "agents"] * 30))
    assert [each.status for each in answers] == ["ok"] * 90
    assert all("store_id" in (each.data or {}) for each in answers[::3])
    assert all("agents" in (each.data or {}) for each in answers[2::3])
    assert relay.connections == 1


def test_it_connects_again_when_it_is_cut(line: Line, relay: Relay) -> None:
    for connections in (1, 2, 3):
        assert asked(line).status == "ok"
        assert relay.connections == connections
        relay.cut()


def test_a_lost_answer_is_asked_for_again_and_the_order_done_once(
    line: Line, relay: Relay, site
) -> None:
    asked(line)
    relay.withholds = True
    with ThreadPoolExecutor(1) as pool:
        ordered = pool.submit(asked, line, "count-correct", zone_id="L", count=3)
        assert relay.withheld.wait(PATIENCE_S)
        relay.withholds = False
        relay.cut()
        assert ordered.result().data == {"zone_id": "L", "count": 3, "delta": 3}
    assert relay.connections == 2
    rows = site.store.db.execute("SELECT COUNT(*) FROM ledger WHERE zone_id='L'").fetchone()
    assert rows == (1,)


def test_who_watches_hears_over_each_connection_anew(line: Line, relay: Relay) -> None:
    begun, heard = threading.Semaphore(0), threading.Semaphore(0)

    def hear(topic: str, now: object) -> None:
        assert topic == "gateway/health"
        assert isinstance(now, dict)
        heard.release()

    line.watch(Watcher(("gateway/health",), hear, begun.release))
    for _ in range(2):
        assert begun.acquire(timeout=PATIENCE_S)
        assert heard.acquire(timeout=PATIENCE_S)
        relay.cut()
    assert begun.acquire(timeout=PATIENCE_S)


def test_no_broker_and_no_gateway_are_told_apart(relay: Relay, silent, free_port: int) -> None:
    to_nobody = Line(MqttSettings(port=free_port, protocol="3.1.1"), silent.lot_id)
    to_silent = Line(mqtt(relay), silent.lot_id)
    try:
        with pytest.raises(NoAnswer, match="no broker at 127"):
            asked(to_nobody, timeout_s=0.2)
        assert "is it running" in words_of(to_silent)
    finally:
        to_nobody.close()
        to_silent.close()


@retry(retry=retry_if_result(lambda words: "no broker" in words), stop=stop_after_delay(PATIENCE_S))
def words_of(line: Line) -> str:
    """Why nobody answered, once the connection stands."""
    with pytest.raises(NoAnswer) as silence:
        asked(line, timeout_s=0.2)
    return str(silence.value)


def test_a_console_needs_one_connection_for_questions_and_events(
    relay: Relay, site, tmp_path: Path, console_over
) -> None:
    text = site.config.read_text().replace(
        f"port = {site.settings.mqtt.port}", f"port = {relay.port}"
    )
    config = tmp_path / "gateway.toml"
    config.write_text(text)

    consoles = console_over(tmp_path, SimpleNamespace(config=config))
    console = next(consoles)
    for _ in range(3):
        assert console.read(f"/lots/{site.lot_id}")["gateway_heard"]
    assert relay.connections == 1
    assert next(consoles, None) is None
