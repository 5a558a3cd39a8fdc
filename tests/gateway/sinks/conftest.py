from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("gateway.sinks.testing")

from tests.gateway.sinks.wire import Gate, ScriptedServer  # noqa: E402


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()
