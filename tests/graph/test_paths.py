"""Paths: counted, and the largest found, against going through them all."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad import Value, gate, maximum
from scalargrad.graph.model import follow
from scalargrad.graph.paths import Paths


def weighed(*slopes):
    """An operation with these local derivatives, whatever they are."""
    return gate(derivatives=lambda *xs: slopes)(lambda *xs: 0.0)


@st.composite
def expressions(draw, slopes):
    """A Value, computed from one input by a few operations with such local derivatives."""
    rows = [Value(1.0)]
    for _ in range(draw(st.integers(1, 7))):
        operands = draw(st.lists(st.sampled_from(rows), min_size=1, max_size=3))
        rows.append(weighed(*[draw(slopes) for _ in operands])(*operands))
    return rows[-1]


def all_paths(found, start):
    """(numbers, places) of every path, by going through them all."""
    nodes, paths, waiting = found.expression.nodes, [], [((found.root,), ())]
    while waiting:
        numbers, places = waiting.pop()
        if numbers[0] == start:
            paths.append((numbers, places))
        for place, edge in enumerate(nodes[numbers[0]].edges):
            if edge.derivative is not None:
                waiting.append(((edge.operand, *numbers), (place, *places)))
    return paths


def product(found, path):
    numbers, places = path
    return math.prod(found.expression.nodes[i].edges[p].derivative for i, p in zip(numbers[1:], places))


def order(x):
    """By which paths are listed: nan, infinite, by size."""
    return -1.0 if x != x else 0.0 if math.isinf(x) else 1 / (1 + abs(x))


tame = st.sampled_from([-2.0, -1.0, -0.5, 0.25, 1.0, 3.0])
wild = st.sampled_from([0.0, -0.0, 1.0, -2.0, math.inf, -math.inf, math.nan])


@given(expressions(tame | wild))
@settings(max_examples=300, deadline=None)
def test_paths_are_counted(y):
    found = follow(y)
    assert Paths(found).counts({0}) == {0: len(all_paths(found, 0))}


@given(expressions(tame) | expressions(tame | wild) | expressions(wild), st.integers(1, 12))
@settings(max_examples=500, deadline=None)
def test_the_largest_paths_are_found_largest_first(y, most):
    found = follow(y)
    everything = all_paths(found, 0)
    listed = Paths(found).largest(0, most)
    assert len({(path.numbers, path.places) for path in listed}) == len(listed) == min(most, len(everything))
    assert {(path.numbers, path.places) for path in listed} <= set(everything)
    sizes = sorted(order(product(found, path)) for path in everything)
    assert [order(path.product) for path in listed] == sizes[:most]


@given(expressions(tame))
@settings(max_examples=200, deadline=None)
def test_the_products_of_all_paths_add_up_to_the_gradient(y):
    found = follow(y)
    listed = Paths(found).largest(0, 10_000)
    total = sum(abs(path.product) for path in listed)
    assert sum(path.product for path in listed) == pytest.approx(found.adjoints[0] or 0.0, abs=1e-12 * total)
    assert Paths(found).sizes[0] == pytest.approx(total)


def test_sizes_beyond_floats_are_compared_too():
    x = Value(1.0)
    tiny, tinier = weighed(1e-200)(x), weighed(1e-201)(x)
    y = weighed(1e-200, 1e-200)(tinier, tiny)
    assert [path.numbers[1] for path in Paths(follow(y)).largest(0, 2)] == [1, 2]


def test_a_product_whose_parts_overflow_is_right():
    x = Value(1.0)
    y = weighed(1e-200)(weighed(1e-200)(weighed(1e200)(weighed(1e200)(x))))
    (path,) = Paths(follow(y)).largest(0, 1)
    assert path.product == pytest.approx(1.0)


def test_a_path_is_its_values_from_first_to_root():
    x = Value(2.0)
    u = x.tanh()
    y = u * 3.0
    (path,) = Paths(follow(y)).largest(0, 3)
    assert [id(row) for row in path] == [id(x), id(u), id(y)]
    assert len(path) == 3
    assert path.derivatives == (u.local_derivatives[0], 3.0)


def test_no_path_goes_through_what_was_not_chosen():
    x = Value(2.0)
    y = maximum(x * 1.0, x * 2.0)
    (path,) = Paths(follow(y)).largest(0, 3)
    assert path.derivatives == (2.0, 1.0)


def test_a_number_of_paths_beyond_all_floats_is_exact():
    x = y = Value(1e-3)
    for _ in range(5_000):
        y = y + y
    found = Paths(follow(weighed(1.0)(y)))
    assert found.counts({0}) == {0: 2**5_000}
    assert len(found.largest(0, 10)) == 10
    assert x.data == 1e-3


def test_a_chain_of_100_000_rows_is_no_trouble():
    x = y = Value(0.5)
    for _ in range(100_000):
        y = y * 0.5
    (path,) = Paths(follow(y)).largest(0, 10)
    assert len(path) == 100_001
    assert x.data == 0.5
