"""What the tests of the engine share: its module, a tape of their own, or a whole thread."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from scalargrad import Tape, Value


@pytest.fixture
def engine():
    """The module of the engine that runs."""
    return sys.modules[Value.__module__]


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
