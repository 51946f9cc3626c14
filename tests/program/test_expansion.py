"""Gates: one row for differentiation, rows of their own for running."""

import math
from fractions import Fraction

import numpy as np
import pytest

from scalargrad import (
    GateError,
    ProgramError,
    Value,
    compile,
    gate,
    grad,
    hessian,
    log,
    record,
    sin,
    value_and_grad,
)


@gate(derivatives=lambda x, y: (y, 100.0 * x))  # not the true one, so that it is told apart
def times(x, y):
    return x * y + sin(x) * 0.0


@gate(derivatives=lambda x: 2.0)
def twice(x):
    return x * 2.0


@gate(derivatives=lambda x: 2.0 * twice(x))
def nested(x):
    return twice(twice(x)) * x


@gate(derivatives=lambda x: math.cos(x))
def opaque(x):
    return math.sin(x)


@gate(derivatives=lambda x: 1.0)
def branched(x):
    return x if x > 0 else -x * 5.0


def names(p):
    return [row.rule.name for row in p.code.rows], [row.rule.name for row in p.lowered.rows]


def test_a_gate_is_one_row_and_runs_as_its_own():
    recorded, lowered = names(record(lambda x, y: times(x, y), 1.0, 2.0, backend="numpy"))
    assert recorded == ["times"]
    assert lowered == ["mul", "sin", "mul", "add"]


def test_a_gate_of_one_row_and_gates_in_gates_are_expanded_too():
    assert names(record(twice, 1.0, backend="numpy"))[1] == ["mul"]
    assert names(record(nested, 1.0, backend="numpy"))[1] == ["mul"] * 3


def test_a_gate_keeps_its_derivatives(backend):
    p = record(lambda x, y: times(x, y) + nested(x), 1.0, 2.0, backend=backend)
    eager = value_and_grad(lambda x, y: times(x, y) + nested(x), argnums=(0, 1))
    for point in [(3.0, 4.0), (-1.0, 0.5)]:
        assert p.value_and_grad(*point) == eager(*point)


def test_a_gate_that_uses_math_runs_lane_by_lane():
    p = record(lambda x: opaque(x) + 1.0, 1.0, backend="numpy")
    assert names(p)[1] == ["opaque", "add"]
    assert p.batch(np.array([[0.5], [2.0]])).tolist() == [math.sin(0.5) + 1, math.sin(2.0) + 1]


def test_the_branch_of_a_gate_is_a_guard_as_well(backend):
    g = compile(branched, backend=backend)
    assert [g(x) for x in (1.0, -1.0, 2.0, -2.0)] == [1.0, 5.0, 2.0, 10.0]
    assert g.batch(np.array([[1.0], [-1.0], [3.0]])).tolist() == [1.0, 5.0, 3.0]
    with pytest.raises(ProgramError, match="goes another way"):
        record(branched, 1.0, backend=backend).batch(np.array([[-1.0]]))


def test_an_opaque_gate_that_raises_is_told_in_a_batch():
    @gate(derivatives=lambda x: 1 / math.sqrt(x))
    def root(x):
        return math.sqrt(x)

    values, failed = record(root, 1.0, backend="numpy").batch(np.array([[4.0], [-1.0]]), mask=True)
    assert (values[0], failed.tolist()) == (2.0, [False, True])
    assert math.isnan(values[1])


# ── gates that do something else on Values than on floats ───────────────────────────────────────────────────────────


@gate(derivatives=lambda x: 1.0)
def through_a_text(x):
    return float(f"{x:.1f}")


@gate(derivatives=lambda x: 0.0)
def looked_up(x):
    return {1.0: 10.0, 2.0: 20.0}.get(x, -1.0)


@gate(derivatives=lambda x: 0.0)
def of_floats_only(x):
    return 5.0 if isinstance(x, float) else 6.0


@gate(derivatives=lambda x: 0.0)
def by_identity(x):
    return 5.0 if (x > 0) is True else 6.0


@pytest.mark.parametrize("f", [through_a_text, looked_up, of_floats_only, by_identity])
def test_a_gate_that_looks_at_more_than_its_number_is_what_it_is_on_floats(f):
    points = [1.0, 2.0, 7.77, 1.23]
    assert compile(f, backend="numpy").batch([[x] for x in points]).tolist() == [f(x) for x in points]
    p = record(f, 1.0, backend="numpy")
    assert [p(x) for x in points] == [f(x) for x in points]


def test_derivatives_of_a_gate_that_are_others_on_values_are_refused():
    @gate(derivatives=lambda x: {1.0: 2.0}.get(x, 0.0))
    def square(x):
        return x * x

    assert grad(square)(1.0) == 2.0
    with pytest.raises(GateError, match=r"of the gate square give 0\.0 on Values and 2\.0 on floats"):
        compile(grad(square))(1.0)


@gate(derivatives=lambda x, y: (math.cos(x) * y, math.sin(x)))
def turned(x, y):
    return math.sin(x) * float(y)


def test_derivatives_of_a_gate_that_use_math_run_lane_by_lane():
    both = value_and_grad(lambda x, y: turned(x * 2.0, y) * x, argnums=(0, 1))
    values, (by_x, by_y) = compile(both, backend="numpy").batch([[0.7, 0.3], [1.0, 2.0]])
    for i, point in enumerate([(0.7, 0.3), (1.0, 2.0)]):
        assert (values[i], (by_x[i], by_y[i])) == both(*point)


@gate(derivatives=lambda x: 0.5 / math.sqrt(float(x)))
def root(x):
    return math.sqrt(float(x))


def test_where_they_raise_a_lane_is_masked_and_on_another_way_nobody_minds():
    both = value_and_grad(lambda x: root(x) if x > 0.0 else -x)
    f = compile(both, backend="numpy")
    assert [f(1.0), f(-1.0), f(4.0)] == [(1.0, 0.5), (1.0, -1.0), (2.0, 0.25)]
    values, slopes = f.batch([[4.0], [-1.0]])
    assert (values.tolist(), slopes.tolist()) == ([2.0, 1.0], [0.25, -1.0])
    (values, slopes), failed = record(value_and_grad(root), 1.0).batch([[1.0], [-1.0], [0.0]], mask=True)
    assert (values[0], slopes[0], failed.tolist()) == (1.0, 0.5, [False, True, True])
    for x in (-1.0, 0.0):
        with pytest.raises((ValueError, ZeroDivisionError)):
            compile(value_and_grad(root))(x)


def test_derivatives_may_be_any_real_numbers():
    third = gate(derivatives=lambda x: Fraction(1, 3))(lambda x: x / 3.0)
    assert compile(grad(third))(0.5) == grad(third)(0.5) == 1 / 3
    assert grad(grad(third))(0.5) == 0.0


@pytest.mark.parametrize(
    "differentiate",
    [
        lambda: compile(hessian(turned))(0.7, 0.3),
        lambda: grad(record(grad(turned), 0.7, 0.3))(0.7, 0.3),
        lambda: record(grad(turned), 0.7, 0.3)(Value(0.7), 0.3),
        lambda: record(grad(turned), 0.7, 0.3).value_and_grad(0.7, 0.3),
    ],
)
def test_they_cannot_be_differentiated_and_that_is_told_by_name(differentiate):
    with pytest.raises(GateError, match="derivative 1 of turned takes floats only"):
        differentiate()


# ── gates that raise ────────────────────────────────────────────────────────────────────────────────────────────────


@gate(derivatives=lambda x: 1.0 / x)
def open_log(x):
    return log(x)


@gate(derivatives=lambda x: 3.0)
def thrice_if_positive(x):
    if x < 0:
        raise ValueError("negative")
    return x * 3.0


@pytest.mark.parametrize("f", [open_log, thrice_if_positive])
def test_where_a_gate_raises_a_lane_is_masked_and_the_others_are_kept(f, backend):
    values, failed = compile(lambda x: f(x) + 1.0, backend=backend).batch([[1.0], [-1.0], [2.0]], mask=True)
    assert failed.tolist() == [False, True, False]
    assert values[[0, 2]].tolist() == [f(1.0) + 1.0, f(2.0) + 1.0]
    assert math.isnan(values[1])


@pytest.mark.parametrize("f", [open_log, thrice_if_positive])
@pytest.mark.parametrize("how", ["compiled", "recorded", "batch"])
def test_a_gate_raises_what_it_raises_where_no_number_is_to_be_had(f, how, backend):
    run = {
        "compiled": compile(f, backend=backend),
        "recorded": lambda x: record(f, x, backend=backend),
        "batch": lambda x: compile(f, backend=backend).batch([[x], [-2.0]]),
    }[how]
    with pytest.raises(ValueError, match=r"negative|log\(-1\.0\) is outside its domain"):
        run(-1.0)


def test_what_a_gate_raises_may_be_caught(backend):
    def caught(x):
        try:
            return thrice_if_positive(x), True
        except ValueError:
            return -x, False

    f = compile(caught, backend=backend)
    assert [f(x) for x in (-1.0, 1.0)] == [(1.0, False), (3.0, True)]
    values, whether = f.batch([[1.0], [-1.0], [2.0], [-4.0]])
    assert (values.tolist(), whether.tolist()) == ([3.0, 1.0, 6.0, 4.0], [True, False, True, False])


def test_that_a_program_strayed_within_a_gate_is_told(backend):
    with pytest.raises(
        ProgramError, match=r"goes another way than the Program within a gate, at .*test_expansion\.py:\d+"
    ):
        record(thrice_if_positive, 1.0, backend=backend).batch([[1.0], [-1.0]])
