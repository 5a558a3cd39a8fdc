"""Whether a consumer goes on, as a probe asks it."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from cloud.watching import STUCK_S, Lag, Watch


class Asked:
    """A watch on a clock to set, and what its pages answer."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.watch = Watch("present", lambda: self.now_s)
        self.server = self.watch.serve("127.0.0.1", 0)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.server.server_port}{path}"
            ) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def asked() -> Iterator[Asked]:
    made = Asked()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_consumer_that_stands_still_is_told(asked: Asked) -> None:
    assert asked.get("/health")[0] == 200
    asked.now_s += STUCK_S
    assert asked.get("/health") == (503, "a turn of the loop was done 120 s ago\n")


@pytest.mark.parametrize("goes_on", [lambda w: w.polled(0, Lag()), lambda w: w.alive()])
def test_one_that_goes_on_is_well(asked: Asked, goes_on) -> None:  # type: ignore[no-untyped-def]
    """With nothing to do, and while it waits for the database."""
    asked.now_s += STUCK_S
    goes_on(asked.watch)
    asked.now_s += STUCK_S - 1
    assert asked.get("/health")[0] == 200


def test_metrics_stand_beside_it(asked: Asked) -> None:
    asked.watch.polled(3, Lag(records=5))
    status, text = asked.get("/metrics")
    assert status == 200
    assert 'lotkeeper_cloud_lag_records{part="present"} 5.0' in text
