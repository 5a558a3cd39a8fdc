"""All that the code under test takes from the machine by itself, from the seed instead.

`random` and `uuid.uuid4` are seeded, telemetry is left out, and sqlite3 gives connections that
may die on either side of a COMMIT. Everything else reaches the code as an argument.
"""

import random
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import agent.health
from contract.health import Telemetry
from proof.machine import Kernel


class MortalConnection(sqlite3.Connection):
    """A connection whose process may die right before or right after a commit."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """As ever, but for COMMIT."""
        if sql != "COMMIT":
            return super().execute(sql, parameters)
        Kernel.point()
        cursor = super().execute(sql, parameters)
        Kernel.point()
        return cursor


def _connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = _real_connect(
        *arguments, **{"factory": MortalConnection, **named}
    )
    return connection


_real_connect = sqlite3.connect


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The code's own dice come from `seed`; restored at the end."""
    rng = random.Random(f"{seed} ids")
    state = random.getstate()
    random.seed(f"{seed} jitter")
    try:
        with (
            patch.object(uuid, "uuid4", lambda: uuid.UUID(int=rng.getrandbits(128))),
            patch.object(agent.health, "telemetry", Telemetry),
            patch.object(sqlite3, "connect", _connect),
        ):
            yield
    finally:
        random.setstate(state)
