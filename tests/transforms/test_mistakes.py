"""Wrong use gives an error that says what was wrong, or the zero that is documented."""

import asyncio
import math

import pytest

from scalargrad import GradientLostError, NotAnInputError, StaleValueError, TapeError, Value, no_grad, sin
from scalargrad.transforms import derivative, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

OF_ONE_NUMBER = [grad, value_and_grad, hessian]
OF_SEVERAL = [jacobian, vjp, derivative]


# ── what a function returns ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("transform", OF_ONE_NUMBER)
@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "loss is to return one number, and returned None: does it lack a return"),
        ("text", r"loss is to return one number, and returned 'text' \(str\)$"),
        (True, r"returned True \(bool\)$"),
        (1j, r"returned 1j \(complex\)$"),
        (sin, r"returned <\w*function sin.* \(\w*function\w*\)$"),
        ([1.0, 2.0], r"returned \[1.0, 2.0\] \(list\); for a result of several numbers there is jacobian"),
        ({"loss": 1.0}, r"returned {'loss': 1.0} \(dict\); for a result of several"),
    ],
)
def test_no_number_where_one_is_needed(transform, result, message):
    def loss(x):
        return result

    with pytest.raises(TypeError, match=message):
        transform(loss)(1.0)


def test_several_values_where_one_number_is_needed():
    with pytest.raises(TypeError, match=r"and returned \[Value\(2.0\)\] \(list\); for a result of several"):
        grad(lambda x: [x * 2])(1.0)


@pytest.mark.parametrize("transform", OF_SEVERAL)
@pytest.mark.parametrize("result", [None, "text", [], {"a": None}, sin])
def test_no_number_at_all_in_a_result(transform, result):
    def f(x):
        return result

    with pytest.raises(TypeError, match=r"f returned .*, in which is no number to differentiate"):
        transform(f)(1.0)


def test_a_coroutine_is_no_number():
    async def f(x):
        return x

    coroutines = []

    def g(x):
        coroutines.append(f(x))
        return coroutines[0]

    with pytest.raises(TypeError, match="coroutine"):
        grad(g)(1.0)
    assert asyncio.run(coroutines[0]) == 1.0


# ── documented zeros ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_that_ignores_its_input_has_derivative_zero():
    assert value_and_grad(lambda x: 5)(3.0) == (5, 0.0)
    assert grad(lambda x: Value(5.0))(3.0) == 0.0
    assert grad(lambda v: v["a"])({"a": 1.0, "b": [2.0]}) == {"a": 1.0, "b": [0.0]}
    assert jacobian(lambda v: [v[0], 7.0])([1.0, 2.0]) == [[1.0, 0.0], [0.0, 0.0]]
    assert hessian(lambda v: 3 * v[0])([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]
    assert jvp(lambda x: 5.0)(3.0, 1.0) == (5.0, 0.0)
    assert vjp(lambda x: 5.0)(3.0)[1](1.0) == 0.0
    assert hvp(lambda x: 5.0)(3.0, 1.0) == 0.0
    assert derivative(lambda x: 5.0, order=3)(3.0) == 0.0


def test_what_is_detached_or_not_recorded_is_a_constant():
    assert grad(lambda x: x.detach() * x)(3.0) == 3.0

    @no_grad()
    def squared(x):
        return x**2

    assert grad(squared)(3.0) == 0.0


def test_a_comparison_is_a_step_with_derivative_zero():
    assert grad(lambda x: 1.0 if x > 2 else 0.0)(3.0) == 0.0


# ── a gradient that was cut ─────────────────────────────────────────────────────────────────────────────────────────


def by_data(x):
    return x.data**2


def by_grad(x):
    (x**3).backward()
    return x.grad


@pytest.mark.parametrize("transform", [*OF_ONE_NUMBER, *OF_SEVERAL])
@pytest.mark.parametrize("f", [by_data, by_grad])
def test_a_plain_number_by_way_of_data_or_grad(transform, f):
    with pytest.raises(GradientLostError, match=rf"{f.__name__} read the .data .* the gradient may have been cut"):
        transform(f)(3.0)


@pytest.mark.parametrize("transform", [jvp, hvp])
def test_the_same_forward(transform):
    with pytest.raises(GradientLostError, match=r"by_data read the .data"):
        transform(by_data)(3.0, 1.0)


def test_one_plain_number_among_values():
    with pytest.raises(GradientLostError, match=r"plain number 9.0.*a constant is Value\(9.0\)"):
        jacobian(lambda x: [x, x.data**2])(3.0)


def test_a_grad_read_from_a_value_argument():
    with pytest.raises(GradientLostError, match="by_grad read"):
        grad(by_grad)(Value(3.0))


def test_a_slope_cut_by_data_in_an_inner_function():
    with pytest.raises(GradientLostError, match=r"plain number 3.0"):
        grad(grad(lambda x: x.data * x))(3.0)


def test_reading_data_is_fine_where_a_value_comes_back():
    def f(x):
        factor = 2.0 if x.data > 0 else 3.0
        return factor * x

    assert grad(f)(3.0) == 2.0


def test_data_read_before_the_call_does_not_matter():
    assert Value(3.0).data == 3.0
    assert grad(lambda x: 5.0)(3.0) == 0.0


@pytest.mark.parametrize("convert", [float, int, complex, math.sin, lambda x: [1.0, 2.0][x]])
def test_making_it_plain_by_other_ways_raises_by_itself(convert):
    with pytest.raises(TypeError):
        grad(lambda x: convert(x))(1.0)


# ── values that change ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_global_value_that_is_changed_after_its_use():
    w = Value(2.0, label="w")

    def f(x):
        y = w * x
        w.data = 5.0
        return y

    for transform in (grad, value_and_grad, jacobian, vjp, hessian):
        w.data = 2.0
        with pytest.raises(StaleValueError, match="labelled 'w' was set"):
            transform(f)(3.0)
    with pytest.raises(StaleValueError, match="labelled 'w' was set"):
        jvp(f)(3.0, 1.0)


def test_a_global_value_that_is_changed_before_its_use():
    w = Value(2.0)

    def f(x):
        w.data = 5.0
        return w * x

    assert grad(f)(3.0) == 5.0


def test_a_value_that_is_changed_before_the_pull():
    w = Value(2.0)
    _, pull = vjp(lambda x: w * x)(3.0)
    assert pull(1.0) == 2.0
    w.data = 5.0
    with pytest.raises(StaleValueError):
        pull(1.0)


def test_changing_an_argument_that_is_a_value():
    def f(x):
        x.data = 5.0
        return x**2

    with pytest.raises(NotAnInputError):
        grad(f)(Value(3.0))


# ── what a transform takes ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian, hvp, jvp, vjp, derivative])
@pytest.mark.parametrize("not_a_function", [3.0, "f", Value(1.0), [sin]])
def test_something_that_is_no_function(transform, not_a_function):
    with pytest.raises(TypeError, match=f"{transform.__name__} takes a function, not"):
        transform(not_a_function)


@pytest.mark.parametrize("argument", ["text", None, True, [], {}, {"a": "b"}, object(), 1j])
def test_an_argument_without_a_number(argument):
    def f(x):
        return 1.0

    with pytest.raises(TypeError, match=r"f is to be differentiated by .*, in which is no number"):
        grad(f)(argument)


def test_an_option_that_does_not_exist():
    with pytest.raises(TypeError, match="argnum"):
        grad(sin, argnum=1)
    with pytest.raises(TypeError, match="positional"):
        grad(sin, 1)


@pytest.mark.parametrize("order", [-1, 1.5, "2", None])
def test_an_order_that_is_no_whole_number(order):
    with pytest.raises(ValueError, match="the order of a derivative is a whole number from 0 on, not"):
        derivative(sin, order=order)


def test_derivative_is_of_functions_of_one_number():
    with pytest.raises(TypeError, match="f is to be a function of one number, not of 2: for those there are grad"):
        derivative(f, order=2)([1.0, 2.0])


def f(v):
    return v[0] * v[1]


def test_what_the_function_raises_comes_through():
    def g(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        grad(g)(1.0)
    with pytest.raises(ValueError, match="log"):
        grad(lambda x: (x - 2).log())(1.0)


def test_a_value_of_another_thread(elsewhere):
    x = Value(2.0)
    with pytest.raises(TapeError, match="belongs to another thread"):
        elsewhere(lambda: grad(lambda x: x**2)(x))
    with pytest.raises(TapeError):
        elsewhere(lambda: grad(lambda y: x * y)(3.0))
    assert elsewhere(lambda: grad(lambda x: x**2)(2.0)) == 4.0
