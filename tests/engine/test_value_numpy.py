"""Values in NumPy: as elements of object arrays, and next to NumPy's scalars and arrays."""

import math

import numpy as np
import pytest

from scalargrad import Value, gradients


@pytest.fixture
def xs():
    return np.array([Value(0.25), Value(0.5), Value(0.75)])


def data(array):
    return [v.data for v in array]


def test_an_array_of_values_holds_the_values_themselves():
    x, y = Value(1.0), Value(2.0)
    array = np.array([x, y])
    assert array.dtype == object
    assert array[0] is x


UFUNCS = {
    **{name: getattr(math, name) for name in ("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt")},
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"arc{name}": getattr(math, f"a{name}") for name in ("sin", "cos", "tan", "sinh", "tanh")},
    "negative": lambda x: -x,
    "absolute": abs,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
}


@pytest.mark.parametrize("name", UFUNCS)
def test_a_ufunc_works_on_an_array_of_values(xs, name):
    out = getattr(np, name)(xs)
    assert {type(v) for v in out} == {Value}
    assert data(out) == [UFUNCS[name](x) for x in data(xs)]


@pytest.mark.parametrize("name", UFUNCS)
def test_a_ufunc_works_on_a_bare_value(name):
    out = getattr(np, name)(Value(0.5))
    assert type(out) is Value
    assert out.data == UFUNCS[name](0.5)


def test_arccosh_works():
    assert np.arccosh(Value(2.0)).data == math.acosh(2.0)


def test_the_gradient_flows_through_a_ufunc(xs):
    assert gradients(np.sum(np.exp(xs)), xs) == [math.exp(x) for x in data(xs)]


def test_sum_prod_and_mean(xs):
    assert (np.sum(xs).data, np.prod(xs).data, np.mean(xs).data) == (1.5, 0.25 * 0.5 * 0.75, 0.5)
    assert gradients(xs.sum(), xs) == [1.0, 1.0, 1.0]


def test_cumsum_gives_the_running_sums(xs):
    assert data(np.cumsum(xs)) == [0.25, 0.75, 1.5]


def test_dot_of_values_with_values_and_with_floats(xs):
    assert np.dot(xs, xs).data == 0.25**2 + 0.5**2 + 0.75**2
    assert gradients(np.dot(np.array([1.0, 2.0, 3.0]), xs), xs) == [1.0, 2.0, 3.0]


def test_the_matrix_product_works_on_either_side():
    w = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    x = np.array([10.0, 1.0])
    assert data(w @ x) == [12.0, 34.0]
    assert data(x @ w) == [13.0, 24.0]
    assert gradients((w @ x)[1], w.ravel()) == [0.0, 0.0, 10.0, 1.0]


def test_outer_and_transpose(xs):
    assert data(np.outer(xs, xs).T[2]) == [0.75 * 0.25, 0.75 * 0.5, 0.75 * 0.75]


def test_the_norm_of_a_vector_of_values():
    assert np.linalg.norm(np.array([Value(3.0), Value(4.0)])).data == 5.0


def test_arctan2_of_two_arrays_of_values(xs):
    out = np.arctan2(xs, xs[::-1])
    assert data(out) == [math.atan2(y, x) for y, x in zip(data(xs), data(xs[::-1]), strict=True)]


def test_hypot_of_two_arrays_of_values(xs):
    assert data(np.hypot(xs, xs)) == [math.hypot(x, x) for x in data(xs)]


def test_power_of_an_array_of_values(xs):
    assert data(xs**2) == [x**2 for x in data(xs)]
    assert data(np.power(xs, xs)) == [x**x for x in data(xs)]
    assert data(2.0**xs) == [2.0**x for x in data(xs)]


def test_maximum_and_minimum_hand_back_the_values_themselves(xs):
    assert [a is b for a, b in zip(np.maximum(xs, xs[::-1]), [xs[2], xs[1], xs[2]], strict=True)] == [True] * 3
    assert np.minimum(xs, xs[::-1])[0] is xs[0]


def test_max_argmax_and_sort_go_by_data(xs):
    assert np.max(xs) is xs[2]
    assert np.argmax(xs) == 2
    assert data(np.sort(xs[::-1])) == data(xs)


def test_comparison_gives_an_array_of_booleans(xs):
    assert ((xs > 0.3) == np.array([False, True, True])).all()
    assert (Value(0.5) > np.array([0.25, 0.75])).tolist() == [True, False]


def test_where_selects_values(xs):
    assert np.where(np.array([True, False, True]), xs, 0.0)[2] is xs[2]


@pytest.mark.parametrize("array", [np.array([1.0, 2.0]), np.array([1, 2]), np.array([1.0, 2.0], dtype=np.float32)])
def test_a_value_times_an_array_of_numbers_is_an_array_of_values(array):
    x = Value(3.0)
    for product in (x * array, array * x):
        assert product.dtype == object
        assert data(product) == [3.0, 6.0]
        assert gradients(product[1], [x]) == [2.0]


def test_every_infix_operation_goes_over_an_array():
    x, array = Value(3.0), np.array([2.0, 4.0])
    assert data(x - array) == [1.0, -1.0]
    assert data(array - x) == [-1.0, 1.0]
    assert data(x / array) == [1.5, 0.75]
    assert data(array / x) == [2 / 3, 4 / 3]
    assert data(x**array) == [9.0, 81.0]
    assert data(array**x) == [8.0, 64.0]
    assert data(x % array) == [1.0, 3.0]


def test_an_array_of_values_times_a_value():
    x = Value(3.0)
    assert data(np.array([x, x]) * x) == [9.0, 9.0]


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int64, np.int32, np.bool_])
def test_a_numpy_scalar_times_a_value_is_a_value(kind):
    x = Value(3.0)
    assert type(kind(1) * x) is type(x * kind(1)) is Value
    assert gradients(kind(1) * x + x / kind(1), [x]) == [2.0]


def test_a_numpy_scalar_compares_with_a_value():
    assert np.float64(2.0) < Value(3.0)
    assert np.float64(3.0) == Value(3.0)
    assert not np.float64(4.0) <= Value(3.0)


def test_a_numpy_accumulator_turns_into_a_value():
    total = np.float64(0.0)
    total += Value(2.0)
    assert type(total) is Value


def test_gradients_takes_an_array_of_values(xs):
    assert gradients(np.sum(xs * xs), xs) == [0.5, 1.0, 1.5]


def test_an_array_of_floats_does_not_swallow_a_value():
    numbers = np.zeros(2)
    with pytest.raises(TypeError, match="gradient"):
        numbers[0] = Value(1.0)
    assert numbers.tolist() == [0.0, 0.0]


def test_a_float_array_in_place_does_not_swallow_values():
    numbers = np.ones(2)
    with pytest.raises(TypeError):
        numbers += Value(1.0)
