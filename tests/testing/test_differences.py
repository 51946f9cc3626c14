"""Both kinds of differences: slopes, kinks, and how sure they are of them."""

import math

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad.testing.differences import exact_slope, extrapolated_slope

SMOOTH = {
    "exp": (math.exp, math.exp),
    "sin": (math.sin, math.cos),
    "tanh": (math.tanh, lambda x: 1 / math.cosh(x) ** 2),
    "cubic": (lambda x: x**3 - x, lambda x: 3 * x * x - 1),
    "wave": (lambda x: math.sin(9 * x) * x, lambda x: 9 * math.cos(9 * x) * x + math.sin(9 * x)),
}


@pytest.mark.parametrize("name", SMOOTH)
@given(x=st.floats(-20, 20))
@settings(deadline=None)
def test_extrapolation_knows_its_error(name, x):
    f, derivative = SMOOTH[name]
    slope = extrapolated_slope(f, x)
    assert slope.has(derivative(x), 1e-15 * abs(derivative(x)))
    assert slope.error <= 1e-5 * (1 + abs(f(x)) + abs(derivative(x)) + abs(x) ** 3)


@pytest.mark.parametrize(("f", "low", "high"), [(abs, -1.0, 1.0), (lambda x: max(x, 0.0), 0.0, 1.0)])
def test_extrapolation_sees_a_kink(f, low, high):
    slope = extrapolated_slope(f, 0.0)
    assert (round(slope.low, 9), round(slope.high, 9)) == (low, high)


def test_extrapolation_stays_in_the_domain():
    assert extrapolated_slope(math.log, 0.1).has(10.0)
    assert math.isnan(extrapolated_slope(lambda x: math.sqrt(-1), 0.0).low)


@pytest.mark.parametrize(
    ("f", "low", "high"),
    [
        (lambda x: mpmath.mp.exp(x), 1.0, 1.0),
        (lambda x: x**3, 0.0, 0.0),
        (abs, -1.0, 1.0),
        (lambda x: 1e-200 * abs(x), -1e-200, 1e-200),
        (lambda x: x if x > 0 else 5 * x, 1.0, 5.0),
        (lambda x: x + 1 if x > 0 else x, 1.0, math.inf),  # a jump
        (lambda x: mpmath.cbrt(abs(x)), -math.inf, math.inf),
        (lambda x: abs(x) ** 1.5, 0.0, 0.0),
        (lambda x: x * 0, 0.0, 0.0),
        (lambda x: x * abs(x), 0.0, 0.0),
        (lambda x: 1e10 * x * abs(x) + 2 * x, 2.0, 2.0),
    ],
)
def test_exact_slopes_at_0(f, low, high):
    with mpmath.workdps(120):
        slope = exact_slope(f, mpmath.mpf(0))
        for found, true in ((slope.low, low), (slope.high, high)):
            assert found == true or abs(found - true) <= 1e-16 * abs(true) + slope.error
        assert slope.error < 1e-11


@pytest.mark.parametrize(
    ("f", "true"),
    [
        (lambda x: x**1.0078125, 0.0),
        (lambda x: 3 * x - x**1.0078125, 3.0),
        (lambda x: x**0.99, math.inf),
        (lambda x: x * mpmath.log(x), -math.inf),
        (lambda x: x * mpmath.log(x) + x**1.5, -math.inf),
        (lambda x: x + 1e-13 * x * mpmath.log(x), -math.inf),
    ],
)
def test_a_slope_that_is_reached_slowly_is_told_by_its_end(f, true):
    def on_the_right(x):
        if x < 0:
            raise ValueError
        return f(x) if x else x

    with mpmath.workdps(120):
        slope = exact_slope(on_the_right, mpmath.mpf(0))
    assert slope.has(true)
    assert not any(slope.has(wrong) for wrong in (0.3, -0.3, 1.0, 2.7, 100.0, -130.0))


def test_a_slope_whose_end_cannot_be_told_is_uncertain():
    with mpmath.workdps(120):
        slope = exact_slope(lambda x: x / mpmath.log(abs(x)) if x else x, mpmath.mpf(0))
    assert slope.has(0.0)
    assert slope.low < -5e-3


@pytest.mark.parametrize("f", [lambda x: (x + 1) ** 2 - 2 * x, lambda x: mpmath.cos(x), lambda x: mpmath.sin(x) - x])
def test_a_flat_place_is_no_kink(f):
    with mpmath.workdps(120):
        slope = exact_slope(f, mpmath.mpf(0))
    assert not slope.kink
    assert abs(slope.low) + slope.error < 1e-30


def test_a_function_that_exists_on_one_side_has_the_slope_of_that_side():
    def f(x):
        if x < 1:
            raise ValueError
        return x * x

    with mpmath.workdps(120):
        assert float(exact_slope(f, mpmath.mpf(1)).low) == 2.0
