"""Reading an expression from its roots."""

from types import SimpleNamespace

from scalargrad import Tape, Value, maximum, tanh, where
from scalargrad.graph.model import Edge, Row, follow, read


def test_nodes_come_in_the_order_of_creation():
    a, b = Value(2.0), Value(3.0)
    product = a * b
    total = product + a
    assert [node.value for node in read([total]).nodes] == [a.data, b.data, product.data, total.data]


def test_the_order_does_not_depend_on_the_order_of_roots():
    x = Value(2.0)
    y, z = x.sin(), x.cos()
    assert read([y, z]).nodes == read([z, y]).nodes


def test_only_what_the_roots_depend_on_is_read():
    x = Value(2.0)
    y = x.sin()
    x.cos()
    assert len(read([y]).nodes) == 2


def test_a_repeated_operand_gives_an_edge_each_time():
    x = Value(3.0)
    assert read([x * x]).nodes[1].edges == (Edge(0, 3.0), Edge(0, 3.0))


def test_a_constant_is_a_node_of_each_operation_that_uses_it():
    x = Value(3.0)
    nodes = read([2.0 * x + 2.0]).nodes
    assert [(node.kind, node.value) for node in nodes if node.kind == "constant"] == [("constant", 2.0)] * 2


def test_a_constant_exponent_has_an_edge_without_a_derivative():
    assert read([Value(3.0) ** 2]).nodes[-1].edges == (Edge(0, 6.0), Edge(1, None))


def test_the_operand_not_chosen_has_an_edge_without_a_derivative():
    a, b = Value(1.0), Value(2.0)
    assert read([maximum(a, b)]).nodes[-1].edges == (Edge(0, None), Edge(1, 1.0))


def test_the_condition_of_where_is_a_constant():
    a, b = Value(1.0), Value(2.0)
    condition = read([where(a > 0, a, b)]).nodes[2]
    assert (condition.kind, condition.value) == ("constant", True)


def test_before_a_backward_pass_there_is_no_gradient():
    assert [node.grad for node in read([Value(1.0).sin()]).nodes] == [None, None]


def test_a_gradient_of_zero_is_a_gradient():
    x = Value(0.0)
    y = x.cos()
    y.backward()
    assert read([y]).nodes[0].grad == 0.0


def test_roots_are_numbered_and_given_once_each():
    x = Value(1.0)
    y = x.sin()
    assert read([y, x, y]).roots == (1, 0)


def test_roots_may_be_on_different_tapes():
    with Tape():
        x = Value(1.0)
    with Tape():
        y = Value(2.0)
    assert sorted(node.value for node in read([x.sin(), y]).nodes) == sorted([1.0, x.sin().data, 2.0])


def test_a_chain_of_100_000_rows_is_read():
    x = Value(0.5)
    for _ in range(100_000):
        x = tanh(x)
    assert len(read([x]).nodes) == 100_001


def test_a_pass_is_over_all_that_there_is_to_read():
    a, b = Value(1.0), Value(2.0)
    y = maximum(tanh(tanh(a)), b) * where(False, a, b) + b**2
    assert follow(y).expression == read([y])


def test_a_pass_has_a_row_for_each_node_but_constants():
    x = Value(2.0)
    y = x * 3.0
    found = follow(y)
    assert found.root == 2
    assert found.rows[0] is x
    assert found.rows[1:] == (None, y)
    assert found.adjoints == (3.0, None, 1.0)


def test_what_a_pass_does_not_reach_has_no_adjoint():
    a, b = Value(1.0), Value(2.0)
    assert follow(maximum(a, b)).adjoints == (None, 1.0, 1.0)


def test_a_pass_touches_no_gradient():
    x = Value(2.0)
    y = x * x
    follow(y)
    assert not x.has_grad
    assert not y.has_grad


def test_anything_with_the_same_interface_can_be_read():
    common = {"has_grad": False, "grad": 0.0, "label": "", "scope": (), "line": None}
    x = _Hashable(data=1.0, rule=None, operands=(), local_derivatives=(), index=0, **common)
    rule = SimpleNamespace(name="double", symbol="2·")
    y = _Hashable(data=2.0, rule=rule, operands=(x,), local_derivatives=(2.0,), index=1, **common)
    assert isinstance(y, Row)
    assert [node.symbol for node in read([y]).nodes] == ["", "2·"]


class _Hashable(SimpleNamespace):
    __hash__ = object.__hash__
