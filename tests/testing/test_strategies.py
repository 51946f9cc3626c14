"""The strategies: programs that stay in their domains, print as Python, draw themselves and shrink."""

import math
import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import find, given, seed, settings
from hypothesis import strategies as st

from scalargrad import Value, gradients
from scalargrad.engine import python
from scalargrad.rules import RULES, Rule
from scalargrad.testing import check_gradients
from scalargrad.testing.expression import Branch, Expression, Operation
from scalargrad.testing.strategies import expressions, points, values

QUICK = settings(max_examples=40, deadline=None)


def names(e):
    both = [(row.yes, row.no) if isinstance(row, Branch) else (row,) for row in e.operations]
    return [operation.name for operations in both for operation in operations]


# ── the engine's own test: the gradient of a random program is the true one ─────────────────────────────────────────


@given(expressions())
@settings(max_examples=60, deadline=None)
def test_random_programs_have_the_right_gradients_to_second_order(e):
    check_gradients(e, *e.inputs)


@given(
    expressions(
        inputs=points(2, domain=(-3.0, 3.0)).map(lambda p: tuple(map(round, p))).map(lambda p: tuple(map(float, p)))
    )
)
@settings(max_examples=40, deadline=None)
def test_at_kinks_too(e):
    check_gradients(e, *e.inputs)


@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
@settings(max_examples=5, deadline=None)
def test_each_rule_is_right_wherever_the_strategies_use_it(name, data):
    e = data.draw(expressions(operations=[name, "add", "abs", "sigmoid"], max_rows=4))
    check_gradients(e, *e.inputs)


# ── expressions ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(expressions())
@QUICK
def test_a_program_is_inside_of_its_domains_at_its_inputs_on_values_and_on_floats(e):
    y = e(*e.values())
    assert getattr(y, "data", y) == e(*e.inputs)
    assert math.isfinite(e(*e.inputs))


@given(expressions(max_rows=9))
@QUICK
def test_all_local_derivatives_are_finite(e):
    y = e(*e.values())
    pending = [y] if isinstance(y, Value) else []
    while pending:
        row = pending.pop()
        assert all(d is None or math.isfinite(d) for d in row.local_derivatives)
        pending += [x for x in row.operands if isinstance(x, Value)]


@given(expressions(max_rows=5))
@QUICK
def test_there_are_not_more_rows_than_were_asked_for_and_not_none(e):
    assert 1 <= len(e.operations) <= 5


@given(expressions(inputs=2, operations=["log", "mul"]))
@QUICK
def test_only_the_operations_that_were_asked_for(e):
    assert len(e.inputs) == 2
    assert set(names(e)) <= {"log", "mul"}


def features(e):
    for row in e.operations:
        if isinstance(row, Branch):
            yield "a branch"
            continue
        rows = [x for x in row.operands if isinstance(x, int)]
        yield "a constant" if len(rows) < len(row.operands) else "rows only"
        yield "a repeated operand" if len(set(rows)) < len(rows) else "different operands"
        yield "many operands" if len(row.operands) == 4 else "few operands"
    used = [x for row in e.operations for x in set(getattr(row, "operands", ())) if isinstance(x, int)]
    if any(used.count(x) > 1 and x >= len(e.inputs) for x in used):
        yield "a shared row"


def test_programs_have_branches_constants_shared_rows_and_rows_of_many_operands():
    found = set()

    @given(expressions())
    @settings(max_examples=300, database=None, deadline=None, derandomize=True)
    def collect(e):
        found.update(features(e))

    collect()
    assert {
        "a branch",
        "a constant",
        "a repeated operand",
        "different operands",
        "many operands",
        "a shared row",
    } <= found


@given(expressions(branches=False))
@QUICK
def test_programs_without_branches(e):
    assert not any(isinstance(row, Branch) for row in e.operations)


def test_an_operand_outside_of_the_domain_is_led_into_it():
    strategy = expressions(inputs=points(1, domain=(-4.0, -1.0)), operations=["log", "abs", "add"], max_rows=6)
    e = find(
        strategy,
        lambda e: names(e).count("log") == 1,
        settings=settings(database=None, deadline=None),
        random=Random(0),
    )
    assert names(e) == ["abs", "add", "log"]


@given(expressions(inputs=2, smooth=True))
@QUICK
def test_on_a_smooth_program_a_central_difference_of_floats_is_near_the_derivative(e):
    xs = e.values()
    slope = gradients(e(*xs), xs)[0]
    x, y = e.inputs
    difference = (e(x + 1e-5, y) - e(x - 1e-5, y)) / 2e-5
    assert difference == pytest.approx(slope, rel=1e-3, abs=1e-3)


@seed(12)
@given(expressions(operations=["polygamma", "tan", "cos"], max_rows=3, inputs=1, smooth=True))
@settings(max_examples=1000, deadline=None, database=None)
def test_a_smooth_program_goes_straight_on_where_its_numbers_move_fast(e):
    (x,) = e.values()
    (slope,) = gradients(e(x), [x])
    assert (e(x.data + 1e-5) - e(x.data - 1e-5)) / 2e-5 == pytest.approx(slope, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("name", ["relu", "abs", "leaky_relu", "maximum", "minimum", "mod", "where", "atan2", "log"])
@given(data=st.data())
@QUICK
def test_a_smooth_program_does_not_turn_jump_or_end_within_a_thousandth(name, data):
    table = {name: RULES[name]}
    near = st.floats(-2e-3, 2e-3).map(lambda x: (x, -1.0, 1.0))
    e = data.draw(expressions(inputs=near, rules=table, max_rows=1, smooth=True))
    xs = e.values()
    before = gradients(e(*xs), xs)
    for moved in (-9e-4, 9e-4):
        xs[0].data = e.inputs[0] + moved
        assert gradients(e(*xs), xs) == pytest.approx(before, rel=0.2, abs=0.2)


def test_programs_shrink_to_one_row_on_simple_numbers():
    e = find(
        expressions(operations=["exp", "sin", "mul", "add"]),
        lambda e: "exp" in names(e),
        settings=settings(max_examples=1000, database=None, deadline=None),
        random=Random(0),
    )
    assert (names(e), set(e.inputs)) == (["exp"], {0.0})


@given(expressions())
@QUICK
def test_the_text_of_a_program_can_be_pasted_and_does_the_same(e):
    there = {}
    exec(str(e), there)
    xs = e.values()
    y, found = e(*xs), there["y"]
    assert (getattr(found, "data", found)) == getattr(y, "data", y)
    if isinstance(y, Value):
        assert gradients(found, [there[f"x{i}"] for i in range(len(xs))]) == gradients(y, xs)


def test_a_negative_constant_is_in_parentheses():
    e = Expression((2.0,), (Operation("const_pow", (-0.0, 0)), Operation("pow_const", (1, -1.0))))
    assert "t1 = (-0.0) ** x0\n    t2 = t1 ** (-1.0)" in str(e)


def test_the_same_program_on_another_engine():
    e = Expression((2.0,), (Operation("exp", (0,)),))
    other = e.on(python)
    assert (other.inputs, other.operations) == (e.inputs, e.operations)
    assert all(type(x) is python.Value for x in (*other.values(), other(*other.values())))


def test_the_text_of_a_program_of_another_table_names_it():
    mine = {"mine": replace(RULES["exp"], name="mine")}
    e = Expression((1.0,), (Operation("mine", (0,)),), mine)
    there = {"rules": mine, "engine": python}
    exec(str(e), there)
    assert there["y"].data == math.e


def test_hypothesis_prints_a_failure_as_python():
    code = """
from hypothesis import given, settings
from scalargrad.testing.strategies import expressions
@given(expressions(inputs=1, operations=["exp"], max_rows=2))
@settings(database=None, deadline=None)
def test(e):
    assert e(*e.inputs) < 0
test()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    shown = 'from scalargrad import Value, exp\n\ndef f(x0):\n    t1 = exp(x0)\n    return t1\n\nx0 = Value(0.0, label="x0")\ny = f(x0)'
    assert shown in done.stderr


@given(expressions(operations=["polygamma", "gelu", "add", "abs", "sigmoid"], max_rows=5))
@QUICK
def test_every_row_has_an_operand_that_is_no_constant(e):
    assert isinstance(e(*e.values()), Value)


@given(expressions())
@settings(max_examples=20, deadline=None)
def test_a_program_draws_itself(e):
    picture = e.draw()
    assert picture.source.startswith("digraph")
    assert "x" in str(picture)


def test_a_table_of_ones_own_rules():
    table = {
        "twice": Rule("twice", "twice", lambda m, x: 2 * x, lambda m, x, out: (2.0,)),
        "root": Rule("root", "root", lambda m, x: m.sqrt(x), lambda m, x, out: (0.5 / out,), domain=lambda m, x: x > 0),
    }

    @given(expressions(rules=table))
    @QUICK
    def check(e):
        assert set(names(e)) <= set(table)
        check_gradients(e, *e.inputs)

    check()


def test_unknown_operations_are_refused():
    with pytest.raises(ValueError, match="there is no rule 'sine'"):
        expressions(operations=["sine"])


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(values("positive", label="x"), values((2.0, 3.0)))
@QUICK
def test_values_in_a_domain(v, w):
    assert v.data > 0
    assert v.label == "x"
    assert 2 <= w.data <= 3
    assert (v * w).operands == (v, w)


@given(points(3, domain="unit"), points(2, domain=["negative", (0.0, 5.0)]), points(2, domain=(1, 2)))
@QUICK
def test_points_in_domains(a, b, c):
    assert len(a) == 3
    assert all(-1 <= x <= 1 for x in a)
    assert b[0] < 0 <= b[1] <= 5
    assert all(1 <= x <= 2 for x in c)


@pytest.mark.parametrize("domain", ["complex", ["unit"]])
def test_a_domain_that_is_none_is_refused(domain):
    with pytest.raises(ValueError, match="domain"):
        points(2, domain=domain)


ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
(ENTRY_POINT,) = PROJECT["entry-points"]["hypothesis"].values()


def with_the_entry_point(folder, code):
    """Run code where the entry point that the project declares is installed."""
    info = folder / "anything-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: anything\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[hypothesis]\nscalargrad = {ENTRY_POINT}\n")
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        encoding="utf-8",
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr


def test_hypothesis_makes_values_from_the_type_and_imports_the_strategies_only_then(tmp_path):
    with_the_entry_point(
        tmp_path,
        """
import sys
from hypothesis import given, infer, settings, strategies as st
assert "scalargrad.testing.strategies" not in sys.modules
from scalargrad import Value

@settings(deadline=None)
@given(v=infer)
def test(v: Value):
    assert type(v + 1) is Value

test()
assert type(st.from_type(Value).example()) is Value
""",
    )


@pytest.mark.parametrize("broken", ["sys.modules['scalargrad'] = None", "os.environ['SCALARGRAD_ENGINE'] = 'none'"])
def test_a_scalargrad_that_cannot_be_imported_does_not_break_import_hypothesis(broken, tmp_path):
    with_the_entry_point(tmp_path, f"import os, sys\n{broken}\nimport hypothesis\nassert hypothesis.given")
