"""Random functions, compiled: the value, the gradient and the hessian are those of f eagerly, on every path.

Sources have exactly rounded operations only, so that the bits have to be the same, at one point and in a batch, at
numbers that include zeros of either sign, infinities and nan. The shipped expressions have all operations, in whose
last place NumPy may differ from `math`: there, on smooth ground, on which what rounding there is stays small (see
`expressions`), eleven digits have to be the same.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad import ProgramError, compile, hessian, record, value_and_grad
from scalargrad.testing.strategies import expressions
from tests.program.conftest import BACKENDS
from tests.program.sources import agree, bits, outcome, sources, tables

ALL = (0, 1, 2)

backends = pytest.mark.parametrize("backend", BACKENDS)


def check(f, backend, table, same, lane):
    """A compiled function against f: point after point, twice; over a batch; and over a large one, half of it known."""
    g = compile(f, backend=backend, max_paths=10_000)
    expected = [outcome(f, *point) for point in table.tolist()]
    for _ in range(2):
        for point, y in zip(table.tolist(), expected, strict=True):
            assert same(outcome(g, *point), y), point
    other = compile(f, backend=backend, max_paths=10_000)
    if all(isinstance(y, type) for y in expected):
        return  # nobody knows of what shape nothing is
    half = compile(f, backend=backend, max_paths=10_000)
    if not all(isinstance(y, type) for y in expected[: len(table) // 2]):
        half.batch(table[: len(table) // 2])
    check_batch(other, table, expected, same, lane)
    check_batch(half, np.tile(table[::-1], (20, 1)), expected[::-1] * 20, same, lane)


def check_batch(g, table, expected, same, lane):
    found, failed = g.batch(table, mask=True)
    for i, y in enumerate(expected):
        if isinstance(y, type):
            assert failed[i], table[i]
            assert not np.isfinite(np.hstack(_parts(lane(found, i)))).any(), table[i]
        else:
            assert not failed[i], table[i]
            assert same(lane(found, i), y), table[i]


def one(found, i):
    return found[i]


def value_and_gradient(found, i):
    return found[0][i], tuple(part[i] for part in found[1])


def same_bits(found, expected):
    return bits(found) == bits(expected)


@backends
@given(st.data())
@settings(deadline=None)
def test_values_have_the_same_bits(backend, data):
    source = data.draw(sources())
    same = agree if "grad(" in source.text else same_bits
    check(source.function, backend, data.draw(tables()), same, one)


@backends
@given(st.data())
@settings(deadline=None)
def test_gradients_are_the_same(backend, data):
    f = value_and_grad(data.draw(sources()).function, argnums=ALL)
    check(f, backend, data.draw(tables()), agree, value_and_gradient)


@backends
@given(st.data())
@settings(max_examples=50, deadline=None)
def test_hessians_are_the_same(backend, data):
    f = hessian(data.draw(sources()).function, argnums=ALL)
    g = compile(f, backend=backend, max_paths=10_000)
    table = data.draw(tables(5))
    for point in [*table.tolist(), *table.tolist()]:
        assert agree(outcome(g, *point), outcome(f, *point)), point


@backends
@given(st.data())
@settings(max_examples=50, deadline=None)
def test_a_program_and_its_derivatives_are_right_wherever_they_do_not_raise(backend, data):
    f = data.draw(sources()).function
    table = data.draw(tables(4)).tolist()
    for example in table:
        if isinstance(outcome(f, *example), type):
            continue
        p = record(f, *example, backend=backend)
        for program, eager in (
            (p, f),
            (p.value_and_grad, value_and_grad(f, argnums=ALL)),
            (p.hessian, hessian(f, argnums=ALL)),
        ):
            for point in table:
                try:
                    found = program(*point)
                except (ProgramError, ValueError, ArithmeticError):
                    continue
                assert agree(found, outcome(eager, *point)), (example, point)


def close(x, y):
    return np.allclose(x, y, rtol=1e-11, atol=1e-11)


@backends
@given(st.data())
@settings(deadline=None)
def test_all_operations_on_smooth_ground(backend, data):
    e = data.draw(expressions(smooth=True))
    argnums = tuple(range(len(e.inputs)))
    for eager in (e, value_and_grad(e, argnums=argnums), hessian(e, argnums=argnums)):
        g = compile(eager, backend=backend)
        expected = np.hstack([np.ravel(part) for part in _parts(eager(*e.inputs))])
        for _ in range(2):
            assert close(np.hstack([np.ravel(part) for part in _parts(g(*e.inputs))]), expected)
        batch = g.batch(np.array([e.inputs] * 3))
        assert close(np.hstack([np.reshape(part, (3, -1)) for part in _parts(batch)]), expected)


def _parts(y):
    return [x for part in y for x in _parts(part)] if isinstance(y, tuple) else [y]


@backends
@given(st.data())
@settings(deadline=None)
def test_all_operations_go_the_way_of_the_point(backend, data):
    e = data.draw(expressions())
    table = np.array([e.inputs, *data.draw(st.lists(st.sampled_from([e.inputs, *_around(e.inputs)]), max_size=6))])
    found, failed = compile(e, backend=backend, max_paths=100).batch(table, mask=True)
    assert close(found[0], e(*e.inputs))
    for i, point in enumerate(table.tolist()):
        try:
            e(*point)
        except (ValueError, ArithmeticError):
            assert failed[i] or not math.isfinite(found[i])


def _around(point):
    return [tuple(-x for x in point), tuple(2 * x for x in point), tuple(0.0 for x in point)]
