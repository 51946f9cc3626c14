"""No number escapes from a recording."""

import copy
import math
import pickle

import numpy as np
import pytest

from scalargrad import (
    GradientLostError,
    NotAnInputError,
    ProgramError,
    Tape,
    Value,
    compile,
    debug,
    grad,
    no_grad,
    record,
    scope,
    value_and_grad,
)


def reads_data(x):
    return x * x.data


def reads_and_catches(x):
    try:
        return x.data
    except Exception:
        return 0.0


def falls_back(x):
    return getattr(x + 0, "data", 0.0)


def converts_and_catches(x):
    try:
        return math.log(x)
    except (TypeError, ValueError):
        return 0.0


@pytest.mark.parametrize("f", [reads_data, reads_and_catches, falls_back, converts_and_catches])
def test_reading_data_raises_even_if_that_is_caught(f, backend):
    with pytest.raises(GradientLostError, match=r"of a Value .*while a Program (is|was) recorded"):
        record(f, 1.0, backend=backend)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_is_refused(copied, backend):
    with pytest.raises(GradientLostError):
        record(lambda x: copied(x) * 2, 1.0, backend=backend)


def test_a_copy_of_a_constant_is_none_of_our_business(backend):
    assert record(lambda x: copy.copy(Value(2.0)) * x, 1.0, backend=backend)(3.0) == 6.0


@pytest.mark.parametrize("lost", [float, int, complex, lambda x: np.array([x], dtype=float), lambda x: np.float64(x)])
def test_what_would_lose_a_gradient_raises_as_elsewhere(lost, backend):
    with pytest.raises((GradientLostError, TypeError)):
        compile(lost, backend=backend)(1.0)


@pytest.mark.parametrize("lost", [float, complex, math.sin, lambda x: np.array([x], dtype=float)])
def test_what_would_lose_a_gradient_does_not_advise_data_which_raises_too(lost):
    with pytest.raises(GradientLostError, match=r"\(v\) .*calculate with the Value itself .* v\.detach\(\)") as raised:
        record(lost, 1.0)
    assert ".data" not in str(raised.value)


def test_a_constant_has_its_data_in_a_recording_too():
    with pytest.raises(GradientLostError, match=r"here 2\.0: .* or v\.data"):
        record(lambda x: x * float(Value(2.0)), 1.0)
    assert record(lambda x: x * Value(2.0).data, 1.0)(3.0) == 6.0


def backward(x):
    (x * x).backward()
    return x


def sets_data(x):
    x.data = 3.0
    return x


@pytest.mark.parametrize("f", [backward, sets_data])
def test_an_effect_on_values_raises(f, backend):
    with pytest.raises(ProgramError, match="while a Program is recorded would happen once"):
        record(f, 1.0, backend=backend)


def test_rounding_to_digits_raises(backend):
    with pytest.raises(ProgramError, match="round afterwards"):
        record(lambda x: round(x, 2), 1.0, backend=backend)


def test_what_was_computed_before_raises(backend):
    w = Value(2.0)
    y = w * 3
    with pytest.raises(NotAnInputError, match=r"6\.0 was computed by mul before"):
        record(lambda x: x * y, 1.0, backend=backend)
    constant = y.detach()
    assert record(lambda x: x * constant, 1.0, backend=backend)(2.0) == 12.0


def test_parameters_are_read_at_every_run(backend):
    w = Value(2.0)
    p = record(lambda x: w * x, 1.0, backend=backend)
    assert p(3.0) == 6.0
    w.data = 5.0
    assert (p(3.0), p.batch(np.array([[1.0], [2.0]])).tolist()) == (15.0, [5.0, 10.0])
    assert p.value_and_grad(3.0) == (15.0, 5.0)


def test_a_gradient_that_a_compiled_function_would_cut_is_missed(backend):
    with pytest.raises(GradientLostError):
        grad(lambda x: compile(lambda t: t * x, backend=backend)(2.0))(3.0)
    with pytest.raises(GradientLostError):
        compile(lambda x: compile(lambda t: t * x, backend=backend)(2.0), backend=backend)(3.0)


def test_one_compiled_function_in_another_is_recorded_in_it(backend):
    inner = compile(lambda t: t * t if t > 0 else -t, backend=backend)
    outer = compile(lambda x, y: inner(x) + inner(y) * inner(2.0), backend=backend)
    for x, y in [(1.0, 2.0), (-1.0, 2.0), (3.0, -2.0)]:
        assert outer(x, y) == outer.__wrapped__(x, y)
        assert grad(outer, argnums=1)(x, y) == grad(outer.__wrapped__, argnums=1)(x, y)


def test_detach_cuts_the_gradient_and_not_the_value(backend):
    p = record(lambda x: x.detach() * x, 1.0, backend=backend)
    assert p.value_and_grad(3.0) == (9.0, 3.0)


def test_no_grad_inside_cuts_the_gradient_and_not_the_value(backend):
    def f(x):
        with no_grad():
            y = 2 * x + x * x
        return y * x

    p = record(f, 1.0, backend=backend)
    assert (p(3.0), p.value_and_grad(3.0)) == (45.0, (45.0, 15.0))


def test_no_grad_around_a_recording_does_not_reach_into_it(backend):
    with no_grad():
        p = record(lambda x: x * x, 1.0, backend=backend)
    assert p.value_and_grad(3.0) == (9.0, 6.0)


def test_other_modes_are_kept_with_the_rows(backend):
    def f(x):
        with scope("inner"):
            return x * x

    with debug():
        p = record(f, 1.0, backend=backend)
    (row,) = p.code.rows
    assert row.scope == ("inner",)
    assert "test_recording.py" in row.line


def test_a_tape_inside(backend):
    def f(x):
        with Tape():
            y = Value(3.0) * 2
        return x * y.detach()

    assert record(f, 1.0, backend=backend)(2.0) == 12.0


def test_an_error_leaves_nothing_behind():
    with pytest.raises(KeyError):
        record(lambda x: {}[1], 1.0)
    assert Value(2.0) > 1.0  # a bool again: nobody records


def test_afterwards_values_are_as_before(backend):
    p = record(lambda x: x * x if x > 0 else x, 1.0, backend=backend)
    x = Value(3.0)
    y = p(x)
    y.backward()
    assert (y.data, x.grad, x > 2) == (9.0, 6.0, True)


def test_derivatives_inside(backend):
    def f(x, y):
        value, slope = value_and_grad(lambda t: t**3 * y)(x)
        return value + slope * grad(lambda t: t * t)(2.0)

    p = record(f, 1.0, 1.0, backend=backend)
    assert p(2.0, 3.0) == f(2.0, 3.0) == 168.0
    assert p.value_and_grad(2.0, 3.0) == value_and_grad(f, argnums=(0, 1))(2.0, 3.0)
