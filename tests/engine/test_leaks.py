"""Nothing is left behind; `python -m tests.engine.leaks` does the same a million times."""

from tests.engine.leaks import left_behind


def test_operations_of_every_kind_leave_nothing_behind(engine):
    blocks, references, _ = left_behind(engine, 20_000)
    assert blocks < 20  # caches of the interpreter have a few; one for each round would be more than 100
    assert references < 100  # each function that Cython makes leaves one to its type, and function() makes one
