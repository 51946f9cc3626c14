"""Errors of arithmetic: Python's own types, words that name operation, operand and label, and a tape left as it was."""

import copy
import math

import pytest

import scalargrad
from scalargrad import GradientLostError, NotAnInputError, ScalarGradError, StaleValueError, TapeError, Value

#: What is computed from x, the number x has, Python's exception, and a piece of its message.
ERRORS = {
    "log of a negative": (lambda x: scalargrad.log(x), -1.0, ValueError, "log(x)"),
    "log of zero": (lambda x: scalargrad.log(x), 0.0, ValueError, "log(x)"),
    "sqrt of a negative": (lambda x: scalargrad.sqrt(x), -1.0, ValueError, "sqrt(x)"),
    "asin beyond one": (lambda x: scalargrad.asin(x), 2.0, ValueError, "asin(x)"),
    "acosh below one": (lambda x: x.acosh(), 0.5, ValueError, "acosh(x)"),
    "atanh at one": (lambda x: x.atanh(), 1.0, ValueError, "atanh(x)"),
    "sine of infinity": (lambda x: x.sin(), math.inf, ValueError, "sin(x)"),
    "lgamma at a pole": (lambda x: x.lgamma(), -2.0, ValueError, "lgamma(x)"),
    "polygamma at a pole": (lambda x: scalargrad.polygamma(0, x), 0.0, ValueError, "polygamma(0.0, x)"),
    "a fractional power of a negative": (lambda x: x ** (1 / 3), -8.0, ValueError, "x ** 0.333"),
    "a negative base to a Value": (lambda x: (-8.0) ** x, 0.5, ValueError, "(-8.0) ** x"),
    "zero to a negative power": (lambda x: x**-1, 0.0, ZeroDivisionError, "x ** (-1.0)"),
    "zero to a negative Value": (lambda x: 0.0**x, -1.0, ZeroDivisionError, "0.0 ** x"),
    "division by zero": (lambda x: 1 / x, 0.0, ZeroDivisionError, "1.0 / x"),
    "division of a Value by zero": (lambda x: x / 0, 5.0, ZeroDivisionError, "x / 0.0"),
    "modulo zero": (lambda x: x % 0, 5.0, ZeroDivisionError, "x % 0.0"),
    "modulo a zero Value": (lambda x: 5 % x, 0.0, ZeroDivisionError, "5.0 % x"),
    "overflow of exp": (lambda x: scalargrad.exp(x), 1000.0, OverflowError, "exp(x)"),
    "overflow of cosh": (lambda x: x.cosh(), -1000.0, OverflowError, "cosh(x)"),
    "overflow of a power": (lambda x: x**2, 1e300, OverflowError, "x ** 2.0"),
    "overflow of a power of a constant": (lambda x: 10**x, 400.0, OverflowError, "10.0 ** x"),
    "overflow of fma": (lambda x: scalargrad.fma(x, x, 1), 1e300, OverflowError, "fma(x, x, 1.0)"),
}
each_error = pytest.mark.parametrize(("compute", "number", "kind", "words"), ERRORS.values(), ids=ERRORS)


@each_error
def test_the_exception_is_of_pythons_type(compute, number, kind, words):
    with pytest.raises(kind) as caught:
        compute(Value(number))
    assert caught.type is kind


@each_error
def test_the_message_names_operation_and_label_and_number(compute, number, kind, words):
    with pytest.raises(kind) as caught:
        compute(Value(number, label="x"))
    assert words in str(caught.value)
    assert f"x = {number!r}" in str(caught.value)


@each_error
def test_without_a_label_the_message_shows_the_number(compute, number, kind, words):
    with pytest.raises(kind) as caught:
        compute(Value(number))
    assert repr(number) in str(caught.value)


@each_error
def test_the_tape_is_as_it_was(tape, compute, number, kind, words):
    x = Value(number, label="x")
    y = x + 1.0
    before = str(tape)
    with pytest.raises(kind) as caught:
        compute(x)
    assert (len(tape), str(tape)) == (2, before)
    assert tape[1] is y
    assert caught.value is not None  # the exception, and with it the frames it went through, was alive until here


@each_error
def test_what_was_recorded_before_still_sweeps(tape, compute, number, kind, words):
    x = Value(number)
    y = 3.0 * x
    with pytest.raises(kind):
        compute(x)
    y.backward()
    assert x.grad == 3.0


def test_the_message_names_two_labels():
    with pytest.raises(ZeroDivisionError, match=r"price / volume divides by zero at price = 2\.0, volume = 0\.0"):
        Value(2.0, "price") / Value(0.0, "volume")


def test_an_intermediate_is_named_by_its_label():
    loss = Value(1.0) - 3.0
    loss.label = "loss"
    with pytest.raises(ValueError, match=r"log\(loss\) is outside its domain at loss = -2\.0"):
        scalargrad.log(loss)


def test_a_plain_number_meets_the_same_words():
    with pytest.raises(ValueError, match=r"log\(-1\.0\) is outside its domain"):
        scalargrad.log(-1.0)


def test_the_error_is_one_error_without_a_chain():
    with pytest.raises(ValueError, match="sqrt") as caught:
        scalargrad.sqrt(Value(-1.0))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_message_stays_short_however_long_the_label():
    with pytest.raises(ValueError, match="…") as caught:
        scalargrad.log(Value(-1.0, label="very long " * 1000))
    assert len(str(caught.value)) < 300


def test_an_integer_too_large_for_a_float_is_an_overflow():
    with pytest.raises(OverflowError):
        Value(1.0) + 10**400
    with pytest.raises(OverflowError):
        10**400 * Value(1.0)
    with pytest.raises(OverflowError):
        Value(10**400)


def test_an_integer_too_large_for_a_float_leaves_the_tape(tape):
    x = Value(1.0)
    with pytest.raises(OverflowError):
        x + 10**400
    assert list(tape) == [x]


@pytest.mark.parametrize("name", ["exp", "log", "sin", "sqrt", "relu", "sigmoid", "erf", "cbrt"])
@pytest.mark.parametrize("other", ["1", None, [1.0], 1j, object()], ids=lambda x: type(x).__name__)
def test_a_function_of_no_number_is_a_type_error_that_names_it(name, other):
    with pytest.raises(TypeError, match=name):
        getattr(scalargrad, name)(other)


def test_a_function_of_too_many_operands_names_itself():
    with pytest.raises(TypeError, match="exp takes 1 "):
        scalargrad.exp(Value(1.0), 2.0)
    with pytest.raises(TypeError, match="atan2 takes 2 "):
        scalargrad.atan2(Value(1.0))


# ── the exception tree ──────────────────────────────────────────────────────────────────────────────────────────────


def test_every_error_of_our_own_is_a_scalargrad_error():
    for kind in (GradientLostError, NotAnInputError, StaleValueError, TapeError):
        assert issubclass(kind, ScalarGradError)


def test_a_refused_conversion_is_also_a_type_error():
    assert issubclass(GradientLostError, TypeError)
    assert issubclass(NotAnInputError, TypeError)


def test_the_refusal_to_copy_says_how_to_detach():
    with pytest.raises(NotAnInputError, match=r"computed by mul.*detach\(\)"):
        copy.copy(Value(2.0) * 3.0)
