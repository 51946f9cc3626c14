"""The LLVM backend: one point has the bits of the row-by-row evaluation, functions of lanes are two last places off."""

import gc
import itertools
import math
import os
import random
import struct
import subprocess
import sys
import threading
import weakref
from types import SimpleNamespace
from unittest import mock

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalargrad.errors import ProgramError
from scalargrad.namespaces import IEEE, IeeeFloat
from scalargrad.program.backends import llvm
from scalargrad.program.code import Code, Guard, Row, evaluate
from scalargrad.program.machine import functions, loaded, text
from scalargrad.program.machine.formulas import FORMULAS
from scalargrad.program.machine.functions import vectors
from scalargrad.program.machine.host import host
from scalargrad.program.machine.symbols import Instructions, mathematics
from scalargrad.rules import RULES, STEERING, Rule
from tests.reference import reference

pytestmark = pytest.mark.engine_free

inf, nan = math.inf, math.nan
ALL = {**RULES, **STEERING}
NONE = np.zeros(0)

#: Where functions change their mind.
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 2.5, -1.5, 3.0, inf, -inf, nan, 5e-324, -5e-324, 1e-310, -2.2e-308]
EDGES += [1.7976931348623157e308, -1e300, 1e22, 800.0, -800.0, 0.9999999999999999, -0.9999999999999999, 1 + 2**-52]

#: How far lanes may be from the bits of one point: functions of vectors are off by up to two units in the last place,
#: and so may be C's. Others are not off.
APART = dict.fromkeys((*vectors(host().width), *FORMULAS, "pow_const", "const_pow"), 4)
APART |= {"hypot": 2, "sigmoid": 5, "softplus": 5, "gelu": 5}


# ── what is expected ────────────────────────────────────────────────────────────────────────────────────────────────

EXPECTED = SimpleNamespace(**vars(IEEE))
EXPECTED.where = lambda condition, x, y: IeeeFloat(x if condition else y)  # so that no plain float raises


def expected(code, point, shared=()):
    """The outputs, and whether it failed and strayed, row by row."""
    constants = tuple(map(IeeeFloat, code.constants))
    code = Code(code.inputs, code.shared, constants, code.rows, code.outputs, code.guards)
    outputs, failed, strayed = evaluate(code, EXPECTED, [*map(IeeeFloat, point)], [*map(IeeeFloat, shared)])
    return [float(x) for x in outputs], bool(failed), bool(strayed)


def bits(numbers):
    return ["nan" if math.isnan(x) else struct.pack("<d", x) for x in numbers]


def distance(x, y):
    """How many doubles apart."""
    if math.isnan(x) or math.isnan(y):
        return 0 if math.isnan(x) and math.isnan(y) else inf

    def place(number):
        (found,) = struct.unpack("<q", struct.pack("<d", number))
        return found if found >= 0 else -(2**63) - found

    return abs(place(x) - place(y))


def run(code, points, shared=NONE):
    return llvm.prepare(code)(np.array(points, dtype=float).reshape(-1, code.inputs), np.asarray(shared, dtype=float))


def assert_bits(code, points, shared=NONE):
    """Each point on its own and all of them as lanes have the bits of the evaluation."""
    runner = llvm.prepare(code)
    points, shared = np.array(points, dtype=float).reshape(-1, code.inputs), np.asarray(shared, dtype=float)
    lanes = runner(np.concatenate([points, points]), shared)
    for k, point in enumerate(points):
        outputs, failed, strayed = expected(code, point, shared)
        one = runner(points[k : k + 1], shared)
        for found in ([array[0] for array in one], [array[k] for array in lanes]):
            assert (bool(found[1]), bool(found[2])) == (failed, strayed), (point, outputs)
            if not failed and not strayed:
                assert bits(found[0]) == bits(outputs), point


def points_of(count, seed=0):
    """Edges in every combination (of three operands some), and random ones."""
    rng = random.Random(seed)
    edges = list(itertools.product(EDGES, repeat=count))
    if count > 2:
        edges = rng.sample(edges, 400) if count < 4 else []

    def number():
        kind = rng.randrange(5)
        if kind == 0:
            return struct.unpack("<d", rng.randbytes(8))[0]
        return rng.choice(EDGES) if kind == 1 else rng.uniform(-1, 1) * 10 ** rng.uniform(-3, 3)

    return [*edges, *([number() for _ in range(count)] for _ in range(300))]


def code_of(rule, count=None):
    count = count or rule.arity or 4
    return Code(count, 0, (), (Row(rule, tuple(range(count))),), (count,))


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


def test_a_rule_cannot_ask_for_truth():
    into = Instructions()
    for symbol in (into.input(0), into.input(0) < 1.0):
        with pytest.raises(TypeError, match=r"m\.where"):
            bool(symbol)


# ── functions of vectors ────────────────────────────────────────────────────────────────────────────────────────────

WIDTHS = [width for width in (2, 4, 8) if width <= host().width]


@pytest.fixture(params=WIDTHS)
def width(request, monkeypatch):
    monkeypatch.setattr(host(), "width", request.param)
    return request.param


@pytest.mark.parametrize("name", [name for name in RULES if name in {*vectors(max(WIDTHS)), *FORMULAS}])
def test_a_function_of_vectors_is_within_two_units_of_the_true_value(name, width):
    code = code_of(RULES[name])
    rng = random.Random(2)
    points = [p for p in points_of(code.inputs, seed=2) if all(map(math.isfinite, p))]
    for scale in (1e-3, 1.0, 10.0, 1e3, 1e300):
        points += [[rng.uniform(-1, 1) * scale + (rng.random() < 0.3) for _ in range(code.inputs)] for _ in range(150)]
    lanes = run(code, points)
    with mpmath.workprec(200):
        for point, (found,) in zip(points, lanes.outputs, strict=True):
            value = expected(code, point)[0][0]
            if math.isfinite(value) and value != 0:
                true = reference(RULES[name])(*map(mpmath.mpf, point))
                assert abs(mpmath.mpf(float(found)) - true) <= 2 * math.ulp(value), point
            else:
                assert bits([found]) == bits([value]), point


def test_every_width_gives_the_same(width):
    code = random_code(random.Random(3), rows=300)
    rng = np.random.default_rng(3)
    assert_bits(code, rng.normal(size=(11, code.inputs)), rng.normal(size=code.shared))


@pytest.mark.parametrize("exponent", [2.0, 1.0, 0.0, -1.0, 3.0, 0.5, -0.5])
def test_a_constant_exponent(exponent):
    code = Code(1, 0, (exponent,), (Row(RULES["pow_const"], (0, 1)),), (2,))
    points, runner = np.array(points_of(1)), llvm.prepare(code)
    for k, found in enumerate(runner(points, NONE).outputs):
        (value,), failed, _ = expected(code, points[k])
        one = runner(points[k : k + 1], NONE)
        assert distance(found[0], value) <= 4
        assert bits(one.outputs[0]) == bits([value])
        assert one.failed[0] == failed


def test_a_processor_without_fused_multiplication(width, monkeypatch):
    monkeypatch.setattr(host(), "fused", False)
    for name in ("fma", "exp", "sin"):
        code = code_of(RULES[name])
        assert_bits(code, points_of(code.inputs, seed=4)[:60])


# ── codes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Rules whose lanes have the bits of one point, for no function of vectors is in them.
EXACT = ["add", "sub", "mul", "div", "mod", "neg", "pos", "abs", "fma", "sqrt", "relu", "leaky_relu", "maximum"]
EXACT += ["minimum", "where", "sum", "prod", "dot", "atan", "lgamma", *STEERING]


def random_code(rng, rows, inputs=3, shared=2, guards=0, outputs=5):
    constants = tuple(rng.choice([*EDGES, 1.5]) for _ in range(3))
    start = inputs + shared + len(constants)
    made = []
    for at in range(start, start + rows):
        rule = ALL[rng.choice(EXACT)]
        count = rule.arity or 2 * rng.randrange(1, 4)
        made.append(Row(rule, tuple(rng.randrange(at) for _ in range(count)), quiet=rng.random() < 0.9))
    results = tuple(rng.randrange(start + rows) for _ in range(outputs))
    numbers = sorted(rng.randrange(start + rows) for _ in range(guards))
    return Code(
        inputs, shared, constants, tuple(made), results, tuple(Guard(n, float(rng.randrange(2))) for n in numbers)
    )


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


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 15, 16, 17, 1000])
@pytest.mark.parametrize("inputs", [1, 3, 8, 19])
def test_any_number_of_points_of_any_number_of_inputs(count, inputs):
    rows = tuple(Row(RULES["mul"], (i, (i + 1) % inputs)) for i in range(inputs))
    code = Code(inputs, 0, (), rows, tuple(range(inputs, 2 * inputs)))
    points = np.random.default_rng(count).normal(size=(count, inputs))
    assert np.array_equal(run(code, points).outputs, points * np.roll(points, -1, axis=1))


@pytest.mark.parametrize("count", [8, 9, 1000])
@pytest.mark.parametrize("outputs", [7, 56, 57, 64, 107])
def test_outputs_that_go_past_the_cache_are_the_same(count, outputs, width, monkeypatch):
    rows = tuple(Row(RULES["mul"], (i, (i + 1) % outputs)) for i in range(outputs))
    code = Code(outputs, 0, (), rows, tuple(range(outputs, 2 * outputs)))
    points = np.random.default_rng(count).normal(size=(count, outputs))
    monkeypatch.setattr(llvm, "_NEAR", 0)
    assert np.array_equal(run(code, points).outputs, points * np.roll(points, -1, axis=1))


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


# ── caches, threads, memory ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def compilations(monkeypatch):
    """How often something is compiled: the widths, in order."""
    made, real = [], loaded.object_file
    monkeypatch.setattr(loaded, "object_file", lambda code, width: made.append(width) or real(code, width))
    return made


def some_code(constant=1.0, line=None):
    return Code(1, 0, (constant,), (Row(RULES["add"], (0, 1), line=line), Row(RULES["exp2"], (2,))), (3,))


def test_it_compiles_when_it_runs_and_once(compilations):
    runner = llvm.prepare(some_code(10.25))
    assert compilations == []
    for _ in range(2):
        assert runner(np.ones((1, 1)), NONE).outputs[0, 0] == 2.0**11.25
    assert compilations == [1]
    for _ in range(2):
        runner(np.ones((3, 1)), NONE)
    assert compilations == [1, host().width]


def test_codes_of_equal_content_share_what_is_compiled(compilations):
    runners = [llvm.prepare(some_code(constant, line)) for constant, line in ((0.0, "a:1"), (0.0, "b:2"), (-0.0, None))]
    for runner in runners:
        runner(np.ones((1, 1)), NONE)
    assert compilations == [1, 1]


def test_what_nobody_needs_is_forgotten(compilations):
    for _ in range(2):
        llvm.prepare(some_code(20.5))(np.ones((1, 1)), NONE)
    assert compilations == [1, 1]


def test_a_directory_keeps_what_was_compiled(compilations, tmp_path, monkeypatch):
    monkeypatch.setenv("SCALARGRAD_CACHE", str(tmp_path / "made" / "here"))
    for _ in range(3):
        assert run(some_code(3.5), [[0.5]]).outputs.tolist() == [[16.0]]
        assert run(some_code(3.5), [[0.5], [1.5]]).outputs.tolist() == [[16.0], [32.0]]
    assert compilations == [1, host().width]
    files = list((tmp_path / "made" / "here").iterdir())
    assert len(files) == 2
    if sys.platform != "win32":
        assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[:50],
        lambda text: text[:-1],
        lambda text: text[:200] + bytes([text[200] ^ 1]) + text[201:],
        lambda text: text[:30] + bytes([text[30] ^ 1]) + text[31:],
        lambda text: b"something else" * 1000,
    ],
)
def test_a_damaged_file_is_as_good_as_none(damage, compilations, tmp_path, monkeypatch):
    monkeypatch.setenv("SCALARGRAD_CACHE", str(tmp_path))
    run(some_code(4.5), [[0.5]])
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert run(some_code(4.5), [[0.5]]).outputs.tolist() == [[32.0]]
    assert compilations == [1, 1]
    assert file.read_bytes() == whole  # written anew


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_file_that_others_can_write_is_not_run(compilations, tmp_path, monkeypatch):
    monkeypatch.setenv("SCALARGRAD_CACHE", str(tmp_path))
    run(some_code(5.5), [[0.5]])
    (file,) = tmp_path.iterdir()
    file.chmod(0o666)
    run(some_code(5.5), [[0.5]])
    assert compilations == [1, 1]


def test_a_directory_that_cannot_be_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCALARGRAD_CACHE", str(tmp_path / "file"))
    assert run(some_code(6.5), [[0.5]]).outputs.tolist() == [[128.0]]


def test_threads_change_nothing(monkeypatch):
    code = random_code(random.Random(5), rows=100)
    points = np.random.default_rng(5).normal(size=(1003, code.inputs))
    shared = np.array([0.5, -2.0])
    runner = llvm.prepare(code)
    monkeypatch.setattr(llvm, "_WORTH_A_THREAD", 0)
    found = []
    for count in (1, 2, 3, 200):
        monkeypatch.setenv("SCALARGRAD_THREADS", str(count))
        found.append([array.tobytes() for array in runner(points, shared)])
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_a_wrong_number_of_threads_is_named(text, monkeypatch):
    monkeypatch.setenv("SCALARGRAD_THREADS", text)
    monkeypatch.setattr(llvm, "_WORTH_A_THREAD", 0)
    with pytest.raises(ProgramError, match="SCALARGRAD_THREADS"):
        run(some_code(), [[1.0]] * 64)


def test_threads_compile_and_run_the_same_code():
    code = random_code(random.Random(6), rows=500)
    points, shared = np.random.default_rng(6).normal(size=(40, code.inputs)), np.zeros(2)
    want = [array.tobytes() for array in llvm.prepare(code)(points, shared)]
    runner, found = llvm.prepare(code), []

    def work():
        for _ in range(20):
            one = [runner(points[k : k + 1], shared).outputs for k in range(4)]
            found.append(([array.tobytes() for array in runner(points, shared)], np.concatenate(one).tobytes()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert all(lanes == want and one == found[0][1] for lanes, one in found)


def test_an_interrupt_within_python_gets_out(monkeypatch):
    def interrupted(*xs):
        raise KeyboardInterrupt

    monkeypatch.setattr(functions.FLOATS, "lgamma", interrupted)
    function = functions._python("lgamma", 1)
    assert function(1.0) == 0.0
    with pytest.raises(KeyboardInterrupt):
        functions.caught()
    functions.caught()  # once


FORK = """
import os
import numpy as np
from scalargrad.program.backends import llvm
from scalargrad.program.code import Code, Row
from scalargrad.rules import RULES

llvm._WORTH_A_THREAD = 0
runner, points = llvm.prepare(Code(1, 0, (7.5,), (Row(RULES["add"], (0, 1)),), (2,))), np.ones((64, 1))
runner(points, np.empty(0))
child = os.fork()
if child == 0:
    os._exit(0 if (runner(points, np.empty(0)).outputs == 8.5).all() else 2)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_process_that_was_forked_has_threads_of_its_own():
    environment = os.environ | {"SCALARGRAD_THREADS": "2"}  # alone, for JAX warns of forks
    assert subprocess.run([sys.executable, "-c", FORK], env=environment, timeout=60).returncode == 0


def test_memory_is_given_back():
    """Of some codes that are forgotten, however many there were."""

    engines = []
    for k in range(200):
        runner = llvm.prepare(some_code(1000.0 + k))
        runner(np.ones((1, 1)), NONE)
        engines.append(weakref.ref(runner.compiled[1].engine))
    del runner
    gc.collect()
    assert not any(engine() for engine in engines)
    assert not any(key for key, made in loaded._alive.items() if made.code.constants[0] >= 1000.0)


def test_without_llvmlite_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    host.cache_clear()
    try:
        with pytest.raises(ProgramError, match=r'pip install "scalargrad-tape\[jit\]"'):
            llvm.prepare(some_code())
    finally:
        host.cache_clear()


# ── what the symbols write ──────────────────────────────────────────────────────────────────────────────────────────


def test_equal_instructions_are_written_once():
    into = Instructions()
    m, x = mathematics(into), into.input(0)
    assert (m.exp(x) + 1.0).at == (m.exp(x) + 1.0).at
    assert (x - x).at != (x + x).at


FAR_APART = """
import mmap, random
import numpy as np
from scalargrad.program.backends import llvm
from scalargrad.program.code import Code, Row
from scalargrad.rules import RULES

rng, held = random.Random(1), []
for size in [3, 3_000, 50, 10_000] * 4:
    for _ in range(rng.randrange(1, 6)):  # take the places in memory that are near
        held.append(mmap.mmap(-1, rng.choice([1 << 12, 1 << 20, 1 << 28, 1 << 30])))
    del held[: rng.randrange(4)]
    rows = [Row(RULES["mul"], (at - 1, rng.randrange(at))) for at in range(2, size)]
    code = Code(1, 0, (float(size),), tuple(rows), (size - 1,))
    llvm.prepare(code)(np.ones((9, 1)), np.empty(0))
    held.append(mmap.mmap(-1, 1 << 30))
"""


def test_code_finds_its_constants_however_memory_is_cut_up():
    assert subprocess.run([sys.executable, "-c", FAR_APART], timeout=120).returncode == 0


def test_an_input_is_an_output_beside_others_that_are_done_long_before_it():
    rows = [Row(RULES["neg"], (0,)), *[Row(RULES["sin"], (at,)) for at in range(1, 2_500)]]
    code = Code(1, 0, (), tuple(rows), (*[1] * 15, 0, 2_500))  # the inputs are stored in the end
    points = np.linspace(1.0, 2.0, 16)[:, None]
    outputs = llvm.prepare(code)(points, NONE).outputs
    assert outputs[:, :16].tolist() == [[-x] * 15 + [x] for x in points[:, 0].tolist()]
