"""The model as text: a tree from each root down to the inputs, for a terminal."""

from collections import deque

from scalargrad.graph.model import Expression, Node
from scalargrad.graph.spelling import literal, named, number

__all__ = ["text"]

_DEEPEST = 20  # what is deeper starts again at the left: else most of the text would be indentation


def text(expression: Expression, limit: int = 200) -> str:
    """A tree with the root on top, in at most so many lines.

    In brackets stands the number of a node, in parentheses the local derivative along the edge above it. What is used
    more than once is shown once, and named by its number elsewhere.

    >>> from scalargrad import Value
    >>> from scalargrad.graph.model import read
    >>> x = Value(3.0, label="x")
    >>> print(text(read([x * x + 1])))
    [3] +  10.0, grad not yet
    ├─(1.0)─ [1] *  9.0, grad not yet
    │  ├─(3.0)─ [0] x = 3.0, grad not yet
    │  └─(3.0)─ [0] above
    └─(1.0)─ 1.0
    """
    nodes, lines = expression.nodes, list[str]()
    shown: set[int] = set()
    starts = deque(expression.roots)
    pending: list[tuple[int, str, str, int]] = []  # nodes to come: number, indentation, edge, depth
    while (pending or starts) and len(lines) < limit:
        if not pending:
            pending = [(starts.popleft(), "", "", 0)]
            if pending[0][0] in shown:
                pending.pop()
                continue
        i, indent, edge, depth = pending.pop()
        if i in shown:
            lines.append(f"{edge}[{i}] above")
        elif depth > _DEEPEST and nodes[i].edges:
            lines.append(f"{edge}[{i}] below")
            starts.append(i)
        else:
            shown.add(i)
            lines.append(edge + _line(i, nodes[i], expression.without_gradient))
            for operand in reversed(nodes[i].edges):
                last = operand is nodes[i].edges[-1]
                branch = f"{indent}{'└' if last else '├'}─({number(operand.derivative)})─ "
                pending.append((operand.operand, indent + ("   " if last else "│  "), branch, depth + 1))
    if pending or any(i not in shown for i in starts):
        lines.append(f"… and {len(nodes) - len(shown):,} of {len(nodes):,} nodes more")
    return "\n".join(lines)


def _line(i: int, node: Node, without_gradient: str) -> str:
    value = named(node.label, number(node.value))
    if node.kind == "constant":
        return value
    operation = f"{literal(node.symbol)}  " if node.symbol else ""
    return f"[{i}] {operation}{value}, grad {number(node.grad, none=without_gradient)}"
