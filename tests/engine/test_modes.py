"""The modes of a thread: no_grad, scope and debug."""

import sys
from pathlib import Path

import numpy as np
import pytest

import scalargrad
from scalargrad import Tape, Value, debug, gate, gradients, no_grad, scope


def records():
    """Whether operations are recorded at the moment."""
    return (Value(1.0) * 2.0).operands != ()


# ── no_grad ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_under_no_grad_a_result_is_a_fresh_input():
    x = Value(3.0)
    with no_grad():
        y = x * x
    assert (y.data, y.operands, y.rule) == (9.0, (), None)
    y.data = 4.0  # as only an input can
    assert gradients(y * x, [x]) == [4.0]


def test_no_gradient_flows_through_what_no_grad_computed():
    x = Value(3.0)
    with no_grad():
        y = x * x
    assert gradients(y + x, [x]) == [1.0]


def test_a_result_under_no_grad_is_on_the_tape_of_its_operands():
    with Tape() as t:
        x = Value(3.0)
    with no_grad():
        y = x * x
    assert list(t) == [x, y]


def test_no_grad_decorates_a_function():
    @no_grad()
    def predict(x):
        """Predict."""
        return x * x

    x = Value(3.0)
    assert [predict(x).operands for _ in range(2)] == [(), ()]
    assert predict.__doc__ == "Predict."
    assert records()


def test_no_grad_nests():
    with no_grad():
        with no_grad():
            assert not records()
        assert not records()
    assert records()


def test_an_exception_ends_no_grad():
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert records()


def test_an_exception_in_a_decorated_function_ends_no_grad():
    @no_grad()
    def fail():
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert records()


def test_a_decorated_function_may_recur():
    @no_grad()
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    assert power(Value(2.0), 5).operands == ()
    assert records()


def test_a_domain_error_is_raised_under_no_grad_as_well():
    with no_grad(), pytest.raises(ValueError, match="log"):
        scalargrad.log(Value(-1.0))


def test_backward_works_under_no_grad():
    x = Value(3.0)
    y = x * x
    with no_grad():
        y.backward()
    assert x.grad == 6.0


def suspended_in(mode):
    """A generator that has entered the mode and waits there."""

    def generate():
        with mode:
            yield

    generator = generate()
    next(generator)
    return generator


def test_no_grad_ends_with_the_last_block_in_whatever_order_they_are_left(elsewhere):
    def work():
        generator = suspended_in(no_grad())
        with no_grad():
            generator.close()
            inside = records()
        return inside, records()

    assert elsewhere(work) == (False, True)


def test_no_grad_in_a_dropped_generator_ends_with_it(elsewhere):
    def work():
        generator = suspended_in(no_grad())
        inside = records()
        del generator
        return inside, records()

    assert elsewhere(work) == (False, True)


# ── interrupts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def interrupted(mode, moment):
    """Enter the mode and leave it, with an interrupt at so many steps of the interpreter; whether it came to that.

    They are those of the functions that entering and leaving call: Python itself lets an interrupt in before the first
    line of an `__exit__`, and then nobody leaves.
    """

    def trace(frame, event, _):
        nonlocal moment
        if Path(frame.f_code.co_filename).name == "thread.py" and frame.f_code.co_name not in ("__enter__", "__exit__"):
            frame.f_trace_opcodes = True
            moment -= 1
            if moment == 0:
                raise KeyboardInterrupt
            return trace
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with mode:
            pass
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("mode", [no_grad, debug, lambda: scope("a")], ids=["no_grad", "debug", "scope"])
def test_an_interrupt_on_the_way_in_or_out_does_not_keep_a_mode_on(mode):
    for moment in range(1, 1000):
        with scope("around"):
            came = interrupted(mode(), moment)
            y = Value(1.0) * 2.0
        assert (y.operands != (), y.line, y.scope) == (True, None, ("around",)), moment
        if not came:
            break
    assert 20 < moment < 999


# ── scope ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_carry_the_path_of_scopes():
    with scope("mlp"):
        x = Value(1.0)
        with scope("layer 1"):
            y = x * 2.0
        z = y + 1.0
    w = z * 2.0
    assert [v.scope for v in (x, y, z, w)] == [("mlp",), ("mlp", "layer 1"), ("mlp",), ()]


def test_the_path_is_shared_between_rows():
    with scope("mlp"), scope("layer"):
        x, y = Value(1.0), Value(2.0)
    assert x.scope is y.scope


def test_the_path_is_interned():
    with scope("mlp"), scope("layer"):
        x = Value(1.0)
    with scope("mlp"), scope("layer"):
        y = Value(2.0)
    assert x.scope == y.scope
    assert x.scope is y.scope


def test_an_exception_ends_the_scope():
    with pytest.raises(KeyError), scope("mlp"):
        raise KeyError
    assert Value(1.0).scope == ()


def test_a_scope_decorates_a_function():
    @scope("loss")
    def loss(x):
        return x * x

    assert loss(Value(1.0)).scope == ("loss",)
    assert loss(Value(1.0)).scope == ("loss",)


def test_a_scope_may_be_entered_inside_itself():
    with scope("a"), scope("a"):
        assert Value(1.0).scope == ("a", "a")


@pytest.mark.parametrize("name", [None, 3, ["a"]], ids=lambda x: type(x).__name__)
def test_the_name_of_a_scope_is_text(name):
    with pytest.raises(TypeError, match="the name of a scope is a str"), scope(name):
        pass
    assert Value(1.0).scope == ()


def test_scopes_end_in_whatever_order_they_are_left(elsewhere):
    def work():
        generator = suspended_in(scope("first"))
        with scope("second"):
            generator.close()
        return Value(1.0).scope

    assert elsewhere(work) == ()


# ── debug ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def here(offset=0):
    """The caller's own file:line, so many lines further down."""
    frame = sys._getframe(1)
    return f"{frame.f_code.co_filename}:{frame.f_lineno + offset}"


def test_without_debug_there_is_no_line():
    assert Value(1.0).line is None


def test_debug_notes_the_line_of_an_input_and_of_an_operation():
    with debug():
        x, expected_x = Value(1.0), here()
        y, expected_y = x * 2.0, here()
    assert (x.line, y.line) == (expected_x, expected_y)
    assert Path(x.line.rpartition(":")[0]).name == "test_modes.py"


def test_debug_notes_the_line_of_a_function_and_of_a_method():
    x = Value(1.0)
    with debug():
        rows, expected = [scalargrad.exp(x), x.exp(), scalargrad.sum([x, x]), scalargrad.leaky_relu(x)], here()
    assert [row.line for row in rows] == [expected] * 4


def test_debug_notes_the_line_where_a_gate_is_used():
    square = gate(derivatives=lambda a: 2 * a)(lambda a: a * a)
    x = Value(3.0)
    with debug():
        y, expected = square(x), here()
    assert y.line == expected


def test_debug_notes_the_line_of_the_users_own_helper():
    def helper(x):
        return x * x, here()

    x = Value(3.0)
    with debug():
        y, expected = helper(x)
    assert y.line == expected


def test_debug_sees_through_numpy():
    xs = np.array([Value(1.0), Value(2.0)])
    with debug():
        ys, expected = np.exp(xs), here()
    assert [y.line for y in ys] == [expected] * 2


def test_debug_ends_in_whatever_order_it_is_left(elsewhere):
    def work():
        generator = suspended_in(debug())
        with debug():
            generator.close()
        return Value(1.0).line

    assert elsewhere(work) is None


def test_debug_ends_with_its_block():
    with debug():
        pass
    assert Value(1.0).line is None


def test_an_exception_ends_debug():
    with pytest.raises(KeyError), debug():
        raise KeyError
    assert Value(1.0).line is None


def test_modes_combine():
    with scope("a"), debug(), no_grad():
        y = Value(1.0) * 2.0
    assert (y.scope, y.operands) == (("a",), ())
    assert y.line is not None
