"""Folding: what becomes one box, and that no edge is lost."""

import itertools
from collections import Counter
from functools import reduce
from operator import add

import pytest

from scalargrad import Value, dot, exp, relu, scope, sum, tanh
from scalargrad.graph import draw
from scalargrad.graph.fold import Box, fold
from scalargrad.graph.model import read
from scalargrad.nn import Neuron


def network(*sizes):
    """The result of a network of neurons, each in its own scope; and its inputs."""
    inputs = values = [Value(0.1 * i, label=f"x{i}") for i in range(sizes[0])]
    layers = [[Neuron(m, rng=0) for _ in range(n)] for m, n in itertools.pairwise(sizes)]
    with scope("net"):
        for i, layer in enumerate(layers):
            with scope(f"layer {i}"):
                below, values = values, []
                for j, neuron in enumerate(layer):
                    with scope(f"neuron {j}"):
                        values.append(dot(neuron.w, below) + neuron.b)
    return values[0], inputs


def boxes(drawing):
    return {item.what.names: item.what for item in drawing.items if isinstance(item.what, Box)}


def edges(drawing):
    """How many edges there are between any two items, by name."""
    counts = Counter()
    for item in drawing.items:
        for flow in item.flows:
            counts[drawing.items[flow.source].name, item.name] += flow.times
    return dict(counts)


def total(numbers):
    return reduce(add, numbers, 0)


# ── scopes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_at_depth_0_each_outermost_scope_is_one_box():
    y, _ = network(2, 3, 1)
    assert list(boxes(fold(read([y]), depth=0))) == [("net",)]


def test_at_depth_1_the_scopes_in_them_are():
    y, _ = network(2, 3, 1)
    assert list(boxes(fold(read([y]), depth=1))) == [("layer 0",), ("layer 1",)]


def test_without_a_depth_every_scope_is_open():
    y, _ = network(2, 3, 1)
    drawing = fold(read([y]))
    assert boxes(drawing) == {}
    assert {item.scope for item in drawing.items if item.what.kind == "result"} == {
        *(("net", "layer 0", f"neuron {j}") for j in range(3)),
        ("net", "layer 1", "neuron 0"),
    }


def test_a_box_counts_its_rows_and_its_inputs():
    y, _ = network(2, 3, 1)
    box = boxes(fold(read([y]), depth=1))["layer 0",]
    assert (box.rows, box.inputs) == (3 * 2, 3 * 3)
    assert dict(box.operations) == {"dot": 3, "+": 3}


def test_the_edges_into_a_box_and_out_of_it_are_kept():
    x = Value(2.0)
    with scope("inside"):
        y = x * x
        z = exp(y)
    assert edges(fold(read([z + y, x]), depth=0)) == {("n0", "f0"): 2, ("f0", "n3"): 2}


@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize("siblings", [False, True])
def test_the_uses_of_an_input_are_as_many_however_it_is_folded(depth, siblings):
    y, _ = network(2, 4, 3, 1)
    counts = edges(fold(read([y]), depth=depth, siblings=siblings))
    for x in ("n0", "n1"):
        assert total(n for (source, _), n in counts.items() if source == x) == 4


def test_an_input_that_only_one_scope_uses_is_drawn_in_it():
    w, x = Value(1.0, label="w"), Value(2.0, label="x")
    with scope("a"):
        y = w * x
    with scope("b"):
        z = y * x
    assert {item.what.label: item.scope for item in fold(read([z])).items if item.what.label} == {"w": ("a",), "x": ()}


def test_an_input_that_two_scopes_in_one_use_is_not_drawn_in_that():
    x = Value(2.0)
    with scope("net"):
        with scope("a"):
            y = x * 1.0
        with scope("b"):
            z = x * 2.0
    assert fold(read([y, z])).items[0].scope == ()


def test_collapse_decides_for_each_scope():
    y, _ = network(2, 3, 1)
    drawing = fold(read([y]), collapse=lambda path: path == ("net", "layer 0"))
    assert list(boxes(drawing)) == [("layer 0",)]


def test_collapse_may_leave_it_to_depth():
    y, _ = network(2, 3, 1)
    drawing = fold(read([y]), depth=1, collapse=lambda path: False if path[-1] == "layer 1" else None)
    assert [(item.scope, item.what.names) for item in drawing.items if isinstance(item.what, Box)] == [
        (("net",), ("layer 0",)),
        (("net", "layer 1"), ("neuron 0",)),
    ]


def test_scopes_that_feed_each_other_are_drawn():
    x = y = Value(1.0)
    for name in ("a", "b", "a", "b"):
        with scope(name):
            y = tanh(y)
    assert edges(fold(read([y, x]), depth=0)) == {("n0", "f0"): 1, ("f0", "f1"): 2, ("f1", "f0"): 1}


def test_frames_are_sixteen_deep_at_most():
    def nested(x, depth):
        with scope(f"level {depth}"):
            return tanh(nested(x, depth - 1)) if depth else x

    assert max(len(item.scope) for item in fold(read([nested(Value(1.0), 100)])).items) == 16


def test_a_root_in_a_folded_scope_is_shown_with_its_value():
    with scope("a"):
        y = Value(2.0) * 3.0
        y.label = "y"
    y.backward()
    assert str(draw(y, depth=0)) == "[f0] a: 1 row, 1 input, y = 6.0, grad 1.0"


# ── siblings ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_equal_siblings_are_one_box():
    y, _ = network(2, 16, 1)
    box = boxes(fold(read([y]), depth=2))["neuron 0", "neuron 15"]
    assert (box.times, box.rows, box.inputs) == (16, 16 * 2, 16 * 3)


def test_the_edges_of_equal_siblings_are_added_up():
    y, _ = network(2, 16, 1)
    assert edges(fold(read([y]), depth=2)) == {("n0", "f0"): 16, ("n1", "f0"): 16, ("f0", "f1"): 16}


def test_siblings_can_be_kept_apart():
    y, _ = network(2, 16, 1)
    items = fold(read([y]), depth=2, siblings=False).items
    assert [item.what.times for item in items if isinstance(item.what, Box)] == [1] * 17


def test_more_than_three_inputs_of_the_same_boxes_are_one_box():
    y, _ = network(4, 16, 1)
    assert edges(fold(read([y]), depth=2)) == {("f0", "f1"): 64, ("f1", "f2"): 16}
    y, _ = network(3, 16, 1)
    assert ("n0", "f0") in edges(fold(read([y]), depth=2))


def test_siblings_with_other_operations_are_not_equal():
    x, results = Value(1.0), []
    for i, f in enumerate([tanh, tanh, exp]):
        with scope(f"unit {i}"):
            results.append(f(x))
    assert sorted(box.times for box in boxes(fold(read(results), depth=0)).values()) == [1, 2]


def test_siblings_one_behind_the_other_are_not_one():
    y = Value(1.0)
    for i in range(3):
        with scope(f"step {i}"):
            y = tanh(y)
    assert [box.times for box in boxes(fold(read([y]), depth=0)).values()] == [1, 1, 1]


# ── sums ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def chain(n):
    y, *others = [Value(float(i), label=f"x{i}") for i in range(n + 1)]
    for x in others:
        y = y + x
    return y


@pytest.mark.parametrize("fold_right", [False, True])
def test_a_chain_of_plus_is_one_sum(fold_right):
    if fold_right:
        d, *others = [Value(float(i)) for i in range(5)]
        y = d
        for x in others:
            y = x + y
    else:
        y = chain(4)
    drawing = fold(read([y]))
    assert [flow.derivative for flow in drawing.items[-1].flows] == [1.0] * 5
    assert (len(drawing.items), drawing.items[-1].what.value) == (6, 10.0)


def test_the_operands_of_a_sum_are_in_their_order():
    drawing = fold(read([chain(5)]))
    assert [flow.source for flow in drawing.items[-1].flows] == [0, 1, 2, 3, 4, 5]


def test_two_plus_are_no_chain():
    assert len(fold(read([chain(2)])).items) == 5


def test_a_sum_on_the_way_that_has_a_label_or_another_use_stays():
    a = chain(2)
    a.label = "so far"
    y = a + Value(1.0) + Value(2.0)
    assert len(fold(read([y])).items) == len(read([y]).nodes)
    b = chain(4)
    assert len(fold(read([b + 1.0, b])).items) == 8


def test_a_path_through_a_sum_is_whole():
    y = chain(5)
    path = [0, *(i for i, node in enumerate(read([y]).nodes) if node.kind == "result")]
    assert fold(read([y]), path=path).path == (0, 6)


def test_sums_can_stay_as_they_were_recorded():
    y = chain(9)
    assert len(fold(read([y]), sums=False).items) == len(read([y]).nodes)


# ── by itself ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_has_too_many_nodes_folds_its_scopes_and_says_so():
    y, _ = network(2, 16, 16, 1)
    drawing = fold(read([y]))
    assert [item.what.times for item in drawing.items if isinstance(item.what, Box)] == [16, 16, 1]
    assert drawing.caption.endswith("so scopes are folded at depth 2.")


def test_what_has_few_enough_is_as_it_was_asked_for():
    y, _ = network(2, 16, 1)
    assert fold(read([y])).caption == ""


def test_rows_of_one_operation_side_by_side_are_one_box():
    xs = [Value(float(i), label=f"x{i}") for i in range(300)]
    y = sum([relu(x * 2.0) for x in xs])
    drawing = fold(read([y]))
    assert [(box.times, box.inputs, box.constants) for box in boxes(drawing).values()] == [(300, 300, 300), (300, 0, 0)]
    assert edges(drawing) == {("f0", "f1"): 300, ("f1", "n1200"): 300}
    assert "rows of one operation" in drawing.caption


def test_a_long_chain_folds_into_stages_of_equal_size():
    y = Value(0.5)
    for _ in range(6_000):
        y = tanh(y)
    stages = [box.rows for box in boxes(fold(read([y]))).values() if box.kind == "stage"]
    assert len(stages) == 6
    assert max(stages) - min(stages) <= 1


def test_an_expression_of_100_000_rows_becomes_a_few_boxes_that_hold_all_of_it():
    x = y = Value(0.5)
    others = [Value(0.1) for _ in range(50)]
    for i in range(33_334):
        y = tanh(y * x + others[i % 50])
    drawing = fold(read([y]))
    assert len(drawing.items) < 30
    inside = [item.what for item in drawing.items if isinstance(item.what, Box)]
    shown = len(drawing.items) - len(inside)
    assert shown + total(box.rows + box.inputs + box.constants for box in inside) == drawing.size


@pytest.mark.parametrize("depth", [1, 50])
def test_many_scopes_fold_into_stages_too(depth):
    y = Value(0.5)
    for i in range(2_000):
        with scope(f"step {i}"):
            y = tanh(y)
    drawing = fold(read([y]), depth=depth)
    assert len(drawing.items) < 30


def test_what_was_folded_unasked_is_said_in_the_text_and_the_picture():
    y = Value(0.5)
    for _ in range(1_000):
        y = tanh(y)
    graph = draw(y)
    assert str(graph).splitlines()[-1].startswith("1,001 nodes are too many to draw one by one (max_nodes=400)")
    assert "1,001 nodes are too many" in graph.source
    assert repr(graph).startswith("<Graph of 1,001 node(s), folded into ")
