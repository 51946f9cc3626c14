"""Which arguments are like those of a recording, and how numbers stand in a row."""

from collections import namedtuple
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from scalargrad import compile, grad, record, value_and_grad
from scalargrad.program.layout import Layout, Misfit

Point = namedtuple("Point", "x y")


@dataclass
class Circle:
    size: float


@dataclass
class Square:
    size: float


def area(shape):
    return 3.0 * shape.size if isinstance(shape, Circle) else shape.size**2


NESTS = [
    (1.0,),
    (1.0, [2.0, 3.0]),
    ([1.0, [2.0, 3.0]], {"a": 4.0, "b": (5.0, 6.0)}),
    (Point(1.0, 2.0), Circle(3.0)),
    (np.array([[1.0, 2.0], [3.0, 4.0]]), "text", True, None),
    ([], {}, np.zeros((0, 2)), 1.0),
]


@pytest.mark.parametrize("nest", NESTS, ids=str)
def test_a_nest_goes_into_a_row_and_comes_back(nest):
    layout = Layout(nest)
    assert repr(layout.nest(layout.row(nest).tolist())) == repr(nest)


@pytest.mark.parametrize("nest", NESTS, ids=str)
def test_over_points_each_number_becomes_an_array(nest):
    layout = Layout(nest)
    row = layout.row(nest)
    stacked = layout.stacked(np.array([row, row + 10, row + 20]))
    assert len(stacked) == len(nest)
    if layout.size == 1:
        assert np.ravel(stacked[-1] if len(nest) > 1 else stacked[0]).tolist() == [1.0, 11.0, 21.0]


@pytest.mark.parametrize(
    ("example", "other"),
    [
        (1.0, "1.0"),
        (1.0, True),
        (1.0, [1.0]),
        (True, False),
        (True, 1.0),
        ("a", "b"),
        ([1.0, 2.0], [1.0]),
        ([1.0, 2.0], [1.0, "2"]),
        ({"a": 1.0}, {"b": 1.0}),
        (Circle(1.0), Square(1.0)),
        (np.zeros(3), np.zeros(2)),
        (np.zeros(3, bool), np.ones(3, bool)),
    ],
    ids=str,
)
def test_another_nest_is_a_misfit(example, other):
    with pytest.raises(Misfit):
        Layout(example).row(other)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"w": [1.0, [2.0]], "b": 0.0}, r"at model\['w'\]\[1\] there is a list of 1 where a list of 2 is to be"),
        ({"w": [1.0, [2.0, "3"]], "b": 0.0}, r"at model\['w'\]\[1\]\[1\] there is '3' where one number is to be"),
        ({"w": [1.0, 2.0], "b": 0.0}, r"at model\['w'\]\[1\] there is one number where a list of 2 is to be"),
        ({"w": [None, [2.0, 3.0]], "b": 0.0}, r"at model\['w'\]\[0\] there is None where one number is to be"),
        ({"w": np.ones((2, 2)), "b": 0.0}, r"at model\['w'\]\[0\] there is a list of 2 where one number is to be"),
        ({"w": [1.0, [2.0, 3.0]]}, r"at model there is a dict without \['b'\] where a dict of \['w', 'b'\] is to be"),
        ({"w": [1.0, [2.0, 3.0]], "b": 0.0, "c": 1.0}, r"at model there is a dict with \['c'\] where a dict"),
        ([1.0, 2.0, 3.0, 0.0], r"at model there is a list of 4 where a dict of \['w', 'b'\] is to be"),
    ],
    ids=str,
)
def test_the_part_that_differs_is_named(given, told):
    p = record(lambda model, x: model["w"][1][0] * x + model["b"], {"w": [1.0, [2.0, 3.0]], "b": 0.0}, 1.0)
    with pytest.raises(TypeError, match=f"takes 2 argument.s., model, x, given as at its recording: {told}"):
        p(given, 1.0)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (np.ones((3, 2)), r"an array of shape \(3, 2\)"),
        (np.ones((2, 2), bool), r"an array of shape \(2, 2\) of bool"),
        ([[1.0, 2.0], [3.0]], "a list of 2"),
        (None, "None"),
    ],
    ids=str,
)
def test_what_is_no_array_of_this_shape_is_told(given, told):
    with pytest.raises(TypeError, match=rf"at a there is {told} where an array of shape \(2, 2\) is to be"):
        record(lambda a: a[0, 0], np.ones((2, 2)))(given)


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (None, r"shape \(points, inputs\), not of shape \(\)"),
        ([1.0, 2.0], r"not of shape \(2,\): X\[:, None\] is one column, X\[None\] one point"),
        ([[1.0], [1.0, 2.0]], "rows of equally many numbers"),
        ([["1.0"]], "real numbers, not an array of <U3"),
        (np.array([[1j]]), "real numbers, not an array of complex128"),
        (np.array([["2020-01-01"]], "datetime64[D]"), r"real numbers, not an array of datetime64\[D\]"),
        ([[None]], r"real numbers, and there is None \(NoneType\)"),
        (np.array([[1.0], ["2"]], object), r"real numbers, and there is '2' \(str\)"),
        (np.ma.array([[1.0], [2.0]], mask=[[False], [True]]), r"masked: .* points.filled\(nan\)"),
    ],
    ids=repr,
)
def test_points_that_are_no_table_of_numbers_are_refused(points, told):
    for f in (compile(lambda x: x * x), record(lambda x: x * x, 1.0)):
        with pytest.raises(TypeError, match=told):
            f.batch(points)


@pytest.mark.parametrize(
    "points",
    [
        [[1], [-2]],
        np.array([[1], [-2]], np.int8),
        np.float32([[1.0], [-2.0]]),
        np.array([[Fraction(1)], [np.float64(-2.0)]], object),
        np.ma.array([[1.0], [-2.0]]),
        np.arange(1.0, -5.0, -1.0).reshape(3, 2)[::2, :1] * [[1.0], [2 / 3]],
    ],
    ids=repr,
)
def test_points_are_real_numbers_of_any_kind(points):
    assert compile(lambda x: x * x).batch(points).tolist() == [1.0, 4.0]


def test_an_array_in_which_numbers_are_missing_is_no_argument():
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    for example in ([1.0, 2.0], np.ones(2)):
        with pytest.raises(TypeError, match=r"at v there is an array of shape \(2,\), partly masked, where"):
            record(lambda v: v[0] + v[1], example)(masked)


def test_arguments_given_otherwise_are_counted():
    p = record(lambda x, y: x * y, 1.0, y=2.0)
    with pytest.raises(TypeError, match=r"2 argument\(s\), x, y=, .* was given 2 by position and none by name"):
        p(1.0, 2.0)
    with pytest.raises(TypeError, match=r"2 argument\(s\), x, y=, .* was given 1 by position and z by name"):
        p(1.0, z=2.0)


@pytest.mark.parametrize(
    ("example", "other"),
    [
        ([1.0, 2.0], (1.0, 2.0)),
        ([1.0, 2.0], np.array([1.0, 2.0])),
        (np.array([1.0, 2.0]), [1.0, 2.0]),
        (np.array([1.0, 2.0]), [1, Fraction(2)]),
        ((1.0, 2.0), Point(1.0, 2.0)),
        ({"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0}),
    ],
    ids=str,
)
def test_lists_and_arrays_stand_for_each_other_unless_it_is_to_be_exact(example, other):
    assert Layout(example).row(other).tolist() == [1.0, 2.0]
    with pytest.raises(Misfit):
        Layout(example, exactly=True).row(other)


@pytest.mark.parametrize(
    ("f", "calls"),
    [
        (area, [Circle(2.0), Square(5.0)]),
        (lambda v: (v * 3)[0], [[1.0, 2.0], np.array([1.0, 2.0])]),
        (lambda v: v[0] + isinstance(v, tuple), [[1.0, 2.0], (1.0, 2.0), Point(1.0, 2.0)]),
        (lambda d: next(iter(d.values())), [{"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0}]),
        (lambda v: sum(v), [[1.0], [1.0, 2.0], []]),
        (lambda x: 2.0 if x is True else 3.0, [True, False, 1.0]),
    ],
)
def test_a_compiled_function_tells_other_arguments_apart(f, calls, backend):
    g = compile(f, backend=backend)
    for x in [*calls, *calls]:
        assert g(x) == f(x)


def test_an_array_of_numbers_as_objects_is_one_of_numbers(backend):
    numbers = np.array([1, Fraction(1, 2)], object)
    assert compile(lambda v: v / 2, backend=backend)(numbers).tolist() == [0.5, 0.25]
    assert record(lambda v: v[0] + v[1], [1.0, 2.0], backend=backend)(numbers) == 1.5
    with pytest.raises(TypeError, match=r"at v there is an array of shape \(2,\) of object where an array of"):
        record(lambda v: v[0] + v[1], np.ones(2), backend=backend)(np.array([1.0, "2"], object))


def test_a_program_of_a_dataclass_takes_no_other(backend):
    with pytest.raises(TypeError, match="there is a Square where a Circle is to be"):
        record(area, Circle(1.0), backend=backend)(Square(2.0))


def test_arguments_by_name_come_in_any_order(backend):
    p = record(lambda x, y: x - 2 * y, x=1.0, y=2.0, backend=backend)
    assert p(y=5.0, x=3.0) == -7.0
    assert value_and_grad(p, argnums="x")(y=5.0, x=3.0) == (-7.0, 1.0)


def test_on_values_too_the_rest_of_the_arguments_is_as_recorded(backend):
    p = record(lambda x, flag: x * 2 if flag else x * 3, 1.0, True, backend=backend)
    assert grad(p)(1.0, True) == 2.0
    with pytest.raises(TypeError, match="there is False where it was recorded with True"):
        grad(p)(1.0, False)


# ── what is no number, or is not to be one ──────────────────────────────────────────────────────────────────────────


def test_a_static_argument_is_part_of_what_is_recorded(backend):
    g = compile(lambda x, n: sum(x**k for k in range(n)), static="n", backend=backend)
    assert [g(2.0, 3), g(2.0, 4), g(3.0, n=3), g(2.0, 3)] == [7.0, 15.0, 13.0, 7.0]
    by_position = compile(lambda x, n: x * [1.0] * n if False else x * n, static=1, backend=backend)
    assert by_position(2.0, 3) == 6.0


def test_statics_are_told_apart_by_type_and_sign(backend):
    g = compile(lambda x, s: str(type(s)), static="s", backend=backend)
    assert [g(1.0, s) for s in (1, 1.0, True, 1)] == [str(type(s)) for s in (1, 1.0, True, 1)]
    signed = compile(lambda x, s: x * s, static="s", backend=backend)
    assert [str(signed(1.0, s)) for s in (0.0, -0.0)] == ["0.0", "-0.0"]


def test_a_static_nan_is_the_same_as_before(backend):
    g = compile(lambda x, s: x, static="s", backend=backend)
    g(1.0, float("nan"))
    g(2.0, float("nan"))
    assert len(g.programs) == 1


@pytest.mark.parametrize(
    ("thing", "change"),
    [
        ([1.0], lambda s: s.append(2.0)),
        ({1: 2}, lambda s: s.update({3: 4})),
        ({1}, lambda s: s.add(2)),
        ([[1.0]], lambda s: s[0].append(2.0)),
        (np.array([True]), lambda s: s.fill(False)),
    ],
    ids=["a list", "a dict", "a set", "a list of lists", "an array"],
)
def test_what_has_changed_in_place_is_another_thing(thing, change, backend):
    g = compile(lambda x, s: x * float(np.sum([np.sum(part) for part in s])), static="s", backend=backend)
    assert g(1.0, thing) == g.__wrapped__(1.0, thing)
    change(thing)
    assert g(1.0, thing) == g.__wrapped__(1.0, thing)


@pytest.mark.parametrize(
    ("one", "other", "like"),
    [
        ({"a": [1.0, 2.0], "b": "x"}, {"a": [3.0, 4.0], "b": "x"}, True),
        ({"a": 1.0, "b": 2.0}, {"b": 1.0, "a": 2.0}, False),
        ({"a": 1.0, "b": "x"}, {"a": 1.0, "b": "y"}, False),
        ([1.0, 2.0], [1.0, 2.0, 3.0], False),
        ([1.0, 2.0, 3.0], [1.0, 2.0], False),
        ([1.0], {"a": 1.0}, False),
        ([], [], True),
        ([1.0, 2.0], (1.0, 2.0), True),
        ([1.0, True], [1.0, 2.0], False),
        ([1.0, 2.0], [1.0, True], False),
    ],
)
def test_layouts_are_alike_if_each_number_stands_for_the_same(one, other, like):
    one, other = (Layout(example, is_truth=lambda x: type(x) is bool) for example in (one, other))
    assert one.is_like(other) is like
