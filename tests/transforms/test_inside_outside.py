"""A result is a Value exactly when it depends on a Value from outside, through an argument or a closure."""

import pytest

from scalargrad import GradientLostError, Tape, TapeError, Value, exp, gradients, no_grad, scope, sin, where
from scalargrad.transforms import derivative, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp


def is_plain(x):
    return type(x) is float


# ── from numbers, numbers ───────────────────────────────────────────────────────────────────────────────────────────


def test_from_plain_numbers_all_results_are_plain():
    def f(v):
        return v[0] ** 2 * v[1]

    v = [3.0, 2.0]
    value, gradient = value_and_grad(f)(v)
    assert is_plain(value)
    assert all(map(is_plain, gradient))
    assert all(is_plain(x) for row in hessian(f)(v) for x in row)
    assert all(map(is_plain, hvp(f)(v, [1.0, 0.0])))
    assert all(map(is_plain, jvp(f)(v, [1.0, 0.0])))
    value, pull = vjp(f)(v)
    assert is_plain(value)
    assert all(map(is_plain, pull(1.0)))
    assert is_plain(derivative(lambda x: x**3, order=2)(2.0))


def test_a_value_that_the_function_makes_itself_is_inside():
    assert is_plain(grad(lambda x: x * Value(3.0))(2.0))


def test_a_value_from_outside_that_makes_no_difference_leaves_numbers():
    x, w = Value(2.0), Value(5.0)
    assert is_plain(grad(lambda x: 3 * x)(x))
    assert is_plain(grad(lambda x: x**2 + w)(3.0))


# ── through an argument ─────────────────────────────────────────────────────────────────────────────────────────────


def test_from_a_value_comes_a_value_that_depends_on_it():
    x = Value(2.0)
    value, slope = value_and_grad(lambda x: x**3)(x)
    assert (value, slope) == (8.0, 12.0)
    assert gradients(value, [x]) == [12.0]
    assert gradients(slope, [x]) == [12.0]


def test_other_arguments_may_be_values_too():
    y = Value(5.0)
    slope = grad(lambda x, y: x * y**2)(2.0, y)
    assert gradients(slope, [y]) == [10.0]
    slope = grad(lambda x, y: x * y**2)(2.0, y=y)
    assert gradients(slope, [y]) == [10.0]


def test_of_several_arguments_each_derivative_is_what_it_depends_on():
    y = Value(5.0)
    by_x, by_y = grad(lambda x, y: x * y + x**2, argnums=(0, 1))(2.0, y)
    assert gradients(by_x, [y]) == [1.0]
    assert is_plain(by_y)


def test_the_same_value_given_twice_is_two_arguments():
    v = Value(3.0)
    by_x, by_y = grad(lambda x, y: x**2 * y, argnums=(0, 1))(v, v)
    assert (by_x, by_y) == (18.0, 9.0)
    assert gradients(by_x, [v]) == [12.0]  # of 2 v · v


def test_a_value_that_is_argument_and_closure_is_only_differentiated_as_the_argument():
    v = Value(3.0)
    assert grad(lambda x: x * v)(v) == 3.0


def test_vjp_and_jvp_of_values():
    x, s = Value(2.0), Value(10.0)
    value, pull = vjp(lambda x: x**2)(x)
    assert gradients(value, [x]) == [4.0]
    assert gradients(pull(s), [x, s]) == [20.0, 4.0]
    value, speed = jvp(lambda x: x**2)(x, s)
    assert gradients(value, [x]) == [4.0]
    assert gradients(speed, [x, s]) == [20.0, 4.0]


def test_jacobian_and_hessian_of_values():
    x = Value(2.0)
    rows = jacobian(lambda x: [x**2, 3 * x])(x)
    assert gradients(rows[0], [x]) == [2.0]
    assert is_plain(rows[1])
    tall = jacobian(lambda v: [v[0] ** 3, v[0] * v[1], v[1]])([x, 1.0])  # done forward
    assert gradients(tall[0][0], [x]) == [12.0]
    assert is_plain(tall[2][1])
    assert gradients(hessian(lambda x: x**4)(x), [x]) == [48.0]


# ── through a closure ───────────────────────────────────────────────────────────────────────────────────────────────


def test_through_a_closure():
    w = Value(5.0)
    value, slope = value_and_grad(lambda x: w * x**2)(3.0)
    assert gradients(value, [w]) == [9.0]
    assert gradients(slope, [w]) == [6.0]


def test_a_loss_on_the_slope_of_a_model_trains_the_model():
    weights = [Value(0.3), Value(-0.2)]

    def model(x):
        return weights[0] * x**2 + sin(weights[1] * x)

    loss = (grad(model)(0.5) - 1.0) ** 2
    loss.backward()
    slope = 2 * 0.3 * 0.5 + grad(sin)(-0.1) * -0.2
    assert weights[0].grad == pytest.approx(2 * (slope - 1) * 2 * 0.5)
    assert weights[1].grad != 0.0


def test_a_closure_in_the_condition_of_a_choice():
    w = Value(1.0)
    slope = grad(lambda x: where(w > 0, x * w, x))(2.0)
    assert gradients(slope, [w]) == [1.0]


def test_a_slope_that_is_an_outside_input_is_a_value_of_its_own():
    w = Value(5.0)
    slope = grad(lambda x: w * x)(3.0)
    assert slope is not w
    w.data = 6.0  # as an optimizer does, between the use of one gradient and the next
    assert slope == 5.0


def test_a_value_made_before_the_call_by_other_code_that_goes_on_during_it():
    def generator():
        w = Value(5.0)
        while True:
            yield w * 2
            _ = w * 3  # rows of the generator between those of the function

    others = generator()
    next(others)
    slope = grad(lambda x: x * next(others) * next(others))(3.0)
    assert slope == 100.0
    assert isinstance(slope, Value)


# ── what a function returns ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_that_returns_its_argument():
    assert value_and_grad(lambda x: x)(3.0) == (3.0, 1.0)
    x = Value(3.0)
    value, slope = value_and_grad(lambda x: x)(x)
    assert gradients(value, [x]) == [1.0]
    assert is_plain(slope)
    assert jacobian(lambda v: v)([1.0, 2.0]) == [[1.0, 0.0], [0.0, 1.0]]


def test_a_function_that_returns_a_value_from_outside():
    w = Value(5.0)
    value, slope = value_and_grad(lambda x: w)(3.0)
    assert gradients(value, [w]) == [1.0]
    assert slope == 0.0
    assert is_plain(slope)


def test_a_function_that_returns_a_value_it_made():
    value, slope = value_and_grad(lambda x: Value(7.0))(3.0)
    assert (value, slope) == (7.0, 0.0)
    assert is_plain(value)


def test_one_value_may_be_several_results():
    def f(x):
        y = x**2
        return [y, y]

    assert jacobian(f)(3.0) == [6.0, 6.0]
    assert vjp(f)(3.0)[1]([1.0, 10.0]) == 66.0
    assert jvp(f)(3.0, 1.0) == ([9.0, 9.0], [6.0, 6.0])


# ── leaving the caller's things as they are ─────────────────────────────────────────────────────────────────────────


def test_no_grad_of_the_caller_changes():
    x, w = Value(2.0), Value(3.0)
    x.grad = 7.0
    for transform in (grad, value_and_grad, jacobian, hessian):
        transform(lambda x: w * x**3)(x)
    assert x.grad == 7.0
    assert not w.has_grad


def test_an_argument_that_the_function_changes_stays_as_it_was():
    def f(v):
        v[0] = v[0] * 2
        v.append(1.0)
        return v[0] ** 2

    v = [3.0]
    assert grad(f)(v) == [24.0]
    assert v == [3.0]


# ── pulls that wait ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_seed_that_was_made_after_the_function_ran():
    _, pull = vjp(lambda x: x**3)(2.0)
    seed = Value(1.5)
    slope = pull(seed)
    assert slope == 18.0
    assert gradients(slope, [seed]) == [12.0]
    assert is_plain(pull(1.5))


def test_a_pull_within_another_run():
    _, pull = vjp(lambda x: x**3)(2.0)
    slope = grad(lambda seed: pull(seed) * seed)(1.5)
    assert slope == 36.0
    assert is_plain(slope)


def test_a_pull_may_be_repeated():
    _, pull = vjp(exp)(0.0)
    assert [pull(1.0), pull(2.0), pull(1.0)] == [1.0, 2.0, 1.0]


# ── tapes and modes ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_may_use_a_tape_of_its_own():
    def f(x):
        with Tape():
            helper = Value(3.0)
            (helper**2).backward()
        return x * helper.grad

    assert grad(f)(2.0) == 6.0


def test_a_result_on_another_tape_does_not_depend_on_the_argument():
    def f(x):
        with Tape():
            return Value(3.0) * 2

    assert grad(f)(2.0) == 0.0


def test_values_keep_to_their_tape_whatever_the_current_one():
    x = Value(2.0)
    with Tape() as other:
        slope = grad(lambda x, y: x**3 * y)(x, 2.0)
        assert len(other) == 0
    assert gradients(slope, [x]) == [24.0]


def test_arguments_of_two_tapes_do_not_mix():
    x = Value(2.0)
    with Tape():
        y = Value(3.0)
    with pytest.raises(TapeError, match="on two tapes"):
        grad(lambda x, y: y * 2, argnums=(0, 1))(x, y)


def test_no_grad_around_a_transform_does_not_reach_into_it():
    with no_grad():
        assert grad(lambda x: x**3)(2.0) == 12.0
        assert hessian(lambda x: x**3)(2.0) == 12.0
        assert jvp(lambda x: x**3)(2.0, 1.0) == (8.0, 12.0)


def test_no_grad_around_a_transform_of_a_function_that_enters_modes_itself():
    def f(x):
        with scope("layer"):
            y = x**3
        return y * x

    with no_grad():
        assert grad(f)(2.0) == 32.0
        assert (Value(2.0) * 2).operands == ()


def test_a_no_grad_that_is_left_while_the_function_runs():
    def generator():
        with no_grad():
            yield

    other = generator()
    next(other)
    assert grad(lambda x: x**3 if next(other, None) is None else x)(2.0) == 12.0
    assert (Value(2.0) * 2).operands != ()


def test_under_no_grad_results_are_fresh_inputs():
    x, w = Value(2.0), Value(3.0)
    with no_grad():
        results = [
            *value_and_grad(lambda x: x**3)(x),
            *value_and_grad(lambda x: x * w)(1.0),
            *jvp(exp)(x, 1.0),
            vjp(exp)(x)[1](1.0),
        ]
    assert all(isinstance(y, Value) and y.operands == () for y in results)


def test_no_grad_within_a_function_cuts_what_is_in_it():
    def f(x):
        with no_grad():
            factor = x**2
        return factor * x

    assert grad(f)(2.0) == 4.0


def test_recording_is_as_before_even_if_the_function_raises():
    def f(x):
        raise KeyError("mine")

    with no_grad():
        with pytest.raises(KeyError, match="mine"):
            grad(f)(1.0)
        assert (Value(2.0) * 2).operands == ()
    assert (Value(2.0) * 2).operands != ()


def test_reading_data_inside_is_not_held_against_the_code_around():
    def f(x):
        grad(lambda y: y**2)(3.0)  # transforms read numbers themselves
        return 1.0

    assert grad(f)(2.0) == 0.0

    def g(x):
        x.data  # noqa: B018
        return x**2

    def h(x):
        grad(g)(3.0)
        return 1.0

    with pytest.raises(GradientLostError):  # but what the inner function read may have been x
        grad(h)(2.0)
