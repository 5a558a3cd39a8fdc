"""What tests of the magnetic detector share: bays with a neighbour."""

import pytest

from tests.agent.detector.bays import Bay


@pytest.fixture
def bay() -> Bay:
    return Bay()


@pytest.fixture
def deaf() -> Bay:
    """An adjacent sensor measured once, and is silent since."""
    bay = Bay()
    bay.beside_measures = True
    bay.stand(1)
    bay.beside_measures = False
    bay.stand(20)
    return bay
