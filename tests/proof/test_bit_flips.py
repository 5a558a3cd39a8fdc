"""A flipped bit anywhere in a database: caught, set aside, and the service goes on."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from agent.store import AgentStore
from gateway.batch import Arrived
from gateway.ingest import Ingest
from gateway.store import GatewayStore
from gateway.testing import SetClock, changed, lot_settings
from proof.storage import flips
from proof.storage.loads import NAMES
from proof.storage.verdicts import ram
from spool import Entry
from spool.database import PAGE_BYTES

REPO = Path(__file__).parents[2]
LOADS = ["agent", "gateway"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory, where there is such a place: thousands of databases are made in it."""
    with tempfile.TemporaryDirectory(dir=ram()) as name:
        yield Path(name)


def flipped(load: str, folder: Path, a_page: int, seed: int) -> tuple[Counter[str], list[object]]:
    """The verdicts on flips of every page, and where what must not be came to be."""
    program = [sys.executable, "-m", "proof.storage.loads", load, str(folder)]
    subprocess.run(program, cwd=REPO, check=True, capture_output=True)
    said = flips.sound(load, folder)
    whole = (folder / NAMES[load]).read_bytes()
    found: Counter[str] = Counter()
    wrong: list[object] = []
    for place in flips.flips(whole, a_page, Random(seed)):
        verdict = flips.verdict(load, folder, whole, said, place)
        found[verdict] += 1
        if verdict in ("silent", "refused"):
            wrong.append((verdict, divmod(place[0], PAGE_BYTES), place[1]))
    return found, wrong


@pytest.mark.parametrize("load", LOADS)
def test_a_flip_on_any_page_is_caught(load: str, folder: Path) -> None:
    """Red without the seal: changed states pass `quick_check`."""
    found, wrong = flipped(load, folder, a_page=3, seed=1)
    assert wrong == []
    assert found["set aside"] > found.total() / 3
    assert found["quarantined"] > 0


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("load", LOADS)
def test_thousands_of_flips_are_caught(load: str, folder: Path) -> None:
    found, wrong = flipped(load, folder, a_page=200, seed=2)
    print(f"{load}: {dict(found)}")
    assert wrong == []
    assert found.total() > 4000


@pytest.mark.parametrize("load", LOADS)
def test_a_flip_in_the_log_takes_back_whole_commits_and_is_told(
    load: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Red without a look at the frames behind those that SQLite recovered: most are not told."""
    whole = flips.logged(load, folder / "load")
    found: Counter[str] = Counter()
    for at, bit in flips.flips(whole.log[whole.made :], 1, Random(3)):
        place = (whole.made + at, bit)
        caplog.clear()
        back = flips.taken_back(load, folder / "flipped", whole, place)
        told = "its log was damaged" in caplog.text
        assert back is not None, f"neither of the states: {place}"
        # The last commit may as well be one that a power cut tore, and was not told.
        assert told == (back > 1), (place, back)
        found["told" if told else "last" if back else "harmless"] += 1
    print(f"{load}: {dict(found)}")
    assert found["told"] > found.total() / 2


def test_agents_give_a_gateway_again_what_its_damaged_store_held(tmp_path: Path) -> None:
    """Its new store has another id: agents offer what they retain, acknowledged or not."""
    agent = AgentStore(tmp_path / "agent.db", 10**6)
    bodies = [changed(seq, spot_id=f"A{1 + seq % 2}") for seq in range(1, 31)]
    for body in bodies:
        agent.append(body["spot_id"], [Entry(body["spot_id"], json.dumps(body).encode())], "{}")

    def offer(gateway: GatewayStore) -> None:
        ingest = Ingest(lot_settings(tmp_path), gateway, SetClock())
        rows = agent.read(agent.acked_seq, 100)
        topic = "lots/lot-1/agents/pi-1/events"
        ingest.take([Arrived("pi-1", topic, row.payload) for row in rows])
        agent.acknowledge(ingest.ack_of("pi-1", "e1").seq)
        agent.keep_position()

    path = tmp_path / "gateway.db"
    first = GatewayStore(path, 10**6)
    agent.meet(first.store_id)
    offer(first)
    believed = first.believed()
    assert agent.acked_seq == 30
    first.close()

    data = bytearray(path.read_bytes())
    data[data.index(b"A1occupied") + 1] ^= 2  # its spots tell another spot's state: A3
    path.write_bytes(data)

    second = GatewayStore(path, 10**6)
    assert second.damaged is not None
    assert second.believed() == {}
    assert agent.meet(second.store_id)
    offer(second)
    assert second.believed() == believed
    assert second.accepted() == {"pi-1": 30}
    second.close()
    agent.close()
