"""What there is to draw: an expression read from its roots into numbered nodes and the edges between them.

Everything that shows an expression (DOT, text) reads this model, and only this file reads rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal, Protocol, runtime_checkable

from scalargrad.engine import Value, sweep
from scalargrad.rules import Rule

__all__ = ["Edge", "Expression", "Node", "Pass", "Row", "follow", "read"]


@runtime_checkable
class Row(Protocol):
    """The part of a Value that is read here; whatever else has it can be drawn as well. It is hashed by identity."""

    @property
    def data(self) -> float: ...
    @property
    def has_grad(self) -> bool: ...
    @property
    def grad(self) -> float: ...
    @property
    def label(self) -> str: ...
    @property
    def rule(self) -> Rule | None: ...
    @property
    def operands(self) -> "tuple[Row | float, ...]": ...
    @property
    def local_derivatives(self) -> tuple[float | None, ...]: ...
    @property
    def index(self) -> int: ...
    @property
    def scope(self) -> tuple[str, ...]: ...
    @property
    def line(self) -> str | None: ...


@dataclass(slots=True)  # frozen ones take four times as long to make, and there may be millions
class Edge:
    """From an operand, given by its number, into an operation; `derivative` is None where no gradient flows."""

    operand: int
    derivative: float | None


@dataclass(slots=True)
class Node:
    """A number in the expression: an input, a constant, or the result of an operation and the edges into that.

    A result has a rule; a row has the scope that it was recorded in, and the source line if debug was on. A constant
    is in the scope of the operation that uses it.
    """

    kind: Literal["input", "constant", "result"]
    value: float
    label: str = ""
    grad: float | None = None  # None is "not yet"
    symbol: str = ""
    edges: tuple[Edge, ...] = ()
    rule: Rule | None = None
    scope: tuple[str, ...] = ()
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """Nodes in the order of their creation, each constant just before the operation that uses it; and the roots."""

    nodes: tuple[Node, ...]
    roots: tuple[int, ...]

    @property
    def without_gradient(self) -> str:
        """What to say of a node without a gradient: a backward pass from a root that has one did not reach it."""
        swept = any(self.nodes[root].grad is not None for root in self.roots)
        return "not reached" if swept else "not yet"


@dataclass(frozen=True, slots=True)
class Pass:
    """A backward pass over the expression of one root, which changed no `.grad`."""

    expression: Expression
    rows: tuple[Row | None, ...]  # by the number of their nodes; None for a constant
    adjoints: tuple[float | None, ...]  # the same; None where the pass handed nothing on to

    @property
    def root(self) -> int:
        return self.expression.roots[0]


def read(roots: Iterable[Row], numbers: dict[Row, int] | None = None) -> Expression:
    """Read all that the roots depend on, in time linear in its size (but for one sort), and without recursion.

    `numbers` is filled with the number of each row's node.

    >>> from scalargrad import Value
    >>> x = Value(3.0, label="x")
    >>> for node in read([x * x + 1]).nodes:
    ...     print(node.kind, node.value, [edge.operand for edge in node.edges])
    input 3.0 []
    result 9.0 [0, 0]
    constant 1.0 []
    result 10.0 [1, 2]
    """
    roots = tuple(roots)
    rows, pending = dict[Row, None](), list(roots)  # a dict, because a set has another order every time
    while pending:
        row = pending.pop()
        if row not in rows:
            rows[row] = None
            pending += [x for x in row.operands if not isinstance(x, (int, float))]
    expression, found = _express(roots, rows)
    if numbers is not None:
        numbers.update(found)
    return expression


def follow(root: Value) -> Pass:
    """Read all that a Value depends on, and sweep back from it. Raises StaleValueError as `backward` does.

    >>> x = Value(3.0)
    >>> follow(x * x + 1).adjoints, x.has_grad
    ((6.0, 1.0, None, 1.0), False)
    """
    adjoints = sweep({root: 1.0})  # which comes to all rows that there are to read
    expression, numbers = _express((root,), adjoints)
    rows, found = list[Row | None]([None] * len(expression.nodes)), list[float | None]([None] * len(expression.nodes))
    for row, adjoint in adjoints.items():
        rows[numbers[row]], found[numbers[row]] = row, adjoint
    return Pass(expression, tuple(rows), tuple(found))


def _express(roots: tuple[Row, ...], rows: Iterable[Row]) -> tuple[Expression, dict[Row, int]]:
    """The expression that these rows are, and by row the number of its node."""
    nodes: list[Node] = []
    number: dict[Row, int] = {}
    for row in sorted(rows, key=attrgetter("index")):
        edges, rule, scope = [], row.rule, row.scope
        for operand, derivative in zip(row.operands, row.local_derivatives, strict=True):
            if isinstance(operand, (int, float)):
                edges.append(Edge(len(nodes), derivative))
                nodes.append(Node("constant", operand, scope=scope))
            else:
                edges.append(Edge(number[operand], derivative))
        number[row] = len(nodes)
        kind: Literal["input", "result"] = "result" if rule else "input"
        grad = row.grad if row.has_grad else None
        symbol = rule.symbol if rule else ""
        nodes.append(Node(kind, row.data, row.label, grad, symbol, tuple(edges), rule, scope, row.line))
    return Expression(tuple(nodes), tuple(dict.fromkeys(number[root] for root in roots))), number
