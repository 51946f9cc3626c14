"""gradients(), with and without a graph; and the sweeps with Values beneath the transforms."""

import math

import pytest

from scalargrad import (
    StaleValueError,
    Tape,
    TapeError,
    Value,
    exp,
    gate,
    gradients,
    log,
    maximum,
    no_grad,
    sin,
    sqrt,
    where,
)
from scalargrad.sweeps import Trace


def test_gradients_are_numbers_and_leave_every_grad_alone():
    x, y = Value(3.0), Value(4.0)
    x.grad = 7.0
    product = x * y
    assert gradients(product, [x, y]) == [4.0, 3.0]
    assert (x.grad, y.has_grad, product.has_grad) == (7.0, False, False)


def test_gradients_by_intermediates_and_by_itself():
    x = Value(3.0)
    a = x * 2
    y = a**2 + x
    assert gradients(y, [a, x, y]) == [12.0, 25.0, 1.0]
    assert [v.data for v in gradients(y, [a, x, y], create_graph=True)] == [12.0, 25.0, 1.0]


def test_gradients_by_what_makes_no_difference_are_zero():
    x, other = Value(3.0), Value(4.0)
    later = x * 2
    with Tape():
        elsewhere = Value(5.0)
    assert gradients(x**2, [other, later, elsewhere]) == [0.0, 0.0, 0.0]
    recorded = gradients(x**2, [other], create_graph=True)
    assert isinstance(recorded[0], Value)
    assert recorded == [0.0]


@pytest.mark.parametrize("x", [0.0, -0.0])
def test_no_gradient_is_minus_zero(x):
    v, c = Value(1.0), Value(x)
    (number,), (recorded,) = gradients(c * v, [v]), gradients(c * v, [v], create_graph=True)
    assert math.copysign(1.0, number) == math.copysign(1.0, recorded.data) == 1.0
    assert gradients(sqrt(recorded), [c]) == [math.inf]  # which of a root at -0.0 would be minus that


def test_gradients_by_one_value_need_no_list():
    x = Value(3.0)
    assert gradients(x**2, x) == [6.0]


def test_gradients_of_gradients_of_gradients():
    x, y = Value(2.0), Value(3.0)
    by_x, by_y = gradients(x**3 * y**2, [x, y], create_graph=True)
    assert gradients(by_x, [x, y]) == [12.0 * 9.0, 12.0 * 6.0]
    (by_xy,) = gradients(by_y, [x], create_graph=True)
    assert gradients(by_xy, [x]) == [12.0 * 6.0]


def test_backward_of_a_gradient():
    x = Value(2.0)
    (slope,) = gradients(sin(x), [x], create_graph=True)
    slope.backward()
    assert x.grad == -math.sin(2.0)
    assert type(x.grad) is float


def test_a_recorded_gradient_does_not_change_with_an_input():
    w, x = Value(2.0), Value(3.0)
    by_w, by_x = gradients(w * x, [w, x], create_graph=True)
    w.data -= by_w.data
    x.data -= by_x.data
    assert (w, x) == (-1.0, 1.0)


def test_recorded_gradients_are_on_the_tape_of_the_root():
    x, other = Value(2.0), Value(1.0)
    y = x**2
    with Tape() as t:
        slopes = gradients(y, [x, other], create_graph=True)
        assert len(t) == 0
    assert all(slope.tape is x.tape for slope in slopes)


def test_under_no_grad_recorded_gradients_are_fresh_inputs():
    x = Value(2.0)
    y = exp(x)
    with no_grad():
        (slope,) = gradients(y, [x], create_graph=True)
    assert slope == y
    assert slope.operands == ()


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_stale_input_raises(create_graph):
    x = Value(2.0, label="x")
    y = x**2
    x.data = 3.0
    with pytest.raises(StaleValueError, match="labelled 'x'"):
        gradients(y, [x], create_graph=create_graph)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("y", "xs", "found"),
    [
        (2.0, [Value(1.0)], r"not 2.0 \(float\)"),
        ([Value(1.0)], [], r"not \[Value\(1.0\)\] \(list\)"),
        (Value(1.0), [Value(1.0), 2.0], r"not 2.0 \(float\)"),
        (Value(1.0), "x", r"not 'x' \(str\)"),
    ],
)
def test_anything_but_values_raises(y, xs, found, create_graph):
    with pytest.raises(TypeError, match=rf"gradients\(y, xs\) takes a Value y and a list of Values xs, {found}"):
        gradients(y, xs, create_graph=create_graph)


# ── the tape while sweeping with Values ─────────────────────────────────────────────────────────────────────────────


def test_a_branch_that_was_not_chosen_is_not_recorded():
    x = Value(2.0)
    y = maximum(x, sqrt(x - 2))
    (slope,) = gradients(y, [x], create_graph=True)
    assert slope == 1.0
    assert slope.operands == ()


def test_a_branch_that_was_not_chosen_may_be_stale_and_then_raises():
    x, other = Value(2.0), Value(3.0)
    y = where(x > 0, x**2, other**2)
    other.data = 4.0
    with pytest.raises(StaleValueError):
        gradients(y, [x], create_graph=True)


def test_a_gate_may_be_differentiated_again_if_its_derivatives_are_written_with_the_packages_functions():
    @gate(derivatives=lambda x: exp(x))
    def my_exp(x):
        return math.exp(x)

    x = Value(0.5)
    (first,) = gradients(my_exp(x), [x], create_graph=True)
    (second,) = gradients(first, [x], create_graph=True)
    assert gradients(second, [x]) == [math.exp(0.5)]


def test_a_gate_whose_derivative_is_written_with_math_refuses_the_second_order():
    @gate(derivatives=lambda x: math.cos(x))
    def my_sin(x):
        return math.sin(x)

    x = Value(0.5)
    assert gradients(my_sin(x), [x]) == [math.cos(0.5)]
    with pytest.raises(TypeError, match="would silently cut the gradient"):
        gradients(my_sin(x), [x], create_graph=True)


# ── traces ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_rows_that_depend_on_something_outside_vary():
    outside = Value(2.0)
    first = Value(3.0)
    plain, varying = first**2, outside * first
    trace = Trace({plain * varying: 1.0}, first)
    assert varying in trace.varying
    assert not {plain, first} & trace.varying


def test_a_seed_that_is_a_value_makes_the_result_one():
    x, seed = Value(3.0), Value(2.0)
    (slope,) = Trace({log(x): seed}, x).pull([x])
    assert gradients(slope, [seed]) == [1 / 3.0]


def test_several_roots_with_seeds():
    x = Value(3.0)
    assert Trace({x**2: 10.0, x**3: 1.0}, x).pull([x]) == [87.0]


def test_push_gives_the_speeds_of_all_rows():
    x, y = Value(3.0), Value(4.0)
    a = x * y
    b = a + x
    speeds = Trace({b: 1.0}, x).push({x: 1.0, y: 10.0})
    assert (speeds[a], speeds[b]) == (34.0, 35.0)


def test_what_is_at_rest_gets_no_speed():
    x, y = Value(3.0), Value(4.0)
    a, b = x**2, sqrt(y - 4)  # infinitely steep, but nothing moves it
    speeds = Trace({a + b: 1.0}, x).push({x: 1.0})
    assert b not in speeds
    assert speeds[a] == 6.0


def test_roots_on_two_tapes_do_not_mix():
    x = Value(2.0)
    with Tape():
        y = Value(3.0)
    with pytest.raises(TapeError):
        Trace({x * 2: 1.0, y * 2: 1.0})
