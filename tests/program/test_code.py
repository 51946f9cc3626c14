"""Straight-line code, and where Python raises: `fault` has to agree with Python, operand for operand."""

import math
from itertools import product

import pytest

from scalargrad.namespaces import FLOATS, IEEE, IeeeFloat
from scalargrad.program.code import RAISES, TABLE, Code, Guard, Row, evaluate, fault, may_raise
from scalargrad.rules import RULES, STEERING

NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, 3.5, 1e200, -1e200, 5e-324, 800.0, -800.0, math.inf, -math.inf]
NUMBERS += [-5e-324, math.nan]

FUNCTIONS = {"floor": math.floor, "ceil": math.ceil, "trunc": math.trunc, "round": round}


def python(rule, xs):
    """What Python does with these numbers."""
    return float(FUNCTIONS[rule.name](*xs)) if rule.name in FUNCTIONS else rule.value(FLOATS, *xs)


def raises(rule, xs):
    try:
        python(rule, xs)
    except (ValueError, ArithmeticError):
        return True
    return False


@pytest.mark.parametrize("rule", [*RULES.values(), *STEERING.values()], ids=lambda rule: rule.name)
def test_a_rule_is_said_to_fail_exactly_where_python_raises(rule):
    count = rule.arity or 2
    some = NUMBERS if count < 3 else NUMBERS[::3]
    for xs in product([1.0] if rule.name == "polygamma" else some, *[some] * (count - 1)):
        ieee = [*map(IeeeFloat, xs)]
        wrong = fault(IEEE, rule, ieee, IeeeFloat(rule.value(IEEE, *ieee)))
        assert bool(wrong) == raises(rule, xs), xs


@pytest.mark.parametrize("rule", [*RULES.values(), *STEERING.values()], ids=lambda rule: rule.name)
def test_a_rule_that_may_raise_has_a_rule_for_whether_it_does(rule):
    assert (rule in RAISES) == may_raise(rule)
    if may_raise(rule):
        assert TABLE[f"{rule.name} raises"] is RAISES[rule]
        assert not may_raise(RAISES[rule])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_roundings_to_whole_numbers_are_those_of_python(name):
    for x in [*NUMBERS, 1.5, 2.5, -2.5, 0.49999999999999994, 4503599627370497.5, 2.0**53 + 2]:
        if math.isfinite(x):
            assert STEERING[name].value(FLOATS, x) == FUNCTIONS[name](x), x


def run(rows, inputs, guards=(), outputs=None):
    code = Code(len(inputs), 0, (), tuple(rows), tuple(outputs or (len(inputs) + len(rows) - 1,)), tuple(guards))
    return evaluate(code, IEEE, [*map(IeeeFloat, inputs)], [])


LOG, BELOW = Row(RULES["log"], (0,)), Row(STEERING["lt"], (0, 1))


def test_a_row_that_fails_is_told():
    assert [run([LOG], [x])[1] for x in (1.0, 0.0, -1.0)] == [False, True, True]


def test_a_quiet_row_does_not_fail():
    quiet = Row(RULES["log"], (0,), quiet=True)
    assert run([quiet], [0.0])[:2] == ([-math.inf], False)


def test_a_guard_that_comes_out_differently_is_told():
    guard = Guard(2, 1.0)
    assert [run([BELOW], [x, 0.0], [guard])[2] for x in (-1.0, 1.0)] == [False, True]


def test_what_comes_first_counts():
    fails_first = run([LOG, BELOW], [-1.0, -2.0], [Guard(3, 1.0)])
    strays_first = run([BELOW, LOG], [-1.0, -2.0], [Guard(2, 1.0)])
    assert (fails_first[1:], strays_first[1:]) == ((True, False), (False, True))


def test_numbers_that_nobody_needs_any_more_are_known():
    code = Code(1, 0, (), (Row(RULES["exp"], (0,)), Row(RULES["neg"], (1,)), Row(RULES["neg"], (2,))), (3,))
    assert code.last_used == {1: [0], 2: [1], 3: [2]}
    assert code.most_alive == 2
