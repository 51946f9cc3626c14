"""The backward sweep: what gradients it gives, where it adds, what it reaches, and at the edges."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scalargrad
from scalargrad import Value, atan2, dot, exp, gradients, log, logsumexp, maximum, minimum, prod, relu, sqrt, where
from scalargrad import sum as sum_of


def slope(function, x):
    """The derivative of a function of one input, by a sweep."""
    v = Value(x)
    return gradients(function(v), [v])[0]


# ── the chain rule ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_path_from_root_to_input_counts():
    x = Value(3.0)
    y = x * x + 2.0 * x
    assert gradients(y + y * x, [x]) == [2 * 3 + 2 + 3 * 9 + 4 * 3]


def test_an_operand_used_twice_in_one_operation_counts_twice():
    x = Value(3.0)
    assert gradients(x * x, [x]) == [6.0]
    assert gradients(x + x, [x]) == [2.0]
    assert gradients(x - x, [x]) == [0.0]
    assert gradients(x / x, [x]) == [0.0]
    assert gradients(x**x, [x]) == pytest.approx([27.0 * (math.log(3.0) + 1.0)])


def test_an_operand_repeated_in_an_operation_of_many_counts_each_time():
    x, y = Value(3.0), Value(5.0)
    assert gradients(sum_of([x, y, x, x]), [x, y]) == [3.0, 1.0]
    assert gradients(prod([x, y, x]), [x, y]) == [30.0, 9.0]
    assert gradients(dot([x, y], [x, x]), [x, y]) == [11.0, 3.0]


def test_a_diamond_is_swept_once():
    x = Value(1.0)
    y = x
    for _ in range(60):  # 2**60 paths
        y = y + y
    assert gradients(y, [x]) == [2.0**60]


def test_rows_recorded_after_the_root_do_not_matter():
    x = Value(2.0)
    y = x * x
    z = y * 100.0
    assert gradients(y, [x]) == [4.0]
    assert z.data == 400.0


def test_the_order_of_recording_may_interleave_expressions():
    x, y = Value(2.0), Value(3.0)
    a, b = x * x, y * y
    c, d = a * y, b * x
    assert gradients(c, [x, y]) == [12.0, 4.0]
    assert gradients(d, [x, y]) == [9.0, 12.0]


numbers = st.floats(0.5, 2.0)


@given(numbers, numbers, numbers)
def test_a_composed_gradient_is_that_of_the_calculus_book(x, y, z):
    a, b, c = Value(x), Value(y), Value(z)
    f = a * log(b) / c - exp(a * c) ** 0.5
    expected = [
        math.log(y) / z - 0.5 * z * math.exp(x * z / 2),
        x / (y * z),
        -x * math.log(y) / z**2 - 0.5 * x * math.exp(x * z / 2),
    ]
    assert gradients(f, [a, b, c]) == pytest.approx(expected, rel=1e-12, abs=1e-12)


# ── backward ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_backward_adds_to_the_inputs():
    x = Value(3.0)
    (x * x).backward()
    (5.0 * x).backward()
    assert x.grad == 11.0


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_backward_twice_doubles_exactly(a, b):
    x, y = Value(a), Value(b)
    z = (x * y + scalargrad.sin(x)) * 0.1 - y * y * x
    z.backward()
    once = x.grad, y.grad
    z.backward()
    assert (x.grad, y.grad) == (2 * once[0], 2 * once[1])


def test_an_intermediate_holds_the_adjoint_of_the_latest_pass():
    x = Value(3.0)
    y = x * x
    z = 5.0 * y
    z.backward()
    z.backward()
    assert (z.grad, y.grad, x.grad) == (1.0, 5.0, 60.0)


def test_an_intermediate_that_a_pass_does_not_reach_keeps_its_adjoint():
    x = Value(3.0)
    y = x * x
    (5.0 * y).backward()
    (2.0 * x).backward()
    assert y.grad == 5.0


def test_sweeping_from_several_roots_adds_up_in_the_input():
    x = Value(3.0)
    y = x * x
    y.backward()
    z = y + x
    z.backward()
    assert x.grad == 6.0 + 7.0
    assert y.grad == 1.0


def test_the_root_of_a_sweep_may_be_an_input():
    x = Value(3.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


def test_a_seed_scales_the_gradient():
    x = Value(3.0)
    y = x * x
    y.backward(0.5)
    assert (x.grad, y.grad) == (3.0, 0.5)


@pytest.mark.parametrize("seed", [2, True, -0.5])
def test_a_seed_is_any_real_number(seed):
    x = Value(3.0)
    x.backward(seed)
    assert x.grad == seed


@pytest.mark.parametrize("seed", ["1", None, [1.0], 1j, Value(1.0)], ids=lambda x: type(x).__name__)
def test_a_seed_that_is_no_number_is_refused(seed):
    x = Value(3.0)
    with pytest.raises(TypeError, match="a seed is a real number"):
        x.backward(seed)
    assert not x.has_grad


@pytest.mark.parametrize("seed", [3, True, Fraction(3), np.float64(3.0)], ids=lambda seed: type(seed).__name__)
def test_a_seed_becomes_a_float(engine, seed):
    x = Value(2.0)
    assert [type(adjoint) for adjoint in engine.sweep({x * 1.0: seed, x: seed}).values()] == [float, float]


def sweeps_of(engine):
    """Both that it has, as functions of seeds and of where to end."""
    return engine.sweep, lambda seeds, first=None: engine.adjoints(seeds, [], first)


@pytest.mark.parametrize("root", [2.0, "x", None])
def test_a_root_that_is_no_value_is_refused(engine, root):
    for sweep in sweeps_of(engine):
        with pytest.raises(TypeError, match="the roots of a sweep are Values, not "):
            sweep({Value(1.0): 1.0, root: 1.0})


def test_a_sweep_that_is_to_end_at_no_value_is_refused(engine):
    for sweep in sweeps_of(engine):
        with pytest.raises(TypeError, match=r"^a sweep begins at a Value, not 2\.0 \(float\)$"):
            sweep({Value(1.0): 1.0}, 2.0)


def test_a_zero_seed_reaches_with_zero():
    x = Value(3.0)
    (x * x).backward(0.0)
    assert (x.grad, x.has_grad) == (0.0, True)


def test_backward_returns_nothing():
    assert Value(1.0).backward() is None


# ── gradients ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_gradients_touches_no_grad():
    x = Value(3.0)
    y = x * x
    x.grad = 10.0
    gradients(y, [x])
    assert (x.grad, y.has_grad) == (10.0, False)


def test_the_gradient_of_an_unrelated_value_is_zero():
    x, other = Value(3.0), Value(4.0)
    assert gradients(x * x, [other, x]) == [0.0, 6.0]


def test_the_gradient_of_a_value_on_another_tape_is_zero(tape):
    x = Value(3.0)
    with scalargrad.Tape():
        other = Value(4.0)
    assert gradients(x * x, [other]) == [0.0]


def test_gradients_are_had_for_intermediates_and_the_root():
    x = Value(3.0)
    y = x * x
    z = 5.0 * y
    assert gradients(z, [y, z, x]) == [5.0, 1.0, 30.0]


def test_a_value_asked_for_twice_is_answered_twice():
    x = Value(3.0)
    assert gradients(x * x, [x, x]) == [6.0, 6.0]


def test_what_is_computed_later_than_the_root_has_gradient_zero():
    x = Value(3.0)
    y = x * x
    assert gradients(y, [y * 2.0]) == [0.0]


def test_gradients_takes_any_iterable():
    x, y = Value(3.0), Value(4.0)
    assert gradients(x * y, iter((x, y))) == [4.0, 3.0]
    assert gradients(x * y, {x: "x", y: "y"}) == [4.0, 3.0]
    assert gradients(x * y, []) == []


@pytest.mark.parametrize("y", [1.0, None, "y", [Value(1.0)]], ids=lambda x: type(x).__name__)
def test_gradients_of_what_is_no_value_is_refused(y):
    with pytest.raises(TypeError, match="gradients"):
        gradients(y, [Value(1.0)])


@pytest.mark.parametrize("x", [1.0, None, "x", [Value(1.0)]], ids=lambda x: type(x).__name__)
def test_gradients_with_respect_to_what_is_no_value_is_refused(x):
    with pytest.raises(TypeError, match="gradients"):
        gradients(Value(1.0), [x])


def test_a_bare_value_in_place_of_a_list_is_no_riddle():
    x = Value(3.0)
    try:
        found = gradients(x * x, x)
    except TypeError as error:
        assert "gradients" in str(error)  # noqa: PT017
    else:
        assert found == [6.0]


# ── the edges of domains: what IEEE 754 says ────────────────────────────────────────────────────────────────────────

EDGES = {
    "sqrt at 0": (lambda x: x.sqrt(), 0.0, math.inf),
    "a half power at 0": (lambda x: x**0.5, 0.0, math.inf),
    "cbrt at 0": (lambda x: x.cbrt(), 0.0, math.inf),
    "asin at 1": (lambda x: x.asin(), 1.0, math.inf),
    "asin at -1": (lambda x: x.asin(), -1.0, math.inf),
    "acos at 1": (lambda x: x.acos(), 1.0, -math.inf),
    "acosh at 1": (lambda x: x.acosh(), 1.0, math.inf),
    "a reciprocal that underflows": (lambda x: 1 / x, 1e-300, -math.inf),
    "zero to a power at 0": (lambda y: 0.0**y, 0.0, -math.inf),
}


@pytest.mark.parametrize(("function", "x", "expected"), EDGES.values(), ids=EDGES)
def test_at_an_edge_the_value_stands_and_the_derivative_is_infinite(function, x, expected):
    assert math.isfinite(function(Value(x)).data)
    assert slope(function, x) == expected


def test_atan2_at_the_origin_has_no_derivative():
    y, x = Value(0.0), Value(0.0)
    out = atan2(y, x)
    assert out.data == 0.0
    assert all(map(math.isnan, gradients(out, [y, x])))


def test_hypot_at_the_origin_has_no_derivative():
    x, y = Value(0.0), Value(0.0)
    assert all(map(math.isnan, gradients(scalargrad.hypot(x, y), [x, y])))


def test_the_square_of_zero_is_smooth():
    assert slope(lambda x: x**2, 0.0) == 0.0
    assert slope(lambda x: x**1, 0.0) == 1.0


def test_the_power_zero_is_constant_even_at_zero():
    assert (Value(0.0) ** 0).data == 1.0
    assert slope(lambda x: x**0, 0.0) == 0.0
    assert slope(lambda x: x**0, -2.0) == 0.0


def test_a_whole_power_of_a_negative_base_has_its_derivative():
    assert slope(lambda x: x**3, -2.0) == 12.0
    assert slope(lambda x: x**-2, -2.0) == 0.25


def test_a_value_in_the_exponent_of_a_negative_base_has_none():
    x, y = Value(-2.0), Value(3.0)
    dx, dy = gradients(x**y, [x, y])
    assert dx == 12.0
    assert math.isnan(dy)


# ── kinks: chosen once ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_relu_and_abs_are_flat_at_zero(zero):
    assert slope(relu, zero) == 0.0
    assert slope(abs, zero) == 0.0


def test_leaky_relu_has_its_slope_at_zero():
    assert slope(lambda x: scalargrad.leaky_relu(x, 0.125), 0.0) == 0.125


@pytest.mark.parametrize("choose", [maximum, minimum])
def test_a_tie_goes_to_the_first(choose):
    x, y = Value(2.0), Value(2.0)
    assert gradients(choose(x, y), [x, y]) == [1.0, 0.0]


def test_a_tie_of_a_value_with_itself_counts_once():
    x = Value(2.0)
    assert gradients(maximum(x, x), [x]) == [1.0]


def test_a_tie_of_signed_zeros_goes_to_the_first():
    x, y = Value(-0.0), Value(0.0)
    out = maximum(x, y)
    assert math.copysign(1.0, out.data) == -1.0
    assert gradients(out, [x, y]) == [1.0, 0.0]


@pytest.mark.parametrize("choose", [maximum, minimum])
def test_a_nan_is_chosen_from_either_side(choose):
    for x, y, slopes in ((math.nan, 1.0, [1.0, 0.0]), (1.0, math.nan, [0.0, 1.0])):
        a, b = Value(x), Value(y)
        out = choose(a, b)
        assert math.isnan(out.data)
        assert gradients(out, [a, b]) == slopes


# ── reached, and not reached ────────────────────────────────────────────────────────────────────────────────────────


def test_what_where_did_not_choose_is_not_reached():
    x, z = Value(1.0), Value(0.0)
    root = where(x > 0, x, sqrt(z))  # the slope of sqrt(z) is infinite
    assert gradients(root, [x, z]) == [1.0, 0.0]
    root.backward()
    assert (z.grad, z.has_grad) == (0.0, False)


@pytest.mark.parametrize(("choose", "other"), [(maximum, -1.0), (minimum, 1.0)])
def test_what_max_or_min_did_not_choose_is_not_reached(choose, other):
    x, z = Value(other - (-2 if choose is maximum else 2)), Value(0.0)
    hidden = sqrt(z) + other
    for root in (choose(x, hidden), choose(hidden, x)):
        assert gradients(root, [x, z]) == [1.0, 0.0]


def test_the_condition_of_where_is_not_reached():
    c, x = Value(1.0), Value(2.0)
    root = where(c, x, 0.0)
    root.backward()
    assert not c.has_grad


def test_a_reached_row_hands_on_even_a_zero_adjoint():
    z = Value(0.0)
    assert math.isnan(gradients(0.0 * sqrt(z), [z])[0])  # 0 times infinity, as in JAX and PyTorch


def test_a_row_reached_with_zero_has_a_gradient():
    x, y = Value(2.0), Value(0.0)
    (x * y).backward()
    assert (x.grad, x.has_grad) == (0.0, True)


def test_an_operand_both_chosen_and_not_is_reached():
    x = Value(4.0)
    y = sqrt(x)
    assert gradients(where(True, y, 2.0 * y) + where(False, y, 3.0), [x]) == [0.25]


# ── nan, infinity and signed zeros ──────────────────────────────────────────────────────────────────────────────────


def test_nan_flows_through():
    x = Value(math.nan)
    y = x * 2.0
    assert math.isnan(y.data)
    assert gradients(y, [x]) == [2.0]
    assert math.isnan(slope(lambda v: v * v, math.nan))


def test_infinity_flows_through():
    assert slope(lambda v: v * v, math.inf) == math.inf
    assert slope(lambda v: 1 / v, math.inf) == 0.0


def test_the_first_contribution_to_an_adjoint_is_added_to_zero():
    x = Value(3.0)
    y = x * -0.0
    assert math.copysign(1.0, gradients(y, [x])[0]) == 1.0  # 0.0 + -0.0
    y.backward()
    assert math.copysign(1.0, x.grad) == 1.0


def test_contributions_that_overflow_are_infinite():
    x = Value(1.0)
    assert gradients(x * 1e308 + x * 1e308, [x]) == [math.inf]


def test_an_adjoint_may_cancel_to_nan():
    x = Value(1.0)
    y = x * math.inf - x * math.inf
    assert math.isnan(gradients(y, [x])[0])


# ── operations of many operands ─────────────────────────────────────────────────────────────────────────────────────


def test_nothing_summed_is_a_plain_zero_and_nothing_multiplied_a_plain_one():
    assert [sum_of([]), prod([]), dot([], [])] == [0.0, 1.0, 0.0]
    assert {type(sum_of([])), type(prod([])), type(dot([], []))} == {float}


@pytest.mark.parametrize("fold", [sum_of, prod, logsumexp])
def test_one_operand_is_enough(fold):
    x = Value(3.0)
    y = fold([x])
    assert y.data == 3.0
    assert gradients(y, [x]) == [1.0]


def test_constants_mix_with_values():
    x, y = Value(3.0), Value(5.0)
    assert gradients(sum_of([1, x, 2.0, y, True]), [x, y]) == [1.0, 1.0]
    assert gradients(prod([2, x, y]), [x, y]) == [10.0, 6.0]
    assert gradients(dot([2, x], [y, 4]), [x, y]) == [4.0, 2.0]


def test_thousands_of_operands():
    xs = [Value(1.0 + i / 5000) for i in range(5000)]
    assert gradients(dot(xs, xs), xs) == [2.0 * x.data for x in xs]


def test_sums_reduce_from_left_to_right():
    xs = [1e16, 1.0, -1e16, 1.0]
    assert sum_of(map(Value, xs)).data == ((1e16 + 1.0) - 1e16) + 1.0


def test_a_product_with_one_zero_keeps_the_gradient_of_that_factor():
    x, y, z = Value(0.0), Value(3.0), Value(5.0)
    assert gradients(prod([x, y, z]), [x, y, z]) == [15.0, 0.0, 0.0]


def test_a_product_with_two_zeros_has_gradient_zero():
    xs = [Value(0.0), Value(3.0), Value(0.0)]
    assert gradients(prod(xs), xs) == [0.0, 0.0, 0.0]


def test_logsumexp_shares_the_gradient_out():
    xs = [Value(1000.0), Value(1000.0)]
    assert gradients(logsumexp(xs), xs) == pytest.approx([0.5, 0.5], rel=1e-12)


@pytest.mark.parametrize("large", [1e5, 1e10, 1e17, 1e308, -1e308])
def test_logsumexp_shares_the_gradient_out_among_large_operands_too(large):
    xs = [Value(large), Value(large)]
    assert gradients(logsumexp(xs), xs) == pytest.approx([0.5, 0.5], rel=1e-12)
