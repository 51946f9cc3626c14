"""Arguments that are not numbers: what changes in them is noticed, however deep it is."""

import itertools
import random
import struct
import weakref
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from copy import copy, deepcopy
from ctypes import c_double, pointer
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from io import BytesIO
from types import MappingProxyType, SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from scalargrad import Tape, Value, compile
from scalargrad.errors import ProgramError
from scalargrad.program.snapshot import same, snapshot


def loop():
    thing = SimpleNamespace(names=["a"])
    thing.me = thing
    return thing


THINGS = [None, True, "a", b"a", 2.0, ["a", {"b": (1, {2})}], np.array([1.0, np.nan]), bytearray(b"a"), len, loop()]


@pytest.mark.parametrize("thing", THINGS, ids=lambda x: type(x).__name__)
def test_what_nobody_changed_is_the_same(thing):
    assert same(thing, snapshot(thing))


@pytest.mark.parametrize(
    "change",
    [
        lambda thing: setattr(thing, "size", 2),
        lambda thing: delattr(thing, "size"),
        lambda thing: setattr(thing, "more", 2),
        lambda thing: thing.parts["list"].append("b"),
        lambda thing: thing.parts.update(another="b"),
        lambda thing: setattr(thing.parts["inner"], "name", "b"),
        lambda thing: thing.parts["array"].fill(2.0),
        lambda thing: thing.names.add("b"),
        lambda thing: setattr(thing, "zero", -0.0),
        lambda thing: setattr(thing, "weight", Value(1.0)),  # another input of the same number
    ],
    ids=range(10),
)
def test_what_changes_in_place_is_noticed(change):
    parts = {"list": ["a"], "inner": SimpleNamespace(name="a"), "array": np.array([1.0])}
    thing = SimpleNamespace(size=1, parts=parts, names={"a"}, zero=0.0, weight=Value(1.0))
    before = snapshot(thing)
    assert same(thing, before)
    change(thing)
    assert not same(thing, before)


def test_an_object_whose_attributes_change_is_another_argument(backend):
    model = SimpleNamespace(slope=2.0, weight=Value(1.0))
    f = compile(lambda model, x: model.slope * x + model.weight, backend=backend)
    assert f(model, 1.0) == 3.0
    model.slope = 5.0
    assert f(model, 1.0) == 6.0
    model.weight.data = 2.0
    assert f(model, 1.0) == 7.0
    model.weight = Value(2.5)
    assert f(model, 1.0) == 7.5


def test_a_list_that_contains_itself_is_like_itself():
    endless = ["a"]
    endless.append(endless)
    assert same(endless, snapshot(endless))


class Slots:
    __slots__ = ("size", "unset")

    def __init__(self, size):
        self.size = size


class Names(list):
    pass


class Bytes(bytearray):
    pass


CHANGES = [
    (Slots(1.0), lambda thing: setattr(thing, "size", 2.0)),
    (Slots([]), lambda thing: thing.size.append(1.0)),
    (Names("a"), lambda thing: thing.append("b")),
    (deque([1.0]), lambda thing: thing.append(2.0)),
    (array("d", [1.0]), lambda thing: thing.append(2.0)),
    (Bytes(b"a"), lambda thing: thing.append(1)),
    (OrderedDict(a=1.0), lambda thing: thing.update(b=2.0)),
    (defaultdict(float, a=1.0), lambda thing: thing.update(b=2.0)),
    (Counter("a"), lambda thing: thing.update("b")),
    (partial(max, [1.0]), lambda thing: thing.args[0].append(2.0)),
    (np.array([["a"], 1.0], dtype=object), lambda thing: thing[0].append("b")),
]


@pytest.mark.parametrize(("thing", "change"), CHANGES, ids=lambda x: type(x).__name__)
def test_what_changes_in_other_containers_and_in_slots_is_noticed(thing, change):
    thing = deepcopy(thing)
    whole = SimpleNamespace(part=thing)
    before, before_whole = snapshot(thing), snapshot(whole)
    assert same(thing, before)
    assert same(whole, before_whole)
    change(thing)
    assert not same(thing, before)
    assert not same(whole, before_whole)


def test_what_is_in_a_list_is_seen_whatever_its_class_shows():
    class Shy(list):
        def __iter__(self):
            return iter(())

    thing = Shy(["a"])
    before = snapshot(thing)
    thing[0] = "b"
    assert not same(thing, before)


def test_objects_that_many_others_have_are_looked_at_once():
    thing = SimpleNamespace()
    for _ in range(200):  # there are 2 ** 200 ways to the innermost one
        thing = SimpleNamespace(left=thing, right=thing)
    assert same(thing, snapshot(thing))


def test_objects_may_be_as_deep_in_each_other_as_they_like():
    innermost = thing = SimpleNamespace(size=1)
    for _ in range(10_000):
        thing = SimpleNamespace(inner=thing)
    before = snapshot(thing)
    assert same(thing, before)
    innermost.size = 2
    assert not same(thing, before)


def test_objects_that_are_no_keys_are_like_others_of_the_same_parts():
    class Vector:
        __hash__ = None

        def __init__(self, *parts):
            self.parts = np.array(parts)

        def __eq__(self, other):
            raise AssertionError

    before = snapshot(Vector(1.0, 2.0))
    assert same(Vector(1.0, 2.0), before)
    assert not same(Vector(1.0, 3.0), before)


def test_objects_that_are_keys_are_like_equal_ones():
    class Name:
        __slots__ = ()

        def __eq__(self, other):
            return type(other) is Name

        def __hash__(self):
            return 1

    assert same(Name(), snapshot(Name()))
    assert same(date(2000, 1, 1), snapshot(date(2000, 1, 1)))
    assert not same(date(2000, 1, 2), snapshot(date(2000, 1, 1)))
    assert not same(object(), snapshot(object()))


@dataclass(frozen=True)
class Frozen:
    parts: np.ndarray


def test_what_turns_out_to_be_no_key_is_only_like_itself():
    one = Frozen(np.array([1.0, 2.0]))
    assert same(one, snapshot(one))
    assert not same(Frozen(one.parts), snapshot(one))


class Opaque:
    """There is nothing to be seen of it."""

    __slots__ = ()
    __hash__ = None


def test_what_cannot_be_seen_is_only_like_itself():
    one = Opaque()
    assert same(one, snapshot(one))
    assert not same(Opaque(), snapshot(one))


NAMELESS = ZoneInfo.from_file(BytesIO(b"TZif" + bytes(16) + struct.pack(">6i", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0"))


@pytest.mark.parametrize("thing", [Tape(), pointer(c_double(1.0)), NAMELESS], ids=lambda x: type(x).__name__)
def test_what_cannot_be_pickled_is_only_like_itself(thing):
    assert same(thing, snapshot(thing))
    assert not same(object(), snapshot(thing))


@pytest.mark.parametrize(
    "thing",
    [
        (x for x in "ab"),
        itertools.repeat("a"),
        random.SystemRandom(),
        SimpleNamespace(names=[map(str, (x for x in "ab"))]),
    ],
    ids=["generator", "repeat", "SystemRandom", "deep"],
)
def test_what_moves_on_and_does_not_tell_how_far_is_refused(thing, backend):
    f = compile(lambda x, thing: x, backend=backend)
    with pytest.raises(ProgramError, match="nobody can see how far a"):
        f(1.0, thing)


def test_a_file_may_be_an_argument(backend, tmp_path):
    f = compile(lambda x, log: 2.0 * x, backend=backend)
    with (tmp_path / "log").open("w") as log:
        assert [f(x, log) for x in (1.0, 2.0, 3.0)] == [2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("one", "other"),
    [({0.0}, {-0.0}), ({1}, {True}), (array("d", [0.0]), array("d", [-0.0])), (array("b", [1]), array("q", [1]))],
    ids=str,
)
def test_equal_things_of_other_numbers_are_not_the_same(one, other):
    assert same(one, snapshot(copy(one)))
    assert not same(one, snapshot(other))


class Table(np.ndarray):
    pass


class Factor(float):
    pass


NOON = datetime(2000, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.float64(0.0), np.float64(-0.0)),
        (Factor(0.0), Factor(-0.0)),
        (Decimal("0"), Decimal("-0")),
        (np.array([0j]), np.array([complex(0.0, -0.0)])),
        ({(0.0,)}, {(-0.0,)}),
        ({0, 8}, {8, 0}),  # one goes over it in another order
        (np.arange(6).reshape(2, 3).view(Table), np.arange(6).reshape(3, 2).view(Table)),
        (np.array([[None], ["a"]]), np.array([None, "a"])),
        (deque("a", 1), deque("a", 2)),
        (NOON, NOON.astimezone(timezone(timedelta(hours=1)))),
    ],
    ids=lambda x: type(x).__name__,
)
def test_equal_things_are_not_the_same_if_they_can_be_told_apart(one, other):
    assert same(one, snapshot(deepcopy(one)))
    assert not same(other, snapshot(one))


NAMES, ORDER = {"a": 1.0}, OrderedDict(a=1.0, b=2.0)
BUFFER, KEPT = bytearray(b"a"), partial(max)


@pytest.mark.parametrize(
    ("thing", "change"),
    [
        (NAMES.get, lambda get: NAMES.update(b=2.0)),
        (MappingProxyType(NAMES), lambda view: NAMES.update(c=2.0)),
        (ORDER, lambda order: order.move_to_end("a")),
        (c_double(1.0), lambda number: setattr(number, "value", 2.0)),
        (np.random.default_rng(1), lambda rng: rng.random()),
        (iter(["a", "b"]), next),
        (random.Random(1), lambda rng: rng.random()),
        (memoryview(BUFFER), lambda view: BUFFER.__setitem__(0, 98)),
        (NAMES.keys(), lambda keys: NAMES.update(d=2.0)),
        (ORDER.keys(), lambda keys: ORDER.move_to_end("b")),
        (weakref.ref(KEPT), lambda found: KEPT.__dict__.update(size=2)),
    ],
    ids=lambda x: type(x).__name__,
)
def test_what_changes_where_no_attribute_tells_is_noticed(thing, change):
    before = snapshot(thing)
    assert same(thing, before)
    change(thing)
    assert not same(thing, before)


def test_an_object_whose_class_changes_is_another_one():
    class One:
        pass

    class Other:
        pass

    thing = One()
    before = snapshot(thing)
    thing.__class__ = Other
    assert not same(thing, before)


def test_a_method_is_another_one_when_its_object_has_changed():
    class Line:
        slope = 1.0

        def at(self, x):
            return self.slope * x

    line = Line()
    before = snapshot(line.at)
    assert same(line.at, before)
    line.slope = 2.0
    assert not same(line.at, before)


def test_a_compiled_function_may_be_an_attribute_of_its_argument(backend):
    line = SimpleNamespace(slope=2.0)
    line.at = compile(lambda line, x: line.slope * x, backend=backend)
    assert [line.at(line, x) for x in (1.0, 3.0, 5.0)] == [2.0, 6.0, 10.0]
    assert len(line.at.programs) == 1
