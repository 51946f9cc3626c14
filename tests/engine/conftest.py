"""What the tests of the engine share: the engines, a tape of their own, or a whole thread."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from scalargrad import Tape
from scalargrad.engine import python

ENGINES = [python]
try:
    from scalargrad.engine import native
except ImportError:
    if os.environ.get("REQUIRE_NATIVE") == "1":
        raise
else:
    ENGINES.append(native)


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.__name__.rpartition(".")[2])
def engine(request):
    """The module of each engine that is built, whichever of them runs; REQUIRE_NATIVE=1 demands both."""
    return request.param


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
