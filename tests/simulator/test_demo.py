"""What a demo does when it does not come up; the rest stands in tests/e2e."""

from pathlib import Path

import pytest

from simulator.demo import Demo, Options
from simulator.processes import NotReady


def test_a_broker_that_does_not_come_up_is_told_and_all_is_stopped(tmp_path: Path) -> None:
    options = Options(
        folder=tmp_path,
        duration_s=1,
        speed=60,
        broker="iotcore",
        seed=1,
        faults=[],
        headless=True,
        picture=None,
        say=print,
    )
    demo = Demo(options)
    demo.site.broker.command = ["false"]
    with pytest.raises(NotReady, match=r"broker ended at once: .*broker\.log"):
        demo.run()
    assert not demo.site.door.open
