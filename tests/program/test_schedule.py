"""The order of rows: fewer numbers at once, the same numbers."""

from itertools import pairwise

import numpy as np

from scalargrad import exp, record, value_and_grad
from scalargrad.program.backends import numpy
from scalargrad.program.code import Code, Guard, Row
from scalargrad.program.schedule import scheduled
from scalargrad.program.simplify import simplified
from scalargrad.rules import RULES


def rosenbrock(x):
    total = 0.0
    for a, b in pairwise(x):
        total = total + 100.0 * (b - a * a) * (b - a * a) + (1.0 - a) * (1.0 - a)
    return total


def gradient_of(f, count):
    return simplified(record(value_and_grad(f), [0.5] * count, backend="numpy").code)


def test_fewer_numbers_are_needed_at_once():
    code = gradient_of(rosenbrock, 100)
    assert scheduled(code).most_alive < code.most_alive / 2


def test_it_is_the_same_rows():
    code = gradient_of(rosenbrock, 20)
    other = scheduled(code)
    assert sorted(row.rule.name for row in other.rows) == sorted(row.rule.name for row in code.rows)
    assert all(x < at for at, row in enumerate(other.rows, start=other.start) for x in row.operands)


def test_every_number_keeps_its_bits():
    code = gradient_of(rosenbrock, 50)
    point = np.linspace(-1, 1, 50)[None]
    one, other = (numpy.prepare(c)(point, np.empty(0)) for c in (code, scheduled(code)))
    assert one.outputs.tobytes() == other.outputs.tobytes()


def test_guards_go_along_with_their_rows():
    code = gradient_of(rosenbrock, 30)
    guarded = Code(code.inputs, 0, code.constants, code.rows, code.outputs, (Guard(code.start + 5, 1.0),))
    (guard,) = scheduled(guarded).guards
    row = scheduled(guarded).rows[guard.number - code.start]
    assert row.rule is code.rows[5].rule
    assert scheduled(guarded).most_alive < guarded.most_alive


def test_where_a_failure_and_a_guard_may_come_first_the_order_stays():
    code = gradient_of(lambda v: exp(rosenbrock(v)), 30)
    guarded = Code(code.inputs, 0, code.constants, code.rows, code.outputs, (Guard(code.start, 1.0),))
    assert scheduled(guarded) is guarded


def test_what_would_not_gain_stays_as_it_is():
    code = Code(1, 0, (), (Row(RULES["neg"], (0,)), Row(RULES["exp"], (1,))), (2,))
    assert scheduled(code) is code


def test_a_number_that_everybody_wants_is_no_trouble():
    users = 30_000
    rows = [Row(RULES["neg"], (0,)), *[Row(RULES["mul"], (1, 1 + at)) for at in range(users)]]
    code = Code(1, 0, (), tuple(rows), (1 + users,))
    assert len(scheduled(code).rows) == len(rows)
