"""A batch of a function that goes many ways: each point is sent to the Program of its own way."""

import inspect
import sys

import numpy as np
import pytest

from scalargrad import sqrt
from scalargrad.program import Program, compile
from scalargrad.program.crossroads import Crossroads

POINTS = np.random.default_rng(1).uniform(-1.0, 1.0, (500, 6))


def first_low(xs):
    """Another way for each place of the first number that is low, and two for none."""
    total = 0.0
    for i, x in enumerate(xs):
        total = total + x * x
        if x < -0.5:
            return total * i
    return sqrt(total) if total > 1.0 else -total


def branching(xs):
    """Each number decides by itself, so that a way that strays once may stray again."""
    total = 1.0
    for x in xs[:4]:
        total = total * (x + 2.0) if x > 0.0 else total - x
    return total


def rounded(xs):
    """More than two ways at one place."""
    return xs[0] * round(xs[1] * 3.0) + (xs[2] if xs[3] > 0.0 else -xs[2])


def asked_late(xs):
    """The guards are asked in another order than their rows are computed in."""
    early, late = xs[0] > 0.0, xs[1] > 0.0
    if late:
        return xs[2] if early else -xs[2]
    return xs[3] if xs[4] > 0.0 else xs[5]


def caught(xs):
    """Does something about an error."""
    try:
        root = sqrt(xs[0])
    except ValueError:
        root = -xs[1] if xs[2] > 0.0 else xs[1]
    return root if xs[3] > 0.0 else 2.0 * root


@pytest.mark.parametrize("f", [first_low, branching, rounded, asked_late, caught])
def test_every_point_gets_what_the_function_gives(f):
    compiled = compile(f, backend="numpy")
    expected = [f(point) for point in POINTS.tolist()]
    for _ in range(2):  # the first records, the second knows all ways
        assert compiled.batch(POINTS) == pytest.approx(expected, rel=1e-14)
    ways = len(compiled.programs)
    compiled.batch(POINTS[::-1])
    assert len(compiled.programs) == ways


def test_points_that_all_go_ways_nobody_knows_keep_their_places():
    def f(x, y, z):
        first = x if x > 0.0 else 2.0 * x
        second = y if y > 0.0 else 3.0 * y
        return 10.0 * first if z > 0.0 else first + second

    compiled = compile(f, backend="numpy")
    points = np.random.default_rng(3).uniform(-1.0, 1.0, (200, 3))
    points[:, 2] = -1.0
    compiled.batch(points)
    points[:, 2] = 1.0  # each point strays from the Program that it is sent to
    assert compiled.batch(points).tolist() == [f(*point) for point in points.tolist()]


@pytest.mark.parametrize("f", [first_low, branching, rounded])
def test_a_point_that_strays_is_not_tried_with_one_program_after_the_other(f, monkeypatch):
    compiled = compile(f, backend="numpy")
    points = np.random.default_rng(2).uniform(-1.0, 1.0, (5_000, 6))
    for _ in range(2):
        compiled.batch(points)
    assert len(compiled.programs) > 6
    tried, run = [], Program.run_posted

    def counted(program, table):
        tried.append(len(table))
        return run(program, table)

    monkeypatch.setattr(Program, "run_posted", counted)
    compiled.batch(points)
    assert sum(tried) < 4 * len(points)


def test_points_on_ways_not_gone_before_are_recorded():
    compiled = compile(first_low, backend="numpy")
    for low in range(4):
        compiled.batch(np.where(np.arange(6) == low, -0.9, 0.9) * np.ones((100, 1)))
    assert compiled.batch(POINTS) == pytest.approx([first_low(point) for point in POINTS.tolist()], rel=1e-14)


def test_a_batch_that_comes_in_while_a_way_is_recorded_finds_its_own(monkeypatch):
    compiled = compile(first_low, backend="numpy")
    known = POINTS[POINTS[:, 0] > -0.5]
    found = compiled.batch(known).tolist()
    meanwhile = []

    def add(crossroads, program):
        monkeypatch.undo()
        meanwhile.extend(compiled.batch(known).tolist())
        crossroads.add(program)

    monkeypatch.setattr(Crossroads, "add", add)
    compiled.batch(POINTS)  # where the first number is low nobody went before
    assert meanwhile == found


def test_nan_goes_its_own_way():
    compiled = compile(branching, backend="numpy")
    points = POINTS.copy()
    points[::3, 1] = np.nan
    for _ in range(2):
        found = compiled.batch(points)
        assert np.isnan(found[::3]).sum() == sum(np.isnan(branching(point)) for point in points[::3].tolist())
        assert found[1::3] == pytest.approx([branching(point) for point in points[1::3].tolist()], rel=1e-14)


def test_points_may_be_sent_on_from_way_to_way_as_often_as_there_are_ways():
    def f(x):
        steps = 0.0
        while x > 0.5:
            x, steps = x - 1.0, steps + 1.0
        return x + 100.0 * steps

    g = compile(f, backend="numpy", max_paths=100)
    for x in range(80):  # each way goes one guard further than the one before
        g(x + 0.25)
    points = np.repeat(np.arange(80.0), 70)[:, None] + 0.25
    g.batch(points[:1])  # so that the shortest comes first
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 60)
    try:
        found = g.batch(points)
    finally:
        sys.setrecursionlimit(limit)
    assert found.tolist() == [f(x) for x in points[:, 0].tolist()]
