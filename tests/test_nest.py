"""Nests taken apart and put together again."""

from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, NamedTuple

import numpy as np
import pytest

from scalargrad.nest import Block, Nest


class Pair(NamedTuple):
    a: object
    b: object


class Path(tuple):
    pass


@dataclass(frozen=True, slots=True)
class Frozen:
    x: object
    y: object = None


@dataclass
class Shared:
    x: object
    count: ClassVar[int] = 5


NESTS = [
    1.0,
    [],
    [1.0, [2.0, [3.0]], []],
    (1.0, (2.0,)),
    Path([1.0, 2.0]),
    Pair(1.0, [2.0]),
    {"b": 1.0, "a": {"c": 2.0}, 3: (), None: 4.0},
    OrderedDict(b=1.0, a=2.0),
    Counter(a=2, b=3),
    Frozen(1.0, [2.0, "text"]),
    Shared([1.0]),
    [None, "text", True, {1.0}, b"bytes", Frozen, 1j],
]


@pytest.mark.parametrize("nest", NESTS, ids=repr)
def test_filled_with_its_own_numbers_a_nest_is_equal_and_of_the_same_kind(nest):
    taken = Nest(nest)
    again = taken.filled(taken.numbers)
    assert again == nest
    assert type(again) is type(nest)


def test_numbers_from_left_to_right():
    assert Nest([1, {"b": 2.5, "a": (Fraction(3), np.float32(4))}, Frozen(5, "x"), True]).numbers == [1, 2.5, 3, 4.0, 5]


def test_the_original_is_left_alone():
    nest = {"a": [1.0, 2.0], "b": Shared(3.0)}
    Nest(nest).filled([10.0, 20.0, 30.0])
    assert nest == {"a": [1.0, 2.0], "b": Shared(3.0)}


def test_what_is_no_number_is_the_very_same():
    thing = object()
    assert Nest([1.0, thing]).filled([2.0])[1] is thing


def test_a_default_dict_keeps_its_default():
    again = Nest(defaultdict(list, a=1.0)).filled([2.0])
    assert again == {"a": 2.0}
    assert again["new"] == []


def test_a_counter_is_filled_not_added_to():
    assert Nest(Counter(a=2)).filled([5]) == Counter(a=5)


def test_further_kinds_of_numbers():
    nest = Nest(["1", 2.0, ["3"]], is_number=lambda x: isinstance(x, str))
    assert nest.numbers == ["1", 2.0, "3"]
    assert nest.filled([1, 2, 3]) == [1, 2, [3]]


def test_an_array_of_which_some_numbers_are_masked_is_none():
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    assert Nest({"x": masked, "y": 3.0}).numbers == [3.0]
    assert Nest(np.ma.array([1.0, 2.0])).numbers == [1.0, 2.0]
    with pytest.raises(TypeError, match="an array of shape"):
        Nest(np.ones(2)).numbers_of(masked)


def test_around_puts_one_thing_in_place_of_each_block():
    assert Nest({"a": np.ones(3), "b": [1.0]}).around(["whole array", "number"]) == {
        "a": "whole array",
        "b": ["number"],
    }


def test_an_array_is_one_block_row_by_row():
    (block,) = Nest(np.array([[1, 2], [3, 4]])).blocks
    assert block == Block([1, 2, 3, 4], (2, 2))


def test_an_array_filled_with_numbers_is_one_of_floats_and_else_of_objects():
    nest = Nest(np.array([1, 2]))
    assert nest.filled([3, Fraction(1, 2)]).dtype == float
    assert nest.filled([3, None]).dtype == object


def test_a_block_with_an_inner_shape_in_each_place():
    assert Block([0.0] * 2, (2,)).filled([0.0] * 6, (3,)).shape == (2, 3)
    assert Block([0.0]).filled([0.0] * 3, (3,)).shape == (3,)
    assert Block([0.0]).filled([7.0]) == 7.0


def test_numbers_of_another_nest_in_the_order_of_this_one():
    nest = Nest({"a": 0.0, "b": [0.0, Frozen(0.0)], "name": "x"})
    assert nest.numbers_of({"name": "y", "b": (1.0, Frozen(2.0)), "a": 3.0}) == [3.0, 1.0, 2.0]


def test_numbers_of_lists_for_arrays_and_arrays_for_lists():
    assert Nest(np.zeros((2, 2))).numbers_of([[1.0, 2.0], (3.0, 4.0)]) == [1.0, 2.0, 3.0, 4.0]
    assert Nest([[0.0, 0.0], [0.0, 0.0]]).numbers_of(np.array([[1.0, 2.0], [3.0, 4.0]])) == [1.0, 2.0, 3.0, 4.0]
    assert Nest(0.0).numbers_of(np.array(2.0)) == [2.0]


@pytest.mark.parametrize(
    ("nest", "other"),
    [
        (0.0, "x"),
        (0.0, [0.0]),
        (0.0, True),
        (0.0, np.zeros(1)),
        ([0.0], 0.0),
        ([0.0], [0.0, 0.0]),
        ([0.0], {"a": 0.0}),
        ({"a": 0.0}, {"b": 0.0}),
        ({"a": 0.0}, {"a": 0.0, "b": 0.0}),
        (Frozen(0.0), 0.0),
        (np.zeros(2), np.zeros(3)),
        (np.zeros(2), np.zeros((1, 2))),
        (np.zeros(2), 0.0),
        (np.zeros(2), ["a", "b"]),
        (np.zeros((2, 2)), [[0.0], [0.0, 0.0]]),
    ],
)
def test_nests_that_are_not_alike(nest, other):
    with pytest.raises(TypeError, match=r"there is .* where .* to be"):
        Nest(nest).numbers_of(other)
