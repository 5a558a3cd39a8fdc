"""`simulate --fault`: every fault there is on a test lot, and a report that can be red.

Seen red with a gateway that was broken on purpose: without its comparison of seqs 2,535 records
were doubled on disk (`duplicate*3`), and with a cursor that moves before the sink has answered 11
events were lost in the cloud (`kill-gateway*8,fail-cloud`).
"""

from typing import Any

import pytest

from simulator.faults import NAMES

SMALL = ["--spots", 8, "--agents", 2, "--hours", 3]


def test_all_of_them_at_once_leave_nothing_lost_doubled_or_wrong(
    lotkeeper: Any, account: Any
) -> None:
    # What is poured into a broker that is just killed is lost: so the poison comes five times.
    wanted = [f"{name}*5" if name == "poison" else name for name in NAMES]
    found = account(lotkeeper.run("simulate", "--fault", ",".join(wanted), *SMALL, "--json"))
    assert found["clean"] is True
    assert len(found["faults"]) == len(NAMES) + 4 + sum(bool(kind.for_s) for kind in NAMES.values())
    assert found["sent"] == found["accepted"] > 50
    assert found["books"]["faults"] == []
    assert found["books"]["letters"]["malformed_json"] >= 2  # the poison came, and lies aside
    for sink in found["sinks"]:
        assert sink["pairs"] == sink["sessions"] > 20


def test_a_person_gets_a_report(lotkeeper: Any) -> None:
    run = lotkeeper.run("simulate", "--fault", "kill-gateway,cut-cloud@1h+30m", *SMALL)
    assert run.returncode == 0, run.stdout + run.stderr
    for words in (
        "1:00:0", "cloud cut", "gateway killed", "lost", "the gateway accepted", "sink cloud: ",
        "CLEAN",
    ):  # fmt: skip
        assert words in run.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fault", "kill-wifi"], "--fault 'kill-wifi': there are kill-gateway, "),
        (["--fault", "poison", "--http", "http://127.0.0.1:9/"], "has its own cloud: no --http"),
    ],
)
def test_bad_usage_exits_2_with_the_mend(lotkeeper: Any, options: list[str], said: str) -> None:
    run = lotkeeper.run("simulate", *options)
    assert run.returncode == 2
    assert said in run.stderr


def test_help_names_every_fault_and_shows_examples(lotkeeper: Any) -> None:
    said = " ".join(lotkeeper.run("simulate", "--help").stdout.replace("│", " ").split())
    for name in NAMES:
        assert name in said
    assert "Examples: lotkeeper simulate" in said
