"""An expression computed again from other numbers, without recording anything."""

from collections.abc import Mapping

from scalargrad.engine import Value
from scalargrad.errors import StaleValueError
from scalargrad.graph.model import Expression, Pass, follow, read
from scalargrad.graph.names import Names
from scalargrad.graph.spelling import brief
from scalargrad.namespaces import FLOATS

__all__ = ["again", "follow_or_tell"]


def again(expression: Expression, changed: Mapping[int, float]) -> list[float]:
    """The values of all nodes, where some of them are changed to these numbers; a `where` keeps to its choice.

    Raises what the operations raise.

    >>> from scalargrad import Value
    >>> from scalargrad.graph.model import read
    >>> x = Value(3.0)
    >>> again(read([x * x + 1]), {0: 4.0})
    [4.0, 16.0, 1.0, 17.0]
    """
    values: list[float] = []
    for i, node in enumerate(expression.nodes):
        if i in changed:
            values.append(changed[i])
        elif node.rule is None:
            values.append(node.value)
        else:
            values.append(node.rule.value(FLOATS, *[values[edge.operand] for edge in node.edges]))
    return values


def follow_or_tell(root: Value) -> Pass:
    """The same as `follow`; a StaleValueError has a note that tells which rows are out of date."""
    try:
        return follow(root)
    except StaleValueError as error:
        error.add_note(_out_of_date(read([root])))
        raise


def _out_of_date(expression: Expression) -> str:
    """Which rows do not hold any more, because the data of an input was set after they were recorded."""
    names = Names(expression)
    try:
        values = again(expression, {})
    except Exception as error:
        return f"with the numbers as they are now, it cannot be computed: {error}"
    nodes = expression.nodes
    rows = [i for i, node in enumerate(nodes) if node.rule and repr(node.value) != repr(values[i])]
    if not rows:
        return "with the numbers as they are now, all of its rows come out the same"
    total = sum(node.rule is not None for node in nodes)
    told = [
        f"{names[i]} = {names.operation(i)} is {brief(nodes[i].value)}, and would be {brief(values[i])}" for i in rows
    ]
    more = f"; … and {len(told) - 3:,} more" if len(told) > 3 else ""
    return f"out of date are {len(rows):,} of its {total:,} row(s): {'; '.join(told[:3])}{more}"
