"""assert_no_silent_detach: data that flows beside the tape is found, everything else is let pass."""

import math
import random

import pytest

from scalargrad import Value, exp, maximum, no_grad, sin
from scalargrad.testing import SilentDetachError, assert_no_silent_detach


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x * y + sin(x),
        lambda x, y: maximum(x, y) * 2,
        lambda x, y: x + math.floor(y) * round(x),
        lambda x, y: x if x > y else y,
        lambda x, y: (f"{x.data:.3f}", x * y)[1],  # read for a log
        lambda x, y: x * Value(2.0),
        lambda x, y: 4.0,
    ],
)
def test_nothing_is_said_of_what_is_all_on_the_tape(f):
    assert_no_silent_detach(f, 2.5, -1.5)


def no_gradient(x):
    with no_grad():
        scale = exp(x)
    return x / scale


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (lambda x: x * x.data, "row 1, x . 2.5, recorded at .*: the constant 2.5 changes with x"),
        (lambda x: sin(x) + math.exp(x.data), "row 2, #1 [+] 12.18.*, recorded at .*: the constant 12.18"),
        (lambda x: x * x.detach(), "row 1, a new input, .*: its number 2.5 changes with x"),
        (lambda x: Value(x.data) * 2, "row 1, a new input"),
        (no_gradient, "row 1, a new input"),
        (lambda x: x.data * 2, "the result is a plain number: 5.0 changes with x"),
    ],
)
def test_what_leaves_the_tape_is_named(f, says):
    with pytest.raises(SilentDetachError, match=says):
        assert_no_silent_detach(f, 2.5)


def test_at_a_branch_the_side_that_was_taken_is_looked_at():
    assert_no_silent_detach(lambda x: x * 2 if x > 1 else x, 1.0)
    with pytest.raises(SilentDetachError, match="row 1"):
        assert_no_silent_detach(lambda x: x * 2 if x > 1 else x * x.data, 1.0)


def test_a_function_that_is_not_repeatable_is_refused():
    with pytest.raises(ValueError, match="give its random numbers a seed"):
        assert_no_silent_detach(lambda x: x * random.random(), 1.0)
