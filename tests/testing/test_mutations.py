"""The kit catches what it is for: each rule is made wrong in turn, then a gate, then the sweep; and names the row."""

import dataclasses
from functools import wraps
from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from scalargrad import gate
from scalargrad.engine import function, python
from scalargrad.namespaces import FLOATS
from scalargrad.rules import RULES
from scalargrad.testing import GradientCheckError, check_gate, check_gradients
from scalargrad.testing.strategies import expressions
from tests import test_rules

#: Where the derivatives of a rule are neither zero nor alike: numbers of operands are (0.7,), (1.3, 0.7), ….
POINTS = {
    "acosh": (1.7,),
    "polygamma": (1.0, 1.7),
    "leaky_relu": (-1.3, 0.7),
    "where": (1.0, 1.3, 0.7),
}
DEFAULT = {1: (0.7,), 2: (1.3, 0.7), 3: (1.3, 0.7, 0.4), None: (1.3, 0.7, 0.4, 2.1)}
CHANGES = {
    "negated": lambda d, i: -d[i],
    "zero": lambda d, i: d[i] * 0.0,
    "a thousandth off": lambda d, i: d[i] * 1.001,
    "a trillionth off": lambda d, i: d[i] * (1 + 1e-12),
    "another operand's": lambda d, i: d[i - 1] if d[i - 1] is not None else 2 * d[i],
}


def point_of(name):
    return POINTS.get(name, DEFAULT[RULES[name].arity])


def slopes_of(rule, xs):
    return rule.derivatives(FLOATS, *xs, out=rule.value(FLOATS, *xs))


def mutants():
    """Each derivative of each rule, in each way in which it becomes another number."""
    for name, rule in RULES.items():
        before = slopes_of(rule, point_of(name))
        for i, slope in enumerate(before):
            for change, apply in CHANGES.items():
                if slope is not None and apply(before, i) != slope:
                    yield pytest.param(name, i, apply, id=f"{name}-{i}-{change}")


def with_wrong_derivative(rule, i, apply):
    def derivatives(m, *xs, out):
        right = rule.derivatives(m, *xs, out=out)
        return (*right[:i], apply(right, i), *right[i + 1 :])

    return dataclasses.replace(rule, derivatives=derivatives)


@pytest.mark.parametrize(("name", "i", "apply"), list(mutants()))
def test_a_wrong_derivative_in_the_table_is_caught_at_its_row(name, i, apply):
    xs, sin = point_of(name), function(RULES["sin"])
    wrong = function(with_wrong_derivative(RULES[name], i, apply))
    constants = [k for k, slope in enumerate(slopes_of(RULES[name], xs)) if slope is None]

    def f(*inputs):
        operands = [xs[k] if k in constants else +x for k, x in enumerate(inputs)]
        return sin(wrong(*operands))

    with pytest.raises(GradientCheckError) as error:
        check_gradients(f, *xs, order=1)
    n, first, second = len(xs), *str(error.value).splitlines()[:2]
    operands = [repr(x) if k in constants else f"#{n + k - sum(c < k for c in constants)}" for k, x in enumerate(xs)]
    row = 2 * n - len(constants)  # behind the inputs and their copies
    assert first.startswith(f"row {row}, {RULES[name].text(*operands)}, recorded at ")
    assert first.endswith("has a wrong local derivative")
    assert second.startswith(f"    by operand {i + 1} of {n}, ")


def test_every_rule_has_mutants():
    assert {mutant.values[0] for mutant in mutants()} == set(RULES)


def quickly(test):
    """A test of the suite, with fewer examples and without shrinking."""

    @given(data=st.data())
    @settings(max_examples=10, phases=[Phase.generate], database=None, deadline=None)
    def quick(name, data):
        test.hypothesis.inner_test(name, data)

    return quick


@pytest.mark.parametrize("name", RULES)
def test_the_suite_fails_if_the_value_of_a_rule_is_wrong(name, monkeypatch):
    value = RULES[name].value
    wrong = dataclasses.replace(RULES[name], value=wraps(value)(lambda m, *xs: value(m, *xs) * 1.001 + 1e-9))
    monkeypatch.setitem(RULES, name, wrong)
    in_python = name in test_rules.IN_PYTHON
    with pytest.raises(AssertionError):
        quickly(
            test_rules.test_values_are_pythons_own_to_the_bit
            if in_python
            else test_rules.test_composed_values_are_near_the_true_ones
        )(name)


@pytest.mark.parametrize("name", ["sin", "div", "dot"])
def test_a_wrong_table_is_caught_by_random_programs(name):
    rule = RULES[name]
    table = {**RULES, name: with_wrong_derivative(rule, 0, CHANGES["negated"])}

    def fails(e):
        try:
            check_gradients(e, *e.inputs, order=1)
        except GradientCheckError:
            return True
        return False

    strategy = expressions(operations=[name, "add", "mul", "exp"], rules=table, max_rows=4)
    smallest = find(
        strategy, fails, settings=settings(database=None, deadline=None, max_examples=300), random=Random(0)
    )
    assert [row.name for row in smallest.operations] == [name]


# ── a gate ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@gate(derivatives=lambda x, y: (1 / y, x / y))  # the second should be -x / y²
def quotient(x, y):
    return x / y


def test_a_gate_with_a_wrong_derivative_is_caught_at_its_definition_and_in_use():
    with pytest.raises(GradientCheckError, match=r"^row 2, quotient\(x, y\), .*\n.*operand 2 of 2"):
        check_gate(quotient)
    with pytest.raises(GradientCheckError, match=r"^row 3, quotient\(#2, y\)"):
        check_gradients(lambda x, y: quotient(x * x, y) + 1, 3.0, 2.0)


@gate(derivatives=lambda x, y: (3 * y * y, 2 * x))
def swapped(x, y):
    return x * x + y**3


def test_a_gate_with_swapped_derivatives_is_caught():
    with pytest.raises(GradientCheckError, match=r"^row 2, swapped\(x, y\), .*\n.*operand 1 of 2"):
        check_gate(swapped)


# ── an engine ───────────────────────────────────────────────────────────────────────────────────────────────────────


def wrong_sweep(take, edges):
    """A sweep like the readable engine's, but for which reached row comes next and which operands it hands on to."""

    def sweep(seeds):
        adjoints, reached, done = dict(seeds), list(seeds), set()
        while reached:
            row = reached.pop(take(reached))
            done.add(row)
            for operand, slope in edges(row):
                if type(operand) is python.Value and slope is not None:
                    adjoints[operand] = adjoints.get(operand, 0.0) + adjoints[row] * slope
                    known = done.union(reached)  # a list would compare Values by their data
                    if operand.operands and operand not in known:
                        reached.append(operand)
        return adjoints

    return sweep


def latest(rows):
    return max(range(len(rows)), key=lambda i: rows[i].index)


def all_edges(row):
    return zip(row.operands, row.local_derivatives, strict=True)


RIGHT = wrong_sweep(latest, all_edges)
FORGETS_A_REPEATED_OPERAND = wrong_sweep(latest, lambda row: dict(all_edges(row)).items())
IN_THE_WRONG_ORDER = wrong_sweep(lambda rows: 0, all_edges)
ENGINE = SimpleNamespace(Value=python.Value, function=python.function)


def smallest_failure(monkeypatch, sweep):
    monkeypatch.setattr(python, "sweep", sweep)
    messages = []

    def fails(e):
        try:
            check_gradients(e, *e.inputs, order=1, engine=ENGINE)
        except GradientCheckError as error:
            messages.append(str(error))
            return True
        return False

    strategy = expressions(operations=["mul"], engine=ENGINE, inputs=1, max_rows=3)
    smallest = find(
        strategy, fails, settings=settings(database=None, deadline=None, max_examples=2000), random=Random(0)
    )
    assert fails(smallest)
    return smallest, messages[-1]


def test_the_sweep_that_is_to_be_broken_is_right_before(monkeypatch):
    monkeypatch.setattr(python, "sweep", RIGHT)

    @given(expressions(engine=ENGINE, max_rows=6))
    @settings(max_examples=30, deadline=None, database=None)
    def check(e):
        check_gradients(e, *e.inputs, order=1, engine=ENGINE)

    check()


def test_an_engine_that_forgets_a_repeated_operand_is_caught(monkeypatch):
    smallest, message = smallest_failure(monkeypatch, FORGETS_A_REPEATED_OPERAND)
    assert message.startswith("the sweep goes wrong at row 0, the input x0")
    (row,) = smallest.operations
    assert row.operands[0] == row.operands[1]


def test_it_is_reported_at_the_row_that_was_repeated(monkeypatch):
    monkeypatch.setattr(python, "sweep", FORGETS_A_REPEATED_OPERAND)

    def f(x):
        y = x + 1
        return y * y * 2

    with pytest.raises(GradientCheckError) as error:
        check_gradients(f, 2.0, order=1, engine=ENGINE)
    assert str(error.value).startswith("the sweep goes wrong at row 1, x + 1.0, recorded at ")
    assert "expected  12.0 = 2.0 * 3.0 from row 2 + 2.0 * 3.0 from row 2" in str(error.value)


def test_a_sweep_in_the_wrong_order_is_caught(monkeypatch):
    smallest, message = smallest_failure(monkeypatch, IN_THE_WRONG_ORDER)
    assert message.startswith("the sweep goes wrong at row ")
    assert len(smallest.operations) <= 3  # in fewer, no row can have its turn too early


def test_it_is_reported_at_the_row_that_got_too_little(monkeypatch):
    monkeypatch.setattr(python, "sweep", IN_THE_WRONG_ORDER)

    def f(x):
        early = +x * 3
        return early * (early * 2)

    with pytest.raises(GradientCheckError, match=r"^the sweep goes wrong at row 1, [+]x, recorded at "):
        check_gradients(f, 2.0, order=1, engine=ENGINE)


def test_a_wrong_value_is_caught_at_its_row(monkeypatch):
    record = python._record

    def off(rule, operands):
        row = record(rule, operands)
        if rule.name == "mul":
            row._data += 1e-15
        return row

    monkeypatch.setattr(python, "_record", off)
    with pytest.raises(GradientCheckError, match=r"^row 1, x \* 3.0, .*has the wrong value"):
        check_gradients(lambda x: x * 3.0 + 1, 2.0, order=1, engine=ENGINE)
