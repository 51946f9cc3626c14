"""The numbers of arithmetic on Values: those of Python's float and `math`, to the bit, with the same exceptions."""

import math
import operator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scalargrad
from scalargrad import Value, gradients

INFIX = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "**": operator.pow,
}
IN_MATH = [
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cos", "cosh", "erf", "erfc", "exp", "exp2"),
    *("expm1", "lgamma", "log", "log1p", "log2", "log10", "sin", "sinh", "sqrt", "tan", "tanh"),
]
floats = st.floats() | st.floats(-10, 10) | st.integers(-5, 5).map(float)


def outcome(compute):
    """The bits of the number, any nan counting as one, or the type of the exception."""
    try:
        number = compute()
    except (ArithmeticError, ValueError) as error:
        return type(error)
    number = number.data if isinstance(number, Value) else number
    return "nan" if number != number else number.hex()


def in_python(symbol, x, y):
    if symbol == "**" and x < 0 and math.isfinite(y) and not y.is_integer() and x != -math.inf:
        return math.pow(x, y)  # where ** turns complex, and may overflow on the way
    return INFIX[symbol](x, y)


# ── to the bit ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("symbol", INFIX)
@given(x=floats, y=floats)
def test_two_values_give_what_two_floats_give(symbol, x, y):
    assert outcome(lambda: INFIX[symbol](Value(x), Value(y))) == outcome(lambda: in_python(symbol, x, y))


@pytest.mark.parametrize("symbol", INFIX)
@given(x=floats, y=floats)
def test_a_constant_on_the_right_gives_what_two_floats_give(symbol, x, y):
    assert outcome(lambda: INFIX[symbol](Value(x), y)) == outcome(lambda: in_python(symbol, x, y))


@pytest.mark.parametrize("symbol", INFIX)
@given(x=floats, y=floats)
def test_a_constant_on_the_left_gives_what_two_floats_give(symbol, x, y):
    assert outcome(lambda: INFIX[symbol](x, Value(y))) == outcome(lambda: in_python(symbol, x, y))


@pytest.mark.parametrize("name", IN_MATH)
@given(x=floats)
def test_a_function_of_a_value_gives_what_math_gives(name, x):
    assert outcome(lambda: getattr(scalargrad, name)(Value(x))) == outcome(lambda: getattr(math, name)(x))


@pytest.mark.parametrize("name", ["atan2", "hypot"])
@given(x=floats, y=floats)
def test_a_function_of_two_values_gives_what_math_gives(name, x, y):
    assert outcome(lambda: getattr(scalargrad, name)(Value(x), Value(y))) == outcome(lambda: getattr(math, name)(x, y))


@pytest.mark.parametrize("sign", [operator.neg, operator.pos, abs])
@given(x=floats)
def test_a_sign_gives_what_a_float_gives(sign, x):
    assert outcome(lambda: sign(Value(x))) == outcome(lambda: sign(x))


@pytest.mark.parametrize("name", [*IN_MATH, "relu", "sigmoid", "softplus", "gelu", "leaky_relu"])
def test_the_method_is_the_function(name):
    x = Value(1.0) if name == "acosh" else Value(0.625)
    by_method, by_function = getattr(x, name)(), getattr(scalargrad, name)(x)
    assert by_method.data == by_function.data
    assert by_method.rule is by_function.rule


def test_the_square_is_a_power_and_not_a_product():
    xs = [1.0 + i / 977 for i in range(977)]
    assert [(Value(x) ** 2).data for x in xs] == [x**2 for x in xs]


def test_a_large_overflowing_product_is_infinite_as_with_floats():
    assert (Value(1e300) * 1e300).data == math.inf


def test_the_builtin_sum_starts_from_zero():
    x = Value(2.0)
    assert gradients(sum([x, x, x]), [x]) == [3.0]


def test_the_builtin_max_hands_back_the_value_itself():
    x, y = Value(2.0), Value(3.0)
    assert max(x, y) is y


# ── operands ────────────────────────────────────────────────────────────────────────────────────────────────────────

NUMBERS = [
    *(3, 3.0, True, Fraction(1, 3)),
    *(np.float64(0.1), np.float32(0.1), np.float16(0.1), np.int64(3), np.int8(3), np.uint8(3), np.bool_(True)),
]


def named(number):
    return type(number).__name__


@pytest.mark.parametrize("symbol", INFIX)
@pytest.mark.parametrize("number", NUMBERS, ids=named)
def test_a_number_of_any_real_kind_is_an_operand_on_the_right(symbol, number):
    result = INFIX[symbol](Value(2.5), number)
    assert type(result) is Value
    assert result.data == INFIX[symbol](2.5, float(number))


@pytest.mark.parametrize("symbol", INFIX)
@pytest.mark.parametrize("number", NUMBERS, ids=named)
def test_a_number_of_any_real_kind_is_an_operand_on_the_left(symbol, number):
    result = INFIX[symbol](number, Value(2.5))
    assert type(result) is Value
    assert result.data == INFIX[symbol](float(number), 2.5)


@pytest.mark.parametrize("number", NUMBERS, ids=named)
def test_a_number_on_the_left_leaves_the_gradient_right(number):
    x = Value(2.5)
    assert gradients(number - x * number, [x]) == [-float(number)]


@pytest.mark.parametrize("symbol", INFIX)
@pytest.mark.parametrize("other", [None, [1.0], (1.0,), {}, 1j, object()], ids=named)
def test_anything_else_on_the_right_is_pythons_type_error(symbol, other):
    with pytest.raises(TypeError, match=r"unsupported operand type|can't multiply sequence"):
        INFIX[symbol](Value(2.0), other)


@pytest.mark.parametrize("symbol", ["-", "/", "**"])
@pytest.mark.parametrize("other", [None, [1.0], "a", 1j, object()], ids=named)
def test_anything_else_on_the_left_is_pythons_type_error(symbol, other):
    with pytest.raises(TypeError, match="unsupported operand type"):
        INFIX[symbol](other, Value(2.0))


def test_a_decimal_does_not_mix_as_it_does_not_with_float():
    from decimal import Decimal

    with pytest.raises(TypeError, match="unsupported operand type"):
        Value(1.0) + Decimal(1)
    with pytest.raises(TypeError, match="unsupported operand type"):
        Decimal(1) + Value(1.0)


def test_a_string_is_neither_added_nor_repeated():
    with pytest.raises(TypeError):
        "a" + Value(1.0)
    with pytest.raises(TypeError):
        "a" * Value(1.0)


def test_a_list_is_not_repeated():
    with pytest.raises(TypeError):
        [1.0] * Value(2.0)


def test_another_class_may_take_the_operation_over():
    class Taker:
        def __radd__(self, other):
            return "taken"

    assert Value(1.0) + Taker() == "taken"


def test_a_modular_power_is_refused():
    with pytest.raises(TypeError):
        pow(Value(2.0), 3, 5)


@pytest.mark.parametrize("symbol", ["+=", "-=", "*=", "/=", "%=", "**="])
def test_an_in_place_operator_rebinds_the_name(symbol):
    x = Value(3.0)
    names = {"y": x}
    exec(f"y {symbol} 2.0", names)
    assert names["y"] is not x
    assert names["y"].data == INFIX[symbol[:-1]](3.0, 2.0)
    assert x.data == 3.0


def test_an_in_place_operator_records_the_old_value_as_operand():
    x = y = Value(3.0)
    y *= y
    y += x
    assert gradients(y, [x]) == [7.0]


def test_a_method_is_no_function_of_plain_numbers():
    with pytest.raises(TypeError, match=r"a method of Value takes a Value, not 1\.0 \(float\)"):
        Value.exp(1.0)
