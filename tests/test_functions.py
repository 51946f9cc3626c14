"""The functions: on plain numbers they are Python's `math`, on Values they record, and what is composed of them."""

import inspect
import math
import struct
import sys
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scalargrad
from scalargrad import (
    Tape,
    Value,
    dot,
    fma,
    gelu,
    gradients,
    label,
    leaky_relu,
    logsumexp,
    matmul,
    maximum,
    minimum,
    polygamma,
    prod,
    relu,
    sigmoid,
    softmax,
    softplus,
    where,
)
from scalargrad import sum as sum_of

OF_ONE = [
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cos", "cosh", "erf", "erfc", "exp", "exp2"),
    *("expm1", "lgamma", "log", "log1p", "log2", "log10", "sin", "sinh", "sqrt", "tan", "tanh"),
]
OURS = ["relu", "sigmoid", "softplus", "gelu", "leaky_relu"]
OF_TWO = ["atan2", "hypot"]
FUNCTIONS = [
    *(*OF_ONE, *OURS, *OF_TWO, "maximum", "minimum", "where", "fma", "polygamma"),
    *("sum", "prod", "dot", "logsumexp", "softmax", "matmul", "label", "gate", "gradients", "current_tape"),
    *("no_grad", "scope", "debug"),
]
floats = st.floats() | st.floats(-5, 5) | st.integers(-5, 5).map(float)
finite = st.floats(allow_nan=False, allow_infinity=False)


def outcome(compute):
    """The bits of the number, any nan counting as one, or the type of the exception."""
    try:
        number = compute()
    except (ArithmeticError, ValueError) as error:
        return type(error)
    assert type(number) is float
    return "nan" if number != number else struct.pack("<d", number)


# ── on plain numbers ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", OF_ONE)
@given(x=floats)
def test_a_function_of_a_plain_number_is_that_of_math(name, x):
    assert outcome(lambda: getattr(scalargrad, name)(x)) == outcome(lambda: getattr(math, name)(x))


@pytest.mark.parametrize("name", OF_TWO)
@given(x=floats, y=floats)
def test_a_function_of_two_plain_numbers_is_that_of_math(name, x, y):
    assert outcome(lambda: getattr(scalargrad, name)(x, y)) == outcome(lambda: getattr(math, name)(x, y))


@given(x=finite, y=finite)
def test_maximum_and_minimum_are_those_of_python(x, y):
    assert outcome(lambda: maximum(x, y)) == outcome(lambda: max(x, y))
    assert outcome(lambda: minimum(x, y)) == outcome(lambda: min(x, y))


@pytest.mark.parametrize(
    "number", [1, 1.0, True, Fraction(1, 2), np.float64(0.5), np.float32(0.5), np.int64(1)], ids=type
)
def test_any_real_kind_is_taken_and_a_float_given(number):
    assert type(scalargrad.exp(number)) is float
    assert scalargrad.exp(number) == math.exp(float(number))


@pytest.mark.parametrize("name", [*OF_ONE, *OURS])
def test_plain_numbers_record_nothing(name):
    with Tape() as t:
        getattr(scalargrad, name)(1.0 if name != "atanh" else 0.5)
    assert len(t) == 0


@given(st.lists(finite, max_size=6))
def test_sum_and_prod_reduce_from_left_to_right(xs):
    total, product = 0.0, 1.0
    for x in xs:
        total, product = total + x, product * x
    assert outcome(lambda: sum_of(xs)) == outcome(lambda: total)
    assert outcome(lambda: prod(xs)) == outcome(lambda: product)


@given(st.lists(st.tuples(finite, finite), max_size=6))
def test_dot_reduces_from_left_to_right(pairs):
    total = 0.0
    for w, x in pairs:
        total += w * x
    assert outcome(lambda: dot([w for w, _ in pairs], [x for _, x in pairs])) == outcome(lambda: total)


# ── on Values ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", [*OF_ONE, *OURS])
@given(x=floats)
def test_a_value_gives_the_number_that_the_plain_number_gives(name, x):
    function = getattr(scalargrad, name)
    assert outcome(lambda: function(Value(x)).data) == outcome(lambda: function(x))


@pytest.mark.parametrize("name", [*OF_TWO, "maximum", "minimum"])
def test_values_and_numbers_mix_in_either_place(name):
    function, x = getattr(scalargrad, name), Value(2.0)
    assert function(x, 3).data == function(2, Value(3.0)).data == function(2.0, 3.0)
    assert type(function(x, np.float64(3.0))) is Value


def test_values_and_numbers_mix_in_fma_and_where():
    x = Value(2.0)
    assert [fma(x, 3, 4).data, fma(3, x, 4).data, fma(3, 4, x).data] == [10.0, 10.0, 14.0]
    assert [where(True, x, 1).data, where(0, x, 1).data, where(x, 5, 1).data] == [2.0, 1.0, 5.0]


def test_values_and_numbers_mix_in_lists():
    x = Value(2.0)
    assert [sum_of([x, 1]).data, prod([x, 3]).data, dot([x, 1], [4, 5]).data] == [3.0, 6.0, 13.0]
    assert logsumexp([x, 2]).data == logsumexp([2.0, 2.0])


def test_each_function_of_numbers_is_one_row():
    with Tape() as t:
        x = Value(0.5)
        rows = [f(x) for f in (relu, sigmoid, softplus, gelu, leaky_relu)]
        rows += [sum_of([x, x]), prod([x, x]), dot([x], [x]), logsumexp([x, x])]
    assert len(t) == 10
    assert len(rows) == 9


def test_the_slope_of_leaky_relu_may_be_a_value():
    x, slope = Value(-2.0), Value(0.25)
    y = leaky_relu(x, slope=slope)
    assert y.data == -0.5
    assert gradients(y, [x, slope]) == [0.25, -2.0]


def test_lists_may_be_any_iterable():
    xs = [Value(1.0), Value(2.0)]
    assert sum_of(x for x in xs).data == 3.0
    assert dot(iter(xs), tuple(xs)).data == 5.0
    assert softmax(iter(xs))[1].data > 0.5


# ── exactness ───────────────────────────────────────────────────────────────────────────────────────────────────────


@given(finite, finite, finite)
def test_fma_rounds_once(x, y, z):
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    try:
        expected = float(exact)
    except OverflowError:
        with pytest.raises(OverflowError):
            fma(x, y, z)
    else:
        assert fma(x, y, z) == expected


def test_fma_adds_an_infinity_to_a_product_that_would_overflow():
    assert fma(1e200, 1e200, -math.inf) == -math.inf
    assert fma(-1e200, 1e200, math.inf) == math.inf


@given(finite)
def test_fma_of_a_number_near_its_square(x):
    assume(1e-100 < abs(x) < 1e100)
    assert fma(x, x, -(x * x)) == float(Fraction(x) ** 2 - Fraction(x * x))


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("x", [1e-3, 0.1, 0.5, 1.0, 1.5, 7.25, 40.0, 1e6, 1e16, 1e300, -0.5, -1.25, -7.75])
def test_polygamma_is_that_of_mpmath(order, x):
    with mpmath.workdps(40):
        expected = float(mpmath.polygamma(order, mpmath.mpf(x)))
    assert polygamma(order, x) == pytest.approx(expected, rel=1e-13, abs=0)


@pytest.mark.parametrize("x", [1.0, 190.0, 1e3])
def test_polygamma_of_a_large_order_is_a_float_where_its_parts_are_none(x):
    with mpmath.workdps(40):
        expected = float(mpmath.polygamma(170, mpmath.mpf(x)))
    assert polygamma(170, x) == pytest.approx(expected, rel=1e-13, abs=0)


def test_polygamma_differentiates_to_the_next_order():
    x = Value(2.5)
    assert gradients(polygamma(1, x), [x]) == [polygamma(2, 2.5)]
    assert gradients(scalargrad.lgamma(x), [x]) == [polygamma(0, 2.5)]


@pytest.mark.parametrize("order", [-1, 0.5, 171, 2.0**40, math.nan, math.inf])
def test_polygamma_of_no_such_order_is_refused(order):
    with pytest.raises(ValueError, match="polygamma"):
        polygamma(order, 2.0)


@pytest.mark.parametrize("x", [-1e308, -750.0, -40.0, -1.0, -1e-300, 0.0, 1e-300, 1.0, 40.0, 750.0, 1e308])
def test_activations_are_right_from_one_end_of_the_floats_to_the_other(x):
    with mpmath.workdps(400):
        m = mpmath.mpf(x)
        small = mpmath.exp(-abs(m)) if abs(x) < 1e5 else mpmath.mpf(0)
        expected = {
            sigmoid: 1 / (1 + small) if x >= 0 else small / (1 + small),
            softplus: max(m, 0) + mpmath.log(1 + small),
            gelu: m * mpmath.ncdf(m) if abs(x) < 1e5 else max(m, 0),
        }
    for function, number in expected.items():
        assert function(x) == pytest.approx(float(number), rel=1e-12, abs=5e-324)


# ── large numbers ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("x", [1e308, -1e308, 1e17, -1e17, 1000.0, -1000.0])
def test_nothing_overflows_on_large_numbers(x):
    for number in (sigmoid(x), softplus(x), logsumexp([x, x]), logsumexp([x, -x]), *softmax([x, -x, 0.0])):
        assert math.isfinite(number)


@pytest.mark.parametrize("x", [0.0, 1.0, -700.0, 1e5, 1e10, 1e17, 1e308, -1e308])
def test_softmax_of_equal_numbers_shares_equally(x):
    assert softmax([x, x]) == pytest.approx([0.5, 0.5], rel=1e-12)
    assert [p.data for p in softmax([Value(x), x])] == pytest.approx([0.5, 0.5], rel=1e-12)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6))
def test_softmax_adds_up_to_one(xs):
    assert math.fsum(softmax(xs)) == pytest.approx(1.0, rel=1e-12)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=5))
def test_softmax_is_that_of_the_book(xs):
    exps = [mpmath.exp(x) for x in xs]
    assert softmax(xs) == pytest.approx([float(e / sum(exps)) for e in exps], rel=1e-12)


def test_the_gradient_of_softmax_is_that_of_the_book():
    xs = [Value(1.0), Value(2.0), Value(-1.0)]
    p = softmax(xs)
    q = [v.data for v in p]
    assert gradients(p[0], xs) == pytest.approx([q[0] * (1 - q[0]), -q[0] * q[1], -q[0] * q[2]], rel=1e-12)


def test_logsumexp_of_infinities():
    assert logsumexp([math.inf, 0.0]) == math.inf
    assert logsumexp([-math.inf, 0.0]) == 0.0
    assert logsumexp([-math.inf, -math.inf]) == -math.inf


def test_softmax_of_nothing_is_nothing_and_logsumexp_of_nothing_an_error():
    assert softmax([]) == []
    with pytest.raises(ValueError, match="logsumexp"):
        logsumexp([])


# ── matmul and dot ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_matmul_multiplies():
    a, b = [[1, 2, 3], [4, 5, 6]], [[7, 8], [9, 10], [11, 12]]
    assert matmul(a, b) == [[58.0, 64.0], [139.0, 154.0]]


def test_matmul_of_values_is_one_row_for_each_number():
    with Tape() as t:
        a = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
        c = matmul(a, [[5.0], [6.0]])
    assert [row[0].data for row in c] == [17.0, 39.0]
    assert len(t) == 6
    assert gradients(c[1][0], a[1]) == [5.0, 6.0]


def test_matmul_takes_arrays():
    assert matmul(np.eye(2), np.array([[1.0], [2.0]])) == [[1.0], [2.0]]


def test_matmul_of_nothing():
    assert matmul([], []) == []


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([[1, 2]], [[1], [2], [3]], "inner lengths differ"),
        ([[1, 2], [3]], [[1], [2]], "rows of a are of different lengths"),
        ([[1, 2]], [[1], [2, 3]], "rows of b are of different lengths"),
    ],
)
def test_matmul_of_shapes_that_do_not_fit_says_which(a, b, words):
    with pytest.raises(ValueError, match=words):
        matmul(a, b)


def test_dot_of_different_lengths_says_so():
    with pytest.raises(ValueError, match="same length, not of 1 and 2"):
        dot([1], [Value(1.0), 2.0])


# ── label ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_label_names_the_local_values():
    a, b = Value(1.0), Value(2.0)
    c = a * b
    label(locals())
    assert [v.label for v in (a, b, c)] == ["a", "b", "c"]


def test_label_names_the_values_in_lists_by_position():
    w = [Value(1.0), [Value(2.0), Value(3.0)]]
    pair = (Value(4.0), "text")
    label(locals())
    assert [w[0].label, w[1][0].label, w[1][1].label, pair[0].label] == ["w[0]", "w[1][0]", "w[1][1]", "pair[0]"]


def test_label_leaves_labels_and_private_names_alone():
    a, _hidden = Value(1.0, label="mine"), Value(2.0)
    label(locals())
    assert (a.label, _hidden.label) == ("mine", "")


def test_label_passes_over_everything_else():
    label({"n": 3, "text": "abc", "none": None, "array": np.zeros(2)})


def test_label_ends_on_a_list_that_holds_itself():
    endless = [Value(1.0)]
    endless.append(endless)
    lines = 0

    def trace(frame, event, _):
        nonlocal lines
        lines += 1
        assert lines < 10_000, "it goes round and round"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        label({"endless": endless})
    finally:
        sys.settrace(before)
    assert endless[0].label == "endless[0]"


# ── documented ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_docstring(name):
    about = inspect.getdoc(getattr(scalargrad, name))
    assert len(about) > 10
    assert about[0] != " "


@pytest.mark.parametrize("name", [*OF_ONE, *OURS, *OF_TWO, "fma", "where"])
def test_every_function_knows_its_name(name):
    function = getattr(scalargrad, name)
    assert function.__name__ == name
    assert inspect.signature(function).parameters
    assert name in repr(function)


def test_everything_public_exists():
    assert len(set(scalargrad.__all__)) == len(scalargrad.__all__)
    assert all(hasattr(scalargrad, name) for name in scalargrad.__all__)
    assert set(FUNCTIONS) <= set(scalargrad.__all__)
