"""Inputs: their data, grad and label, and how they copy and pickle."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

from scalargrad import NotAnInputError, Tape, Value, gradients

# ── making one ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "number",
    [2, 2.0, True, Fraction(1, 3), np.float64(0.1), np.float32(0.1), np.int64(2), np.bool_(True)],
    ids=lambda x: type(x).__name__,
)
def test_the_data_is_the_number_as_a_float(number):
    assert type(Value(number).data) is float
    assert Value(number).data == float(number)


@pytest.mark.parametrize(
    "other", ["2", None, [2.0], 2j, np.array([2.0, 3.0]), np.complex128(1), object()], ids=lambda x: type(x).__name__
)
def test_what_is_no_real_number_is_refused(other):
    with pytest.raises(TypeError, match="real number"):
        Value(other)


def test_a_value_of_a_value_is_refused():
    with pytest.raises(TypeError, match="Value"):
        Value(Value(2.0))


@pytest.mark.parametrize("number", [-0.0, math.inf, -math.inf, 5e-324])
def test_every_float_is_kept_to_the_bit(number):
    assert Value(number).data.hex() == number.hex()


def test_nan_is_kept():
    assert math.isnan(Value(math.nan).data)


def test_an_input_has_no_operands_and_no_rule():
    x = Value(2.0)
    assert (x.operands, x.local_derivatives, x.rule) == ((), (), None)


# ── data ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_data_of_an_input_can_be_set():
    x = Value(2.0)
    x.data = 3
    assert x.data == 3.0
    assert type(x.data) is float


def test_an_update_in_place_reads_naturally():
    x = Value(2.0)
    x.data -= 0.5
    assert x.data == 1.5


def test_new_data_is_used_by_what_is_computed_next():
    x = Value(2.0)
    x.data = 3.0
    assert gradients(x * x, [x]) == [6.0]


@pytest.mark.parametrize("other", ["3", None, [3.0], 3j], ids=lambda x: type(x).__name__)
def test_data_that_is_no_number_is_refused_and_changes_nothing(other):
    x = Value(2.0)
    y = x * x
    with pytest.raises(TypeError, match="real number"):
        x.data = other
    assert x.data == 2.0
    assert gradients(y, [x]) == [4.0]  # and nothing went stale


def test_the_data_of_an_intermediate_cannot_be_set():
    y = Value(2.0) * 3.0
    with pytest.raises(NotAnInputError, match=r"setting data.*computed by mul.*detach\(\)"):
        y.data = 7.0
    assert y.data == 6.0


# ── grad ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_grad_reads_zero_before_any_pass():
    assert Value(2.0).grad == 0.0


def test_has_grad_tells_a_zero_from_not_yet():
    x = Value(2.0)
    assert not x.has_grad
    (0.0 * x).backward()
    assert (x.grad, x.has_grad) == (0.0, True)


def test_grad_can_be_set():
    x = Value(2.0)
    x.grad = 0
    assert (x.grad, type(x.grad), x.has_grad) == (0.0, float, True)


def test_a_pass_adds_to_the_grad_that_was_set():
    x = Value(2.0)
    x.grad = 10.0
    (3.0 * x).backward()
    assert x.grad == 13.0


def test_grad_none_means_not_yet():
    x = Value(2.0)
    x.backward()
    x.grad = None
    assert (x.grad, x.has_grad) == (0.0, False)


@pytest.mark.parametrize("other", ["0", [0.0], 1j, Value(1.0)], ids=lambda x: type(x).__name__)
def test_a_grad_that_is_no_number_is_refused(other):
    x = Value(2.0)
    with pytest.raises(TypeError, match="a grad is a real number or None"):
        x.grad = other


# ── label ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_label_is_given_at_birth_or_later():
    x = Value(2.0, label="x")
    y = x * x
    y.label = "y"
    assert (x.label, y.label, Value(1.0).label) == ("x", "y", "")


def test_a_label_that_is_no_text_is_refused():
    x = Value(2.0, label="x")
    with pytest.raises(TypeError, match="a label is a str, not 3"):
        x.label = 3
    assert x.label == "x"


def test_a_value_with_a_refused_label_leaves_no_row(tape):
    with pytest.raises(TypeError, match="a label is a str") as caught:
        Value(2.0, label=3)
    assert len(tape) == 0
    assert caught.value is not None  # and its frames were alive until here


# ── detach ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_detach_gives_an_input_with_the_number():
    x = Value(2.0)
    y = (x * x).detach()
    assert (y.data, y.operands) == (4.0, ())


def test_no_gradient_flows_through_detach():
    x = Value(2.0)
    assert gradients(x * x.detach(), [x]) == [2.0]


def test_detach_of_an_input_is_another_input():
    x = Value(2.0)
    y = x.detach()
    y.data = 3.0
    assert x.data == 2.0


def test_detach_goes_to_the_current_tape():
    x = Value(2.0)
    with Tape() as t:
        y = x.detach()
        z = y * Value(3.0)
    assert next(iter(t)) is y
    assert z.data == 6.0


# ── copying and pickling ────────────────────────────────────────────────────────────────────────────────────────────

WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {p}": lambda v, p=p: pickle.loads(pickle.dumps(v, protocol=p))
        for p in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}
each_way = pytest.mark.parametrize("again", WAYS.values(), ids=WAYS)


@each_way
def test_a_copied_input_keeps_number_and_label(again):
    x = again(Value(0.1, label="x"))
    assert (type(x), x.data, x.label) == (Value, 0.1, "x")


@each_way
def test_a_copied_input_is_a_fresh_one(again):
    x = Value(2.0)
    (x * x).backward()
    y = again(x)
    assert y is not x
    assert not y.has_grad
    y.data = 7.0
    assert (x.data, x.grad) == (2.0, 4.0)


@each_way
def test_a_copied_input_sweeps(again):
    x = again(Value(2.0))
    assert gradients(x**2, [x]) == [4.0]


@each_way
def test_a_copy_goes_to_the_current_tape(again):
    x = Value(2.0)
    with Tape() as t:
        y = again(x)
    assert list(t) == [y]
    assert next(iter(t)) is y


@each_way
def test_an_intermediate_refuses_and_says_how_to_detach(again):
    with pytest.raises(NotAnInputError, match=r"copying or pickling.*computed by add.*detach\(\)"):
        again(Value(2.0) + 1.0)


def test_deepcopy_keeps_what_is_shared_shared():
    x = Value(2.0)
    a, b = copy.deepcopy([x, {"w": x}])
    assert b["w"] is a
    assert a is not x


def test_pickle_keeps_what_is_shared_shared():
    x = Value(2.0)
    a, b = pickle.loads(pickle.dumps([x, x]))
    assert a is b


def test_an_object_array_of_inputs_pickles():
    xs = np.array([Value(1.0), Value(2.0)])
    assert [x.data for x in pickle.loads(pickle.dumps(xs))] == [1.0, 2.0]


def test_deepcopy_of_a_structure_with_an_intermediate_refuses():
    x = Value(2.0)
    with pytest.raises(NotAnInputError):
        copy.deepcopy([x, x * x])


READ_ONLY = ("has_grad", "index", "line", "local_derivatives", "operands", "rule", "scope", "tape")


@pytest.mark.parametrize("name", READ_ONLY)
def test_what_a_row_tells_is_not_set_or_deleted(name):
    x = Value(2.0)
    with pytest.raises(AttributeError, match=f"^property '{name}' of 'Value' object has no setter$"):
        setattr(x, name, 1.0)
    with pytest.raises(AttributeError, match=f"^property '{name}' of 'Value' object has no deleter$"):
        delattr(x, name)
