"""Stale expressions: an input's data was set after they were recorded. Sweeping them raises, and changes nothing."""

import pytest

from scalargrad import StaleValueError, Value, gate, gradients, maximum, minimum, where
from scalargrad import sum as sum_of

EXPRESSIONS = {
    "directly": lambda x, y: x * y,
    "through an intermediate": lambda x, y: (x + 1.0) * y + 2.0,
    "through a zero adjoint": lambda x, y: 0.0 * (x * x) + y,
    "through a zero local derivative": lambda x, y: (x - x.data).relu() + y,
    "in the branch that where did not choose": lambda x, y: where(True, y, x * x),
    "in the other branch that where did not choose": lambda x, y: where(False, x * x, y),
    "as the condition of where": lambda x, y: where(x, y, 2.0 * y),
    "computed, as the condition of where": lambda x, y: where(x + 1.0, y, 2.0 * y),
    "as the operand that maximum did not choose": lambda x, y: maximum(y, x - 100.0),
    "as the operand that minimum did not choose": lambda x, y: minimum(y, x + 100.0),
    "itself not chosen": lambda x, y: maximum(x, y + 100.0),
    "deep under what was not chosen": lambda x, y: where(True, y, where(True, y, (x * 2.0).sin())),
    "as an exponent": lambda x, y: 2.0**x + y,
    "among many operands": lambda x, y: sum_of([y, 1.0, x]),
}
each = pytest.mark.parametrize("compute", EXPRESSIONS.values(), ids=EXPRESSIONS)


@each
def test_sweeping_a_stale_expression_raises_and_names_the_input(compute):
    x, y = Value(2.0, label="rate"), Value(3.0)
    z = compute(x, y)
    x.data = 5.0
    with pytest.raises(StaleValueError, match=r"'rate'.*5\.0.*detach\(\)"):
        z.backward()
    with pytest.raises(StaleValueError, match="'rate'"):
        gradients(z, [y])


@each
def test_a_stale_sweep_changes_no_grad(compute):
    x, y = Value(2.0), Value(3.0)
    z = compute(x, y)
    w = sum_of([y * 7.0, z])
    y.grad = 1.5
    x.data = 5.0
    with pytest.raises(StaleValueError):
        w.backward()
    assert (y.grad, x.has_grad, z.has_grad, w.has_grad) == (1.5, False, False, False)


@each
def test_computed_again_it_sweeps(compute):
    x, y = Value(2.0), Value(3.0)
    compute(x, y)
    x.data = 5.0
    z = compute(x, y)
    assert gradients(z, [y])[0] is not None


def test_the_message_shows_the_number_of_an_input_without_a_label():
    x = Value(2.0)
    y = x * x
    x.data = 5.0
    with pytest.raises(StaleValueError, match=r"an input .*5\.0"):
        y.backward()


def test_setting_the_same_number_makes_stale_too():
    x = Value(2.0)
    y = x * x
    x.data = 2.0
    with pytest.raises(StaleValueError):
        y.backward()


def test_an_expression_not_built_on_the_input_stays_fresh():
    x, y = Value(2.0), Value(3.0)
    other = y * y
    x.data = 5.0
    assert gradients(other, [y, x]) == [6.0, 0.0]


def test_data_set_before_recording_does_no_harm():
    x = Value(2.0)
    x.data = 5.0
    y = x * x
    assert gradients(y, [x]) == [10.0]


def test_a_new_expression_on_a_stale_one_is_stale():
    x, y = Value(2.0), Value(3.0)
    old = x * y
    x.data = 5.0
    with pytest.raises(StaleValueError):
        gradients(old + y, [y])


def test_one_stale_root_leaves_the_others_alone():
    x, y = Value(2.0), Value(3.0)
    old, other = x * y, y * y
    x.data = 5.0
    other.backward()
    with pytest.raises(StaleValueError):
        old.backward()
    assert (y.grad, x.has_grad) == (6.0, False)


def test_stale_and_fresh_roots_of_the_same_input():
    x = Value(2.0)
    old = x * x
    x.data = 5.0
    new = x * x
    new.backward()
    with pytest.raises(StaleValueError):
        old.backward()
    assert x.grad == 10.0


def test_what_was_detached_keeps_the_old_number():
    x = Value(2.0)
    y = x * x.detach()
    kept = y.detach()
    x.data = 5.0
    assert gradients(kept * kept, [kept]) == [8.0]


def test_an_input_may_itself_be_the_root_after_its_data_was_set():
    x = Value(2.0)
    x.data = 5.0
    x.backward()
    assert x.grad == 1.0


def test_reading_a_stale_expression_is_fine():
    x = Value(2.0)
    y = x * x
    x.data = 5.0
    assert y.data == 4.0


def test_setting_grad_or_label_does_not_make_stale():
    x = Value(2.0)
    y = x * x
    x.grad, x.label = 7.0, "x"
    assert gradients(y, [x]) == [4.0]


def test_many_rounds_of_gradient_descent():
    x = Value(0.0)
    for _ in range(100):
        x.grad = 0.0
        ((x - 3.0) ** 2).backward()
        x.data -= 0.1 * x.grad
    assert x.data == pytest.approx(3.0)


def test_data_set_by_a_gate_as_it_is_recorded_is_no_silent_wrong_gradient():
    x = Value(2.0)

    @gate(derivatives=lambda a: 2 * a)
    def squared(a):
        x.data = 5.0
        return a * a

    with pytest.raises(StaleValueError):
        gradients(squared(x), [x])
