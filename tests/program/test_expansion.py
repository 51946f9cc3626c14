"""Gates: one row for differentiation, rows of their own for running."""

import math

import numpy as np
import pytest

from scalargrad import ProgramError, compile, gate, record, sin, value_and_grad


@gate(derivatives=lambda x, y: (y, 100.0 * x))  # not the true one, so that it is told apart
def times(x, y):
    return x * y + sin(x) * 0.0


@gate(derivatives=lambda x: 2.0)
def twice(x):
    return x * 2.0


@gate(derivatives=lambda x: 2.0 * twice(x))
def nested(x):
    return twice(twice(x)) * x


@gate(derivatives=lambda x: math.cos(x))
def opaque(x):
    return math.sin(x)


@gate(derivatives=lambda x: 1.0)
def branched(x):
    return x if x > 0 else -x * 5.0


def names(p):
    return [row.rule.name for row in p.code.rows], [row.rule.name for row in p.lowered.rows]


def test_a_gate_is_one_row_and_runs_as_its_own():
    recorded, lowered = names(record(lambda x, y: times(x, y), 1.0, 2.0, backend="numpy"))
    assert recorded == ["times"]
    assert lowered == ["mul", "sin", "mul", "add"]


def test_a_gate_of_one_row_and_gates_in_gates_are_expanded_too():
    assert names(record(twice, 1.0, backend="numpy"))[1] == ["mul"]
    assert names(record(nested, 1.0, backend="numpy"))[1] == ["mul"] * 3


def test_a_gate_keeps_its_derivatives(backend):
    p = record(lambda x, y: times(x, y) + nested(x), 1.0, 2.0, backend=backend)
    eager = value_and_grad(lambda x, y: times(x, y) + nested(x), argnums=(0, 1))
    for point in [(3.0, 4.0), (-1.0, 0.5)]:
        assert p.value_and_grad(*point) == eager(*point)


def test_a_gate_that_uses_math_runs_lane_by_lane():
    p = record(lambda x: opaque(x) + 1.0, 1.0, backend="numpy")
    assert names(p)[1] == ["opaque", "add"]
    assert p.batch(np.array([[0.5], [2.0]])).tolist() == [math.sin(0.5) + 1, math.sin(2.0) + 1]


def test_the_branch_of_a_gate_is_a_guard_as_well(backend):
    g = compile(branched, backend=backend)
    assert [g(x) for x in (1.0, -1.0, 2.0, -2.0)] == [1.0, 5.0, 2.0, 10.0]
    assert g.batch(np.array([[1.0], [-1.0], [3.0]])).tolist() == [1.0, 5.0, 3.0]
    with pytest.raises(ProgramError, match="goes another way"):
        record(branched, 1.0, backend=backend).batch(np.array([[-1.0]]))


def test_an_opaque_gate_that_raises_is_told_in_a_batch():
    @gate(derivatives=lambda x: 1 / math.sqrt(x))
    def root(x):
        return math.sqrt(x)

    values, failed = record(root, 1.0, backend="numpy").batch(np.array([[4.0], [-1.0]]), mask=True)
    assert (values[0], failed.tolist()) == (2.0, [False, True])
    assert math.isnan(values[1])
