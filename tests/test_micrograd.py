"""micrograd's own programs, run on scalargrad: the same numbers, and notebooks that draw the same graphs."""

import operator
from types import SimpleNamespace

import graphviz
import micrograd.engine
import pytest
from hypothesis import given, settings

from scalargrad import Value
from scalargrad.testing.strategies import expressions

THEIRS = micrograd.engine.Value
near = {"rel": 1e-12, "abs": 1e-12}


def sanity_check(kind):
    """From micrograd's test suite."""
    x = kind(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    return y, [x]


def more_ops(kind):
    """From micrograd's test suite."""
    a = kind(-4.0)
    b = kind(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g, [a, b]


def readme(kind):
    """The example of micrograd's README."""
    a = kind(-4.0)
    b = kind(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g, [a, b]


def neuron(kind):
    w = [kind(0.5), kind(-1.5), kind(2.0)]
    x = [1.0, -2.0, 0.25]
    out = sum((wi * xi for wi, xi in zip(w, x, strict=True)), kind(0.125)).relu()
    return (out - 1.0) ** 2, w


PROGRAMS = [sanity_check, more_ops, readme, neuron]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_same_numbers_as_micrograd(program):
    ours, our_inputs = program(Value)
    theirs, their_inputs = program(THEIRS)
    ours.backward()
    theirs.backward()
    assert ours.data == pytest.approx(theirs.data, **near)
    assert [x.grad for x in our_inputs] == pytest.approx([x.grad for x in their_inputs], **near)


OPERATIONS = {  # without powers: theirs has no gradient for 0 ** 0.0
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "relu": lambda x: x.relu(),
}
MICROGRAD = SimpleNamespace(Value=lambda x, label: THEIRS(x), function=lambda rule: OPERATIONS[rule.name])


@given(expressions(operations=OPERATIONS, branches=False, smooth=True))
@settings(deadline=None)
def test_the_same_numbers_on_random_programs(program):
    theirs, ours = program.on(MICROGRAD), program
    xs, vs = theirs.values(), ours.values()
    y, v = theirs(*xs), ours(*vs)
    y.backward()
    v.backward()
    assert [v.data, *[v.grad for v in vs]] == pytest.approx([y.data, *[x.grad for x in xs]], rel=1e-9, abs=1e-9)


def test_the_numbers_printed_in_the_readme():
    g, (a, b) = readme(Value)
    g.backward()
    assert f"{g.data:.4f} {a.grad:.4f} {b.grad:.4f}" == "24.7041 138.8338 645.5773"


# ── the usual notebook ──────────────────────────────────────────────────────────────────────────────────────────────


def trace(root):
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


def draw_dot(root, format="svg", rankdir="LR"):
    nodes, edges = trace(root)
    dot = graphviz.Digraph(format=format, graph_attr={"rankdir": rankdir})
    for n in nodes:
        dot.node(name=str(id(n)), label="{ data %.4f | grad %.4f }" % (n.data, n.grad), shape="record")  # noqa: UP031
        if n._op:
            dot.node(name=str(id(n)) + n._op, label=n._op)
            dot.edge(str(id(n)) + n._op, str(id(n)))
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    return dot


def picture(dot):
    """The lines of the picture with ids for names taken out: what it shows, in no order."""
    import re

    return sorted(re.sub(r"\d{6,}", "id", line) for line in dot.body)


def expression(kind):
    x, w, b = kind(1.0), kind(2.0), kind(1.0)
    return (x * w + b).relu() ** 2


def test_the_notebook_draws_the_same_picture():
    ours, theirs = expression(Value), expression(THEIRS)
    ours.backward()
    theirs.backward()
    assert picture(draw_dot(ours)) == picture(draw_dot(theirs))


def test_the_notebook_draws_constants_as_nodes_too():
    def with_constants(kind):
        return (3 * kind(1.0) + 0.5).relu()

    def labels(root):
        return sorted((n._op, n.data) for n in trace(root)[0])

    assert labels(with_constants(Value)) == labels(with_constants(THEIRS))


def test_an_operand_used_twice_is_one_node():
    x = Value(3.0)
    assert (x * x)._prev == {x}
    assert len(trace(x * x)[0]) == 2


def test_the_trace_finds_each_node_once():
    x = Value(3.0)
    y = x * x
    nodes, edges = trace(y + y * x)
    assert (len(nodes), len(edges)) == (4, 5)


# ── its public names ────────────────────────────────────────────────────────────────────────────────────────────────


def test_prev_is_a_set_of_values():
    x, y = Value(2.0), Value(3.0)
    assert type((x * y)._prev) is set
    assert (x * y)._prev == {x, y}
    assert Value(2.0)._prev == set()


def test_prev_hands_back_the_same_live_values_each_time():
    y = 2 * Value(3.0) + 1
    for row in (y, *y._prev):
        first, second = row._prev, row._prev  # both held: what nobody holds may be another object next time
        assert {id(v) for v in first} == {id(v) for v in second}


def test_prev_tells_a_constant():
    y = Value(3.0) * 2
    assert sorted(v.data for v in y._prev) == [2.0, 3.0]


def test_the_exponent_is_in_the_operation_and_not_in_prev():
    x = Value(3.0)
    y = x**2
    assert (y._op, y._prev) == ("**2", {x})


def test_looking_at_prev_changes_neither_tape_nor_gradient(tape_of_two):
    t, x, y = tape_of_two
    before = str(t)
    assert len(y._prev) == 2
    assert str(t) == before
    y.backward()
    assert x.grad == 2.0


@pytest.mark.parametrize(
    ("compute", "operation"),
    [
        (lambda x: x + x, "+"),
        (lambda x: x * 2.0, "*"),
        (lambda x: x**2, "**2"),
        (lambda x: x**-1, "**-1"),
        (lambda x: x**0.5, "**0.5"),
        (lambda x: x.relu(), "ReLU"),
        (lambda x: x.tanh(), "tanh"),
        (lambda x: x.exp(), "exp"),
        (lambda x: x, ""),
    ],
)
def test_op_is_the_operation_as_micrograd_writes_it(compute, operation):
    assert compute(Value(2.0))._op == operation


def test_a_training_loop_in_its_style():
    w, b = Value(0.0, label="w"), Value(0.0, label="b")
    for _ in range(200):
        loss = sum((w * x + b - (2 * x - 1)) ** 2 for x in (-1.0, 0.0, 1.0))
        for p in (w, b):
            p.grad = 0
        loss.backward()
        for p in (w, b):
            p.data += -0.1 * p.grad
    assert (w.data, b.data) == (pytest.approx(2.0), pytest.approx(-1.0))


@pytest.fixture
def tape_of_two():
    from scalargrad import Tape

    with Tape() as t:
        x = Value(3.0)
        y = x * 2.0
        yield t, x, y
