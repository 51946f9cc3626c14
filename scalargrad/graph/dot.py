"""The model as DOT, the language of Graphviz. The same expression gives the same text, always.

A box is a number: its label, value and gradient; an ellipse is the operation that computed it. Boxes differ in shape
and outline as well as in colour, so that they differ on paper and to every eye.

Plain boxes won over records and HTML tables: a record has five more characters to escape, and Graphviz built without
an XML parser, as the embedded one is, draws HTML labels wrong without a word.
"""

import graphviz

from scalargrad.graph.model import Edge, Expression, Node
from scalargrad.graph.spelling import literal, named, number

__all__ = ["SHOWN_FONT", "dot_source", "span", "with_shown_font"]

# Graphviz knows how wide Courier is without having it, and no fixed-width font that is likely to be there is wider.
# So text fits its box wherever it is shown; and it is shown in one that is nicer to read.
_FONT, SHOWN_FONT = "Courier", "DejaVu Sans Mono"
_FALLBACKS = "Menlo,Consolas,Liberation Mono,monospace"

_GRAPH = {"rankdir": "LR", "nodesep": "0.25", "ranksep": "0.4"}
_NODE = {"shape": "box", "style": "filled", "fillcolor": "white", "color": "#444444", "fontname": _FONT}
_NODE |= {"fontsize": "11", "margin": "0.1,0.06", "height": "0.3"}
_EDGE = {"color": "#777777", "fontcolor": "#333333", "fontname": _FONT, "fontsize": "10", "arrowsize": "0.7"}
_EDGE |= {"labeldistance": "3"}

_INPUT = {"style": "filled,rounded", "fillcolor": "#d6e8f7"}
_CONSTANT = {"style": "filled,dashed", "fillcolor": "#eeeeee"}
_OPERATION = {"shape": "ellipse", "fillcolor": "#f9e2b8", "margin": "0.04,0.02", "width": "0.35", "height": "0.35"}
_OPERATION |= {"ordering": "in"}  # the first operand comes in on top: a / b is not b / a
_ROOT = {"penwidth": "2.5"}
_NO_GRADIENT = {"style": "dashed"}

# Graphviz would improve the layout of a hundred nodes for minutes where edges are long: what it has to place grows
# with `span`. Up to this many take it a second, and with these settings fifty times as many take it ten.
_MANY, _HURRY = 750, {"nslimit": "0", "nslimit1": "0", "mclimit": "0.1", "ranksep": "0.9"}


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
    graph = graphviz.Digraph(graph_attr=_GRAPH, node_attr=_NODE, edge_attr=_EDGE)
    columns, hurry = _columns(expression), span(expression) > _MANY
    if hurry:
        graph.attr(**_HURRY)
    roots, without_gradient = set(expression.roots), expression.without_gradient
    for i, node in enumerate(expression.nodes):
        if node.kind == "result":
            graph.node(f"n{i}op", _text(literal(node.symbol)), **_OPERATION)
            for place, edge in enumerate(node.edges):
                far = hurry or columns[i] - columns[edge.operand] > 3
                graph.edge(f"n{edge.operand}", f"n{i}op", **_edge_style(edge, place, far))
        graph.node(f"n{i}", _text(*_lines(node, without_gradient)), **_style(node), **(_ROOT if i in roots else {}))
        if node.kind == "result":
            graph.edge(f"n{i}op", f"n{i}", arrowhead="none")
    return str(graph.source)


def span(expression: Expression) -> int:
    """How many columns of operations the edges pass, all together: of an edge from one column to the next, 1.

    >>> from scalargrad import Value
    >>> from scalargrad.graph.model import read
    >>> x = Value(3.0)
    >>> span(read([x.sin().cos() + x]))
    6
    """
    columns = _columns(expression)
    return sum(columns[i] - columns[edge.operand] for i, node in enumerate(expression.nodes) for edge in node.edges)


def _columns(expression: Expression) -> list[int]:
    """For each node the column that it will be drawn in: right of all its operands, an input next to its first use."""
    nodes = expression.nodes
    columns, first_use = [0] * len(nodes), [0] * len(nodes)
    for i, node in enumerate(nodes):
        columns[i] = 1 + max((columns[edge.operand] for edge in node.edges), default=-1)
        for edge in node.edges:
            first_use[edge.operand] = min(first_use[edge.operand] or columns[i], columns[i])
    return [column if node.edges else max(use - 1, 0) for column, use, node in zip(columns, first_use, nodes)]


def _lines(node: Node, without_gradient: str) -> list[str]:
    value = named(node.label, number(node.value))
    return [value] if node.kind == "constant" else [value, "grad " + number(node.grad, none=without_gradient)]


def _style(node: Node) -> dict[str, str]:
    style = {"input": _INPUT, "constant": _CONSTANT, "result": {}}[node.kind]
    whole = literal(node.label, width=None)
    if literal(node.label) == whole:
        return style
    return style | {"tooltip": _text(graphviz.escape(whole))}  # Graphviz reads the escapes of a tooltip twice over


def _edge_style(edge: Edge, place: int, far: bool) -> dict[str, str]:
    style = _NO_GRADIENT if edge.derivative is None else {}
    if not far:
        return style | {"label": number(edge.derivative)}
    # The middle of a long edge is near nothing, and keeping room there takes Graphviz much time. So the label stands at
    # the arrow: above it for the first operand, which comes in on top, and below for the others.
    return style | {"headlabel": number(edge.derivative), "labelangle": "25" if place else "-25"}


def _text(*lines: str) -> str:
    """Lines as a DOT string in which a backslash, an `&` and `<...>` mean nothing."""
    escaped = r"\n".join(graphviz.escape(line.replace("&", "&amp;")) for line in lines)
    quoted: str = graphviz.nohtml(escaped)  # a kind of str that Digraph quotes whatever is in it
    return quoted


def with_shown_font(svg: str) -> str:
    """What Graphviz drew, in the font that it is to be shown in."""
    return svg.replace(f'"{_FONT},monospace"', f'"{SHOWN_FONT},{_FALLBACKS}"')
