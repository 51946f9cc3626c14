"""Files that are damaged, or made to do harm: each is refused by one line, or is the file of a Program that works."""

import copy
import json
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalargrad import ProgramError, draw, load
from scalargrad.program.code import TABLE

VERSION_1 = Path(__file__).with_name("version_1.json")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "p.json"


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
