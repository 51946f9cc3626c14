"""In what a Value behaves like a float, and where it refuses to because the gradient would be lost."""

import cmath
import math
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalargrad import GradientLostError, Value

COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
floats = st.floats() | st.integers(-2, 2).map(float)


# ── comparing ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("compare", COMPARISONS)
@given(x=floats, y=floats)
def test_values_compare_as_their_data(compare, x, y):
    assert compare(Value(x), Value(y)) is compare(x, y)
    assert compare(Value(x), y) is compare(x, y)
    assert compare(x, Value(y)) is compare(x, y)


def test_nan_is_not_equal_to_itself():
    x = Value(math.nan)
    assert x != x
    assert not x == x  # noqa: SIM201


def test_a_value_equals_an_integer_beyond_the_floats_only_exactly():
    assert Value(2.0**53) != 2**53 + 1


def test_a_value_is_not_equal_to_what_is_no_number():
    assert Value(1.0) != "1"
    assert Value(1.0) != None  # noqa: E711
    assert Value(0.0) != []


def test_order_against_what_is_no_number_is_a_type_error():
    with pytest.raises(TypeError, match="not supported"):
        Value(1.0) < "1"  # noqa: B015


@given(x=floats)
def test_truth_is_that_of_the_data(x):
    assert bool(Value(x)) is bool(x)


def test_a_branch_on_a_value_reads_as_with_floats():
    x = Value(-2.0)
    y = x if x > 0 else -x
    assert y == 2.0


def test_sorting_sorts_by_data():
    a, b, c = Value(3.0), Value(1.0), Value(2.0)
    assert [id(v) for v in sorted([a, b, c])] == [id(b), id(c), id(a)]


def test_comparing_records_nothing(tape):
    x = Value(1.0)
    assert (x < 2, x == 1, bool(x)) == (True, True, True)
    assert list(tape) == [x]


def test_approx_accepts_what_is_near():
    assert Value(2.0) * 3.0 + 1e-12 == pytest.approx(6.0)


def test_approx_refuses_what_is_far():
    assert Value(2.0) * 3.0 + 1e-3 != pytest.approx(6.0)
    assert not Value(6.1) == pytest.approx(6.0)  # noqa: SIM201


def test_approx_works_inside_a_list():
    assert [Value(1.0) + 1e-12, 2.0] == pytest.approx([1.0, 2.0])
    assert [Value(1.1), 2.0] != pytest.approx([1.0, 2.0])


# ── hashing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_equal_values_are_two_members_of_a_set():
    assert len({Value(1.0), Value(1.0)}) == 2


def test_a_value_is_found_as_the_key_of_a_dictionary():
    x, y = Value(1.0), Value(1.0)
    names = {x: "x", y: "y"}
    assert (names[x], names[y]) == ("x", "y")


def test_the_hash_stays_when_the_data_is_set():
    x = Value(1.0)
    found = {x: "x"}
    x.data = 2.0
    assert found[x] == "x"


def test_membership_in_a_list_is_by_data():
    assert Value(1.0) in [0.0, 1.0]


# ── refusing ────────────────────────────────────────────────────────────────────────────────────────────────────────

REFUSED = {
    "float(v)": float,
    "int(v)": int,
    "complex(v)": complex,
    "math.sin(v)": math.sin,
    "math.isnan(v)": math.isnan,
    "math.hypot(1, v)": lambda v: math.hypot(1.0, v),
    "cmath.sin(v)": cmath.sin,
    "np.float64(v)": np.float64,
    "np.float32(v)": np.float32,
    "np.array([v], dtype=float)": lambda v: np.array([v], dtype=float),
    "np.array([v]).astype(float)": lambda v: np.array([v]).astype(float),
    "array[0] = v": lambda v: operator.setitem(np.zeros(2), 0, v),
    "'%f' % v": lambda v: "%f" % v,  # noqa: UP031
}


@pytest.mark.parametrize("convert", REFUSED.values(), ids=REFUSED)
def test_a_conversion_that_loses_the_gradient_is_refused(convert):
    with pytest.raises(GradientLostError, match="gradient"):
        convert(Value(2.0))


@pytest.mark.parametrize("convert", REFUSED.values(), ids=REFUSED)
def test_the_refusal_names_both_ways_out(convert):
    with pytest.raises(GradientLostError, match=r"scalargrad.*v\.data"):
        convert(Value(2.0) * 3.0)


def test_an_index_is_pythons_type_error():
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        range(Value(3.0))


def test_the_bare_number_is_a_float():
    assert type(Value(3).data) is float
    assert math.sin(Value(3).data) == math.sin(3.0)


# ── plain numbers out of Values ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("spec", ["", ".3f", "10.2e", "+g", ">12", "%", ",.2f"])
def test_formatting_is_that_of_the_data(spec):
    assert format(Value(1234.5678), spec) == format(1234.5678, spec)


def test_an_f_string_shows_the_number():
    assert f"{Value(2.0) / 3.0:.3f}" == "0.667"


@pytest.mark.parametrize("x", [2.5, -2.5, 3.5, 2.675, -0.4])
def test_rounding_is_plain_and_that_of_the_data(x):
    assert round(Value(x)) == round(x)
    assert type(round(Value(x))) is int
    assert round(Value(x), 2) == round(x, 2)
    assert type(round(Value(x), 2)) is float


@pytest.mark.parametrize("cut", [math.floor, math.ceil, math.trunc])
@pytest.mark.parametrize("x", [2.5, -2.5, 0.0, 1e300])
def test_cutting_to_an_integer_is_plain(cut, x):
    assert cut(Value(x)) == cut(x)
    assert type(cut(Value(x))) is int


@pytest.mark.parametrize("x", [7.5, -7.5])
def test_floor_division_is_plain_from_either_side(x):
    assert [Value(x) // 2, Value(x) // Value(2.0), x // Value(2.0)] == [x // 2] * 3
    assert {type(Value(x) // 2), type(x // Value(2.0))} == {float}


@pytest.mark.parametrize("x", [7.5, -7.5])
def test_divmod_is_plain_from_either_side(x):
    assert divmod(Value(x), 2) == divmod(Value(x), Value(2.0)) == divmod(x, Value(2.0)) == divmod(x, 2)
    assert {type(part) for part in divmod(Value(x), Value(2.0))} == {float}


def test_floor_division_by_zero_raises_as_with_floats():
    with pytest.raises(ZeroDivisionError):
        Value(1.0) // 0
    with pytest.raises(ZeroDivisionError):
        divmod(1.0, Value(0.0))


def test_what_gives_plain_numbers_records_nothing(tape):
    x = Value(7.5)
    round(x), math.floor(x), x // 2, divmod(x, 2), f"{x:.1f}"
    assert list(tape) == [x]


# ── the shape of the class ──────────────────────────────────────────────────────────────────────────────────────────


def test_repr_shows_number_and_label():
    assert repr(Value(2.0)) == "Value(2.0)"
    assert repr(Value(2.0, label="x")) == "Value(2.0, label='x')"


def test_repr_shows_a_gradient_once_there_is_one():
    x = Value(2.0)
    x.grad = 0.0
    assert repr(x) == "Value(2.0, grad=0.0)"


def test_subclassing_is_refused_and_points_to_gate():
    with pytest.raises(TypeError, match=r"subclassed.*scalargrad\.gate"):

        class Mine(Value):
            pass


@pytest.mark.parametrize("name", ["gard", "value", "_backward", "requires_grad"])
def test_an_unknown_attribute_is_refused(name):
    x = Value(1.0)
    with pytest.raises(AttributeError, match=name):
        setattr(x, name, 0.0)
    with pytest.raises(AttributeError, match=name):
        getattr(x, name)


@pytest.mark.parametrize("name", ["has_grad", "operands", "local_derivatives", "rule", "scope", "line", "index"])
def test_what_is_only_read_cannot_be_set(name):
    x = Value(1.0)
    with pytest.raises(AttributeError):
        setattr(x, name, None)


def test_a_value_is_not_a_sequence():
    with pytest.raises(TypeError, match="not iterable"):
        iter(Value(1.0))
    with pytest.raises(TypeError, match="len"):
        len(Value(1.0))
