"""docs/install.md, followed word by word from a fresh Debian: a gateway's Pi and three bay Pis."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.page import Step, steps
from tests.system.site import Site

PAGE = Path(__file__).parents[2] / "docs" / "install.md"

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def site(
    tree: Path,
    suite: str,
    nspawn: None,
    debs: dict[int, list[Path]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Four machines, switched off."""
    with Site(tree, suite, tmp_path_factory.mktemp("site"), debs) as made:
        yield made


@pytest.mark.parametrize("step", [each for each in steps(PAGE) if not each.by_hand], ids=str)
def test_the_page_is_true(step: Step, site: Site) -> None:
    if step.done:
        site.do(step.done)
    elif step.is_for(site.suite):
        for name in step.machines:
            site.type(step, name)
