"""Whatever steers a function by its numbers leaves a guard: compiled, it goes the way that f goes, at every number."""

import math

import numpy as np
import pytest

from scalargrad import ProgramError, Value, compile, grad, lgamma, log, record, sqrt, value_and_grad, where
from tests.program.sources import bits, outcome

POINTS = [2.5, -2.5, 0.5, 0.0, -0.0, 1.0, 3.0, -7.0, 1e200, math.inf, -math.inf, math.nan]


def truth(x):
    return x if x else x + 1


def negated(x):
    return x if not x > 1 else -x


def conjunction(x):
    return x * 2 if x > -1 and x < 1 else x


def disjunction(x):
    return x * 2 if x < -1 or x > 1 else x


def chained(x):
    return x * 2 if -1 < x < 1 else x


def equal(x):
    return 5.0 if x == 0 else 1 / x


def unequal(x):
    return x if x != 1 else x * 3


def rounded(x):
    return round(x) * x


def floored(x):
    return math.floor(x) * x + math.ceil(x) + math.trunc(x) * x


def divided(x):
    return x // 2 * x + 7.0 // x


def divided_and_rest(x):
    quotient, rest = divmod(x, 2)
    return quotient * 10 + rest + divmod(9.0, x)[1]


def larger(x):
    return max(x, 1.0, x * x) - min(x, 0.5)


def in_order(x):
    first, second, third = sorted([x, 1.0, -x])
    return first + 2 * second + 3 * third


def reduced(x):
    return x if any(k < x for k in (1, 2)) and all(k > x for k in (3, 4)) else -x


def among(x):
    return 1.0 if x in (0, 1, 2.5) else x


def looped(x):
    n = 0
    while x > 1 and n < 20:
        x, n = x / 2, n + 1
    return x + n


def as_text(x):
    return float(f"{x:.1f}") * x


def sign_of_a_quotient(x):
    return math.atan2(x // 1, -1.0) * x


def caught(x):
    try:
        return log(x)
    except ValueError:
        return x - 1


def division_caught(x):
    try:
        return 1 / x + x // x
    except ZeroDivisionError:
        return 7.0


def rounding_caught(x):
    try:
        return round(x) + x
    except OverflowError:
        return -1.0
    except ValueError:
        return -2.0


def power_caught(x):
    try:
        return x**-1.5 + x**2.0
    except ZeroDivisionError:
        return -1.0
    except OverflowError:
        return -2.0
    except ValueError:
        return -3.0


def gamma_caught(x):
    try:
        return lgamma(x - 2.5) * 0.0 + lgamma(x * x * x)
    except OverflowError:
        return -1.0
    except ValueError:
        return -2.0


def refused(x):
    if x > 1:
        raise ValueError(f"{x} is too large")
    return sqrt(x)


def counted(x):
    return {True: x * 2, False: x * 3}[bool(x > 1)]


STEERED = [
    truth,
    negated,
    conjunction,
    disjunction,
    chained,
    equal,
    unequal,
    rounded,
    floored,
    divided,
    divided_and_rest,
]
STEERED += [larger, in_order, reduced, among, looped, as_text, sign_of_a_quotient, caught, division_caught]
STEERED += [rounding_caught, power_caught, gamma_caught, refused, counted]


def eagerly(f, x):
    """What f comes to on a Value: on floats, a power of a negative number would be a complex one."""
    y = outcome(f, Value(x))
    return y.data if type(y) is Value else y


def alike(x, y):
    """To the bit; but that NumPy's log and power may differ from math's in the last places."""
    if isinstance(x, type) or isinstance(y, type):
        return x is y
    return bits(x) == bits(y) or abs(x - y) <= 1e-14 * abs(y)


@pytest.mark.parametrize("f", STEERED, ids=lambda f: f.__name__)
def test_at_one_point_after_the_other(f, backend):
    g = compile(f, backend=backend)
    for x in POINTS + POINTS[::-1]:
        assert alike(outcome(g, x), eagerly(f, x)), x


@pytest.mark.parametrize("f", STEERED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("first", [0, 3, 9, 11])
def test_in_a_batch_wherever_it_begins(f, first, backend):
    points = POINTS[first:] + POINTS[:first]
    found, failed = compile(f, backend=backend).batch(np.array(points)[:, None], mask=True)
    for x, y, wrong in zip(points, found.tolist(), failed, strict=True):
        expected = eagerly(f, x)
        assert (wrong and not math.isfinite(y)) if isinstance(expected, type) else alike(y, expected), x


@pytest.mark.parametrize("f", STEERED, ids=lambda f: f.__name__)
def test_a_program_is_right_or_raises(f, backend):
    for example in POINTS:
        if isinstance(eagerly(f, example), type):
            continue
        p = record(f, example, backend=backend)
        for x in POINTS:
            try:
                found = p(x)
            except (ProgramError, ValueError, ArithmeticError):
                continue
            assert alike(found, eagerly(f, x)), (example, x)


@pytest.mark.parametrize("f", STEERED, ids=lambda f: f.__name__)
def test_gradients_go_the_same_way(f, backend):
    eager = value_and_grad(f)
    compiled = compile(eager, backend=backend)
    for x in POINTS:
        found, expected = outcome(compiled, x), outcome(eager, x)
        assert found is expected or np.allclose(found, expected, rtol=1e-14, atol=0, equal_nan=True), x


def test_the_message_of_an_error_is_that_of_f(backend):
    g = compile(refused, backend=backend)
    for x in (2.0, 3.0, 0.5, 4.0):
        if x > 1:
            with pytest.raises(ValueError, match=f"^{x} is too large$"):
                g(x)
    assert len(g.programs) == 1  # of the way to the error, whatever it says


def test_outside_of_its_path_a_program_says_where_it_left_it(backend):
    p = record(negated, 0.5, backend=backend)
    with pytest.raises(ProgramError, match=r"negated goes another way .* at .*test_guards.py:\d+"):
        p(2.0)
    with pytest.raises(ProgramError, match="at 1 of 2 points"):
        p.batch(np.array([[0.5], [2.0]]))


def test_the_truth_of_a_detached_value_is_a_guard_on_no_more_than_that(backend):
    g = compile(lambda x: 2 * x if x.detach() else 1.0, backend=backend)
    assert [g(x) for x in (1.0, 2.0, 3.0, 0.0)] == [2.0, 4.0, 6.0, 1.0]
    assert len(g.programs) == 2


def test_comparisons_of_parameters_are_guards(backend):
    w = Value(1.0)
    g = compile(lambda x: x * w if w > 0 else x - w, backend=backend)
    assert g(3.0) == 3.0
    w.data = -2.0
    assert g(3.0) == 5.0
    w.data = 2.0
    assert g(3.0) == 6.0


def test_comparisons_inside_a_derivative_inside(backend):
    def f(x):
        return grad(lambda y: y * y * x if y > x else -y)(x + 1) if x > 0 else grad(lambda y: abs(y))(x)

    g = compile(f, backend=backend)
    for x in (1.0, 2.0, -1.0, -3.0, 0.0):
        assert g(x) == f(x)


def test_a_choice_of_where_is_no_guard(backend):
    p = record(lambda x: where((x > 0) & (x < 2), x * 2, where((x < -2) | (x > 5), -x, x)), 1.0, backend=backend)
    points = np.array([[1.0], [3.0], [-1.0], [-3.0], [6.0], [math.nan]])
    assert not p.code.guards
    assert bits(p.batch(points).tolist()) == bits([2.0, 3.0, -1.0, 3.0, -6.0, math.nan])


def test_and_of_numbers_is_refused_as_python_refuses_it(backend):
    with pytest.raises(TypeError, match="&"):
        compile(lambda a, b: a & b, backend=backend)(6, 3)


def test_numpy_steers_by_guards_too(backend):
    def f(v):
        return np.where(v > 0, v, -v).sum() + np.maximum(v, 1.0)[0] + np.sort(v)[0] + v[np.argmax(v)]

    g = compile(f, backend=backend)
    for v in ([1.0, -2.0], [-1.0, 2.0], [3.0, 0.0], [-1.0, -1.0]):
        assert g(np.array(v)) == f(np.array(v))
