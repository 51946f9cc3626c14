"""Gates: a user's own operation, made of a plain function of numbers and its derivatives."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scalargrad
from scalargrad import GateError, ScalarGradError, StaleValueError, Tape, Value, gate, gradients, no_grad


@gate(derivatives=lambda x, y: (y, x))
def times(x, y):
    """The product, as a gate."""
    return x * y


@gate(derivatives=lambda x: 3 * x * x)
def cubed(x):
    return x**3


# ── using one ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_gate_is_one_row_with_its_own_name():
    with Tape() as t:
        x, y = Value(2.0), Value(5.0)
        z = times(x, y)
    assert len(t) == 3
    assert (z.data, z.rule.name, z.local_derivatives) == (10.0, "times", (5.0, 2.0))
    assert "times" in str(t)


def test_gradients_flow_through_a_gate():
    x, y = Value(2.0), Value(5.0)
    times(x * x, y + 1.0).backward()
    assert (x.grad, y.grad) == (24.0, 4.0)


def test_a_value_used_twice_counts_twice():
    x = Value(3.0)
    assert gradients(times(x, x), [x]) == [6.0]


def test_a_gate_of_one_input_may_return_a_bare_number():
    x = Value(2.0)
    assert gradients(cubed(x), [x]) == [12.0]


@pytest.mark.parametrize("kind", [tuple, list])
def test_derivatives_come_in_a_tuple_or_a_list(kind):
    g = gate(derivatives=lambda x, y: kind((y, x)))(lambda x, y: x * y)
    x = Value(2.0)
    assert gradients(g(x, 5.0), [x]) == [5.0]


def test_constants_are_among_the_inputs():
    x = Value(2.0)
    assert gradients(times(x, 5), [x]) == [5.0]
    assert gradients(times(Fraction(1, 2), x), [x]) == [0.5]
    assert gradients(times(np.float64(3.0), x), [x]) == [3.0]


def test_plain_numbers_give_a_plain_number_and_record_nothing():
    with Tape() as t:
        assert times(2, 5) == 10.0
        assert type(times(2, 5)) is float
    assert len(t) == 0


def test_the_function_is_given_plain_floats():
    seen = []

    @gate(derivatives=lambda *xs: (0.0,) * len(xs))
    def look(*xs):
        seen.extend(map(type, xs))
        return 0.0

    look(Value(1.0), 2, True, Fraction(1, 2), np.float32(1))
    assert seen == [float] * 5


def test_a_gate_of_any_number_of_inputs():
    @gate(derivatives=lambda *xs: (1.0,) * len(xs))
    def total(*xs):
        return math.fsum(xs)

    xs = [Value(float(i)) for i in range(100)]
    assert gradients(total(*xs), xs) == [1.0] * 100


def test_a_gate_keeps_the_name_and_docstring_of_its_function():
    assert times.__name__ == "times"
    assert times.__doc__ == "The product, as a gate."


def test_an_integer_a_fraction_or_a_numpy_scalar_may_be_returned():
    x, results = Value(2.0), [7, True, Fraction(7, 2), np.float32(3.5)]
    g = gate(derivatives=lambda x: Fraction(1, 2))(lambda x: results.pop())
    for returned in reversed(results.copy()):
        y = g(x)
        assert (type(y.data), y.data) == (float, float(returned))
        assert gradients(y, [x]) == [0.5]


def test_nan_and_infinity_are_numbers():
    g = gate(derivatives=lambda x: math.nan)(lambda x: math.inf)
    x = Value(2.0)
    assert g(x).data == math.inf
    assert math.isnan(gradients(g(x), [x])[0])


def test_a_nan_value_is_handed_on():
    g = gate(derivatives=lambda x: 1.0)(lambda x: math.nan)
    assert math.isnan(g(Value(2.0)).data)


def test_a_gate_works_under_no_grad():
    with no_grad():
        assert times(Value(2.0), 3.0).operands == ()


def test_a_gate_goes_stale_like_any_operation():
    x = Value(2.0)
    y = cubed(x)
    x.data = 3.0
    with pytest.raises(StaleValueError):
        y.backward()


def test_a_gate_of_a_gate_equals_the_expression():
    x, y = Value(1.5), Value(-0.5)
    by_gates = cubed(times(x, cubed(y)))
    by_operators = (x * y**3) ** 3
    assert by_gates.data == pytest.approx(by_operators.data, rel=1e-15)
    assert gradients(by_gates, [x, y]) == pytest.approx(gradients(by_operators, [x, y]), rel=1e-14)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_a_gate_equals_the_expression_that_it_stands_for(a, b):
    @gate(derivatives=lambda x, y: (math.cos(x) * y, math.sin(x)))
    def wave(x, y):
        return math.sin(x) * y

    x, y = Value(a), Value(b)
    assert wave(x, y).data == (scalargrad.sin(x) * y).data
    assert gradients(wave(x, y), [x, y]) == gradients(scalargrad.sin(x) * y, [x, y])


def test_a_gate_named_like_an_operation_keeps_to_itself():
    @gate(derivatives=lambda x: 0.0)
    def log(x):
        raise ValueError("not today")

    with pytest.raises(ValueError, match="not today") as caught:
        log(Value(1.0))
    assert str(caught.value) == "not today"
    assert scalargrad.log(Value(1.0)).data == 0.0


# ── defining one wrongly ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_different_number_of_inputs_is_an_error_at_definition():
    with pytest.raises(GateError, match=r"area has 2 input\(s\), but its derivatives take 1"):

        @gate(derivatives=lambda x: x)
        def area(x, y):
            return x * y


def test_no_input_at_all_is_an_error_at_definition():
    with pytest.raises(GateError, match="one input at least"):
        gate(derivatives=lambda: ())(lambda: 1.0)


def test_inputs_by_keyword_are_an_error_at_definition():
    def power(x, *, exponent):
        return x**exponent

    with pytest.raises(GateError, match="power asks for exponent by keyword"):
        gate(derivatives=lambda x: 1.0)(power)


@pytest.mark.parametrize("thing", [None, 3.0, "f"], ids=type)
def test_what_is_no_function_is_an_error_at_definition(thing):
    with pytest.raises(GateError, match="two functions"):
        gate(derivatives=lambda x: x)(thing)
    with pytest.raises(GateError, match="two functions"):
        gate(derivatives=thing)(lambda x: x)


def test_derivatives_are_asked_for_by_name():
    with pytest.raises(TypeError, match="gate"):
        gate(lambda x: x)
    with pytest.raises(TypeError, match="derivatives"):
        gate()


# ── returning something wrong ───────────────────────────────────────────────────────────────────────────────────────

NO_NUMBERS = [None, "1.0", 1j, (1.0,), [1.0], Value(1.0), np.array([1.0])]


@pytest.mark.parametrize("returned", NO_NUMBERS, ids=type)
def test_a_result_that_is_no_number_is_refused_by_name(returned):
    @gate(derivatives=lambda x: 1.0)
    def broken(x):
        return returned

    for x in (Value(1.0), 1.0):
        with pytest.raises(GateError, match="the gate broken returns one real number"):
            broken(x)


@pytest.mark.parametrize("returned", [None, "1.0", 1j, Value(1.0), np.array([1.0]), [None], (Value(1.0),)], ids=repr)
def test_a_derivative_that_is_no_number_is_refused_by_name(returned):
    @gate(derivatives=lambda x: returned)
    def broken(x):
        return x

    with pytest.raises(GateError, match="derivatives of the gate broken are real numbers"):
        broken(Value(1.0))


@pytest.mark.parametrize("returned", [(), (1.0,), (1.0, 2.0, 3.0), 1.0])
def test_a_wrong_number_of_derivatives_is_refused_with_both_counts(returned):
    @gate(derivatives=lambda x, y: returned)
    def broken(x, y):
        return x + y

    with pytest.raises(GateError, match=r"the gate broken has 2 input\(s\), but \d derivative"):
        broken(Value(1.0), Value(2.0))


def test_a_refused_gate_leaves_the_tape_as_it_was():
    broken = gate(derivatives=lambda x: None)(lambda x: x)
    with Tape() as t:
        x = Value(1.0)
        with pytest.raises(GateError):
            broken(x)
        assert list(t) == [x]


def test_a_gate_error_is_a_type_error_and_one_of_ours():
    assert issubclass(GateError, TypeError)
    assert issubclass(GateError, ScalarGradError)


@pytest.mark.parametrize("inputs", [(), (Value(1.0),), (Value(1.0), 2.0, 3.0)], ids=len)
def test_a_wrong_number_of_inputs_is_a_type_error(inputs):
    with pytest.raises(TypeError, match="times"):
        times(*inputs)


@pytest.mark.parametrize("other", ["1", None, 1j, [1.0]], ids=type)
def test_an_input_that_is_no_number_is_a_type_error(other):
    with pytest.raises(TypeError, match="times takes Values and real numbers"):
        times(Value(1.0), other)


# ── errors raised inside ────────────────────────────────────────────────────────────────────────────────────────────

RAISED = [ValueError("odd"), ZeroDivisionError("odd"), OverflowError("odd"), KeyError("odd"), RuntimeError("odd")]


@pytest.mark.parametrize("error", RAISED, ids=type)
def test_an_error_inside_a_gate_is_the_same_error_with_a_note(error):
    @gate(derivatives=lambda x: 1.0)
    def failing(x):
        raise error

    with pytest.raises(type(error)) as caught:
        failing(Value(2.0, label="x"))
    assert caught.value is error
    assert "failing(x)" in caught.value.__notes__[-1]
    assert "x = 2.0" in caught.value.__notes__[-1]
    del error.__notes__


def test_the_note_writes_any_gate_out_with_all_of_its_inputs():
    def fail(x, y, z):
        raise ValueError("odd")

    fail.__name__ = "_private"
    for function, name in ((fail, "_private"), (lambda x, y, z: fail(x, y, z), "<lambda>")):
        with pytest.raises(ValueError, match="odd") as caught:
            gate(derivatives=lambda x, y, z: (1, 1, 1))(function)(Value(1.0), 2.0, 3.0)
        assert f"{name}(1.0, 2.0, 3.0)" in caught.value.__notes__[-1]


def test_an_error_inside_a_derivative_tells_which_gate():
    @gate(derivatives=lambda x: {}["slope"])
    def failing(x):
        return x

    with pytest.raises(KeyError) as caught:
        failing(Value(2.0))
    assert "failing" in str(getattr(caught.value, "__notes__", ""))


def test_a_derivative_that_divides_by_zero_at_an_edge_is_infinite():
    reciprocal_slope = gate(derivatives=lambda x: 0.5 / x)(lambda x: x)
    x = Value(0.0)
    assert gradients(reciprocal_slope(x), [x]) == [math.inf]


def test_a_derivative_written_with_our_functions_is_infinite_at_an_edge():
    root = gate(derivatives=lambda x: 0.5 / scalargrad.sqrt(x))(lambda x: math.sqrt(x))
    x = Value(0.0)
    assert root(x).data == 0.0
    assert gradients(root(x), [x]) == [math.inf]


def test_a_derivative_written_with_math_raises_at_an_edge_and_tells_which_gate():
    @gate(derivatives=lambda x: 0.5 / math.sqrt(x))
    def root(x):
        return math.sqrt(x)

    with pytest.raises(ZeroDivisionError) as caught:
        root(Value(0.0))
    assert "root" in str(getattr(caught.value, "__notes__", ""))
