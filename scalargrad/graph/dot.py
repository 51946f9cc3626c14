"""What was folded as DOT, the language of Graphviz. The same expression gives the same text, always.

A box is a number: its label, value and gradient; an ellipse is the operation that computed it. Boxes differ in shape
and outline as well as in colour, so that they differ on paper and to every eye. A box with thickness stands for many
nodes; a frame is a scope.

Plain boxes won over records and HTML tables: a record has five more characters to escape, and Graphviz built without
an XML parser, as the embedded one is, draws HTML labels wrong without a word.
"""

from collections import Counter
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from math import isfinite, isnan, nan, sqrt
from textwrap import wrap
from typing import Any

import graphviz

from scalargrad.graph.fold import Box, Drawing, Flow, Item, Scope, columns, span
from scalargrad.graph.look import PLAIN, THEMES, Look
from scalargrad.graph.model import Node
from scalargrad.graph.spelling import literal, named
from scalargrad.graph.text import box_lines

__all__ = ["SHOWN_FONT", "dot_source", "with_shown_font"]

# Graphviz knows how wide Courier is without having it, and no fixed-width font that is likely to be there is wider.
# So text fits its box wherever it is shown; and it is shown in one that is nicer to read.
_FONT, SHOWN_FONT = "Courier", "DejaVu Sans Mono"
_FALLBACKS = "Menlo,Consolas,Liberation Mono,monospace"

_GRAPH = {"nodesep": "0.25", "ranksep": "0.4"}
_NODE = {"shape": "box", "style": "filled", "fontname": _FONT, "fontsize": "11", "margin": "0.1,0.06", "height": "0.3"}
_EDGE = {"fontname": _FONT, "fontsize": "10", "arrowsize": "0.7", "labeldistance": "3"}
_OPERATION = {"shape": "ellipse", "margin": "0.04,0.02", "width": "0.35", "height": "0.35"}
_FIRST_ON_TOP = {"ordering": "in"}  # among the operands: a / b is not b / a
_ROOT = {"penwidth": "2.5"}
_NO_GRADIENT = {"style": "dashed"}
_PATH = {"penwidth": "3"}
_STRAIGHT, _ONWARD = {"weight": "10"}, {"weight": "5"}  # else a long chain becomes a staircase

# Graphviz would improve the layout of a hundred nodes for minutes where edges are long: what it has to place grows
# with `span`. Up to this many take it a second, and with these settings fifty times as many take it ten.
_MANY, _HURRY = 750, {"nslimit": "0", "nslimit1": "0", "mclimit": "0.1", "ranksep": "0.9"}
_MANY_FRAMED = 100


def dot_source(drawing: Drawing, look: Look = PLAIN) -> str:
    """DOT for what is drawn: a box n0, n1 … for each node, n2op for the operation that computed n2, f0 for a box.

    >>> from scalargrad import Value
    >>> from scalargrad.graph.fold import fold
    >>> from scalargrad.graph.model import read
    >>> for line in dot_source(fold(read([Value(3.0, label="x").sin()]))).splitlines():
    ...     if "->" in line:
    ...         print(line.strip())
    n0 -> n1op [label=-0.9900]
    n1op -> n1 [arrowhead=none weight=10]
    """
    return _Writer(drawing, look).source()


class _Writer:
    def __init__(self, drawing: Drawing, look: Look) -> None:
        self.drawing, self.look, self.theme = drawing, look, THEMES[look.theme]
        self.columns, self.hurry = columns(drawing), span(drawing) > _MANY
        # Graphviz has two ways to place frames. The nicer one fails where an edge from another frame has a place in an
        # order, where frames feed each other, and, if it is the embedded one, where there are hundreds of edges.
        edges = sum(len(item.flows) for item in drawing.items)
        self.tangled = len(drawing.items) + edges > _MANY_FRAMED or _tangled(drawing)
        self.uses = Counter(flow.source for item in drawing.items for flow in item.flows)
        self.roots, self.path, self.steps = set(drawing.roots), set(drawing.path), set(pairwise(drawing.path))
        gradients = [abs(g) for item in drawing.items if (g := _gradient(item)) is not None]
        self.largest = max(filter(isfinite, gradients), default=0.0)

    def source(self) -> str:
        theme = self.theme
        graph = {"rankdir": self.look.direction, **_GRAPH, **(_HURRY if self.hurry else {})}
        if self.tangled and any(item.scope for item in self.drawing.items):
            graph["newrank"] = "true"
        if theme.paper != "white":
            graph["bgcolor"] = theme.paper
        if self.drawing.caption:
            graph |= {"label": _text(*wrap(self.drawing.caption, 70), end=r"\l"), "labelloc": "b", "labeljust": "l"}
            graph |= {"fontname": _FONT, "fontsize": "11", "fontcolor": theme.faint}
        ink = {} if theme.ink == "#000000" else {"fontcolor": theme.ink}
        dot = graphviz.Digraph(
            graph_attr=graph,
            node_attr=_NODE | {"fillcolor": theme.result, "color": theme.line} | ink,
            edge_attr=_EDGE | {"color": theme.edge, "fontcolor": theme.faint},
        )
        self._frames(dot)
        for i, item in enumerate(self.drawing.items):
            if not item.scope:
                self._nodes(dot, i, before=True)
            self._edges(dot, i)
            if not item.scope:
                self._nodes(dot, i, before=False)
            if self._has_operation(item) and self._shown(item):
                style = {"arrowhead": "none"} | _STRAIGHT | (_PATH | {"color": theme.path} if i in self.path else {})
                dot.edge(f"{item.name}op", item.name, **style)
        if self.look.heat:
            self._legend(dot)
        return str(dot.source)

    def _frames(self, dot: Any) -> None:
        """The open scopes, one in another, with their nodes in them."""
        inside: dict[Scope, list[int]] = {(): []}
        for i, item in enumerate(self.drawing.items):
            for n in range(len(item.scope)):
                inside.setdefault(item.scope[: n + 1], [])
            inside[item.scope].append(i)
        children: dict[Scope, list[Scope]] = {scope: [] for scope in inside}
        for scope in inside:
            if scope:
                children[scope[:-1]].append(scope)
        numbers = {scope: k for k, scope in enumerate(inside)}

        def frame(scope: Scope, into: Any) -> None:
            theme = self.theme
            cluster = graphviz.Digraph(name=f"cluster_{numbers[scope]}")
            cluster.attr(label=_text(literal(scope[-1])), style="filled,rounded", fillcolor=theme.scope)
            cluster.attr(color=theme.edge, fontcolor=theme.faint, fontname=_FONT, fontsize="11", labeljust="l")
            cluster.attr(margin="10", labelloc="t")
            for i in inside[scope]:
                self._nodes(cluster, i, before=True)
                self._nodes(cluster, i, before=False)
            for child in children[scope]:
                frame(child, cluster)
            into.subgraph(cluster)

        for scope in children[()]:
            frame(scope, dot)

    def _nodes(self, dot: Any, i: int, before: bool) -> None:
        """The ellipse of an item's operation, which comes before its edges, or the box, which comes after them."""
        item, theme = self.drawing.items[i], self.theme
        if before and self._has_operation(item):
            style = _OPERATION | {"fillcolor": theme.operation} | self._emphasis(i)
            if self.tangled or all(self.drawing.items[flow.source].scope == item.scope for flow in item.flows):
                style |= _FIRST_ON_TOP
            dot.node(f"{item.name}op", _text(literal(_node(item).symbol)), **style)
        elif not before and self._shown(item):
            root = _ROOT if i in self.roots else {}
            dot.node(item.name, _text(*self._lines(item)), **self._style(item) | root | self._emphasis(i))

    def _edges(self, dot: Any, i: int) -> None:
        item = self.drawing.items[i]
        for place, flow in enumerate(item.flows):
            source = self.drawing.items[flow.source]
            start = source.name if self._shown(source) else f"{source.name}op"
            end = f"{item.name}op" if self._has_operation(item) else item.name
            far = self.hurry or self.columns[i] - self.columns[flow.source] > (1 if isinstance(item.what, Box) else 3)
            style = self._edge_style(item, flow, place, far)
            if self.uses[flow.source] == 1 and source.flows and self.columns[i] - self.columns[flow.source] == 1:
                style |= _ONWARD if self._has_operation(item) else _STRAIGHT
            if (flow.source, i) in self.steps:
                style |= _PATH | {"color": self.theme.path}
            dot.edge(start, end, **style)

    def _has_operation(self, item: Item) -> bool:
        return isinstance(item.what, Node) and item.what.kind == "result"

    def _shown(self, item: Item) -> bool:
        """Whether an item has a box: a result that nothing is to be said of is its operation alone."""
        return not self._has_operation(item) or bool(self._lines(item))

    def _lines(self, item: Item) -> list[str]:
        node, look = item.what, self.look
        if isinstance(node, Box):
            lines = box_lines(node, look, self.drawing.without_gradient)
            largest = _gradient(item)  # which is what the colour tells
            told = len(node.outputs) == 1 and node.times == 1 and node.kind == "scope" and look.gradients
            return lines if told or not look.heat or largest is None else [*lines, f"grad up to {look.spell(largest)}"]
        lines = [named(node.label, look.spell(node.value))] if look.values or node.kind == "constant" else []
        lines = lines or ([literal(node.label)] if node.label else [])
        if node.kind == "constant":
            return lines
        if look.gradients:
            return [*lines, "grad " + look.spell(node.grad, none=self.drawing.without_gradient)]
        if look.heat and node.grad:
            return [*lines, "+" if node.grad > 0 else "-"]
        return lines

    def _style(self, item: Item) -> dict[str, str]:
        node, theme = item.what, self.theme
        if isinstance(node, Box):
            style = {
                "shape": "box3d",
                "fillcolor": theme.input if node.kind == "inputs" else theme.box,
                "margin": "0.14,0.1",
            }
        elif node.kind == "input":
            style = {"style": "filled,rounded", "fillcolor": theme.input}
        elif node.kind == "constant":
            style = {"style": "filled,dashed", "fillcolor": theme.constant}
        else:
            style = {}
        return style | self._heat(_gradient(item)) | _tooltip(node)

    def _heat(self, gradient: float | None) -> dict[str, str]:
        if not self.look.heat:
            return {}
        strength = self._strength(gradient)
        return {"fillcolor": self._colour(gradient, strength, self.theme.result), "penwidth": f"{1 + 2 * strength:.2g}"}

    def _strength(self, gradient: float | None) -> float:
        """From 0 to 1. The root, for a gradient of a hundredth of the largest is still to be seen."""
        if not gradient or isnan(gradient):
            return 0.0
        return sqrt(abs(gradient) / self.largest) if isfinite(gradient) else 1.0

    def _colour(self, gradient: float | None, strength: float, zero: str) -> str:
        """The sign as hue, the magnitude as how far it is from the colour of zero."""
        if gradient is not None and isnan(gradient):
            return self.theme.undefined
        full = self.theme.negative if (gradient or 0.0) < 0 else self.theme.positive
        return _between(zero, full, strength)

    def _legend(self, dot: Any) -> None:
        """One box with the colours from the most negative to the most positive gradient."""
        shown = [_gradient(item) for item in self.drawing.items]
        scale = [part * self.largest for part in (-1, -0.25, 0, 0.25, 1)] if self.largest else [0.0]
        scale += [nan] if any(g is not None and isnan(g) for g in shown) else []
        stripes = ":".join(self._colour(g, self._strength(g), self.theme.result) for g in scale)
        ends = [self.look.spell(g) if abs(g) in (0.0, self.largest) or isnan(g) else "" for g in scale]
        width = max(map(len, ends))
        lines = ["gradient", "".join(end.center(width) for end in ends)]
        dot.node(
            "legend", _text(*lines), style="striped" if ":" in stripes else "filled", fillcolor=stripes, fontsize="9"
        )

    def _emphasis(self, i: int) -> dict[str, str]:
        return _PATH | {"color": self.theme.path} if i in self.path else {}

    def _edge_style(self, item: Item, flow: Flow, nth: int, far: bool) -> dict[str, str]:
        node, label = item.what, f"×{flow.times:,}"
        if isinstance(node, Box):
            place = {"headlabel": label, "labelangle": "25"} if far else {"label": label}
            return place if flow.times > 1 else {}
        style = dict(_NO_GRADIENT) if flow.derivative is None and flow.times == 1 else {}
        source = self.drawing.items[flow.source].what
        into_constant = isinstance(source, Node) and source.kind == "constant"
        if self.look.heat and flow.derivative is not None and node.grad is not None and not into_constant:
            handed_on = flow.derivative * node.grad
            strength = min(1.0, self._strength(handed_on)) if self.largest else 0.0
            style |= {
                "color": self._colour(handed_on, strength, self.theme.edge),
                "penwidth": f"{1 + 2 * strength:.2g}",
            }
        if flow.times > 1:
            same = self.look.derivatives and flow.derivative is not None
            return style | {"label": _text(f"×{flow.times:,}", *([self.look.spell(flow.derivative)] if same else []))}
        if not self.look.derivatives:
            return style
        label = self.look.spell(flow.derivative)
        label = label if self.look.number is None else _text(label)
        if not far:
            return style | {"label": label}
        # The middle of a long edge is near nothing, and keeping room there takes Graphviz much time. So the label
        # stands at the arrow: above it for the first operand, which comes in on top, and below for the others.
        return style | {"headlabel": label, "labelangle": "25" if nth else "-25"}


def _node(item: Item) -> Node:
    assert isinstance(item.what, Node)
    return item.what


def _gradient(item: Item) -> float | None:
    """That of a node; of a box the largest that comes into it."""
    if isinstance(item.what, Node):
        return item.what.grad
    gradients = [out.grad for out in item.what.outputs if out.grad is not None]
    return max(gradients, key=lambda g: (isnan(g), abs(g)), default=None)


def _tangled(drawing: Drawing) -> bool:
    """Whether frames, or nodes and frames, feed each other in a circle."""
    for depth in range(1, 1 + max((len(item.scope) for item in drawing.items), default=0)):
        frame = [item.scope[:depth] if len(item.scope) >= depth else i for i, item in enumerate(drawing.items)]
        sources: dict[Any, set[Any]] = {}
        for i, item in enumerate(drawing.items):
            sources.setdefault(frame[i], set()).update(frame[flow.source] for flow in item.flows)
        try:
            TopologicalSorter({f: others - {f} for f, others in sources.items()}).prepare()
        except CycleError:
            return True
    return False


def _between(start: str, end: str, strength: float) -> str:
    """A colour between two, given as #rrggbb.

    >>> _between("#000000", "#ff8000", 0.5)
    '#804000'
    """
    parts = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (start, end)]
    return "#" + "".join(f"{round(a + (b - a) * strength):02x}" for a, b in zip(*parts))


def _tooltip(node: Node | Box) -> dict[str, str]:
    """What a box has no room for: a label or names that are cut, and all the operations in it."""
    if isinstance(node, Node):
        whole = literal(node.label, width=None)
        whole = "" if literal(node.label) == whole else whole
    else:
        operations = ", ".join(f"{count:,} {literal(symbol)}" for symbol, count in node.operations[:20])
        whole = " … ".join(literal(name, width=None) for name in dict.fromkeys(node.names))
        whole = f"{whole}: {operations}" if operations else whole
    # Graphviz reads the escapes of a tooltip twice over.
    return {"tooltip": _text(graphviz.escape(whole))} if whole else {}


def _text(*lines: str, end: str = "") -> str:
    r"""Lines as a DOT string in which a backslash, an `&` and `<...>` mean nothing. An end of \l sets them left."""
    escaped = (end or r"\n").join(graphviz.escape(line.replace("&", "&amp;")) for line in lines) + end
    quoted: str = graphviz.nohtml(escaped)  # a kind of str that Digraph quotes whatever is in it
    return quoted


def with_shown_font(svg: str) -> str:
    """What Graphviz drew, in the font that it is to be shown in."""
    return svg.replace(f'"{_FONT},monospace"', f'"{SHOWN_FONT},{_FALLBACKS}"')
