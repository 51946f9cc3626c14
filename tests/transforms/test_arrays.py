"""NumPy arrays in, NumPy arrays out: of floats, and of the shape that fits."""

import subprocess
import sys

import numpy as np
import pytest

from scalargrad import Value, exp, gradients
from scalargrad.transforms import derivative, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp


def assert_array(found, expected):
    expected = np.array(expected, dtype=float)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float64
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def quadratic(x):
    return np.sum(np.arange(1.0, x.size + 1) * x.ravel() ** 2)


X = np.array([1.0, -2.0, 3.0])
MATRIX = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]])


# ── shapes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_value_and_grad():
    value, gradient = value_and_grad(quadratic)(X)
    assert type(value) is float
    assert value == 36.0
    assert_array(gradient, [2.0, -8.0, 18.0])


def test_the_gradient_by_a_matrix_is_a_matrix():
    assert_array(grad(quadratic)(MATRIX), [[2.0, 8.0, 0.0], [4.0, -10.0, 36.0]])


def test_the_jacobian_of_an_array_by_an_array_has_both_shapes():
    assert_array(jacobian(lambda x: x**2)(X), np.diag(2 * X))
    found = jacobian(lambda a: a @ X)(MATRIX)  # (2, 3) → (2,)
    assert_array(found, [[X, 0 * X], [0 * X, X]])
    found = jacobian(lambda x: np.outer(x, x))(X)  # (3,) → (3, 3), done forward
    expected = np.einsum("ik,j->ijk", np.eye(3), X) + np.einsum("i,jk->ijk", X, np.eye(3))
    assert_array(found, expected)


def test_the_jacobian_of_an_array_by_a_number_and_of_a_number_by_an_array():
    assert_array(jacobian(lambda t: t * X)(2.0), X)
    assert_array(jacobian(lambda x: x[0] * x[1])(X), [-2.0, 1.0, 0.0])
    rows = jacobian(lambda x: [x[0] * x[1], x[2]])(X)
    assert_array(rows[0], [-2.0, 1.0, 0.0])
    assert_array(rows[1], [0.0, 0.0, 1.0])


def test_the_jacobian_of_an_array_by_a_dict():
    found = jacobian(lambda p: p["scale"] * p["x"] ** 2)({"x": X, "scale": 2.0})
    assert_array(found["x"], np.diag(4 * X))
    assert_array(found["scale"], X**2)


def test_hessian_and_hvp():
    assert_array(hessian(quadratic)(X), np.diag([2.0, 4.0, 6.0]))
    assert_array(hvp(quadratic)(X, np.array([1.0, 10.0, 100.0])), [2.0, 40.0, 600.0])
    assert hessian(quadratic)(MATRIX).shape == (2, 3, 2, 3)


def test_third_derivatives_have_three_times_the_shape():
    found = jacobian(hessian(lambda x: x[0] ** 2 * x[1]))(np.array([1.0, 2.0]))
    assert_array(found, [[[0, 2], [2, 0]], [[2, 0], [0, 0]]])


def test_jvp_and_vjp():
    value, speed = jvp(lambda a: a @ X)(MATRIX, np.ones((2, 3)))
    assert_array(value, MATRIX @ X)
    assert_array(speed, [2.0, 2.0])
    value, pull = vjp(lambda a: a @ X)(MATRIX)
    assert_array(value, MATRIX @ X)
    assert_array(pull(np.array([1.0, 2.0])), [X, 2 * X])


def test_the_derivative_of_an_array_by_a_number():
    assert_array(derivative(lambda t: np.array([t, t**2, t**3]), order=2)(2.0), [0.0, 2.0, 12.0])


def test_several_arguments():
    by_a, by_x = grad(lambda a, x: np.sum(a @ x), argnums=(0, 1))(MATRIX, X)
    assert_array(by_a, [X, X])
    assert_array(by_x, [1.5, 1.0, 3.0])


def test_an_array_that_is_not_chosen_is_the_very_same():
    def f(x, data):
        assert data is X
        return x * np.sum(data)

    assert grad(f)(1.0, X) == 2.0


# ── kinds of arrays ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, np.float16, np.longdouble, object])
def test_from_numbers_of_any_type_come_floats(dtype):
    assert_array(grad(quadratic)(np.array([1, 2, 3], dtype=dtype)), [2.0, 8.0, 18.0])


def test_an_array_without_dimensions():
    assert_array(grad(lambda x: x**3)(np.array(2.0)), 12.0)
    assert_array(hessian(lambda x: x**3)(np.array(2.0)), 12.0)
    assert derivative(lambda x: x**3, order=2)(np.array(2.0)) == 12.0


def test_a_result_without_dimensions_is_one_number():
    assert grad(lambda x: np.array(x**3))(2.0) == 12.0
    assert grad(lambda x: np.float64(3.0))(2.0) == 0.0


def test_a_numpy_scalar_is_a_number():
    gradient = grad(lambda x: x**3)(np.float64(2.0))
    assert type(gradient) is float
    assert grad(lambda x: x**3)(np.int32(2)) == 12.0


def test_an_array_of_any_layout():
    strided = np.arange(12.0).reshape(3, 4)[::2, ::-1].T
    assert_array(grad(quadratic)(strided), grad(quadratic)(strided.copy()))
    assert_array(grad(lambda a: np.sum(a[0] * a[1]))(np.asfortranarray(MATRIX)), MATRIX[::-1])


def test_a_matrix_object_is_an_array_like_any_other():
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    assert_array(grad(lambda a: a[0, 1] * a[1, 0])(matrix), [[0.0, 3.0], [2.0, 0.0]])


def test_a_read_only_array():
    x = X.copy()
    x.flags.writeable = False
    assert_array(grad(quadratic)(x), [2.0, -8.0, 18.0])


def test_an_empty_array_beside_another():
    gradient = grad(lambda p: np.sum(p["x"] ** 2) + np.sum(p["none"]))({"x": X, "none": np.zeros((0, 2))})
    assert_array(gradient["x"], 2 * X)
    assert_array(gradient["none"], np.zeros((0, 2)))


def test_an_empty_result():
    assert jacobian(lambda x: x[:0])(X).shape == (0, 3)


def test_arrays_of_other_things_pass_through():
    nest = {"x": X, "names": np.array(["a", "b"]), "mask": np.array([True, False, True]), "any": np.array([None, "x"])}
    gradient = grad(lambda p: np.sum(p["x"][p["mask"]] ** 2))(nest)
    assert_array(gradient["x"], [2.0, 0.0, 6.0])
    assert all(gradient[name] is nest[name] for name in ("names", "mask", "any"))


def test_an_array_of_values():
    x = np.array([Value(1.0), Value(2.0)])
    value, gradient = value_and_grad(lambda x: x[0] ** 2 * x[1])(x)
    assert gradients(value, x) == [4.0, 1.0]
    assert gradient.dtype == object
    assert gradients(gradient[0], x) == [4.0, 2.0]


def test_an_array_of_which_some_results_are_values():
    w = Value(3.0)
    gradient = grad(lambda x: w * x[0] + 2 * x[1])(np.array([1.0, 1.0]))
    assert isinstance(gradient[0], Value)
    assert type(gradient[1]) is float


def test_arrays_within_nests():
    value, gradient = value_and_grad(lambda p: np.sum(p["w"] @ p["x"][0]) * p["x"][1])({"w": MATRIX, "x": (X, 2.0)})
    assert value == 2 * np.sum(MATRIX @ X)
    assert_array(gradient["w"], [2 * X, 2 * X])
    assert_array(gradient["x"][0], [3.0, 2.0, 6.0])
    assert gradient["x"][1] == np.sum(MATRIX @ X)


def test_numpy_functions_on_what_the_function_gets():
    x = np.array([0.3, 0.7])
    value, gradient = value_and_grad(lambda x: np.dot(np.exp(x), np.sin(x)) + np.prod(np.sqrt(x)) + x.mean())(x)
    root = np.sqrt(x[::-1]) / (2 * np.sqrt(x))
    assert value == pytest.approx(np.dot(np.exp(x), np.sin(x)) + np.prod(np.sqrt(x)) + x.mean())
    assert_array(gradient, np.exp(x) * (np.sin(x) + np.cos(x)) + root + 0.5)


# ── vectors and seeds ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_list_as_the_vector_of_an_array_and_an_array_as_that_of_a_list():
    assert_array(hvp(quadratic)(X, [1.0, 0.0, 0.0]), [2.0, 0.0, 0.0])
    assert hvp(lambda v: v[0] ** 2 * v[1])([1.0, 2.0], np.array([1.0, 0.0])) == [4.0, 2.0]


@pytest.mark.parametrize("vector", [np.ones(2), np.ones((3, 1)), 1.0, [1.0], np.array(["a", "b", "c"])])
def test_a_vector_of_another_shape(vector):
    with pytest.raises(TypeError, match=r"there is something of shape .* where an array of shape \(3,\) is to be"):
        hvp(quadratic)(X, vector)


def test_seeds_of_another_shape():
    _, pull = vjp(lambda x: x**2)(X)
    with pytest.raises(TypeError, match=r"shape \(1, 3\) where an array of shape \(3,\)"):
        pull(np.ones((1, 3)))


# ── without NumPy ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_but_arrays_works_without_numpy():
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "from scalargrad.transforms import *\n"
        "print(hessian(lambda v: v[0] ** 2 * v[1])([1.0, 2.0]), hvp(lambda p: p['a'] ** 3)({'a': 2.0}, {'a': 1.0}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[[4.0, 2.0], [2.0, 0.0]] {'a': 12.0}"


def test_a_loop_over_the_elements():
    def f(x):
        total = 0.0
        for element in x:
            total = total + exp(element)
        return total

    assert_array(grad(f)(X), np.exp(X))
