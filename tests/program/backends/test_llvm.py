"""The LLVM backend: one point has the bits of the row-by-row evaluation, functions of lanes are two last places off."""

import itertools
import math
import random
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalargrad.errors import ProgramError
from scalargrad.program import record
from scalargrad.program.backends import llvm
from scalargrad.program.code import Code, Guard, Row
from scalargrad.program.machine import text
from scalargrad.program.machine.compiler import assembly_of
from scalargrad.program.machine.formulas import FORMULAS
from scalargrad.program.machine.functions import vectors
from scalargrad.program.machine.host import host
from scalargrad.rules import RULES, STEERING, Rule
from tests.program.codes import (
    ALL,
    EDGES,
    NONE,
    assert_bits,
    bits,
    code_of,
    distance,
    expected,
    points_of,
    random_code,
    run,
)

pytestmark = pytest.mark.engine_free

inf, nan = math.inf, math.nan

#: How far lanes may be from the bits of one point: functions of vectors are off by up to two units in the last place,
#: and so may be C's. Others are not off.
APART = dict.fromkeys((*vectors(host().width), *FORMULAS, "pow_const", "const_pow"), 4)
APART |= {"hypot": 2, "sigmoid": 5, "softplus": 5, "gelu": 5}

# ── every rule ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ALL)
def test_one_point_has_the_bits_of_the_evaluation(name):
    code = code_of(ALL[name])
    runner = llvm.prepare(code)
    for point in points_of(code.inputs):
        outputs, failed, _ = expected(code, point)
        found = runner(np.array([point]), NONE)
        assert bool(found.failed[0]) == failed, (point, outputs)
        assert not found.strayed[0]
        assert bits(found.outputs[0]) == bits(outputs), point


@pytest.mark.parametrize("name", ALL)
def test_lanes_are_near_to_the_bits_of_the_evaluation(name):
    code = code_of(ALL[name])
    points = points_of(code.inputs, seed=1)
    lanes = run(code, points)
    for point, found, failed, strayed in zip(points, *lanes, strict=True):
        outputs, fails, _ = expected(code, point)
        assert (failed, strayed) == (fails, False), (point, outputs)
        if name == "logsumexp" and math.isfinite(outputs[0]):  # as the largest term of it
            assert abs(found[0] - outputs[0]) <= 4 * math.ulp(max(map(abs, [*point, outputs[0]])))
        else:
            assert distance(found[0], outputs[0]) <= APART.get(name, 0), point


@pytest.mark.parametrize("name", ALL)
def test_a_quiet_row_never_fails(name):
    rule = ALL[name]
    count = rule.arity or 4
    code = Code(count, 0, (), (Row(rule, tuple(range(count)), quiet=True),), (count,))
    points = points_of(count)
    assert not run(code, points).failed.any()
    assert not any(run(code, point).failed[0] for point in points[:50])


@pytest.mark.parametrize("name", ["sum", "prod", "dot"])
def test_of_no_operands(name):
    code = Code(1, 0, (), (Row(RULES[name], ()), Row(RULES["div"], (0, 1))), (1, 2))
    value = float(name == "prod")
    assert run(code, [3.0]).outputs.tolist() == [[value, 3.0 / value if value else inf]]


def test_a_gate_is_refused_by_name():
    gate = Rule("cube", "cube", lambda m, x: x * x * x, lambda m, x, out: (3 * x * x,))
    with pytest.raises(ProgramError, match="the gate cube cannot be compiled"):
        llvm.prepare(code_of(gate, 1))


# ── codes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, 10**9), st.integers(0, 60), st.integers(0, 2))
def test_random_codes(seed, rows, guards):
    rng = random.Random(seed)
    code = random_code(rng, rows, guards=guards)
    assert_bits(
        code, [[rng.choice([*EDGES, rng.gauss(0, 1)]) for _ in range(3)] for _ in range(5)], [rng.gauss(0, 1), 0.0]
    )


@given(st.integers(0, 10**9), st.integers(1, 12))
def test_random_codes_in_many_short_parts(seed, length):
    rng = random.Random(seed)
    rows, inputs, guards, outputs = rng.randrange(60), rng.randrange(1, 20), rng.randrange(3), rng.randrange(1, 70)
    code = random_code(rng, rows, inputs=inputs, guards=guards, outputs=outputs)
    points = [[rng.choice([*EDGES, rng.gauss(0, 1)]) for _ in range(inputs)] for _ in range(5)]
    with mock.patch.object(text, "_LENGTH", length):
        assert_bits(code, points, [rng.gauss(0, 1), 0.0])


def loop(rng, turns):
    """The code of a loop at random: each turn takes the next inputs, and what the one before computed, and has outputs."""
    taken, given, work, carried = rng.randrange(4), rng.randrange(3), rng.randrange(1, 8), rng.randrange(1, 4)
    inputs, constants = carried + taken * turns, (1.5, -0.25)
    start = inputs + 1 + len(constants)
    rules = [ALL[rng.choice(["add", "sub", "mul", "relu", "where", "sqrt", "lt", "maximum"])] for _ in range(work)]
    kinds = [[(rng.choice("ctwf"), rng.random()) for _ in range(rule.arity)] for rule in rules]
    told = [rng.randrange(work) for _ in range(given)]
    before, rows, outputs = [*range(carried)], [], []
    for turn in range(turns):
        own = []
        for rule, wanted in zip(rules, kinds, strict=True):
            choices = {
                "c": before,
                "t": range(carried + taken * turn, carried + taken * (turn + 1)) or before,
                "w": own or before,
                "f": range(inputs, start),
            }
            operands = tuple(choices[kind][int(x * len(choices[kind]))] for kind, x in wanted)
            own.append(start + len(rows))
            rows.append(Row(rule, operands, quiet=rule.name != "sqrt" or turn % 7 > 0))
        outputs += [own[k] for k in told]
        before = (own * carried)[-carried:]
    return Code(inputs, 1, constants, tuple(rows), (*outputs, *before))


@given(st.integers(0, 10**9), st.integers(8, 120))
def test_random_loops(seed, length):
    rng = random.Random(seed)
    code = loop(rng, rng.randrange(1, 60))
    points = [[rng.choice([*EDGES, rng.gauss(0, 1)]) for _ in range(code.inputs)] for _ in range(5)]
    with mock.patch.object(text, "_LENGTH", length):
        assert_bits(code, points, [rng.gauss(0, 1)])


def test_random_loops_have_parts_that_are_the_same_and_squares_that_an_earlier_part_began():
    texts = []
    for seed in range(100):
        rng = random.Random(seed)
        with mock.patch.object(text, "_LENGTH", 64):
            texts.append(assembly_of(loop(rng, 50), 2).text)
    assert sum(t.count("call void @part") > t.count("internal void @part") for t in texts) > 10
    assert sum("%outputs_-" in t for t in texts) > 10


@pytest.mark.parametrize("width", [1, host().width])
def test_what_a_loop_does_again_and_again_is_compiled_once(width):
    def f(xs):
        total = 0.0
        for x, y in itertools.pairwise(xs):
            total = total + (100.0 * (y - x * x) * (y - x * x) + (1.0 - x) * (1.0 - x))
        return total

    def functions(n):
        code = record(f, [0.5] * n).value_and_grad.lowered
        return assembly_of(code, width).text.count("define internal void @part")

    assert functions(4_000) == functions(2_000) < 8


@pytest.mark.parametrize("x", [0.0, -0.0, nan, inf, -inf, 5e-324, -5e-324, 0.1, -1e308])
def test_constants_are_exact(x):
    assert_bits(Code(1, 0, (x,), (Row(RULES["add"], (1, 1)),), (1, 2)), [[1.0], [-1.0]])


def test_the_sign_of_zero():
    code = Code(
        2,
        0,
        (1.0, -1.0),
        (
            *(Row(RULES[n], (0, 1)) for n in ("add", "sub", "mul")),
            Row(RULES["mul"], (0, 2)),
            Row(RULES["mul"], (0, 3)),
            Row(RULES["sum"], (0,)),
        ),
        (4, 5, 6, 7, 8, 9),
    )
    assert_bits(code, list(itertools.product([0.0, -0.0, 1.0], repeat=2)))


def test_outputs_may_be_inputs_constants_shared_and_repeated():
    code = Code(2, 1, (7.0,), (Row(RULES["add"], (0, 1)),), (4, 0, 3, 4, 2, 1, 0))
    for count in (1, 3, 8):
        found = run(code, [[1.0, 2.0]] * count, [5.0])
        assert found.outputs.tolist() == [[3.0, 1.0, 7.0, 3.0, 5.0, 2.0, 1.0]] * count


@pytest.mark.parametrize("outputs", [(300,) * 300, tuple(range(300))], ids=["zeros", "inputs"])
def test_many_outputs_that_nothing_is_computed_for_need_no_function_of_c(outputs):
    code = Code(300, 0, (0.0,), (), outputs)
    point = [float(i) for i in range(300)]
    assert run(code, [point]).outputs.tolist() == [[0.0 if x == 300 else point[x] for x in outputs]]


def test_no_rows_no_inputs_no_outputs_no_points():
    assert run(Code(1, 0, (), (), (0,)), [[4.0]]).outputs.tolist() == [[4.0]]
    empty = Code(0, 0, (2.0,), (Row(RULES["exp"], (0,)),), (1,))
    runner = llvm.prepare(empty)
    for count in (0, 1, 5, 16):
        found = runner(np.empty((count, 0)), NONE)
        assert found.outputs.shape == (count, 1)
        assert found.failed.shape == found.strayed.shape == (count,)
        assert np.allclose(found.outputs, math.exp(2.0))
    assert run(Code(1, 0, (), (), ()), [[1.0], [2.0]]).outputs.shape == (2, 0)


def test_points_need_not_be_in_order_or_doubles():
    code = Code(2, 1, (), (Row(RULES["sub"], (0, 1)), Row(RULES["mul"], (3, 2))), (4,))
    runner = llvm.prepare(code)
    points, shared = np.arange(80.0).reshape(2, 40) ** 2, np.arange(4.0)[::2]
    assert np.array_equal(runner(points.T, shared[1:]).outputs[:, 0], (points[0] - points[1]) * 2)
    assert runner(points.T[3:4], shared[1:]).outputs.tolist() == [[(9.0 - 43.0**2) * 2]]
    assert runner(np.array([[5, 3]]), np.array([2])).outputs.tolist() == [[4.0]]
    assert runner(np.array([[5, 3], [1, 2]]), np.array([2])).outputs.tolist() == [[4.0], [-2.0]]


@pytest.mark.parametrize(("points", "shared"), [((1, 3), 1), ((4, 1), 1), ((1, 2), 0), ((2,), 1)])
def test_points_that_do_not_fit_are_refused(points, shared):
    code = Code(2, 1, (), (Row(RULES["sub"], (0, 1)),), (3,))
    with pytest.raises(ProgramError, match=r"points of shape \(points, 2\) and 1 shared"):
        llvm.prepare(code)(np.zeros(points), np.zeros(shared))


def test_a_long_code_is_cut_into_parts():
    rng = random.Random(4)
    rows, at = [], 4
    for _ in range(50_000):
        near = rng.randrange(max(0, at - 20), at)
        other = rng.randrange(at) if rng.random() < 0.05 else rng.randrange(max(0, at - 20), at)  # some come from afar
        rows.append(Row(ALL[rng.choice(["add", "sub", "mul", "lt"])], (near, other)))
        at += 1
    code = Code(3, 1, (), tuple(rows), (at - 1, 5, at // 2, *range(at - 20, at)))
    assert_bits(code, [[0.3, -1.2, 2.0], [1.0, 0.1, -0.7]], [0.5])


# ── where it fails and strays ───────────────────────────────────────────────────────────────────────────────────────


def test_a_guard_strays_where_it_comes_out_differently():
    code = Code(1, 0, (0.0,), (Row(STEERING["lt"], (1, 0)),), (0,), (Guard(2, 1.0),))
    points = [[1.0], [-1.0], [0.0], [nan], [2.0]]
    assert run(code, points).strayed.tolist() == [False, True, True, True, False]
    assert [bool(run(code, [p]).strayed[0]) for p in points] == [False, True, True, True, False]


def test_whichever_of_fault_and_guard_comes_first_counts():
    rows = (
        Row(RULES["log"], (0,)),
        Row(STEERING["lt"], (2, 0)),
        Row(RULES["div"], (2, 0)),
        Row(STEERING["lt"], (2, 1)),
    )
    code = Code(2, 0, (0.0,), rows, (3,), (Guard(4, 1.0), Guard(6, 0.0)))
    assert_bits(code, list(itertools.product([-1.0, 0.0, 1.0, nan, inf], repeat=2)))


def test_a_guard_on_an_input_and_on_a_constant():
    code = Code(1, 0, (1.0,), (Row(RULES["exp"], (0,)),), (2,), (Guard(0, 3.0),))
    assert_bits(code, [[3.0], [1000.0], [nan]])
    always = Code(1, 0, (1.0,), (), (0,), (Guard(1, 2.0),))
    assert run(always, [[0.0], [1.0]]).strayed.all()
    assert run(always, [[0.0]]).strayed.all()


def test_a_truth_that_lives_long():
    rows = [Row(RULES["log"], (0,))] + [Row(RULES["mul"], (k, 0)) for k in range(1, 3000)]
    code = Code(1, 0, (), tuple(rows), (3000,))
    assert run(code, [[-1.0], [1.0], [0.0]]).failed.tolist() == [True, False, True]
    assert run(code, [[-1.0]]).failed[0]
