"""Each pass by itself: no bit of a result changes, what may raise stays, and guards do."""

import math
import random
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad import compile, log, maximum, record
from scalargrad.namespaces import IEEE, IeeeFloat
from scalargrad.program.code import Code, Guard, Row, evaluate
from scalargrad.program.simplify import (
    carried_signs,
    exact_algebra,
    folded_and_exact,
    folded_constants,
    simplified,
    without_dead_rows,
    without_repetitions,
)
from scalargrad.rules import RULES, STEERING
from tests.program.codes import expected, random_code
from tests.program.sources import bits

PASSES = [
    folded_constants,
    exact_algebra,
    folded_and_exact,
    carried_signs,
    without_repetitions,
    without_dead_rows,
    simplified,
]
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 5e-324, 1e200, math.inf, -math.inf, math.nan]


def code(inputs, constants, rows, outputs, guards=()):
    table = {**RULES, **STEERING}
    rows = tuple(Row(table[name], operands, quiet=False) for name, *operands in rows)
    rows = tuple(Row(row.rule, tuple(row.operands)) for row in rows)
    return Code(inputs, 0, tuple(constants), rows, tuple(outputs), tuple(guards))


def run(code, xs):
    outputs, failed, strayed = evaluate(code, IEEE, [*map(IeeeFloat, xs)], [], IeeeFloat)
    return bits(outputs), bool(failed), bool(strayed)


@pytest.mark.parametrize("simplify", PASSES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", [name for name, rule in {**RULES, **STEERING}.items() if rule.arity == 2])
def test_no_bit_changes_where_an_operand_is_a_constant(simplify, name):
    for constant, swap in product([0.0, -0.0, 1.0, -1.0, 2.0], [False, True]):
        operands = (1, 0) if swap else (0, 1)
        before = code(1, [constant], [(name, *operands), ("neg", 2), ("neg", 3), (name, *operands)], [2, 4, 5])
        after = simplify(before)
        for x in NUMBERS:
            assert run(after, [x]) == run(before, [x]), (x, constant)


@pytest.mark.parametrize("simplify", PASSES, ids=lambda f: f.__name__)
def test_no_bit_changes_of_choices(simplify):
    rows = [("where", 0, 1, 1), ("where", 2, 0, 1), ("where", 3, 0, 1), ("maximum", 0, 1), ("maximum", 1, 0)]
    before = code(2, [0.0, math.nan], rows, [4, 5, 6, 7, 8])
    after = simplify(before)
    for xs in product(NUMBERS, repeat=2):
        assert run(after, xs) == run(before, xs), xs


def test_constants_are_folded_with_the_sign_of_zero():
    after = simplified(code(0, [0.0, -1.0], [("mul", 0, 1)], [2]))
    assert not after.rows
    assert bits(after.constants) == bits([-0.0])


def test_zeros_of_either_sign_are_two_constants():
    before = code(1, [0.0, -0.0], [("atan2", 1, 0), ("atan2", 2, 0)], [3, 4])
    assert run(simplified(before), [-1.0]) == run(before, [-1.0])


def test_what_raises_is_not_folded():
    after = simplified(code(0, [-1.0], [("log", 0)], [1]))
    assert [row.rule.name for row in after.rows] == ["log"]


def test_what_is_not_used_and_may_raise_stays():
    after = simplified(code(1, [], [("log", 0), ("exp", 0), ("tanh", 0)], [0]))
    assert [row.rule.name for row in after.rows] == ["log", "exp"]


def test_what_is_not_used_and_is_quiet_goes():
    before = Code(1, 0, (), (Row(RULES["log"], (0,), quiet=True),), (0,))
    assert not simplified(before).rows


def test_a_quiet_row_is_no_repetition_of_one_that_raises():
    before = Code(1, 0, (), (Row(RULES["log"], (0,), quiet=True), Row(RULES["log"], (0,))), (1, 2))
    assert run(simplified(before), [0.0]) == run(before, [0.0]) == (bits([-math.inf, -math.inf]), True, False)


def test_guards_stay_with_what_they_are_about():
    before = code(1, [0.0], [("neg", 0), ("neg", 2), ("lt", 3, 1), ("lt", 0, 1)], [0], [Guard(4, 1.0), Guard(5, 1.0)])
    after = simplified(before)
    assert len(after.guards) == 1
    assert [run(after, [x])[2] for x in (-1.0, 0.0, 1.0)] == [False, True, True]


@pytest.mark.parametrize("simplify", PASSES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("seed", range(8))
def test_what_comes_first_of_a_guard_and_what_raises_stays_first(simplify, seed):
    rng = random.Random(seed)
    for _ in range(40):
        before = random_code(rng, rows=25, inputs=2, shared=0)
        before = replace(before, rows=tuple([replace(row, quiet=rng.random() < 0.7) for row in before.rows]))
        points = [[rng.choice(NUMBERS), rng.choice(NUMBERS)] for _ in range(20)]
        guarded = sorted(rng.sample(range(before.start, before.numbers), 3))
        numbers, _, _ = expected(replace(before, outputs=tuple(guarded)), points[0])
        guards = [Guard(at, number) for at, number in zip(guarded, numbers) if not math.isnan(number)]
        before = replace(before, guards=tuple(guards))
        after = simplify(before)
        for point in points:
            outputs, *flags = expected(before, point)
            found, *found_flags = expected(after, point)
            assert found_flags == flags
            assert any(flags) or bits(found) == bits(outputs)


def test_a_guard_does_not_go_before_what_may_raise():
    rows = [("lt", 0, 1), ("log", 0), ("lt", 0, 1)]
    before = code(1, [0.0], rows, [3, 2], [Guard(4, 1.0)])  # x < 0, log(x), and once more x < 0, which is asked
    assert run(before, [-1.0])[1:] == run(simplified(before), [-1.0])[1:] == (True, False)


def test_the_guard_of_a_constant_that_holds_goes():
    assert not simplified(code(1, [0.0, 1.0], [("lt", 1, 2)], [0], [Guard(3, 1.0)])).guards


@pytest.mark.parametrize("simplify", PASSES, ids=lambda f: f.__name__)
def test_a_pass_makes_no_further_row(simplify):
    def f(x, y):
        z = x * 1.0 + (0.0 - (-y)) + x * y + y * x
        return maximum(z, log(x * y)) if x > y else z

    before = record(f, 3.0, 2.0).code
    assert len(simplify(before).rows) <= len(before.rows)


def signs(draw):
    """Code in which signs go to and fro: three inputs, and constants that may take one."""
    constants, rows = [-1.0, 0.0, -0.0, 2.0], []
    for at in range(7, 7 + draw(st.integers(1, 12))):
        name = draw(st.sampled_from(["neg", "add", "sub", "mul", "div", "exp"]))
        rows.append((name, *[draw(st.integers(0, at - 1)) for _ in range(RULES[name].arity)]))
    last = 6 + len(rows)
    return code(3, constants, rows, [last, draw(st.integers(7, last))])


@settings(max_examples=400)
@given(st.composite(signs)(), st.tuples(*[st.sampled_from(NUMBERS)] * 3))
def test_no_bit_changes_by_a_sign_that_is_carried(before, xs):
    assert run(carried_signs(before), xs) == run(before, xs)
    assert run(simplified(before), xs)[0] == run(before, xs)[0]


def test_a_sign_ends_in_the_sum():
    after = carried_signs(code(2, [-1.0], [("mul", 0, 2), ("mul", 3, 1), ("add", 1, 4)], [5]))
    assert [row.rule.name for row in after.rows] == ["mul", "sub"]


def test_two_signs_of_a_derivative_go_on_as_one():
    rows = [("neg", 0), ("neg", 1), ("add", 3, 4), ("add", 2, 5)]
    assert [row.rule.name for row in carried_signs(code(2, [0.0], rows, [6])).rows] == ["add", "sub"]


def test_what_is_done_twice_is_done_once():
    after = simplified(code(2, [], [("mul", 0, 1), ("mul", 1, 0), ("add", 2, 3)], [4]))
    assert [row.rule.name for row in after.rows] == ["mul", "add"]


def test_what_is_not_used_still_raises(backend):
    def f(x):
        log(x)
        return x

    g = compile(f, backend=backend)
    assert g(1.0) == 1.0
    with pytest.raises(ValueError, match="log"):
        g(-1.0)
