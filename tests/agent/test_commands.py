"""What an agent does when it is told to: on two real brokers, its sensors told what to say."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from agent.commands import ANSWERS_KEPT, Commands
from agent.remote import Remote
from agent.testing import Rig, SetClock, ToldAgent, settings_of
from contract.commands import CommandResponse
from drivers import DriverError
from runtime.mqtt import Handlers, Link

TOML = """
agent_id = "pi-1"
lot_id = "lot-1"
[spool]
path = "{folder}/agent.db"
[[spots]]
spot_id = "A1"
sensor = {{ kind = "simulated" }}
detector = {{ kind = "ranging", floor_mm = 2500, dwell_on_s = 2, dwell_off_s = 2 }}
[[spots]]
spot_id = "A2"
sensor = {{ kind = "simulated" }}
detector = {{ kind = "ranging", floor_mm = 2500, dwell_on_s = 2, dwell_off_s = 2 }}
"""
SPOT = {
    "spot_id": "A1",
    "sensor": {"kind": "simulated"},
    "detector": {"kind": "ranging", "floor_mm": 2500, "dwell_on_s": 2, "dwell_off_s": 2},
}


class Post:
    """An agent that is told by hand; its answers are kept."""

    def __init__(self, folder: Path) -> None:
        config = folder / "agent.toml"
        config.write_text(TOML.format(folder=folder))
        self.remote = Remote(config)
        self.told = ToldAgent(self.remote.settings, SetClock())
        self.agent = self.told.agent
        self.answers: list[CommandResponse] = []
        self.restarts = 0
        self.commands = Commands(self.agent, self.remote, self.answers.append, self._restart)

    def _restart(self) -> None:
        self.restarts += 1

    def say(self, command: str, transaction: str = "t1", **fields: Any) -> CommandResponse | None:
        """Have it done; the answer that came of it."""
        count = len(self.answers)
        now_s = self.told.clock.now_s
        body = {
            "command": command,
            "transaction": transaction,
            "session_id": self.agent.session_id,
            "expires_ms": int(now_s * 1000) + 10_000,
            **fields,
        }
        self.commands.take(json.dumps(body).encode())
        return self.answers[-1] if len(self.answers) > count else None

    def look(self, seconds: float) -> None:
        """Time passes, sensors are read."""
        self.told.run(seconds)
        self.commands.step(self.told.clock.now_s)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path)
    yield made
    made.agent.close()


def test_an_empty_bay_is_learnt_anew_and_kept(post: Post) -> None:
    post.told.free()
    post.told.sensors[0].says = 2300.0
    assert post.say("recalibrate", spot_id="A1", seconds=10) is None
    post.look(9)
    assert post.answers == []
    post.look(1)
    (answer,) = post.answers
    assert (answer.status, answer.data and answer.data["sensors"][0]["floor_mm"]) == ("ok", 2300.0)
    kept = post.told.store.watched("A1")
    assert kept
    assert json.loads(kept.detector)["floor_mm"] == 2300.0
    post.told.sensors[0].says = 1950.0  # 550 below the old floor, and 350 below the new one
    post.told.run(30)
    assert post.agent.watches[0].state.status.value == "free"


def test_a_bay_in_which_something_moves_is_not_learnt(post: Post) -> None:
    post.say("recalibrate", spot_id="A1", seconds=10)
    post.look(5)
    post.told.sensors[0].says = 900.0
    post.look(5)
    (answer,) = post.answers
    assert answer.status == "error"
    assert answer.error
    assert "the readings moved by 1600 mm meanwhile" in answer.error
    kept = post.told.store.watched("A1")
    assert kept is None or json.loads(kept.detector)["floor_mm"] == 2500


def test_a_sensor_that_says_nothing_is_not_learnt(post: Post) -> None:
    post.told.sensors[0].says = DriverError("dead")
    post.say("recalibrate", spot_id="A1", seconds=10)
    post.look(10)
    assert post.answers[0].error
    assert "0 good readings of 0" in post.answers[0].error


def test_a_waved_hand_is_told_and_its_absence_too(post: Post) -> None:
    for says, reacted in ((900.0, True), (2500.0, False)):
        post.told.sensors[0].says = 2500.0
        post.say("identify", f"t{says}", spot_id="A1", seconds=10)
        post.look(5)
        post.told.sensors[0].says = says
        post.look(5)
        data = post.answers[-1].data
        assert data
        assert (data["spot_id"], data["reacted"]) == ("A1", reacted)
        assert data["sensors"][0]["value"] == says


def test_nothing_is_gathered_afterwards(post: Post) -> None:
    post.say("identify", spot_id="A1", seconds=2)
    post.look(2)
    assert post.agent.watches[0].sensors[0].kept is None


def test_a_report_is_the_heartbeat(post: Post) -> None:
    answer = post.say("report")
    assert answer
    assert answer.data
    assert answer.data["session_id"] == post.agent.session_id
    assert answer.data["config_state"] == "local"


def test_the_same_transaction_is_done_once_and_answered_alike(post: Post) -> None:
    post.say("identify", spot_id="A1", seconds=2)
    assert post.say("identify", spot_id="A1", seconds=2) is None
    post.look(2)
    (first,) = post.answers
    assert post.say("identify", spot_id="A1", seconds=2) == first
    assert post.agent.watches[0].sensors[0].kept is None
    for number in range(ANSWERS_KEPT):
        post.say("report", f"r{number}")
    assert post.say("identify", spot_id="A1", seconds=2) is None  # forgotten: done anew


REFUSED = [
    ({"session_id": "another"}, "this agent was started anew since: ask again"),
    ({"expires_ms": 990_000}, "it came 10 s too late: ask again"),
    ({"spot_id": "Z9"}, "spot_id = 'Z9': this agent has A1, A2"),
    ({"spot_id": "Z 9"}, "spot_id: String should match pattern"),
    ({"seconds": 0}, "seconds: Input should be greater than or equal to 1"),
    ({"command": "format-disk"}, "Input tag 'format-disk' found using 'command' does not match"),
]


@pytest.mark.parametrize(("fields", "told"), REFUSED)
def test_what_is_not_for_it_or_for_now_is_refused_in_words(
    post: Post, fields: dict[str, Any], told: str
) -> None:
    answer = post.say(**{"command": "recalibrate", "spot_id": "A1", **fields})
    assert answer
    assert answer.status == "error"
    assert answer.error
    assert told in answer.error
    assert post.agent.watches[0].sensors[0].kept is None


def test_a_spot_is_looked_at_once_at_a_time(post: Post) -> None:
    post.say("identify", "a", spot_id="A1")
    answer = post.say("recalibrate", "b", spot_id="A1")
    assert answer
    assert answer.error == "A1 is being looked at already: wait"
    assert post.say("identify", "c", spot_id="A2") is None


@pytest.mark.parametrize("payload", [b"{", b"[]", b"\xff", b'{"command": "report"}', b"null"])
def test_what_cannot_be_answered_is_not(post: Post, payload: bytes) -> None:
    post.commands.take(payload)
    assert post.answers == []


def configure(post: Post, config: dict[str, Any], revision: str = "1-a") -> CommandResponse | None:
    return post.say("config", revision, revision=revision, config=config)


def test_a_configuration_is_staged_and_the_process_begins_anew(post: Post) -> None:
    answer = configure(post, {"spots": [SPOT]})
    assert answer
    assert (answer.status, post.restarts) == ("accepted", 1)
    assert post.remote.kept.trial
    assert post.agent.config.config_state == "trial"
    assert configure(post, {"spots": [SPOT]}) == answer
    assert post.restarts == 1


def test_one_that_changes_nothing_is_applied_without_a_start(post: Post) -> None:
    answer = configure(post, {"publish": {}})
    assert answer
    assert (answer.status, post.restarts) == ("ok", 0)
    assert post.agent.config.config_revision == "1-a"


def test_a_bad_one_is_refused_by_its_field(post: Post) -> None:
    answer = configure(post, {"spots": [{**SPOT, "sample_s": 0}]})
    assert answer
    assert answer.error
    assert "spots.0.sample_s = 0" in answer.error
    assert (post.restarts, post.agent.config.config_state) == (0, "refused")


def test_the_silent_are_excused_unless_they_are_changed(post: Post) -> None:
    post.told.sensors[0].says = post.told.sensors[1].says = DriverError("dead")
    post.told.run(5)
    other = {**SPOT, "spot_id": "A2", "sensor": {"kind": "simulated", "seed": 7}}
    configure(post, {"spots": [{**SPOT, "sample_s": 2}, other]})
    assert post.remote.kept.excused == ("A1",)


def test_who_gave_readings_lately_is_not_excused(post: Post) -> None:
    post.told.run(5)
    post.told.sensors[1].says = DriverError("dead")
    post.told.run(60)
    configure(post, {"spots": [{**SPOT, "sample_s": 2}]})
    assert post.remote.kept.excused == ()


def test_a_disk_that_is_full_leaves_all_as_it_was(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("agent.remote.beside", full)
        assert configure(post, {"spots": [SPOT]}) is None
    assert post.restarts == 0
    answer = configure(post, {"spots": [SPOT]})  # the next connect brings it again
    assert answer
    assert answer.status == "accepted"


class Hearer:
    """Somebody at the broker who writes commands and hears answers."""

    def __init__(self, rig: Rig) -> None:
        self.root = f"parking/v1/{rig.lot_id}/agents/pi-1"
        self.heard: list[dict[str, Any]] = []
        self.link = Link(
            rig.mqtt,
            f"hearer-{uuid.uuid4().hex[:8]}",
            Handlers(message=self._take, connected=self._subscribe),
            clean=True,
        )
        self.link.start()

    def _subscribe(self, session_present: bool) -> None:
        self.link.subscribe(f"{self.root}/response")

    def _take(self, message: paho.MQTTMessage) -> None:
        self.heard.append(json.loads(message.payload))


def test_it_hears_a_retained_command_and_answers_by_the_broker(rig: Rig, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(TOML.format(folder=tmp_path))
    restarts: list[None] = []
    publisher = rig.publisher
    publisher.commands = Commands(
        rig.agent.agent, Remote(config), publisher.answer, lambda: restarts.append(None)
    )
    hearer = Hearer(rig)
    try:
        command = {"command": "config", "transaction": "t", "revision": "1-a"}
        for sections in ({"mqtt": {}}, {"spots": [SPOT]}):
            revision = f"1-{len(sections)}{next(iter(sections))}"
            payload = json.dumps({**command, "revision": revision, "config": sections}).encode()
            hearer.link.publish(f"{hearer.root}/command", payload, retain=True)
        publisher.start()
        rig.await_(lambda: bool(hearer.heard) and bool(restarts))
        assert hearer.heard[-1]["status"] == "accepted"
        assert hearer.heard[-1]["revision"] == "1-1spots"
    finally:
        hearer.link.stop()


def test_a_command_of_the_gateways_is_no_sign_of_an_open_broker(
    mosquitto: tuple[str, int], tmp_path: Path
) -> None:
    """The agent knows its own probe from what the gateway writes there."""
    mqtt = settings_of(mosquitto, "5").model_copy(update={"username": "pi-1"})
    rig = Rig(tmp_path, mqtt)
    rights = rig.publisher.rights
    assert rights
    taken: list[bytes] = []
    rig.publisher.commands = _Taking(taken)  # type: ignore[assignment]
    hearer = Hearer(rig)
    try:
        rig.publisher.start()
        rig.await_(lambda: rig.publisher.link.connected)
        rig.await_(lambda: rights.forbidden in rights._proven)  # this broker is open indeed
        rights.begin()
        hearer.link.publish(f"{hearer.root}/command", b'{"command": "report"}')
        rig.await_(lambda: bool(taken))
        assert rights.forbidden not in rights._proven
    finally:
        hearer.link.stop()
        rig.stop()


class _Taking:
    """A desk that only takes."""

    def __init__(self, taken: list[bytes]) -> None:
        self.taken = taken

    def take(self, payload: bytes) -> None:
        """Kept."""
        self.taken.append(payload)

    def step(self, now_s: float) -> None:
        """Nothing is under way."""
