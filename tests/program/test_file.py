"""Programs as files and pickles: what comes back does the same, and what is damaged is refused."""

import copy
import dataclasses
import json
import math
import os
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scalargrad
from scalargrad import ProgramError, Value, compile, draw, gate, load, record, scope, sin
from scalargrad.program import backends
from scalargrad.program.code import TABLE
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


# ── what is damaged ─────────────────────────────────────────────────────────────────────────────────────────────────


def put(*where, to):
    def change(fields):
        inner = fields
        for key in where[:-1]:
            inner = inner[key]
        inner[where[-1]] = to

    return change


DEEP = ["list", []]
for _ in range(200):
    DEEP = ["list", [DEEP]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put("format", to="other"), "it is not a file of a Program"),
        (
            put("version", to=2),
            "it is of version 2 of the format, from scalargrad '[^']*': this one, .* reads version 1",
        ),
        (put("version", to=True), "it is of version True"),
        (put("scalargrad", to=1), "the scalargrad is a string, not 1"),
        (put("more", to=1), "it has a field 'more', which version 1 has not"),
        (lambda fields: fields.pop("guards"), "it has no field 'guards'"),
        (put("name", to=None), "the name is a string, not None"),
        (put("rows", 0, 0, to="no_such"), r"row 0 is wrong: there is no rule 'no_such' in scalargrad \d"),
        (put("rows", 0, 0, to=["mul"]), r"row 0 is wrong: the rule is a string, not \['mul'\]"),
        (put("rows", 2, 1, to=[0]), "row 2 is wrong: mul is of 2 operands, not 1"),
        (put("rows", 0, to=["sum", []]), "row 0 is wrong: sum is not of 0 operands"),
        (put("rows", 0, to=["dot", [0, 1, 2]]), "row 0 is wrong: dot is not of 3 operands"),
        (put("rows", 0, to=["div raises", [0]]), "row 0 is wrong: div raises is of 2 operands, not 1"),
        (put("rows", 0, 1, to=[0, 99]), "row 0 is wrong: the operands are whole numbers from 0 to 9, and not so 99"),
        (put("rows", 0, 1, to=[0, 10]), "not so 10"),
        (put("rows", 0, 1, to=[0, -1]), "not so -1"),
        (put("rows", 0, 1, to=[0, True]), "not so True"),
        (put("rows", 0, 1, to=[0, [[["x" * 10**4] * 9] * 9] * 9]), r"and not so \[\[\["),
        (put("rows", 0, 1, to={"a": 1}), "row 0 is wrong: the operands are a list"),
        (put("rows", 0, to=["mul"]), "row 0 is wrong: it is a rule, operands and perhaps more"),
        (put("rows", 0, to=["neg", [0], {"labels": "x"}]), "has more than quiet, label, scope and line"),
        (put("rows", 0, to=["neg", [0], {"quiet": 1}]), "quiet is true or false, not 1"),
        (put("rows", 0, to=["neg", [0], {"scope": "ab"}]), "the scope are a list"),
        (put("rows", 0, to=["neg", [0], {"scope": [1]}]), "the part of a scope is a string"),
        (put("rows", 0, to=["neg", [0], {"label": None}]), "the label is a string"),
        (put("rows", 0, to=["neg", [0], {"line": 3}]), "the line is a string"),
        (put("rows", to={}), "the rows are a list"),
        (put("outputs", 0, to=10**6), "the outputs are whole numbers"),
        (put("outputs", to=[0]), "a nest has more numbers than the 1 that are told with it"),
        (lambda fields: fields["outputs"].append(0), "a nest has 5 numbers, and 6 are told with it"),
        (put("guards", 0, 0, to=0), "the guards are whole numbers from 10 to 17, and not so 0"),
        (lambda fields: fields["guards"].reverse(), "its guards are not in order"),
        (put("guards", 0, to=[9]), "the guards are lists of 3"),
        (put("guards", 0, 1, to=1), "1 is not a float as float.hex"),
        (put("constants", 0, to="1.0"), "'1.0' is not a float as float.hex"),
        (put("constants", 0, to="0x1p99999"), "'0x1p99999' is not a float"),
        (put("constants", 0, to="NaN"), "'NaN' is not a float"),
        (put("constants", 0, to=1.5), "'1.5' is not a whole number"),
        (put("constants", 0, to=math.nan), "'NaN' is not a whole number"),
        (put("constants", 0, to=10**40), "the whole number '1000.* is too large"),
        (put("constants", to="0x1p0"), "the constants are a list"),
        (put("example", 0, to=None), "None is not a float"),
        (put("parameters", 0, to=["0x1.0000000000000p+0"]), "the parameters are lists of 2"),
        (put("parameters", 0, 1, to=2), "the label of a parameter is a string"),
        (put("arguments", to={}), "the arguments are a list"),
        (put("arguments", 0, to=["numbers", 10**15]), "a nest has more numbers than the 5"),
        (put("arguments", 0, to=["numbers", -2]), "is not a part of a nest"),
        (put("arguments", 0, to=["array", [2**31, 2**31, 0]]), "is not the shape of an array"),
        (put("arguments", 0, to=["array", [1] * 33]), "is not the shape of an array"),
        (put("arguments", 0, to=["array", [10**6, 10**6]]), "a nest has more numbers than the 5"),
        (put("arguments", 0, to=["set", []]), r"\['set', \[\]\] is not a part of a nest"),
        (put("arguments", 0, to="numbers"), "'numbers' is not a part of a nest"),
        (put("arguments", 0, to=["dict", [[1.5, "number"]]]), "'1.5' is not a whole number"),
        (put("arguments", 0, to=["dict", [[True, "number"]]]), "is not a key of a dict"),
        (put("arguments", 0, to=["dict", [["a", "number"]] * 2]), "the key 'a' is twice in a dict"),
        (put("arguments", 0, to=["fixed", ["float", "nope"]]), "'nope' is not a float"),
        (put("arguments", 0, to=["fixed", 2**63]), "9223372036854775808 is not a part of a nest"),
        (put("arguments", 0, to=["fixed", DEEP]), "containers are nested deeper than 50"),
        (put("arguments", 0, to=DEEP), "containers are nested deeper than 50"),
        (put("named", 0, to=[1, "number"]), "the name of an argument is a string"),
        (lambda fields: fields["named"].append(["extra", ["list", []]]), "the key 'extra' is twice in a dict"),
        (put("exactly", to=0), "exactly is true or false, not 0"),
        (put("positional", to=[1]), "the name of an argument is a string"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_line(change, told, path):
    fields = json.loads(VERSION_1.read_bytes())
    change(fields)
    path.write_text(json.dumps(fields))
    with pytest.raises(ProgramError, match=r"p\.json: .*(" + told + ")") as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250 + len(str(path))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is not JSON, or not whole"),
        (b"\x80\x04K\x01.", "can't decode byte 0x80"),
        (b"3", "it is not a file of a Program"),
        (b"[" * 100_000, "it is nested too deep"),
        (b'{"format": "scalargrad Program", "format": "scalargrad Program"}', "an object has a field twice"),
        (VERSION_1.read_bytes()[:-20], "it is not JSON, or not whole"),
    ],
)
def test_what_is_no_file_of_a_program_is_refused(content, told, path):
    path.write_bytes(content)
    with pytest.raises(ProgramError, match=r"p\.json: .*" + told):
        load(path)


def loaded(content, path):
    """The Program, if it is one, after it has shown that it can be used; at what it is not defined, it may raise."""
    path.write_bytes(content)
    try:
        p = load(path)
    except ProgramError:
        return None
    assert load(p.save(path)).code.rows == p.code.rows
    assert p.arguments.size == len(p.inputs)
    try:
        str(p)
        p.batch(np.array([p.arguments.example]))
        draw(p)
    except (ValueError, ArithmeticError, ProgramError):
        pass
    return p


FUZZ = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@FUZZ
@given(data=st.data())
def test_a_file_with_some_bytes_changed_is_refused_or_works(data, path):
    content = bytearray(VERSION_1.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    loaded(bytes(content), path)


@FUZZ
@given(data=st.data())
def test_a_file_with_a_piece_cut_out_is_refused_or_works(data, path):
    content = VERSION_1.read_bytes()
    start = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(start + 1, len(content)))
    loaded(content[:start] + content[end:], path)


@pytest.mark.engine_free
def test_a_file_that_ends_anywhere_before_its_last_brace_is_refused(path):
    content = VERSION_1.read_bytes()
    assert [end for end in range(len(content) - 1) if loaded(content[:end], path)] == []


def places(part):
    """Every container in it with each of its keys."""
    if isinstance(part, (list, dict)):
        for key, inner in [*(part.items() if isinstance(part, dict) else enumerate(part))]:
            yield part, key
            yield from places(inner)


HOSTILE = [
    *(None, True, -1, 0, 1, 9, 2**31, 2**62, 2**63, 2**64, -(2**63), 10**30, 0.5, math.nan, math.inf),
    *("", "mul", "number", "nan", "-inf", "0x1.8p0", "0x1.0000000000000p+1", "\ud800", "x" * 10_000),
    *([], {}, [[]], [[[]]], ["list", []], ["numbers", 2**40], ["array", [0, 2**40]], ["array", [2**20, 2**20]], DEEP),
    *(["sum", [0]], ["polygamma", [0, 1]], ["logsumexp", [0, 0, 0]], ["div raises", [0, 1]], {"quiet": True}),
    *(*([name, [0, 1]] for name in TABLE), *([name, [0]] for name in TABLE)),
]


@FUZZ
@given(data=st.data())
def test_a_file_with_its_fields_exchanged_is_refused_or_works(data, path):
    fields = json.loads(VERSION_1.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        there = [*places(fields)]
        if not there:
            break
        inner, key = data.draw(st.sampled_from(there))
        how = data.draw(st.sampled_from(["replace", "delete", "repeat", "exchange"]))
        if how == "replace":
            inner[key] = copy.deepcopy(data.draw(st.sampled_from(HOSTILE)))
        elif how == "delete":
            del inner[key]
        elif how == "repeat" and isinstance(inner, list):
            inner.insert(key, inner[key])
        else:
            other, place = data.draw(st.sampled_from(there))
            inner[key] = copy.deepcopy(other[place])
    loaded(json.dumps(fields).encode(), path)


@pytest.mark.engine_free
@pytest.mark.parametrize(
    "hostile",
    [["numbers", 2**40], ["array", [2**20, 2**20]], ["array", [0, 2**31]], ["array", [2**62]], ["array", [0] * 33]],
)
def test_a_small_file_makes_no_large_allocation(hostile, path):
    fields = json.loads(VERSION_1.read_bytes())
    fields["results"] = ["list", [hostile, fields["results"]]]
    path.write_text(json.dumps(fields))
    loaded(path.read_bytes(), path)  # what is loaded at the first time only
    path.write_text(json.dumps(fields))
    tracemalloc.start()
    try:
        load(path)
    except ProgramError:
        pass
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < 1_000_000
