"""What the tests of the engine share: its module, and a tape of their own."""

import sys

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
