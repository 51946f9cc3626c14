"""What a transform leaves on the tape, and how much it sweeps and records: counted, not timed."""

import gc
from itertools import pairwise
from unittest import mock

import pytest

import scalargrad.engine
import scalargrad.sweeps
from scalargrad import Tape, Value, current_tape, debug, exp, sin
from scalargrad.transforms import derivative, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp


def rosenbrock(v):
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(v))


def several(v):
    return [sin(v[0]) * v[1], v[0] + v[1], exp(v[1])]


# ── what is left ────────────────────────────────────────────────────────────────────────────────────────────────────

CALLS = {
    "grad": lambda v: grad(rosenbrock)(v),
    "value_and_grad": lambda v: value_and_grad(rosenbrock)(v),
    "hessian": lambda v: hessian(rosenbrock)(v),
    "hvp": lambda v: hvp(rosenbrock)(v, [1.0] * len(v)),
    "jacobian": lambda v: jacobian(several)(v),
    "jvp": lambda v: jvp(several)(v, [1.0] * len(v)),
    "vjp": lambda v: vjp(several)(v)[1]([1.0, 2.0, 3.0]),
    "derivative": lambda v: derivative(sin, order=3)(v[0]),
    "third": lambda v: jacobian(hessian(rosenbrock))(v),
    "at an edge": lambda v: hessian(lambda v: abs(v[0] - 0.5) ** 0.5)(v),
}


@pytest.fixture
def no_collector():
    """Without Python's garbage collector, only what no reference cycle holds goes away."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.usefixtures("no_collector")
def test_after_a_call_with_numbers_nothing_is_left(call):
    before = len(current_tape())
    result = CALLS[call]([0.5, -0.3])
    assert len(current_tape()) == before
    assert result is not None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.usefixtures("no_collector")
def test_when_the_results_go_all_that_was_recorded_goes(call):
    v = [Value(0.5), Value(-0.3)]
    before = len(current_tape())
    result = CALLS[call](v)
    del result
    assert len(current_tape()) == before


@pytest.mark.usefixtures("no_collector")
def test_what_a_result_needs_is_left_and_no_more():
    x = Value(2.0)
    before = len(current_tape())
    slope = grad(lambda x: sin(x) * exp(x * 3.0) + 3 * x**2)(x)
    needed, pending = set(), [slope]
    while pending:
        row = pending.pop()
        if row not in needed:
            needed.add(row)
            pending += [operand for operand in row.operands if isinstance(operand, Value)]
    assert len(current_tape()) - before == len(needed) - 1  # x was there


@pytest.mark.usefixtures("no_collector")
def test_a_pull_keeps_what_it_needs_until_it_goes():
    before = len(current_tape())
    value, pull = vjp(several)([0.5, -0.3])
    assert len(current_tape()) > before
    assert pull([1.0, 0.0, 0.0]) == pull([1.0, 0.0, 0.0])
    del pull, value
    assert len(current_tape()) == before


@pytest.mark.usefixtures("no_collector")
def test_an_error_leaves_nothing():
    before = len(current_tape())
    for f in (lambda v: None, lambda v: (v[0] - 0.5).log(), lambda v: v[0].data):
        try:
            grad(f)([0.5, 1.0])
        except (TypeError, ValueError):
            pass
        else:
            raise AssertionError("it was to raise")
    assert len(current_tape()) == before


def test_a_thousand_steps_of_descent_leave_one_point():
    before = len(current_tape())
    v = [0.5, -0.3]
    for _ in range(300):
        v = [x - 0.001 * d for x, d in zip(v, grad(rosenbrock)(v), strict=True)]
    assert len(current_tape()) == before


def test_a_minimiser_inside_a_differentiated_function_costs_in_proportion_to_its_steps(monkeypatch):
    counts = []

    def sweep(seeds, first=None):
        found = scalargrad.engine.sweep(seeds, first)
        counts.append(len(found))
        return found

    monkeypatch.setattr(scalargrad.sweeps, "sweep", sweep)

    def minimum(a, steps):
        x = a * 0.0
        for _ in range(steps):
            x = x - 0.1 * grad(lambda z: (z - a) ** 2)(x)
        return x

    for steps in (5, 50):
        counts.clear()
        assert grad(minimum)(1.5, steps) == pytest.approx(1 - 0.8**steps)
        assert max(counts[:steps]) < 10  # each sees its own rows, not the steps before


# ── how much work it is ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sweeps(monkeypatch):
    """The numbers of rows of the sweeps so far."""
    counts = []

    def counted(sweep):
        def count(seeds, *more):
            counts.append(len(scalargrad.engine.sweep(seeds)))
            return sweep(seeds, *more)

        return count

    for name in ("sweep", "adjoints"):
        monkeypatch.setattr(scalargrad.sweeps, name, counted(getattr(scalargrad.engine, name)))
    return counts


def rows_recorded(call):
    """How many rows a call records, all told: with debug, each looks up the line that recorded it."""
    with mock.patch("scalargrad.engine.messages.caller", return_value="here") as caller, Tape(), debug():
        call()
    return caller.call_count


def test_a_gradient_is_one_sweep(sweeps):
    value_and_grad(rosenbrock)([0.1] * 10)
    assert len(sweeps) == 1


@pytest.mark.parametrize("n", [2, 5, 20])
def test_a_hessian_is_about_n_sweeps(sweeps, n):
    hessian(rosenbrock)([0.1] * n)
    assert len(sweeps) == n + 1


def test_the_sweeps_of_a_hessian_record_nothing():
    for n in (5, 20):
        v = [0.1] * n
        assert rows_recorded(lambda v=v: hessian(rosenbrock)(v)) == rows_recorded(lambda v=v: hvp(rosenbrock)(v, v))


@pytest.mark.parametrize("n", [2, 5, 20])
def test_hvp_is_the_same_few_sweeps_for_any_number_of_inputs(sweeps, n):
    hvp(rosenbrock)([0.1] * n, [1.0] * n)
    assert len(sweeps) == 2


def test_hvp_records_a_constant_number_of_times_what_the_function_records():
    ratios = []
    for n in (10, 100):
        v = [0.1] * n
        ratios.append(rows_recorded(lambda v=v: hvp(rosenbrock)(v, v)) / rows_recorded(lambda v=v: grad(rosenbrock)(v)))
    assert ratios[0] == pytest.approx(ratios[1], rel=0.1)
    assert max(ratios) < 6


@pytest.mark.parametrize("n", [2, 5, 20])
def test_jvp_is_one_pass_and_records_nothing_more_than_the_function(sweeps, n):
    v = [0.1] * n
    alone = rows_recorded(lambda: rosenbrock([Value(x) for x in v]))
    assert rows_recorded(lambda: jvp(rosenbrock)(v, v)) == alone
    assert len(sweeps) == 1  # it finds the rows


def test_a_wide_jacobian_is_a_sweep_for_each_result(sweeps):
    jacobian(lambda v: [rosenbrock(v), v[0] * v[1]])([0.1] * 10)
    assert len(sweeps) == 2


def test_a_tall_jacobian_is_a_pass_for_each_input(sweeps, monkeypatch):
    passes = []
    push = scalargrad.sweeps.Trace.push
    monkeypatch.setattr(scalargrad.sweeps.Trace, "push", lambda *args: passes.append(1) or push(*args))
    jacobian(lambda v: [v[0] * v[1] + k for k in range(10)])([0.5, 2.0])
    assert (len(sweeps), len(passes)) == (1, 2)


def test_the_derivative_of_order_n_of_a_polynomial_stays_small():
    counts = [rows_recorded(lambda n=n: derivative(lambda x: 3 * x**5, order=n)(2.0)) for n in (1, 2, 3, 4)]
    assert counts[3] < 40


def test_where_nothing_outside_is_used_slopes_are_numbers_and_record_nothing():
    x = Value(2.0)
    assert rows_recorded(lambda: grad(lambda y: sin(y) ** 3)(2.0)) == 3  # the input, sin and the power
    with Tape():
        alone = rows_recorded(lambda: grad(lambda y: sin(y) ** 3)(2.0))
    assert alone == 3
    assert x == 2.0


def test_a_part_that_does_not_depend_on_outside_is_swept_with_numbers():
    w = Value(5.0)

    def f(x):
        for _ in range(50):
            x = sin(x)
        return x * w

    before = w.index
    slope = grad(f)(0.5)
    assert isinstance(slope, Value)
    assert slope.index - before < 60 + 52  # the fifty, and hardly more for their slopes


def test_what_came_before_an_inner_run_is_not_recorded_again():
    def descent(steps):
        def f(a):
            x = 0.0 * a
            for _ in range(steps):
                x = x - 0.1 * grad(lambda x: (x - a) ** 2)(x)
            return x

        return rows_recorded(lambda: grad(f)(1.5))

    assert descent(20) - descent(10) == descent(30) - descent(20)  # as many for each step, however late
