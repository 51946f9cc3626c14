"""Higher derivatives: against mpmath where floats are hard, and what has to be equal whatever the function."""

import math
from types import SimpleNamespace

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scalargrad
from scalargrad import Tape, gradients
from scalargrad.rules import RULES
from scalargrad.testing.strategies import expressions, points
from scalargrad.transforms import derivative, grad, hessian, hvp, jacobian, jvp, vjp
from tests.reference import reference

ACTIVATIONS = ["sigmoid", "softplus", "gelu", "tanh"]
LOST = {"tanh": 1e-15, "gelu": 1e-16}  # 1 - tanh² is off by that, as tanh itself is; and so are gelu's tails


def exact_derivative(name, x, order):
    with mpmath.workdps(60 if name in LOST else 400):  # the tails are down to 1e-304
        return float(mpmath.diff(reference(RULES[name]), mpmath.mpf(x), order))


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_to_third_order_near_zero(name, order):
    for x in [0.0, 1e-9, 0.5, -0.5]:
        found = derivative(getattr(scalargrad, name), order=order)(x)
        assert found == pytest.approx(exact_derivative(name, x, order), rel=1e-12, abs=1e-16)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_to_third_order_far_out(name, order):
    for x in [4.0, -4.0, 37.0, -37.0, 700.0, -700.0]:
        found = derivative(getattr(scalargrad, name), order=order)(x)
        assert found == pytest.approx(exact_derivative(name, x, order), rel=1e-12, abs=LOST.get(name, 1e-305))


@pytest.mark.parametrize("x", [1e5, -1e5, 1e50, -1e50])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_farthest_out_an_activation_is_a_straight_line(name, x):
    slopes = [derivative(getattr(scalargrad, name), order=order)(x) for order in (1, 2, 3)]
    assert slopes == [1.0 if x > 0 and name in ("softplus", "gelu") else 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("f", "slopes"),
    [
        (lambda x: x**0, [0.0, 0.0, 0.0]),
        (lambda x: x**1, [1.0, 0.0, 0.0]),
        (lambda x: x**2, [0.0, 2.0, 0.0]),
        (lambda x: x**3, [0.0, 0.0, 6.0]),
        (lambda x: x * x, [0.0, 2.0, 0.0]),
        (lambda x: x**1.5, [0.0, math.inf, math.nan]),
        (lambda x: x**2.5, [0.0, 0.0, math.inf]),
        (lambda x: 0.0**x, [-math.inf, math.inf, -math.inf]),
        (abs, [0.0, 0.0, 0.0]),
        (scalargrad.relu, [0.0, 0.0, 0.0]),
        (scalargrad.leaky_relu, [0.01, 0.0, 0.0]),
        (scalargrad.sqrt, [math.inf, math.nan, math.nan]),
        (scalargrad.cbrt, [math.inf, math.nan, math.nan]),
        (lambda x: scalargrad.sqrt(x * x), [math.nan, math.nan, math.nan]),
        (lambda x: scalargrad.hypot(x, 0.0), [math.nan, math.nan, math.nan]),
        (lambda x: scalargrad.asin(1 - x), [-math.inf, math.nan, math.nan]),
        (lambda x: scalargrad.acosh(1 + x), [math.inf, math.nan, math.nan]),
        (lambda x: scalargrad.prod([x, x, x]), [0.0, 0.0, 6.0]),
    ],
)
def test_derivatives_at_zero(f, slopes):
    found = [derivative(f, order=order)(0.0) for order in (1, 2, 3)]
    assert found == pytest.approx(slopes, nan_ok=True)


def test_past_an_edge_all_higher_derivatives_are_nan():
    assert all(math.isnan(derivative(scalargrad.sqrt, order=order)(0.0)) for order in (2, 3, 4, 5))


@pytest.mark.parametrize("xs", [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
def test_the_hessian_of_a_product_with_zeros(xs):
    a, b, c = xs
    assert hessian(scalargrad.prod)(xs) == [[0.0, c, b], [c, 0.0, a], [b, a, 0.0]]


def test_an_exponent_may_be_an_argument_where_the_base_is_zero():
    slopes = hessian(lambda x, y: x**y, argnums=(0, 1))(0.0, 2.0)
    assert slopes[0][0] == 2.0
    assert math.isnan(slopes[1][1])


def test_an_exponent_that_is_zero():
    assert grad(lambda x, y: x**y, argnums=(0, 1))(3.0, 0.0) == (0.0, math.log(3.0))
    assert hessian(lambda x, y: x**y, argnums=(0, 1))(3.0, 0.0)[0] == pytest.approx((0.0, 1 / 3.0))


def test_a_tie_goes_to_the_first_in_every_order():
    assert hessian(lambda x, y: scalargrad.maximum(x**2, y**2), argnums=(0, 1))(2.0, 2.0) == ((2.0, 0.0), (0.0, 0.0))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_what_was_not_chosen_is_not_reached_in_any_order(name):
    choose = getattr(scalargrad, name)
    f = lambda x: choose(x, scalargrad.sqrt(x - 1.0) + (9.0 if name == "minimum" else -9.0))  # noqa: E731
    assert [derivative(f, order=order)(1.0) for order in (1, 2, 3)] == [1.0, 0.0, 0.0]


def test_mod_has_no_second_derivative():
    assert hessian(lambda x, y: x % y, argnums=(0, 1))(7.5, 2.0) == ((0.0, 0.0), (0.0, 0.0))


# ── on random programs ──────────────────────────────────────────────────────────────────────────────────────────────


MPMATH = SimpleNamespace(Value=mpmath.mpf, function=reference)  # an engine without derivatives
OPERATIONS = [name for name in RULES if name != "leaky_relu"]  # its kink may be as slight as 1 and 1.0000001 differ
SMOOTH = expressions(
    inputs=st.integers(1, 4).flatmap(lambda n: points(n, (-3.0, 3.0))), operations=OPERATIONS, smooth=True
)


def of(program):
    return lambda xs: program(*xs)


def near(found, expected):
    size = max([1.0, *map(abs, expected)])
    return found == pytest.approx(expected, rel=1e-9, abs=1e-9 * size, nan_ok=True)


def assert_the_hessian_is_true(program):
    inputs = program.inputs
    found = hessian(of(program))(inputs)
    size, last = max(1.0, *(abs(x) for row in found for x in row)), len(inputs) - 1
    with mpmath.workdps(50):
        for i, j in {(0, 0), (0, last), (last, last)}:
            orders = [(k == i) + (k == j) for k in range(len(inputs))]
            exact = mpmath.diff(program.on(MPMATH), tuple(map(mpmath.mpf, inputs)), tuple(orders))
            assert found[i][j] == pytest.approx(float(exact), rel=1e-8, abs=1e-8 * size)


@given(SMOOTH)
@settings(max_examples=50, deadline=None)
def test_the_hessian_of_a_random_program_is_the_true_one(program):
    assert_the_hessian_is_true(program)


@pytest.mark.parametrize("name", OPERATIONS)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_the_hessian_of_random_programs_of_one_operation_is_the_true_one(name, data):
    few, at = [name, "mul", "sigmoid"], points(2, (-3.0, 3.0))
    assert_the_hessian_is_true(data.draw(expressions(inputs=at, operations=few, max_rows=5, smooth=True)))


@given(SMOOTH)
@settings(max_examples=50, deadline=None)
def test_recorded_gradients_are_the_same_numbers(program):
    with Tape():
        xs = program.values()
        y = program(*xs)
        recorded = gradients(y, xs, create_graph=True)
        assert [x.data for x in recorded] == pytest.approx(gradients(y, xs), rel=1e-15, abs=0.0)


@given(SMOOTH)
@settings(max_examples=50, deadline=None)
def test_forward_and_reverse_agree(program):
    inputs = program.inputs
    gradient = grad(of(program))(inputs)
    for i in range(len(inputs)):
        speed = [float(k == i) for k in range(len(inputs))]
        assert near([jvp(of(program))(inputs, speed)[1]], [gradient[i]])


@given(SMOOTH)
@settings(max_examples=50, deadline=None)
def test_the_hessian_is_symmetric_and_hvp_is_its_product(program):
    inputs = program.inputs
    f, vector = of(program), [0.5 + k for k in range(len(inputs))]
    matrix = hessian(f)(inputs)
    numbers = [x for row in matrix for x in row]
    assert near(numbers, [matrix[j][i] for i in range(len(inputs)) for j in range(len(inputs))])
    assert near(hvp(f)(inputs, vector), [sum(h * v for h, v in zip(row, vector, strict=True)) for row in matrix])


@given(SMOOTH)
@settings(max_examples=50, deadline=None)
def test_a_pull_against_a_speed_is_a_push_against_a_seed(program):
    inputs = program.inputs

    def f(xs):  # two results
        y = of(program)(xs)
        return [y, scalargrad.tanh(y) * xs[-1]]

    speed, seeds = [1.0 + k for k in range(len(inputs))], [2.0, -3.0]
    pushed = jvp(f)(inputs, speed)[1]
    pulled = vjp(f)(inputs)[1](seeds)
    assert near(
        [math.fsum(map(math.prod, zip(pushed, seeds, strict=True)))],
        [math.fsum(map(math.prod, zip(pulled, speed, strict=True)))],
    )


@given(SMOOTH)
@settings(max_examples=50, deadline=None)
def test_a_tall_jacobian_is_the_transposed_pulls(program):
    inputs = program.inputs

    def f(xs):  # more results than inputs, so that it is done forward
        y = of(program)(xs)
        return [*xs, y, y * xs[0]]

    rows = jacobian(f)(inputs)
    pull = vjp(f)(inputs)[1]
    for i in range(len(rows)):
        assert near(rows[i], pull([float(k == i) for k in range(len(rows))]))
