"""The model as DOT, the language of Graphviz. The same expression gives the same text, always.

A box is a number: its label, value and gradient; an ellipse is the operation that computed it. Boxes differ in shape
and outline as well as in colour, so that they differ on paper and to every eye.

Plain boxes won over records and HTML tables: a record has five more characters to escape, and Graphviz built without
an XML parser, as the embedded one is, draws HTML labels wrong without a word.
"""

import graphviz

from scalargrad.graph.model import Expression, Node
from scalargrad.graph.spelling import literal, named, number

__all__ = ["SHOWN_FONT", "dot_source", "span", "with_shown_font"]

# Graphviz knows how wide Courier is without having it, and no fixed-width font that is likely to be there is wider.
# So text fits its box wherever it is shown; and it is shown in one that is nicer to read.
_FONT, SHOWN_FONT = "Courier", "DejaVu Sans Mono"
_FALLBACKS = "Menlo,Consolas,Liberation Mono,monospace"

_GRAPH = {"rankdir": "LR", "nodesep": "0.25", "ranksep": "0.35"}
_NODE = {"shape": "box", "style": "filled", "fillcolor": "white", "color": "#444444", "fontname": _FONT}
_NODE |= {"fontsize": "11", "margin": "0.1,0.06", "height": "0.3"}
_EDGE = {"color": "#777777", "fontcolor": "#333333", "fontname": _FONT, "fontsize": "10", "arrowsize": "0.7"}

_INPUT = {"style": "filled,rounded", "fillcolor": "#d6e8f7"}
_CONSTANT = {"style": "filled,dashed", "fillcolor": "#eeeeee"}
_OPERATION = {"shape": "ellipse", "fillcolor": "#f9e2b8", "margin": "0.04,0.02", "width": "0.35", "height": "0.35"}
_OPERATION |= {"ordering": "in"}  # the first operand comes in on top: a / b is not b / a
_ROOT = {"penwidth": "2.5"}
_NO_GRADIENT = {"style": "dashed"}

# Graphviz would optimise the layout of a few hundred nodes for minutes if edges are long. What it has to place grows
# with `span`: up to this many takes a second, and with these settings hundred times as many take ten.
_MANY, _HURRY = 750, {"nslimit": "0", "nslimit1": "0", "mclimit": "0.1", "splines": "line"}


def dot_source(expression: Expression) -> str:
    """DOT for an expression: a box n0, n1 … for each node, and n2op for the operation that computed n2.

    >>> from scalargrad import Value
    >>> from scalargrad.graph.model import read
    >>> for line in dot_source(read([Value(3.0, label="x").sin()])).splitlines():
    ...     if "->" in line:
    ...         print(line.strip())
    n0 -> n1op [label=-0.9900]
    n1op -> n1 [arrowhead=none]
    """
    roots = set(expression.roots)
    graph = graphviz.Digraph(graph_attr=_GRAPH, node_attr=_NODE, edge_attr=_EDGE)
    if span(expression) > _MANY:
        graph.attr(**_HURRY)
    for i, node in enumerate(expression.nodes):
        if node.kind == "result":
            graph.node(f"n{i}op", _text(literal(node.symbol)), **_OPERATION)
            for edge in node.edges:
                style = _NO_GRADIENT if edge.derivative is None else {}
                graph.edge(f"n{edge.operand}", f"n{i}op", number(edge.derivative), **style)
        graph.node(f"n{i}", _text(*_lines(node)), **_style(node), **(_ROOT if i in roots else {}))
        if node.kind == "result":
            graph.edge(f"n{i}op", f"n{i}", arrowhead="none")
    return str(graph.source)


def span(expression: Expression) -> int:
    """How many columns of operations the edges pass, all together: of an edge from one column to the next, 1.

    >>> from scalargrad import Value
    >>> from scalargrad.graph.model import read
    >>> x = Value(3.0)
    >>> span(read([x.sin().cos() + x]))
    5
    """
    nodes = expression.nodes
    column, first_use = [0] * len(nodes), [0] * len(nodes)
    for i, node in enumerate(nodes):
        column[i] = 1 + max((column[edge.operand] for edge in node.edges), default=-1)
        for edge in node.edges:
            first_use[edge.operand] = min(first_use[edge.operand] or column[i], column[i])
    for i, node in enumerate(nodes):
        if not node.edges and first_use[i]:
            column[i] = first_use[i] - 1  # next to where it is used, as Graphviz does
    return sum(column[i] - column[edge.operand] for i, node in enumerate(nodes) for edge in node.edges)


def _lines(node: Node) -> list[str]:
    value = named(node.label, number(node.value))
    return [value] if node.kind == "constant" else [value, "grad " + number(node.grad, none="not yet")]


def _style(node: Node) -> dict[str, str]:
    style = {"input": _INPUT, "constant": _CONSTANT, "result": {}}[node.kind]
    whole = literal(node.label, width=None)
    return style if literal(node.label) == whole else style | {"tooltip": _text(whole)}


def _text(*lines: str) -> str:
    """Lines as a DOT string in which a backslash, an `&` and `<...>` mean nothing."""
    return graphviz.nohtml(r"\n".join(graphviz.escape(line.replace("&", "&amp;")) for line in lines))


def with_shown_font(svg: str) -> str:
    """What Graphviz drew, in the font that it is to be shown in."""
    return svg.replace(f'"{_FONT},monospace"', f'"{SHOWN_FONT},{_FALLBACKS}"')
