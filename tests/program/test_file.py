"""Programs as files and pickles: what comes back does the same, and what cannot is refused before it is written."""

import copy
import dataclasses
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scalargrad
from scalargrad import ProgramError, Value, compile, draw, gate, load, record, scope, sin
from scalargrad.program import backends
from scalargrad.testing.strategies import expressions

VERSION_1 = Path(__file__).with_name("version_1.json")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "p.json"


def again(program, path):
    return load(program.save(path))


def bits(nest):
    """A nest of floats and arrays as text that tells -0.0 from 0.0."""
    if isinstance(nest, dict):
        return {key: bits(part) for key, part in nest.items()}
    if isinstance(nest, (list, tuple)):
        return type(nest)(map(bits, nest))
    return (nest.shape, bits(nest.tolist())) if isinstance(nest, np.ndarray) else getattr(nest, "hex", nest.__repr__)()


def steered(x, y, *, extra):
    """Something of everything: a branch, a rounding, a parameter, n-ary rows, a scope and a label."""
    with scope("inner"):
        z = sin(x[0]) * WEIGHT if x[0] > x[1] else x[1]
        z.label = "z"
    total = scalargrad.sum([z, x[1], y, 0.5])
    return {
        "total": total / extra["b"] + total % 2.0,
        "whole": [y // 1, None, True, "text"],
        3: (z, np.array([[z, 1.0]])),
    }


WEIGHT = Value(-1.5, label="weight")
POINT, NAMED = ([2.0, 1.0], 3.5), {"extra": {"a": 0.0, "b": 4.0}}


@pytest.fixture
def program():
    return record(steered, *POINT, **NAMED)


# ── there and back ──────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(e=expressions(), numbers=st.lists(st.floats(-4.0, 4.0), min_size=6, max_size=6))
def test_a_loaded_program_gives_the_same_bits_and_is_saved_as_the_same_bytes(e, numbers, path):
    p = record(e, *e.inputs, backend="numpy")
    written = p.save(path).read_bytes()
    q = load(path)
    q.backend = p.backend
    points = np.array([e.inputs, *np.reshape(numbers, (2, 3))[:, : len(e.inputs)]])
    for one, other in [(p, q), (p.value_and_grad, q.value_and_grad)]:
        expected, found = one.run(points), other.run(points)
        assert found.failed.tolist() == expected.failed.tolist()
        assert found.strayed.tolist() == expected.strayed.tolist()
        here = ~(found.failed | found.strayed)
        assert bits(found.outputs[here]) == bits(expected.outputs[here])
    assert q.save(path).read_bytes() == written


def test_it_takes_and_gives_the_same_nests(program, path):
    q = again(program, path)
    assert bits(q(*POINT, **NAMED)) == bits(program(*POINT, **NAMED))
    assert bits(q.batch(np.ones((2, 5)) * [2, 1, 3.5, 0, 4])) == bits(
        program.batch(np.ones((2, 5)) * [2, 1, 3.5, 0, 4])
    )


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 0, 3), (1,) * 32])
def test_arrays_of_any_shape_come_back(shape, path):
    p = record(lambda x: x * 2.0, np.ones(shape))
    assert bits(again(p, path)(np.ones(shape))) == bits(p(np.ones(shape)))


def test_it_looks_the_same(program, path):
    q = again(program, path)
    assert str(q) == str(program)
    assert repr(q) == repr(program)
    assert draw(q).source == draw(program).source
    assert [(row.rule, row.data, row.label, row.scope) for row in q] == [
        (row.rule, row.data, row.label, row.scope) for row in program
    ]


def test_source_lines_come_along(path):
    with scalargrad.debug():
        p = record(lambda x: x * x, 2.0)
    assert again(p, path).code.rows[0].line == p.code.rows[0].line is not None


def test_its_derivatives_are_those_of_its_rows(path):
    p = record(lambda x, y: x**3 * y, 2.0, 5.0)
    q = again(p, path)
    assert q.value_and_grad(2.0, 5.0) == (40.0, (60.0, 8.0))
    assert bits(q.hessian(2.0, 5.0)) == bits(p.hessian(2.0, 5.0))


def test_a_program_of_derivatives_is_saved_too(path):
    p = record(lambda x: scalargrad.sqrt(x) * x, 4.0).value_and_grad
    assert any(row.quiet for row in p.code.rows)
    assert again(p, path).code == p.code


def test_it_records_on_values(program, path):
    x = Value(2.0)
    y = again(program, path)([x, 1.0], 3.5, **NAMED)["total"]
    y.backward()
    assert x.grad == pytest.approx(-1.5 * math.cos(2.0) * 1.25)


@pytest.mark.parametrize("special", [math.inf, -math.inf, math.nan, -0.0, 5e-324, 0.1, 1.7976931348623157e308])
def test_every_float_comes_back(special, path):
    weight = Value(special)
    q = again(record(lambda x: (x, special, weight * special), special), path)
    assert bits(q.code.constants) == bits((special,))
    assert bits(q.arguments.example) == bits([special])
    assert bits(q.parameters[0].data) == bits(special)


@pytest.mark.parametrize("label", ["ä“\u2028\U0001f600", "\ud800", 'a"\\\n\0'])
def test_every_text_comes_back(label, path):
    def f(x):
        y = x * 2
        y.label = label
        return y

    q = again(record(f, 1.0), path)
    assert q.code.rows[0].label == label


def test_fixed_arguments_come_back_as_what_they_were(path):
    fixed = (None, True, -7, "text", 1.5, -0.0, math.inf, [1, ("a", {2: [], "b": ()})])
    f = compile(lambda x, how: x * len(how), static="how")
    assert f(2.0, fixed) == 16.0
    q = again(f.programs[0], path)
    assert repr(q.arguments.plain()) == repr(f.programs[0].arguments.plain())
    assert q(3.0, fixed) == 24.0
    with pytest.raises(TypeError, match="it was recorded with"):
        q(3.0, (*fixed[:-1], [True, ("a", {2: [], "b": ((),)})]))


def test_what_compile_recorded_is_as_exact_about_its_arguments_afterwards(path):
    f = compile(lambda x: x[0] * 2)
    f([1.0])
    assert [again(p, path).arguments.exactly for p in (*f.programs, record(lambda x: x[0], [1.0]))] == [True, False]


def test_parameters_become_inputs_of_their_own(program, path):
    q = again(program, path)
    (weight,) = q.parameters
    assert (weight.data, weight.label) == (-1.5, "weight")
    weight.data = 0.0
    assert q(*POINT, **NAMED)[3][0] == 0.0
    assert program(*POINT, **NAMED)[3][0] == sin(2.0) * -1.5


def test_the_backend_is_that_of_the_machine_that_loads(path):
    p = record(lambda x: x * x, 2.0, backend="numpy")
    assert again(p, path).backend == record(lambda x: x, 2.0).backend


@pytest.mark.parametrize("engine", ["python", "native"])
@pytest.mark.engine_free
def test_what_another_engine_wrote_is_loaded(engine, tmp_path):
    if engine == "native":
        pytest.importorskip("scalargrad.engine.native")
    write = (
        "import pickle, sys; from pathlib import Path; from scalargrad import Value, record\n"
        "w = Value(3.0, label='w'); p = record(lambda x: w * x * x if x > 0 else x, 2.0)\n"
        "p.save('p.json'); Path('p.pickle').write_bytes(pickle.dumps((w, p)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(scalargrad.__file__).parents[1]), "SCALARGRAD_ENGINE": engine}
    subprocess.run([sys.executable, "-c", write], cwd=tmp_path, env=environment, check=True, timeout=60)
    w, p = pickle.loads((tmp_path / "p.pickle").read_bytes())
    q = load(tmp_path / "p.json")
    assert p.value_and_grad(5.0) == q.value_and_grad(5.0) == (75.0, 30.0)
    assert p.parameters[0] is w
    assert p.save(tmp_path / "again.json").read_bytes() == (tmp_path / "p.json").read_bytes()


def test_a_file_of_version_1_loads_for_ever():
    p = load(VERSION_1)
    assert bits(p(*POINT, **NAMED)) == bits(
        {
            "total": float.fromhex("0x1.45c4c41edb380p+1"),
            "whole": [3.0, None, True, "text"],
            3: (float.fromhex("-0x1.5d2b9301d4734p+0"), np.array([[float.fromhex("-0x1.5d2b9301d4734p+0"), 1.0]])),
        }
    )


# ── pickles and copies ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_and_pickles_do_the_same(program, path, copied):
    q = copied(program)
    assert bits(q(*POINT, **NAMED)) == bits(program(*POINT, **NAMED))
    assert q.backend == program.backend
    assert q.save(path).read_bytes() == program.save(path).read_bytes()


def test_a_shallow_copy_has_the_same_parameters(program):
    assert copy.copy(program).parameters[0] is WEIGHT


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))])
def test_what_goes_along_with_its_model_keeps_its_parameters(program, copied):
    weight, q = copied((WEIGHT, program))
    assert q.parameters[0] is weight is not WEIGHT


def test_a_pickle_takes_another_backend_where_its_own_is_not_installed(monkeypatch):
    p = record(lambda x: x * x, 2.0, backend="numpy")
    p.backend = "llvm"
    pickled = pickle.dumps(p)
    named = backends.named

    def without_llvm(name):
        if name == "llvm":
            raise ProgramError("not installed")
        return named("numpy")

    monkeypatch.setattr(backends, "named", without_llvm)
    assert pickle.loads(pickled)(3.0) == 9.0


@compile
def by_name(x):
    return x * x


def plain(x):
    return x + 1 if x > 0 else x


def test_a_compiled_function_pickles_by_its_name(monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or type(sys)(__name__))
    monkeypatch.setattr(sys.modules[__name__], "by_name", by_name, raising=False)
    assert pickle.loads(pickle.dumps(by_name)) is by_name
    assert copy.copy(by_name) is by_name


def test_a_compiled_function_of_another_name_is_made_anew_without_its_programs(monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or type(sys)(__name__))
    monkeypatch.setattr(sys.modules[__name__], "plain", plain, raising=False)
    f = compile(plain, backend="numpy", max_paths=1)
    assert f(1.0) == 2.0
    g = pickle.loads(pickle.dumps(f))
    assert g.programs == []
    assert (g(1.0), g.__name__) == (2.0, "plain")
    with pytest.raises(ProgramError, match="max_paths=1"):
        g(-1.0)


# ── what is not saved ───────────────────────────────────────────────────────────────────────────────────────────────


class Pair(NamedTuple):
    a: float
    b: float


@dataclasses.dataclass
class Point:
    a: float


def nested(depth):
    nest = 1.0
    for _ in range(depth):
        nest = (nest,)
    return nest


@pytest.mark.parametrize(
    ("f", "example", "told"),
    [
        (lambda x: x.a, Point(1.0), r"Point\(a=1.0\) is a Point, and only numbers"),
        (lambda x: Pair(x, x), 1.0, r"Pair\(.* is a Pair, and only numbers"),
        (lambda x: {0.5: x}, 1.0, "0.5 is a key of a dict, and only strings and ints"),
        (lambda x: {True: x}, 1.0, "True is a key of a dict"),
        (lambda x: {2**63: x}, 1.0, "9223372036854775808 is a key of a dict"),
        (lambda x: nested(51), 1.0, "containers are nested deeper than 50"),
        (lambda x: (x, np.zeros((0, 5000))), 1.0, r"an array of shape \(0, 5000\) without a number in it is too large"),
        (
            gate(derivatives=lambda x: 1.0)(abs),
            1.0,
            "its gate abs is code in Python, which no file has: make abs a plain",
        ),
    ],
)
@pytest.mark.parametrize("keep", ["save", "pickle", "copy"])
def test_what_has_no_place_in_a_file_is_refused_by_name(f, example, told, keep, path):
    p = record(f, example)
    p.name = "f"
    doing = {"save": lambda: p.save(path), "pickle": lambda: pickle.dumps(p), "copy": lambda: copy.copy(p)}
    with pytest.raises(ProgramError, match="the Program f cannot be saved or pickled: " + told):
        doing[keep]()
    assert not path.exists()


@pytest.mark.parametrize("fixed", [2**63, math.sin, 1j, b"", {1}, [Point(1.0)]])
def test_fixed_arguments_that_cannot_be_told_are_refused(fixed, path):
    f = compile(lambda x, how: x, static="how")
    f(1.0, fixed)
    with pytest.raises(ProgramError, match=r"is a \w+, and only"):
        f.programs[0].save(path)


def test_a_way_to_an_exception_is_refused(path):
    f = compile(lambda x: scalargrad.log(x))
    with pytest.raises(ValueError, match="log"):
        f(-1.0)
    with pytest.raises(ProgramError, match="it is a way to an exception, ValueError"):
        f.programs[0].save(path)


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_replaced_as_a_whole_or_not_at_all(program, path, monkeypatch):
    path.write_text("before")

    def full(self, content):
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="no space left"):
            program.save(path)
    assert path.read_text() == "before"
    program.save(path)
    assert load(path).name == "steered"
    assert [*path.parent.iterdir()] == [path]


def test_a_directory_is_not_a_file_and_stays(program, tmp_path):
    with pytest.raises(IsADirectoryError, match="is a directory: name a file in it"):
        program.save(tmp_path)
    assert not [*tmp_path.iterdir()]


def test_a_directory_that_is_not_there_is_told(program, tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no directory"):
        program.save(tmp_path / "no" / "p.json")


def test_what_is_not_there_or_no_file_raises_what_open_raises(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "p.json")
    (tmp_path / "p.d").mkdir()
    with pytest.raises(OSError, match=r"p\.d"):
        load(tmp_path / "p.d")
