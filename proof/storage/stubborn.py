"""A writer that goes on after an error, as another thread of the service would.

`python -m proof.storage.stubborn agent FOLDER` appends again and again, and prints after each
try `committed SEQ` or `failed` with what SQLite said.
"""

import argparse
import sqlite3
from collections.abc import Callable
from pathlib import Path

from agent.store import AgentStore
from gateway.store import GatewayStore
from proof.storage.loads import NAMES
from spool import Entry, database

LIMIT = 10**7
BODY = b"x" * 500


def agent_append(folder: Path) -> Callable[[int], int]:
    """Appends to an agent's store, a record a try."""
    store = AgentStore(folder / NAMES["agent"], LIMIT)
    return lambda turn: store.append(f"A{turn % 5}", [Entry(f"A{turn % 5}", BODY)], "{}")[-1]


def gateway_append(folder: Path) -> Callable[[int], int]:
    """Appends to a gateway's store."""
    store = GatewayStore(folder / NAMES["gateway"], LIMIT)
    store.register_sinks(["file"])

    def append(turn: int) -> int:
        with store.transaction():
            return store.spool.append([Entry(f"A{turn % 5}", BODY)])[-1]

    return append


APPENDS = {"agent": agent_append, "gateway": gateway_append}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("load", choices=list(APPENDS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tries", type=int, default=40)
    arguments = parser.parse_args()
    database.WAL_PAGES = 12
    append = APPENDS[arguments.load](arguments.folder)
    for turn in range(arguments.tries):
        try:
            print(f"committed {append(turn)}\n", end="", flush=True)
        except sqlite3.Error as error:
            print(f"failed {error}\n", end="", flush=True)


if __name__ == "__main__":
    main()
