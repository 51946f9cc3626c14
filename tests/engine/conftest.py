"""What the tests of the engine share: a tape of their own, or a whole thread."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from scalargrad import Tape


@pytest.fixture
def tape():
    """A fresh tape, the current one during the test."""
    with Tape() as t:
        yield t


@pytest.fixture
def elsewhere():
    """A function that does some work in a thread of its own, and hands back the result or raises the exception."""

    def do(work):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work).result()

    return do
