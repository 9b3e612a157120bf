"""Linear algebra whose last bits are the same on every number of cores."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one thread: with more, their order depends on how many there are."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # here: few commands wait for it

    with threadpool_limits(1):
        yield
