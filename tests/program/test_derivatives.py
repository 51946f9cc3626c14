"""Derivatives of Programs where they are delicate: kinks, edges of domains, choices with an infinity on the other side."""

import math

import numpy as np
import pytest

from scalargrad import (
    atan2,
    compile,
    dot,
    exp,
    grad,
    hessian,
    hypot,
    jacobian,
    leaky_relu,
    log,
    logsumexp,
    maximum,
    minimum,
    prod,
    record,
    relu,
    sqrt,
    value_and_grad,
    where,
)
from tests.program.sources import bits, outcome

EDGES = [0.0, -0.0, 1.0, -1.0, 0.25, -2.0, 4.0, 1e200, 5e-324, math.inf, -math.inf, math.nan]

CHOICES = [
    lambda x: where(x > 0, x, sqrt(abs(x))),
    lambda x: where(x > 0, sqrt(abs(x)), x),
    lambda x: where(x > 0, x * x, where(x < 0, sqrt(abs(x)) / x if False else 1.0, sqrt(abs(x)))),
    lambda x: where(x == 0, 1.0, where(x > 1, abs(x) * x, sqrt(abs(x)) * x)),
    lambda x: where(x, x * 3, sqrt(abs(x))) * x,
    lambda x: where(False, sqrt(abs(x)), x * x),  # never chosen, at any point
    lambda x: where(True, x * x, sqrt(abs(x))) + where(0.0, sqrt(abs(x)), x),
    lambda x: maximum(x, sqrt(abs(x)) - 1),
    lambda x: minimum(x, sqrt(abs(x))) + maximum(sqrt(abs(x)), 1.0),
    lambda x: where(x > 0, where(x > 1, x, sqrt(abs(x))), 2 * x) + where(x > 0, 1.0, x),
    lambda x: where(where(x > 0, x, 0.0) > 1, sqrt(abs(x)), x * x),
    lambda x: sqrt(where(x > 0, abs(x), 1.0)) * where(x < 1, x, 2.0),
    lambda x: where(x > 0, x, x / 1e-320),
    lambda x: where(x > 0, x * math.inf, x),
    lambda x: maximum(x, (x - 5.0) / 1e-320) + where(x < 2, x, dot([x, x], [math.inf, 1.0])),
]

EDGED = [
    lambda x: sqrt(x),
    lambda x: sqrt(abs(x)) * x,
    lambda x: abs(x) ** 0.5,
    lambda x: abs(x) ** 1.5,
    lambda x: x**0 + x**1 + x**2 + x**3,
    lambda x: abs(x) ** x if x != 0 else x,
    lambda x: 2.0**x,
    lambda x: 0.0 ** abs(x),
    lambda x: hypot(x, 0.0) + atan2(x, 1.0),
    lambda x: atan2(x, 0.0),
    lambda x: relu(x) + leaky_relu(x) + abs(x),
    lambda x: x % 3 + 5 % (x + 0.5),
    lambda x: prod([x, x, 2.0, x]),
    lambda x: 1 / x,
    lambda x: log(x) * x,
]


def same(found, expected):
    """But for rounding. A second derivative at an edge is nan eagerly, and in a Program what IEEE 754 makes of it."""
    if isinstance(found, type) or isinstance(expected, type):
        return found is expected
    found, expected = np.ravel(found), np.ravel(expected)
    edge = np.isnan(expected) & ~np.isfinite(found)
    return np.allclose(found[~edge], expected[~edge], rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("f", CHOICES)
@pytest.mark.parametrize("transform", [lambda f: f, value_and_grad, hessian], ids=["value", "gradient", "hessian"])
def test_what_is_not_chosen_has_no_say(f, transform, backend):
    eager = transform(f)
    for example in EDGES:
        p = record(eager, example, backend=backend)
        for x in EDGES:
            assert bits(p(x)) == bits(eager(x)), (example, x)


@pytest.mark.parametrize("f", CHOICES)
def test_a_choice_is_no_way(f):
    assert not record(value_and_grad(f), 0.0, backend="numpy").code.guards


def test_the_other_branch_has_no_say_in_a_batch(backend):
    p = record(lambda x: where(x > 0, sqrt(abs(x)), x), 4.0, backend=backend)
    values, slopes = p.value_and_grad.batch(np.array([[4.0], [0.0], [-1.0]]))
    assert (values.tolist(), slopes.tolist()) == ([2.0, 0.0, -1.0], [0.25, 1.0, 1.0])


@pytest.mark.parametrize("f", EDGED)
def test_recorded_at_an_edge_or_elsewhere_the_derivatives_are_right_at_both(f, backend):
    for transform in (value_and_grad, hessian):
        eager = transform(f)
        for example in EDGES:
            if isinstance(outcome(f, example), type):
                continue
            p = compile(eager, backend=backend)
            if isinstance(outcome(p, example), type):
                continue
            for x in EDGES:
                found, expected = outcome(p, x), outcome(eager, x)
                assert same(found, expected), (example, x, found, expected)


@pytest.mark.parametrize("f", EDGED)
def test_derivatives_of_a_program_are_those_of_its_function(f, backend):
    for example in EDGES:
        if isinstance(outcome(f, example), type):
            continue
        p = record(f, example, backend=backend)
        assert same(p.value_and_grad(example), value_and_grad(f)(example)), example
        assert same(p.hessian(example), outcome(hessian(f), example)), example


def test_ties_go_to_the_first(backend):
    f = value_and_grad(lambda x, y: maximum(x, y) + 10 * minimum(x, y) + max(x, y) * min(x, y), argnums=(0, 1))
    g = compile(f, backend=backend)
    for point in [(1.0, 1.0), (0.0, -0.0), (1.0, 2.0), (2.0, 1.0), (math.nan, 1.0), (1.0, math.nan)]:
        assert bits(g(*point)) == bits(f(*point)), point


def test_rows_of_many_operands(backend):
    def f(v):
        return logsumexp([v[0], v[1], v[0] * v[1]]) + prod(v) * sum(v)

    p = record(f, [1.0, 2.0], backend=backend)
    for v in ([0.0, 0.0], [-1.0, 3.0], [50.0, -2.0]):
        assert np.allclose(p(v), f(v), rtol=1e-13)
        assert np.allclose(p.value_and_grad(v)[1], grad(f)(v), rtol=1e-13)
        assert np.allclose(p.hessian(v), hessian(f)(v), rtol=1e-13)


def test_jacobians_in_the_nest_of_the_result(backend):
    def f(v):
        return {"product": v[0] * v[1], "both": [v[0] + exp(v[1]), v[1]]}

    p = record(f, [1.0, 2.0], backend=backend)
    assert p.jacobian([3.0, 0.0]) == jacobian(f)([3.0, 0.0])
    batch = p.jacobian.batch(np.array([[3.0, 0.0], [1.0, 0.0], [0.0, 0.0]]))
    assert (batch["product"].shape, batch["both"].shape) == ((3, 2), (3, 2, 2))


def test_a_zero_of_a_gradient_has_the_sign_that_it_has_eagerly(backend):
    def f(x):
        return atan2(grad(lambda t: -t * x)(1.0) * x, -1.0)

    g = compile(f, backend=backend)
    for x in (0.0, -0.0, 1.0):
        assert g(x) == f(x)
