"""Arguments that are not numbers: what changes in them is noticed, however deep it is."""

from types import SimpleNamespace

import numpy as np
import pytest

from scalargrad import Value, compile
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
