"""MQTT's rules, as the simulated network, broker and link must keep them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import paho.mqtt.client as paho
import pytest

from proof.broker import Broker, Mischief
from proof.link import SimulatedLink
from proof.machine import Process
from proof.network import Network
from proof.schedule import Schedule
from runtime.mqtt import Handlers, MqttSettings

SETTINGS = MqttSettings.model_validate(
    {"keepalive_s": 10, "reconnect_min_s": 1, "reconnect_max_s": 2}
)


@dataclass
class Client:
    """A client that subscribes to `a/+` and keeps what it hears."""

    link: SimulatedLink
    process: Process
    heard: list[tuple[str, bytes, bool]] = field(default_factory=list)
    mids: list[int] = field(default_factory=list)
    sessions: list[bool] = field(default_factory=list)
    pubacks: list[int] = field(default_factory=list)
    losses: int = 0

    @property
    def payloads(self) -> list[bytes]:
        return [payload for _, payload, _ in self.heard]


class Bench:
    """A broker and its clients."""

    def __init__(self) -> None:
        self.schedule = Schedule(Random(1))
        self.network = Network(self.schedule, Random(2))
        self.broker = Broker(self.network, Random(3))

    def client(
        self, name: str, *, listens: bool = True, within_s: float = 1.0, **options: object
    ) -> Client:
        """One that is connected."""
        process = Process(name, lambda: None)
        made: Client

        def take(message: paho.MQTTMessage) -> None:
            made.heard.append((message.topic, message.payload, message.retain))
            made.mids.append(message.mid)

        def connected(session_present: bool) -> None:
            made.sessions.append(session_present)
            if listens:
                made.link.subscribe("a/+")

        def lost() -> None:
            made.losses += 1

        handlers = Handlers(
            message=take,
            connected=connected,
            disconnected=lost,
            published=lambda mid, refused: made.pubacks.append(mid),
        )
        link = SimulatedLink(self.broker, process, SETTINGS, name, handlers, **options)  # type: ignore[arg-type]
        made = Client(link, process)
        link.start()
        self.wait(within_s)
        assert link.connected
        return made

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.schedule.run(self.schedule.now_s + seconds)

    def kill(self, client: Client, name: str) -> None:
        """Its process dies."""
        client.process.alive = False
        self.network.end(name)
        self.wait(1)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def numbered(publish: Callable[[str, bytes], int], count: int) -> list[bytes]:
    payloads = [b"%d" % number for number in range(count)]
    for payload in payloads:
        publish("a/b", payload)
    return payloads


def test_messages_of_a_topic_keep_their_order_and_are_acknowledged(bench: Bench) -> None:
    listener, sender = bench.client("l"), bench.client("s", listens=False)
    sent = numbered(sender.link.publish, 50)
    bench.wait(5)
    assert listener.payloads == sent
    assert len(sender.pubacks) == 50
    assert sender.link.under_way == 0


def test_a_retained_message_is_marked_at_a_subscription_and_live_it_is_not(bench: Bench) -> None:
    first, sender = bench.client("l"), bench.client("s", listens=False)
    sender.link.publish("a/b", b"1", retain=True)
    bench.wait(1)
    second = bench.client("m")
    assert first.heard == [("a/b", b"1", False)]
    assert second.heard == [("a/b", b"1", True)]
    sender.link.publish("a/b", b"", retain=True)
    bench.wait(1)
    assert bench.client("n").heard == []


def test_a_session_outlives_its_connection_and_a_clean_one_does_not(bench: Bench) -> None:
    kept, clean = bench.client("k"), bench.client("c", clean=True)
    sender = bench.client("s", listens=False)
    for name in ("k", "c"):
        bench.network.cut(name, "reset")
    sent = numbered(sender.link.publish, 5)
    bench.wait(1)
    for name in ("k", "c"):
        bench.network.heal(name)
    bench.wait(5)
    assert (kept.sessions, clean.sessions) == ([False, True], [False, False])
    assert kept.payloads == sent
    assert clean.payloads == []


def test_what_was_not_acknowledged_comes_again_first_and_in_its_order(bench: Bench) -> None:
    listener = bench.client("l", manual_ack=True)
    sender = bench.client("s", listens=False)
    sent = numbered(sender.link.publish, 4)
    bench.wait(1)
    listener.link.ack(listener.mids[0], 1)
    bench.wait(1)
    bench.network.cut("l", "reset")
    sender.link.publish("a/b", b"later")
    bench.wait(1)
    bench.network.heal("l")
    bench.wait(5)
    assert listener.payloads == [*sent, *sent[1:], b"later"]


def test_no_more_is_under_way_than_the_client_takes(bench: Bench) -> None:
    listener = bench.client("l", manual_ack=True, receive_maximum=3)
    sender = bench.client("s", listens=False)
    numbered(sender.link.publish, 10)
    bench.wait(2)
    assert len(listener.heard) == 3
    listener.link.ack(listener.mids[0], 1)
    bench.wait(2)
    assert len(listener.heard) == 4


def test_a_client_sends_again_what_the_broker_did_not_acknowledge(bench: Bench) -> None:
    listener, sender = bench.client("l"), bench.client("s", listens=False)
    bench.network.cut("s", "silent")
    sent = numbered(sender.link.publish, 3)
    bench.wait(30)
    assert listener.payloads == []
    assert sender.losses == 1
    bench.network.heal("s")
    bench.wait(5)
    assert listener.payloads == sent
    assert sender.link.under_way == 0


def test_what_a_silent_cut_held_arrives_if_it_ends_in_time(bench: Bench) -> None:
    listener, sender = bench.client("l"), bench.client("s", listens=False)
    bench.network.cut("s", "silent")
    sent = numbered(sender.link.publish, 3)
    bench.wait(5)
    bench.network.heal("s")
    bench.wait(1)
    assert listener.payloads == sent
    assert sender.losses == 0


def test_a_will_is_published_for_a_death_and_not_for_a_goodbye(bench: Bench) -> None:
    listener = bench.client("l")
    mourned = bench.client("m", listens=False, will=("a/m", b"down"))
    leaver = bench.client("g", listens=False, will=("a/g", b"down"))
    leaver.link.stop()
    bench.kill(leaver, "g")
    bench.kill(mourned, "m")
    assert [topic for topic, _, _ in listener.heard] == ["a/m"]


def test_a_machine_without_power_is_missed_after_one_and_a_half_keepalives(bench: Bench) -> None:
    listener = bench.client("l")
    gone = bench.client("m", listens=False, will=("a/m", b"down"))
    gone.process.alive = False
    bench.network.vanish("m")
    bench.wait(14)
    assert listener.heard == []
    bench.wait(2)
    assert listener.payloads == [b"down"]


def test_what_a_dying_process_wrote_is_sent_by_its_kernel(bench: Bench) -> None:
    listener = bench.client("l")
    dying = bench.client("m", listens=False, will=("a/m", b"down"))
    dying.link.publish("a/b", b"last words")
    bench.kill(dying, "m")
    assert listener.payloads == [b"last words", b"down"]


def test_a_second_connection_of_a_client_ends_the_first(bench: Bench) -> None:
    first = bench.client("l", listens=False)
    second = bench.client("l", listens=False, within_s=0.2)
    assert (first.losses, first.link.connected) == (1, False)
    assert second.sessions == [True]


@pytest.mark.parametrize(
    ("remembers", "sessions"), [(False, [False, False]), (True, [False, True])]
)
def test_a_broker_that_crashes_forgets_or_goes_back_to_what_it_saved(
    bench: Bench, remembers: bool, sessions: list[bool]
) -> None:
    listener, sender = bench.client("l"), bench.client("s", listens=False)
    sender.link.publish("a/r", b"old", retain=True)
    bench.wait(1)
    bench.broker.save()
    sender.link.publish("a/r", b"new", retain=True)
    bench.wait(1)
    listener.heard.clear()
    bench.broker.crash()
    bench.wait(3)
    bench.broker.start(remembers=remembers)
    bench.wait(5)
    assert listener.sessions == sessions
    assert listener.payloads == ([b"old"] if remembers else [])


def test_a_full_queue_lets_the_newest_go_behind_its_puback(bench: Bench) -> None:
    listener, sender = bench.client("l"), bench.client("s", listens=False)
    bench.broker.queue_limit = 2
    bench.network.cut("l", "reset")
    sent = numbered(sender.link.publish, 5)
    bench.wait(1)
    assert len(sender.pubacks) == 5
    bench.network.heal("l")
    bench.wait(5)
    assert listener.payloads == sent[:2]
    assert bench.broker.let_go == 3


def test_mischief_drops_doubles_and_disorders(bench: Bench) -> None:
    listener, sender = bench.client("l"), bench.client("s", listens=False)
    bench.broker.mischief = Mischief(drop=0.2, double=0.2, reorder=0.2)
    sent = numbered(sender.link.publish, 100)
    bench.wait(10)
    heard = listener.payloads
    assert set(sent) - set(heard)
    assert len(heard) > len(set(heard))
    assert heard != sorted(heard, key=int)
