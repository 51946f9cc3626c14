"""check_gate: a gate is checked where it is defined."""

import math

import pytest

from scalargrad import gate, log
from scalargrad.testing import GradientCheckError, check_gate


def message(g, **options):
    with pytest.raises(GradientCheckError) as caught:
        check_gate(g, **options)
    return str(caught.value)


def test_a_right_gate_passes_at_many_points_to_second_order():
    @gate(derivatives=lambda x, y: (y, x))
    def times(x, y):
        return x * y

    report = check_gate(times)
    assert report.order == 2
    assert report.rows >= 40


def test_points_outside_of_its_domain_are_no_failures():
    @gate(derivatives=lambda x: 1 / x)
    def logarithm(x):
        return log(x)

    assert check_gate(logarithm).order == 2


def test_a_swapped_derivative_is_shown_at_the_simplest_point():
    @gate(derivatives=lambda x, y: (x, y))
    def times(x, y):
        return x * y

    text = message(times)
    assert text.startswith("row 2, times(x, y), ")
    assert "found at times(0.0, 1.0), which is defined at " in text
    assert "test_gates.py:" in text.splitlines()[-1]


def test_a_failure_far_out_is_shrunk():
    @gate(derivatives=lambda x: 2 * x if abs(x) < 5.7 else 0.0)
    def square(x):
        return x * x

    assert "found at square(6.0)" in message(square)


@pytest.mark.parametrize("interval", [(5.8, 9.0), (8.0, math.inf), (-math.inf, -6.5)])
def test_the_points_stay_in_the_domain_that_is_given(interval):
    @gate(derivatives=lambda x: 2 * x if interval[0] <= x <= interval[1] else 0.0)
    def square(x):
        return x * x

    assert check_gate(square, domain=interval, order=1).order == 1


def test_a_gate_of_any_number_of_inputs():
    @gate(derivatives=lambda *xs: [1.0] * len(xs))
    def total(*xs):
        return sum(xs)

    check_gate(total)


def test_a_gate_that_exists_nowhere_is_not_passed():
    @gate(derivatives=lambda x: 0.0)
    def nowhere(x):
        raise ValueError("not here")

    with pytest.raises(ValueError, match="say what its domain is"):
        check_gate(nowhere)
