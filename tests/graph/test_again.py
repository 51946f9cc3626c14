"""An expression computed again from other numbers."""

import pytest

from scalargrad import Value, relu, where
from scalargrad.graph.again import again
from scalargrad.graph.model import read


def test_without_a_change_everything_comes_out_the_same():
    x, y = Value(2.0), Value(3.0)
    expression = read([relu((x * y).tanh() / 2.0) + x])
    assert again(expression, {}) == [node.value for node in expression.nodes]


def test_a_changed_input_changes_what_depends_on_it():
    x, y = Value(2.0), Value(3.0)
    assert again(read([x * y + y]), {0: 5.0}) == [5.0, 3.0, 15.0, 18.0]


def test_an_intermediate_can_be_changed():
    x = Value(2.0)
    assert again(read([x * x + x]), {1: 10.0}) == [2.0, 10.0, 12.0]


def test_a_where_keeps_to_its_choice():
    x = Value(2.0)
    assert again(read([where(x > 0, x, -x)]), {0: -5.0})[-1] == -5.0


def test_what_the_operations_raise_is_raised():
    with pytest.raises(ValueError, match="math domain"):
        again(read([Value(2.0).log()]), {0: -1.0})


def test_nothing_is_recorded():
    x = Value(2.0)
    expression = read([x * x])
    before = len(x.tape)
    again(expression, {0: 3.0})
    assert len(x.tape) == before
