"""Promises broken on purpose, to see that the simulation finds it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

Mutation = Callable[[ExitStack], None]
MUTATIONS: dict[str, Mutation] = {}


@contextmanager
def mutated(name: str | None) -> Iterator[None]:
    """With the promise `name` broken; None breaks none."""
    with ExitStack() as stack:
        if name is not None:
            MUTATIONS[name](stack)
        yield
