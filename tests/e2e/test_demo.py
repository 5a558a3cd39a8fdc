"""The demo as a person sees it: with faults, with signals, with a terminal."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FAULTS = ["--fault", "cloud@2s+3s", "--fault", "gateway@4s", "--fault", "broker@6s"]


def test_it_comes_through_its_faults_whole(lotkeeper: Any, account: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    found = account(
        lotkeeper.run("demo", "--headless", "--json", "--duration", 10, "--keep", kept, *FAULTS)
    )
    assert found["settled"] is True
    assert [" ".join(words.split()[1:]) for words in found["faults"]] == [
        "cloud cut", "gateway killed", "cloud back", "broker killed",
    ]  # fmt: skip
    check_occupancy(found)
    check_books(found)
    check_sinks(kept, found["accepted"])


def check_occupancy(account: dict[str, Any]) -> None:
    shown = account["occupancy"]
    assert shown["total"] == 24
    assert (shown["unknown"], shown["closed"]) == (0, 0)
    assert shown["occupied"] + shown["free"] == 24
    assert account["occupied_truly"] > 0
    # What changed within the last sample and dwell (25 s of the lot) is not settled yet; in the
    # first ten minutes a bay changes every 80 s.
    assert abs(shown["occupied"] - account["occupied_truly"]) <= 2


def check_books(account: dict[str, Any]) -> None:
    assert account["agents"] == {"pi-00": "online", "pi-01": "online", "pi-02": "online"}
    assert account["dead_letters"] == {}
    assert account["sinks"].keys() == {"disk", "cloud", "past"}
    for book in account["sinks"].values():
        assert book["balanced"]
        assert book["waiting"] == 0
        assert not book["failing"]
        assert book["delivered"] == book["appended"]
        assert book["appended"] > account["accepted"]  # by what the gateway itself said


def check_sinks(kept: Path, accepted: int) -> None:
    """Both sinks hold the same records, each of them once in the file."""
    (path,) = (kept / "sink").glob("*.jsonl")
    disk = event_ids(path)
    assert len(disk) == len(set(disk)) == accepted
    assert set(event_ids(kept / "front-door.jsonl")) == set(disk)


def event_ids(path: Path) -> list[str]:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        each["event_id"]
        for each in records
        if each["event_type"] != "SNAPSHOT" and "told_by" not in each
    ]


def test_an_unplugged_agent_catches_up(lotkeeper: Any, account: Any) -> None:
    found = account(
        lotkeeper.run("demo", "--headless", "--json", "--duration", 6, "--fault", "agent@2s+2s")
    )
    assert found["settled"] is True
    assert [" ".join(words.split()[1:]) for words in found["faults"]] == ["agent cut", "agent back"]
    check_books(found)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(lotkeeper: Any, number: signal.Signals) -> None:
    with lotkeeper.start(
        "demo", "--headless", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as demo:
        assert "events" in demo.stderr.readline()  # it plays
        assert len(lotkeeper.processes()) == 3  # itself, broker, gateway
        demo.send_signal(number)
        said = demo.stdout.read()
    assert demo.returncode == 0
    assert json.loads(said)["settled"] is True
    assert lotkeeper.processes() == {}


def test_children_do_not_outlive_a_demo_that_is_killed(lotkeeper: Any, tmp_path: Path) -> None:
    with lotkeeper.start(
        "demo", "--headless", "--keep", tmp_path / "kept", stdout=subprocess.PIPE
    ) as demo:
        assert "events" in demo.stdout.readline()
        children = [pid for pid in lotkeeper.processes() if pid != demo.pid]
        ends = [os.pidfd_open(pid) for pid in children]
        demo.kill()
    assert len(children) == 2
    for end in ends:
        assert select.select([end], [], [], 10)[0]  # readable once the process has ended
        os.close(end)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("wifi@3s", "--fault 'wifi@3s': write cloud, broker, gateway or agent, @ and when"),
        ("cloud@3s", "say for how long: cloud@3s+10s"),
        ("gateway@3s+9s", "starts again at once: gateway@3s"),
    ],
)
def test_a_bad_fault_exits_2_with_the_mend(lotkeeper: Any, fault: str, said: str) -> None:
    run = lotkeeper.run("demo", "--fault", fault)
    assert run.returncode == 2
    assert said in run.stderr
    assert run.stdout == ""


def test_at_a_terminal_there_is_a_view_and_keys_break_and_quit(
    lotkeeper: Any, terminal: Any
) -> None:
    before = terminal.settings
    with lotkeeper.start("demo", "--no-console", **terminal.streams) as demo:
        terminal.await_words("events/s")
        for words in (" free", "of 24", "pi-02", "quit"):
            terminal.await_words(words)
        assert not terminal.line_by_line
        for key, words in (
            ("c", "cloud cut"),
            ("g", "gateway killed, started again"),
            ("c", "cloud back"),
        ):
            terminal.press(key)
            terminal.await_words(words)
        terminal.press("q")
        assert terminal.drain_until_ended(demo) == 0
    assert terminal.settings == before


def test_a_terminal_is_as_it_was_after_sigterm(lotkeeper: Any, terminal: Any) -> None:
    before = terminal.settings
    with lotkeeper.start("demo", "--no-console", **terminal.streams) as demo:
        terminal.await_words("events/s")
        assert not terminal.line_by_line
        demo.terminate()
        assert terminal.drain_until_ended(demo) == 0
    assert terminal.settings == before


def test_a_headless_one_in_the_background_is_not_stopped_by_its_terminal(
    lotkeeper: Any, terminal: Any
) -> None:
    """Whoever changes a terminal's settings from the background gets SIGTTOU, and stops."""
    demo = f"{sys.executable} -m lotkeeper demo --headless --duration 2"
    shell = subprocess.Popen(
        ["setsid", "--ctty", "bash", "-c", f"set -m; {demo} & wait $!; echo ended: $?"],
        env=lotkeeper.environment,
        text=True,
        **terminal.streams,
    )
    with shell:
        terminal.await_words("ended: 0", 40)
        assert terminal.drain_until_ended(shell) == 0
