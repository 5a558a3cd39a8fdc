"""What is desired of agents, on a real store: revisions, drift, and what an agent says of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.commands import NEVER, Configure
from contract.health import AgentHealth
from contract.topics import Topics
from gateway.commanding import Commanding
from gateway.configs import REVISIONS_KEPT
from gateway.desk import Desk
from gateway.ingest import Ingest
from gateway.lot import Lot
from gateway.requests import answer
from gateway.store import GatewayStore
from gateway.testing import SetClock, lot_settings

SPOTS = {"spots": [{"spot_id": "A1", "sensor": {"kind": "a02yyuw", "port": "/dev/serial0"}}]}


class Wire:
    """The link's place: what is published is kept."""

    connected = True

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any], int, bool]] = []

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        self.sent.append((topic.rpartition("agents/")[2], json.loads(payload), qos, retain))
        return 0


class Room:
    """A lot's desk with its commanding, without threads."""

    def __init__(self, folder: Path) -> None:
        self.settings = lot_settings(folder)
        self.clock = SetClock()
        self.wire = Wire()
        self.answers: list[tuple[str, Any]] = []
        self.asked = 0
        self.open()

    def open(self) -> None:
        self.store = GatewayStore(self.settings.store.path, 10_000_000)
        ingest = Ingest(self.settings, self.store, self.clock)
        self.lot = Lot(self.settings, self.store, ingest, self.clock)
        self.desk = Desk(self.lot, [])
        self.commanding = Commanding(
            self.desk, Topics("lot-1"), lambda name, response: self.answers.append((name, response))
        )

    def ask(self, name: str, transaction: str = "", **data: Any) -> Any:
        self.asked += 1
        request = {"transaction": transaction or f"t{self.asked}", "data": data}
        return answer(self.desk, name, json.dumps(request).encode())

    def desire(self, config: dict[str, Any], **data: Any) -> str:
        response = self.ask("config-set", agent_id="pi-1", config=config, **data)
        assert response.status == "ok", response.error
        return str(response.data["revision"])

    def errand(self, name: str, transaction: str = "e1", **data: Any) -> None:
        payload = json.dumps({"transaction": transaction, "data": data}).encode()
        assert self.commanding.runs(self.wire, name, payload)  # type: ignore[arg-type]

    def step(self) -> list[tuple[str, dict[str, Any], int, bool]]:
        """What is published now."""
        self.wire.sent.clear()
        self.commanding.step(self.wire, self.clock.monotonic())  # type: ignore[arg-type]
        return list(self.wire.sent)

    def beat(self, agent_id: str = "pi-1", **fields: Any) -> None:
        """A heartbeat of this moment."""
        health = AgentHealth(session_id="s1", status="up", monotonic_ms=5000, **fields)
        self.lot.healths[agent_id] = health
        self.lot.beaten_s[agent_id] = self.clock.monotonic()
        self.lot.presences[agent_id].hears_up("s1", self.clock.monotonic())
        self.commanding.note(agent_id, health)

    def listed(self, agent_id: str = "pi-1") -> dict[str, Any]:
        agents = self.ask("config-list").data["agents"]
        return next(each for each in agents if each["agent_id"] == agent_id)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.store.close()


def test_a_revision_is_published_retained_and_again_on_every_connect(room: Room) -> None:
    revision = room.desire(SPOTS, trial_s=60, by="ada")
    ((topic, message, qos, retain),) = room.step()
    assert (topic, qos, retain) == ("pi-1/command", 1, True)
    desired = Configure.model_validate(message)
    assert (desired.revision, desired.config, desired.trial_s) == (revision, SPOTS, 60)
    assert room.step() == []
    room.commanding.owe_all()
    assert [sent[1] for sent in room.step()] == [message]


def test_it_is_kept_over_a_restart_and_owed_again(room: Room) -> None:
    revision = room.desire(SPOTS)
    room.store.close()
    room.open()
    room.commanding.owe_all()
    assert [sent[1]["revision"] for sent in room.step()] == [revision]


def test_a_request_done_twice_is_one_revision_and_another_is_another(room: Room) -> None:
    asked = {"agent_id": "pi-1", "config": SPOTS}
    first = room.ask("config-set", "same", **asked)
    assert room.ask("config-set", "same", **asked) == first
    assert len(room.store.configs.of("pi-1")) == 1
    second = room.desire(SPOTS)
    assert second != first.data["revision"]
    assert second[2:] == first.data["revision"][2:]  # the same checksum
    assert [each.state for each in room.store.configs.of("pi-1")] == ["sent", "superseded"]


def test_drift_is_shown_until_the_agent_reports_what_is_desired(room: Room) -> None:
    assert not room.listed()["drift"]
    revision = room.desire(SPOTS)
    assert (room.listed()["desired"], room.listed()["reported"]) == (revision, None)
    assert room.listed()["drift"]
    room.beat(config_revision=revision, config_state="trial", config_tried=revision)
    assert room.listed()["state"] == "trial"
    room.beat(config_revision=revision, config_state="applied", config_tried=revision)
    assert not room.listed()["drift"]
    assert room.listed()["state"] == "applied"


def test_what_was_rolled_back_is_told_with_its_reason_and_kept(room: Room) -> None:
    revision = room.desire(SPOTS)
    room.beat(config_state="rolled_back", config_tried=revision, config_error="no reading of A1")
    room.store.close()
    room.open()
    listed = room.listed()
    assert (listed["state"], listed["reason"], listed["drift"]) == (
        "rolled_back",
        "no reading of A1",
        True,
    )


def test_what_an_agent_says_of_another_revision_changes_nothing(room: Room) -> None:
    first = room.desire(SPOTS)
    room.desire({})
    room.beat(config_revision=first, config_state="applied", config_tried=first)
    assert room.listed()["state"] == "sent"
    assert room.store.configs.of("pi-1")[1].state == "superseded"


def test_one_that_had_ended_is_not_superseded(room: Room) -> None:
    first = room.desire(SPOTS)
    room.beat(config_revision=first, config_state="applied", config_tried=first)
    room.desire({})
    assert [each.state for each in room.store.configs.of("pi-1")] == ["sent", "applied"]


def test_old_revisions_go_and_the_newest_of_each_agent_stays(room: Room) -> None:
    for number in range(REVISIONS_KEPT + 5):
        room.desire({"publish": {"heartbeat_s": 1 + number}})
    found = room.store.configs.of("pi-1")
    assert len(found) == REVISIONS_KEPT
    assert found[0].number == REVISIONS_KEPT + 5
    assert room.store.configs.newest == {"pi-1": found[0]}


def test_a_transaction_that_fails_desires_nothing(room: Room) -> None:
    def fails() -> None:
        with room.store.transaction():
            room.store.configs.desire("pi-1", SPOTS, 60, "ada", "2026-03-01T12:00:00Z")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert room.store.configs.newest == {}
    assert room.step() == []


REFUSED = [
    *(({name: {}}, {}, f"config.{name} is not changed from afar: {NEVER[name]}") for name in NEVER),
    ({"sopts": []}, {}, "config.sopts is not changed from afar: there are spots, lanes, publish"),
    ({"spots": [{"spot_id": "Z9"}]}, {}, "config.spots.0.spot_id = 'Z9': not in the lot's layout"),
    ({"spots": [{}]}, {}, "config.spots.0.spot_id = None: not in the lot's layout"),
    ([], {}, "config = []: sections of agent.toml"),
    ({}, {"trial_s": 4}, "trial_s = 4: Input should be greater than or equal to 5"),
    ({}, {"trial_s": "long"}, "trial_s = 'long'"),
    ({}, {"by": 5}, "by = 5: a text"),
    ({}, {"agent_id": "pi-9"}, "agent_id = 'pi-9': there are pi-1"),
    ({"publish": {"x": "y" * 200_001}}, {}, "at most 200000"),
]  # fmt: skip


@pytest.mark.parametrize(("config", "data", "told"), REFUSED)
def test_what_cannot_be_desired_is_named(
    room: Room, config: Any, data: dict[str, Any], told: str
) -> None:
    response = room.ask("config-set", **{"agent_id": "pi-1", "config": config, **data})
    assert response.status == "error"
    assert told in response.error
    assert room.step() == []


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from(["A1", "B1", "", 2**70]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["spot_id", "spots", "publish", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(config=VALUES, trial_s=VALUES)
def test_whatever_is_asked_is_answered_and_can_be_published(
    room: Room, config: Any, trial_s: Any
) -> None:
    response = room.ask("config-set", agent_id="pi-1", config=config, trial_s=trial_s)
    assert (response.status == "error") == bool(response.error)
    assert len(room.step()) == (response.status == "ok")
    room.store.configs.reload()


def test_show_names_the_revisions_there_are(room: Room) -> None:
    first = room.desire(SPOTS)
    second = room.desire({})
    shown = room.ask("config-show", agent_id="pi-1").data
    assert (shown["revision"], shown["config"]) == (second, {})
    assert [each["revision"] for each in shown["revisions"]] == [second, first]
    assert room.ask("config-show", agent_id="pi-1", revision=first).data["config"] == SPOTS
    assert (
        f"pi-1 has {second}, {first}"
        in room.ask("config-show", agent_id="pi-1", revision="7").error
    )


def response_of(command: dict[str, Any], status: str = "ok", **fields: Any) -> bytes:
    answered = {"transaction": command["transaction"], "command": command["command"]}
    return json.dumps({**answered, "status": status, **fields}).encode()


def test_an_errand_goes_to_the_agent_now_and_its_answer_comes_back(room: Room) -> None:
    room.beat()
    room.clock.now_s += 2
    room.errand("spot-recalibrate", agent_id="pi-1", spot_id="A1", seconds=5)
    ((topic, command, qos, retain),) = room.wire.sent
    assert (topic, qos, retain) == ("pi-1/command", 0, False)  # kept for nobody who is away
    assert (command["session_id"], command["expires_ms"]) == ("s1", 5000 + 2000 + 10_000)
    assert (command["spot_id"], command["seconds"]) == ("A1", 5)
    room.commanding.hears("pi-1", response_of(command, data={"floor_mm": 2476}))
    ((name, response),) = room.answers
    assert (name, response.transaction, response.status) == ("spot-recalibrate", "e1", "ok")
    assert response.data == {"agent_id": "pi-1", "floor_mm": 2476}


def test_the_same_errand_is_sent_once_and_answered_alike(room: Room) -> None:
    room.beat()
    for _ in range(2):
        room.errand("spot-identify", spot_id="A1")
    assert len(room.wire.sent) == 1
    room.commanding.hears("pi-1", response_of(room.wire.sent[0][1], data={"reacted": True}))
    room.errand("spot-identify", spot_id="A1")
    assert len(room.wire.sent) == 1
    assert room.answers[0] == room.answers[1]


def test_an_errand_that_nobody_answers_ends_in_words(room: Room) -> None:
    room.beat()
    room.errand("spot-identify", agent_id="pi-1", spot_id="A1", seconds=5)
    command = room.wire.sent[0][1]
    room.clock.now_s += 14.9
    room.step()
    assert room.answers == []
    room.clock.now_s += 0.2
    room.step()
    ((_, response),) = room.answers
    assert "pi-1 did not answer in time" in response.error
    room.commanding.hears("pi-1", response_of(command))
    assert len(room.answers) == 1


def test_what_is_not_the_end_or_not_that_agents_is_waited_past(room: Room) -> None:
    room.beat()
    room.errand("agent-report", agent_id="pi-1")
    command = room.wire.sent[0][1]
    for agent_id, payload in (
        ("pi-1", response_of(command, "accepted")),
        ("pi-2", response_of(command)),
        ("pi-1", b"{"),
        ("pi-1", response_of({**command, "transaction": "another"})),
    ):
        room.commanding.hears(agent_id, payload)
    assert room.answers == []
    room.commanding.hears("pi-1", response_of(command, "error", error="no"))
    assert room.answers[0][1].error == "no"


NOT_SENT = [
    ({"agent_id": "pi-1", "spot_id": "A1"}, "pi-1 is not there to be asked: unconfirmed"),
    ({"agent_id": "pi-9", "spot_id": "A1"}, "agent_id = 'pi-9': there are pi-1"),
    ({"spot_id": "B1"}, "spot_id = 'B1': no agent has ever spoken for it"),
    ({"spot_id": "Z9"}, "agent_id = None: there are pi-1"),
    ({}, "agent_id = None"),
]


@pytest.mark.parametrize(("data", "told"), NOT_SENT)
def test_who_is_not_there_is_not_asked(room: Room, data: dict[str, Any], told: str) -> None:
    room.errand("spot-identify", **data)
    ((_, response),) = room.answers
    assert told in response.error
    assert room.wire.sent == []


@pytest.mark.parametrize(("field", "bad"), [("seconds", 0), ("seconds", "x"), ("spot_id", "A 1")])
def test_a_bad_field_is_named(room: Room, field: str, bad: Any) -> None:
    room.beat()
    room.errand("spot-identify", **{"agent_id": "pi-1", "spot_id": "A1", field: bad})
    assert f"{field} = {bad!r}" in room.answers[0][1].error


def test_a_spot_id_that_is_none_of_the_lots_is_the_agents_to_refuse(room: Room) -> None:
    """A lane is in no layout."""
    room.beat()
    room.errand("spot-identify", agent_id="pi-1", spot_id="entry")
    assert room.wire.sent[0][1]["spot_id"] == "entry"
