"""The examples in the contract's docstrings are true."""

import doctest

import pytest

import contract.golden
import contract.topics
import contract.upstream


@pytest.mark.parametrize("module", [contract.golden, contract.topics, contract.upstream])
def test_examples(module: object) -> None:
    failed, tried = doctest.testmod(module)  # type: ignore[arg-type]
    assert tried > 0
    assert failed == 0
