"""check_gradients: what passes, what fails, and what is said."""

import math

import numpy as np
import pytest

import scalargrad
from scalargrad import (
    Value,
    atan2,
    cbrt,
    cos,
    dot,
    exp,
    gate,
    hypot,
    log,
    maximum,
    minimum,
    prod,
    relu,
    scope,
    sigmoid,
    sin,
    sqrt,
    tanh,
    where,
)
from scalargrad.testing import GradientCheckError, check_gradients, exact


def staged(x, y):
    return (x + sigmoid(y)) / (sigmoid(x) + (x + y) ** 2)


@gate(derivatives=lambda x: 2 * x)
def wrong_cube(x):
    return x**3


def message(f, *inputs, **options):
    with pytest.raises(GradientCheckError) as caught:
        check_gradients(f, *inputs, **options)
    return str(caught.value)


# ── what is right passes ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (staged, (3.0, -4.0)),
        (lambda x: (1 - cos(x)) / x**2, (1e-7,)),  # no digit of the value is right, nor of the derivative
        (lambda x: (1 + x) ** 2 - 1 - 2 * x, (1e-9,)),
        (lambda x: (1e300 + x) - 1e300, (3.0,)),
        (lambda x: 1 + 1e-250 * x, (3.0,)),
        (lambda x: exp(-x * x), (40.0,)),  # underflows to 0
        (lambda x: sigmoid(x), (-300.0,)),
        (lambda x: x, (2.0,)),
        (lambda x: 4.0, (2.0,)),
        (lambda x: x**3, (0.0,)),
        (lambda x: x + math.floor(x), (2.5,)),
        (lambda x: exp(x) if x > 0 else -x, (2.5,)),
        (lambda x, n: x**n, (-2.0, 3.0)),
    ],
)
def test_right_code_passes_however_ill_conditioned_it_is(f, inputs):
    assert check_gradients(f, *inputs).method == "50-digit numbers"


def test_both_orders_are_checked_and_the_rows_are_counted():
    report = check_gradients(staged, 3.0, -4.0)
    assert report.order == 2
    assert report.rows > 7
    assert not report.kinks + report.notes


def test_inputs_may_be_nests_arrays_and_values():
    def f(p, v):
        return p["a"] * p["b"][0] + sin(v[1]) * v[0]

    check_gradients(f, {"a": Value(2.0), "b": [1.0]}, np.array([1.0, 2.0]))


def test_a_loop_until_it_converges_passes():
    def root(a):
        x = a
        while abs(x * x - a) > 1e-12:
            x = (x + a / x) / 2
        return x

    check_gradients(root, 2.0)


def test_it_changes_no_grad_of_a_value_from_outside():
    w = Value(2.0)
    w.grad = 7.0
    check_gradients(lambda x: x * w * w, 3.0)
    assert w.grad == 7.0


# ── the references ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_that_takes_no_50_digit_numbers_is_held_to_differences_and_the_report_says_so():
    w = Value(2.0)
    report = check_gradients(lambda x: dot([w], [x]) ** 2, 3.0)
    assert report.method.startswith(
        "extrapolated differences (the function does not run on 50-digit numbers, TypeError"
    )
    assert report.order == 2


def test_without_mpmath_differences_take_over(monkeypatch):
    for module in ("check", "reference"):
        monkeypatch.setattr(f"scalargrad.testing.{module}.available", lambda: False)
    assert "mpmath is not installed" in str(check_gradients(staged, 3.0, -4.0))
    assert message(lambda x: sin(wrong_cube(x)), 2.0).startswith("row 1, wrong_cube(x)")
    assert message(lambda x: x * x.data, 3.0).startswith("row 1, x * 3.0")


def test_a_gate_that_calls_math_is_held_to_differences_row_by_row():
    @gate(derivatives=lambda x: 1 - math.tanh(x) ** 2)
    def squashed(x):
        return math.tanh(x)

    report = check_gradients(lambda x: squashed(x) * x, 10.0)
    assert report.order == 1
    assert "no second order" in report.notes[0]


def test_a_right_formula_may_round_as_much_as_it_does():
    @gate(derivatives=lambda x: 1 - tanh(x) ** 2)  # at 18 it has one digit
    def squashed(x):
        return tanh(x)

    check_gradients(squashed, 18.0)


def test_no_state_of_mpmath_is_changed():
    mpmath = pytest.importorskip("mpmath")
    before = mpmath.mp.dps
    check_gradients(staged, 3.0, -4.0)
    assert mpmath.mp.dps == before


def test_exact_numbers_refuse_to_become_floats():
    with exact.digits(50), pytest.raises(TypeError):
        math.sin(exact.Exact(1.0))


# ── kinks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("f", "inputs", "kink"),
    [
        (relu, (0.0,), "row 1, relu(x)"),
        (abs, (0.0,), "row 1, abs(x)"),
        (maximum, (1.0, 1.0), "row 2, maximum(x, y)"),
        (minimum, (1.0, 1.0), "row 2, minimum(x, y)"),
        (lambda x: relu(x) ** 2, (0.0,), "row 1, relu(x)"),
        (lambda x: x % 1, (2.0,), "row 1, x % 1.0"),
        (lambda x: x * x if x > 1 else x, (1.0,), "two equal numbers, 1.0, are compared at"),
        (lambda x: x + 5 if x > 1 else x, (1.0,), "two equal numbers, 1.0, are compared at"),  # a jump
    ],
)
def test_at_a_kink_any_slope_between_is_right_and_the_report_names_it(f, inputs, kink):
    assert check_gradients(f, *inputs).kinks[0].startswith(kink)


def test_a_kink_that_only_the_gradient_has_is_right_on_either_side():
    check_gradients(lambda x: scalargrad.leaky_relu(x + x, 2.0 ** (x + x)), 0.0)


def test_no_slope_outside_of_a_kink_is_right():
    @gate(derivatives=lambda x: 1.5 if x >= 0 else 0.0)
    def steep(x):
        return max(x, 0.0)

    text = message(steep, 0.0)
    assert text.startswith("row 1, steep(x)")
    assert "expected  from 0.0 to 1.0" in text
    assert "found     1.5" in text


def test_where_kinks_cancel_the_report_tells_the_functions_own_slope():
    (note,) = check_gradients(lambda x: relu(x) - relu(-x), 0.0, order=1).notes
    assert "0.0 by what the tape has at the kinks; the function's own is 1.0" in note


def test_a_branch_for_one_point_only_that_has_another_slope_fails():
    text = message(lambda x: 5 * x if x == 0 else x, 0.0)
    assert "two equal numbers, 0.0, are compared at" in text
    assert "expected  1.0" in text
    assert "found     5.0" in text


@pytest.mark.parametrize("power", [1.0078125, 1.001, 0.99])
def test_a_derivative_that_is_reached_slowly_is_right(power):
    assert not check_gradients(lambda x: x**power, 0.0, order=1).notes


@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (lambda x: maximum(1.0, sqrt(2 * x)), (0.0,)),  # an infinite slope that leads nowhere
        (lambda x: where(x + 1, x, cbrt(x)), (0.0,)),
        (lambda x: 1.0 % x, (1e-100,)),  # whose jumps are near to each other
        (lambda x: 1e26 % x, (1.7,)),
        (lambda x: x % 1e-100, (1.0,)),
        (lambda x: log(x + 1e-100), (0.0,)),  # numbers far smaller than those beside them
        (lambda y, x: atan2(y, x), (1e-100, 0.0)),
        (lambda x: hypot(x, 1e-30), (0.0,)),
        (lambda x: scalargrad.sum([1e120, x, -1e120]), (1.0,)),
    ],
)
def test_where_numbers_are_extreme_what_is_right_passes(f, inputs):
    assert check_gradients(f, *inputs).order == 2


def entropy(p):
    return 0.0 * p if p == 0 else -p * log(p) - (1 - p) * log(1 - p)


@pytest.mark.parametrize(
    ("function", "derivative", "x"),
    [
        (entropy, lambda p: 5.0 if p == 0 else log((1 - p) / p), 0.0),
        (entropy, lambda p: -math.inf if p == 0 else log((1 - p) / p), 0.0),
        (lambda x: x * x, lambda x: 5.0 if x <= 1 else 2 * x, 1.0),
        (lambda x: minimum(maximum(x, 0.0), 6.0), lambda x: -3.0 if x == 6 else 1.0 * (0 < x < 6), 6.0),
        (lambda x: sqrt(x * x + 1e-100), lambda x: 0.9 if x == 0 else x / sqrt(x * x + 1e-100), 0.0),
    ],
)
def test_a_derivative_that_is_wrong_at_one_point_only_is_found_there(function, derivative, x):
    wrong = gate(derivatives=lambda x: derivative(x))(lambda x: function(x))
    with pytest.raises(GradientCheckError, match="wrong local derivative"):
        check_gradients(wrong, x, order=1)


def test_the_sign_of_a_zero_excuses_no_other_derivative():
    @gate(derivatives=lambda x, y: (7.0, 7.0 * math.copysign(1.0, y)))
    def times(x, y):
        return x * y

    with pytest.raises(GradientCheckError, match="by operand 1 of 2"):
        check_gradients(times, 3.0, -0.0, order=1)


def test_a_derivative_that_hangs_on_the_sign_of_a_zero_is_not_judged():
    assert any("it hangs on the sign of a zero" in note for note in check_gradients(sqrt, -0.0, order=1).notes)


def test_an_infinite_derivative_at_an_edge_is_right():
    report = check_gradients(sqrt, 0.0, order=1)
    assert (report.kinks, report.notes) == ([], [])


def test_a_jump_is_not_judged_where_what_comes_to_it_is_flat():
    for f in (lambda x: x**3.5 % -0.3, lambda x: minimum(atan2(prod([x + x, -1.0, 0.0]), -1.0), x + x)):
        report = check_gradients(f, 0.0, order=1)
        assert any("by what the tape has at the kinks; the function's own is" in note for note in report.notes)


# ── failures ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_wrong_row_is_named_with_label_scope_line_and_both_numbers():
    def f(x, y):
        with scope("inner"):
            volume = wrong_cube(x * y)
        volume.label = "volume"
        return log(volume) + x

    text = message(f, 2.0, 3.0)
    assert text.startswith("row 3, wrong_cube(#2), labelled 'volume', in the scope inner, recorded at ")
    assert "test_check.py:" in text.splitlines()[0]
    assert text.splitlines()[1:] == [
        "    by operand 1 of 1, #2, at #2 = 6.0",
        "    expected  108.0",
        "    found     12.0",
    ]


def test_a_wrong_derivative_of_a_derivative_is_found_at_its_row():
    @gate(derivatives=lambda x: 2 * (x.data if isinstance(x, Value) else x))
    def square(x):
        return x * x

    check_gradients(lambda x: square(x) * x, 3.0, order=1)
    text = message(lambda x: square(x) * x, 3.0)
    assert text.startswith("row 1, square(x), recorded at ")
    assert "cannot be differentiated:\n    by operand 1 and then 1, expected 2.0, found 0.0" in text


@pytest.mark.parametrize(
    ("f", "culprit"),
    [
        (lambda x: x * x.data, "row 1, x * 3.0, recorded at"),
        (lambda x: x * x.detach(), "row 1, a new input, recorded at"),
        (lambda x: x.data**2, "the result is a plain number: 9.0"),
    ],
)
def test_what_the_tape_lacks_is_found(f, culprit):
    text = message(f, 3.0)
    assert text.startswith(culprit)
    assert "expected  6.0" in text


@pytest.mark.parametrize(
    ("f", "inputs", "error", "says"),
    [
        (lambda x: [x, x], (1.0,), TypeError, "is to return one number, and returned"),
        (lambda x: x, ("text",), TypeError, "no number among the inputs"),
        (log, (-1.0,), ValueError, "outside its domain"),
    ],
)
def test_what_cannot_be_checked_raises(f, inputs, error, says):
    with pytest.raises(error, match=says):
        check_gradients(f, *inputs)


def test_the_order_is_1_or_2():
    with pytest.raises(ValueError, match="order"):
        check_gradients(relu, 1.0, order=3)


def test_a_branch_on_the_truth_of_a_number_that_is_0_is_named():
    with pytest.raises(GradientCheckError, match=r"two equal numbers, 0\.0, are compared at .*test_check\.py"):
        check_gradients(lambda x: 2 * x if x else x, 0.0)
