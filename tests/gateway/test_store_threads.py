"""One connection, several threads: nobody waits for another for ever."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, sys, threading, time
from pathlib import Path
from gateway.store import GatewayStore

def failed(told):
    sys.__excepthook__(told.exc_type, told.exc_value, told.exc_traceback)
    os._exit(1)

threading.excepthook = failed
store = GatewayStore(Path(sys.argv[1]), 1_000_000)
store.register_sinks(["a", "b"])
until_s = time.monotonic() + 3

def forward(name):
    while time.monotonic() < until_s:
        with store.transaction():
            store.spool.advance(name, 0, delivered=1)

def ask():
    while time.monotonic() < until_s:
        store.answered("spots", "t-1")
        store.accepted()

threads = [threading.Thread(target=forward, args=(name,), daemon=True) for name in "ab"]
threads += [threading.Thread(target=ask, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(20)
    assert not thread.is_alive(), "two threads wait for each other"
print("done")
"""


def test_questions_and_sinks_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """In a process of its own: threads that hang in SQLite end with it alone."""
    command = [sys.executable, "-c", SCRIPT, tmp_path / "gateway.db"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-2000:]
