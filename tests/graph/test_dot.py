"""The DOT of a picture."""

import re

from scalargrad import Value, exp, maximum, tanh
from scalargrad.graph import draw
from scalargrad.graph.fold import fold, span
from scalargrad.graph.model import read


def lines(*ys):
    return [line.strip() for line in draw(*ys).source.splitlines()]


def test_nodes_are_named_in_the_order_of_creation():
    a, b = Value(2.0), Value(3.0)
    names = re.findall(r"^\s*(n\d\w*) \[", draw(a * b + 1.0).source, re.M)
    assert names == ["n0", "n1", "n2op", "n2", "n3", "n4op", "n4"]


def test_the_same_expression_gives_the_same_source():
    def source():
        x, y = Value(2.0, label="x"), Value(3.0)
        return draw(exp(x * y) / (x - 1)).source

    assert source() == source()


def test_a_node_shows_label_value_and_gradient():
    x = Value(3.0, label="x")
    (2 * x).backward()
    assert any(line.startswith(r'n0 [label="x = 3.0\ngrad 2.0"') for line in lines(x))


def test_a_gradient_before_any_backward_pass_is_not_yet():
    assert any(line.startswith(r'n0 [label="3.0\ngrad not yet"') for line in lines(Value(3.0)))


def test_an_operation_shows_its_symbol():
    a, b = Value(2.0), Value(3.0)
    source = draw(maximum(a * b, tanh(a))).source
    for symbol in ('"*"', "tanh", "max"):
        assert f"op [label={symbol}" in source


def test_every_edge_into_an_operation_shows_its_local_derivative():
    a, b = Value(2.0), Value(3.0)
    assert [line for line in lines(a * b) if "->" in line] == [
        "n0 -> n2op [label=3.0]",
        "n1 -> n2op [label=2.0]",
        "n2op -> n2 [arrowhead=none weight=10]",
    ]


def test_an_edge_without_a_derivative_says_so():
    assert "n1 -> n2op [label=none style=dashed]" in lines(Value(3.0) ** 2)


def test_x_times_x_has_two_edges():
    x = Value(3.0)
    assert lines(x * x).count("n0 -> n1op [label=3.0]") == 2


def test_constants_appear():
    assert any(line.startswith("n1 [label=2.5 ") for line in lines(Value(3.0) + 2.5))


def test_nan_and_infinity_are_visible():
    source = draw(Value(float("nan")) * Value(float("-inf"))).source
    assert r"nan\n" in source
    assert r"-inf\n" in source


def test_a_root_has_a_thicker_border():
    x = Value(1.0)
    y = x.sin()
    assert [line[:3] for line in lines(y) if "penwidth" in line] == ["n1 "]


def test_a_label_that_is_cut_is_whole_in_the_tooltip():
    assert "x" * 10_000 in draw(Value(1.0, label="x" * 10_000)).source


def test_the_label_of_a_long_edge_stands_at_its_arrow():
    x = Value(0.5)
    assert "n0 -> n5op [headlabel=1.0 labelangle=25]" in lines(tanh(tanh(tanh(tanh(x)))) + x)


def test_an_edge_from_one_column_to_the_next_spans_one():
    assert span(fold(read([Value(1.0).sin()]))) == 1


def test_an_input_is_next_to_its_first_use():
    x = Value(1.0)
    assert span(fold(read([x.sin().cos() + Value(2.0)]))) == 4


def test_where_edges_are_long_graphviz_is_told_to_hurry():
    x = y = Value(0.5)
    for _ in range(40):
        y = y * x
    assert "nslimit=0" in draw(y).source
