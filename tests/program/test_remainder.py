"""What is left to compute at points that strayed from one Program, where that is little."""

from dataclasses import replace

import numpy as np
import pytest

from scalargrad import Value, gate, log, sin, tanh, value_and_grad, where
from scalargrad.program import Program, compile, record, remainder
from scalargrad.program.code import Code, Row
from scalargrad.program.remainder import Remainder, Remainders, narrowed, rest_of
from scalargrad.rules import RULES

POINTS = np.random.default_rng(1).uniform(-1.0, 1.0, (600, 3))


def far(x, through=sin):
    """A long way to a number of the same sign."""
    for _ in range(20):
        x = through(x)
    return x


def left_of(f, at, other, k=0):
    """The names of what is left of the way that f goes at one point, where the way at another parts from it, or None."""
    program, strayed_from = record(f, *at), record(f, *other)
    code = rest_of(program, strayed_from, k, 1.0 - strayed_from.code.guards[k].expected)
    return None if code is None else [row.rule.name for row in code.rows]


# ── what is left ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_comes_after_the_guard_and_what_that_needs():
    assert left_of(lambda x: far(x) if far(x) > 0 else 3 + x * x, (-1.0,), (1.0,)) == ["mul", "add"]
    assert left_of(lambda x: far(x) if far(x) > 0 else x * sin(x), (-1.0,), (1.0,)) == ["sin", "mul"]


def test_nothing_of_what_raises_before_the_guard():
    def f(x):
        y = far(x, lambda x: log(x + 2))
        return y if y > 0.5 else -log(x + 3)

    assert left_of(lambda x: f(x) if far(x) > 0 else log(x + 3), (-1.0,), (1.0,)) == ["add", "log"]


@pytest.mark.parametrize("f", [lambda x: x if x > 0 else far(x), lambda x: x if far(x) > 0 else 2 * far(x)])
def test_none_where_most_is(f):
    assert left_of(f, (-1.0,), (1.0,)) is None


def test_none_where_another_guard_follows():
    def f(x):
        if far(x) > 0:
            return x
        return x if x > -0.5 else -x

    assert left_of(f, (-1.0,), (1.0,)) is None


def test_none_of_a_way_to_which_other_guards_lead():
    def f(x, y):
        early, late = far(x) > 0, far(y) > 0  # asked in the other order
        if late:
            return far(x * y) if early else x
        return y

    assert left_of(f, (1.0, -1.0), (1.0, 1.0), k=1) == []
    assert left_of(f, (1.0, -1.0), (1.0, 1.0), k=0) is None
    assert left_of(f, (-1.0, 1.0), (1.0, 1.0), k=0) is None  # nothing is known of y there


def test_none_behind_a_gate_which_may_go_other_ways_itself():
    @gate(derivatives=lambda x: 0.5)
    def halved(x):
        return x / 2

    assert left_of(lambda x: x if far(x, halved) > 0 else -x, (-1.0,), (1.0,)) is None
    assert left_of(lambda x: x if far(x) > 0 else halved(x), (-1.0,), (1.0,)) == ["div"]


def test_none_with_a_gate_that_goes_one_of_its_ways():
    @gate(derivatives=lambda x: 1.0 if x > -0.5 else 2.0)
    def bent(x):
        return x if x > -0.5 else 2 * x

    assert left_of(lambda x: x if far(x) > 0 else bent(x), (-1.0,), (1.0,)) is None


@pytest.mark.parametrize("change", [{"factor": 3.0}, {"through": tanh}, {"quietly": True}], ids=lambda c: "".join(c))
def test_none_where_the_function_was_another_one_meanwhile(change):
    state = {"factor": 2.0, "through": sin, "quietly": False}

    def f(x):
        return x if far(state["factor"] * x, state["through"]) > 0 else -x

    def of(x):
        program = record(f, x)
        rows = [replace(row, quiet=state["quietly"]) for row in program.code.rows]
        program.code = replace(program.code, rows=tuple(rows))
        return program

    high = of(1.0)
    assert rest_of(of(-1.0), high, 0, 0.0) is not None
    state |= change
    assert rest_of(of(-1.0), high, 0, 0.0) is None


def test_none_where_a_guard_of_another_parameter_stands_in_its_place():
    weights = Value(2.0), Value(3.0)

    def of(weight):
        return lambda x: x if far(weight * x) > 0 else -x

    high = record(of(weights[0]), 1.0)
    assert rest_of(record(of(weights[0]), -1.0), high, 0, 0.0) is not None
    assert rest_of(record(of(weights[1]), -1.0), high, 0, 0.0) is None


def test_the_columns_are_those_that_it_needs():
    code = Code(4, 1, (2.0,), (Row(RULES["mul"], (3, 5)), Row(RULES["add"], (6, 4))), (7, 1, 5))
    narrow, columns = narrowed(code)
    assert columns == [1, 3]
    assert narrow == Code(2, 1, (2.0,), (Row(RULES["mul"], (1, 3)), Row(RULES["add"], (4, 2))), (5, 0, 3))


# ── many points ─────────────────────────────────────────────────────────────────────────────────────────────────────


HIGH = POINTS + 0.6  # most of them above 0


def steps(end):
    """A function as of a market: at any of some numbers it may end, with what `end` makes of its place and of all."""

    def f(xs):
        total = 0.0
        for i, x in enumerate(xs):
            total = total + far(x)
            if far(x) < 0:
                return end(i, xs)
        return end(None, [total, total, total])

    return f


def batches(f, points, backend="numpy", **options):
    """What a batch gives when all ways are known; at how many points Programs ran then, and what is left of them."""
    compiled, whole, rest = compile(f, backend=backend), [], []
    compiled.batch(points, **options)
    run, finish = Program.run_posted, Remainder.run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "run_posted", lambda p, table: whole.append(len(table)) or run(p, table))
        patch.setattr(Remainder, "run", lambda r, table, some: rest.append(len(some)) or finish(r, table, some))
        return compiled.batch(points, **options), whole, rest


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_no_point_goes_its_way_from_the_start_twice(backend):
    f = value_and_grad(steps(lambda i, xs: xs[0] if i is None else 0.0 * xs[0]))
    (values, gradients), whole, rest = batches(f, HIGH, backend)
    assert (whole, len(rest)) == ([len(HIGH)], 1)  # for what ends at any of the steps has the same left
    for point, value, gradient in zip(HIGH.tolist(), values, gradients):
        expected, slopes = f(point)
        assert (value, gradient) == (pytest.approx(expected, rel=1e-13), pytest.approx(slopes, rel=1e-13))


def test_the_program_of_most_points_comes_first_and_so_on():
    compiled = compile(steps(lambda i, xs: xs[0] if i is None else float(i)), backend="numpy")
    points = [[-1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [1.0, 1.0, -1.0], [1.0, 1.0, 1.0]]
    for counts in ([150, 100, 80, 400], [80, 150, 100, 400]):
        compiled.batch(np.repeat(points, counts, axis=0))
        order = [program.arguments.example for program in compiled.programs]
        assert order == [point for _, point in sorted(zip(counts, points), reverse=True)]


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_nothing_at_all_may_be_left(backend):
    def f(x, y, z):
        if far(x) > -0.3:
            return far(z) if far(z) > 0 else z
        return 7.0

    found, _, rest = batches(f, POINTS, backend)
    assert found == pytest.approx([f(*point) for point in POINTS.tolist()], rel=1e-13)
    assert rest == [(found == 7.0).sum(), (found == POINTS[:, 2]).sum()]


def test_where_the_rest_raises_there_is_nan():
    def f(x, y, z):
        if far(x) > -0.1:
            return far(z) if far(z) > 0 else z
        return log(y)

    (found, failed), _, rest = batches(f, POINTS, mask=True)
    assert (failed == (np.isnan(found))).all()
    assert rest
    for point, value, wrong in zip(POINTS.tolist(), found, failed):
        assert wrong == (far(point[0]) <= -0.1 and point[1] <= 0)
        assert wrong or value == pytest.approx(f(*point), rel=1e-13)


def test_what_catches_an_error_of_the_rest_goes_its_own_way():
    def f(x, y, z):
        if far(x) > -0.1:
            return far(z) if far(z) > 0 else z
        try:
            return log(y)
        except ValueError:
            return -y

    found, _, rest = batches(f, POINTS)
    assert rest
    assert found == pytest.approx([f(*point) for point in POINTS.tolist()], rel=1e-13)


def early_truth(x, y, z):
    """A comparison is there before what raises, and asked behind it."""
    weight = where(x > -0.3, 1.0, 2.0)
    root = log(y)
    if x > -0.3:
        return weight * (far(z) if z > 0 else far(root))
    return 2.0


def told(x, y, z):
    """A text holds the Program to the very number of z, behind what raises."""
    root = log(y)
    str(round(z))
    if x > -0.3:
        return root * far(x)
    return 2.0


def bent_later(x, y, z):
    """What raises comes before a gate that asks what was compared before."""
    weight = where(z > -0.3, 1.0, 2.0)
    root = log(y)
    if x > -0.3:
        return weight * far(bent(z)) if y < 1.5 else far(far(root))
    return 2.0


@gate(derivatives=lambda x: 1.0)
def bent(x):
    return x if x > -0.3 else 2 * x


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("f", [early_truth, told, bent_later])
def test_what_raises_before_a_guard_raises_whatever_was_compared_before(f, backend):
    points = POINTS + np.array([0.2, 0.8, 0.2])
    (found, failed), _, rest = batches(f, points, backend, mask=True)
    assert rest
    assert (failed == (points[:, 1] <= 0)).all()
    expected = [f(*point) for point in points[~failed].tolist()]
    assert found[~failed] == pytest.approx(expected, rel=1e-13)


def test_where_it_raised_before_they_part_there_is_nan():
    def f(x, y, z):
        root = log(y)
        if far(x) > -0.3:
            return root if far(z) > 0 else z
        return root + 2

    points = POINTS + np.array([0.0, 0.8, 0.0])
    (found, failed), _, rest = batches(f, points, mask=True)
    assert rest
    assert (failed == (points[:, 1] <= 0)).all()
    for point, value in zip(points[~failed].tolist(), found[~failed]):
        assert value == pytest.approx(f(*point), rel=1e-13)


def test_an_error_before_they_part_is_not_taken_for_a_signpost():
    def f(x, y, z):
        try:
            root = log(y)
        except ValueError:
            root = 0.0
        if far(x) > 0:
            return root if far(z) > 0 else z
        return 2.0 + root

    points = POINTS + 0.6
    found, _, rest = batches(f, points)
    assert rest
    assert found == pytest.approx([f(*point) for point in points.tolist()], rel=1e-13)


def test_a_way_may_end_in_an_error():
    def end(i, xs):
        if i is not None:
            raise ValueError("ruined")
        return xs[0]

    (found, failed), whole, rest = batches(steps(end), HIGH, mask=True)
    low = (HIGH < 0).any(axis=1)
    assert (failed == low).all()
    assert (np.isnan(found) == low).all()
    assert (whole, rest) == ([len(HIGH)], [low.sum()])


def test_parameters_are_read_at_every_call():
    weights = [Value(2.0), Value(3.0), Value(4.0)]
    f = steps(lambda i, xs: xs[0] if i is None else weights[i] * weights[0])
    compiled = compile(f, backend="numpy")
    for weights[0].data in (2.0, 2.5, -1.0):
        weights[1].data += 1.0
        expected = [y.data if type(y) is Value else y for y in map(f, HIGH.tolist())]
        assert compiled.batch(HIGH) == pytest.approx(expected, rel=1e-13)


# ── which rests are one ─────────────────────────────────────────────────────────────────────────────────────────────

WEIGHTS = [Value(1.0), Value(2.0), Value(3.0)]


@pytest.mark.parametrize(
    "end",
    [
        lambda i, xs: xs[0] if i is None else float(i),
        lambda i, xs: xs[0] if i is None else (0.0, -0.0, 1.0)[i],
        lambda i, xs: xs[i or 0],
        lambda i, xs: xs[0] if i is None else WEIGHTS[i],
    ],
    ids=["constants", "zeros with a sign", "columns", "parameters"],
)
def test_rests_that_come_to_other_numbers_are_not_taken_for_each_other(end):
    f = steps(end)
    found, _, rest = batches(f, HIGH)
    assert len(rest) > 1
    expected = [y.data if type(y) is Value else y for y in map(f, HIGH.tolist())]
    assert found == pytest.approx(expected, rel=1e-13)
    assert (np.signbit(found) == np.signbit(expected)).all()


def test_nor_are_those_whose_results_have_another_order():
    f = steps(lambda i, xs: {"b": 1.0, "a": 2.0} if i == 1 else {"a": 1.0, "b": 2.0})
    found, _, rest = batches(f, HIGH)
    assert len(rest) > 1
    for name in ("a", "b"):
        assert found[name].tolist() == [f(point)[name] for point in HIGH.tolist()]


def test_nor_is_one_that_raises_for_one_that_gives_nothing():
    def end(i, xs):
        if i == 0:
            raise ValueError("ruined")

    (_, failed), _, rest = batches(steps(end), HIGH, mask=True)
    assert len(rest) > 1
    assert (failed == (HIGH[:, 0] < 0)).all()


def test_equal_rests_are_one():
    f, rests = steps(lambda i, xs: xs[0] if i is None else 1.0), Remainders()
    high, low, lower = (record(f, [*x, 1.0]) for x in ([1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]))
    assert rests.of(low, high, 0, 1.0) is rests.of(lower, high, 1, 1.0) is not None


def test_one_is_looked_for_once(monkeypatch):
    f, rests, looked = steps(lambda i, xs: xs[0] if i is None else 1.0), Remainders(), []
    high, low = record(f, [1.0, 1.0, 1.0]), record(f, [-1.0, 1.0, 1.0])
    monkeypatch.setattr(remainder, "rest_of", lambda *which: looked.append(which) or rest_of(*which))
    for _ in range(2):
        rests.of(low, high, 0, 1.0)
    assert looked == [(low, high, 0, 1.0)]
