"""`draw`, and the Graph that it returns."""

import math
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from scalargrad.errors import RenderError
from scalargrad.graph import render
from scalargrad.graph.dot import dot_source, span
from scalargrad.graph.files import write
from scalargrad.graph.model import Expression, Row, read
from scalargrad.graph.text import text

__all__ = ["Graph", "draw"]

_SPAN_PER_NODE = 20  # an expression with longer edges counts as larger than it is: it takes as long to draw


def draw(*ys: Row | Iterable[Row], max_nodes: int = 2_000) -> "Graph":
    """A picture of how the Values ys were computed, as they are now: `draw(y)`, `draw(y, z)` or `draw([y, z])`.

    A box is an input, a constant or a result, with its label, value and gradient ("not yet" before any backward
    pass, "not reached" where that did not come); an ellipse is the operation that computed it; an edge into an
    operation shows the local derivative.

    Raises TypeError for anything but Values. Rendering raises RenderError if there are more than max_nodes nodes, or
    fewer with very long edges; text and DOT have no limit.

    >>> from scalargrad import Value
    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> y.backward()
    >>> print(draw(y))
    [1] *  9.0, grad 1.0
    ├─(3.0)─ [0] x = 3.0, grad 6.0
    └─(3.0)─ [0] above
    """
    roots: list[Any] = []
    for y in ys:
        roots.extend([y] if isinstance(y, Row) or not isinstance(y, Iterable) else y)
    for root in roots:
        if not isinstance(root, Row):
            raise TypeError(f"draw takes Values, and {root!r} is not one")
    if not roots:
        raise TypeError("draw takes at least one Value")
    return Graph(read(roots), max_nodes)


class Graph:
    """A picture that `draw` made: `.source`, `.svg()`, `.png()`, `.save(path)`; `print` shows it as text.

    A notebook shows it as SVG, or as text where nothing can draw.
    """

    def __init__(self, expression: Expression, max_nodes: int) -> None:
        self._expression, self._max_nodes = expression, max_nodes

    @cached_property
    def source(self) -> str:
        """The picture in DOT. Nodes are n0, n1 … in the order of creation, and n2op is the operation behind n2."""
        return dot_source(self._expression)

    def svg(self) -> str:
        """The picture as SVG. Raises RenderError, with the ways out, if it cannot be drawn here."""
        return render.svg(self._checked_source())

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG, 96 * scale pixels to the inch. Raises as svg does, and ValueError unless scale > 0."""
        return render.png(self._checked_source(), scale)

    def _checked_source(self) -> str:
        nodes, passed = len(self._expression.nodes), span(self._expression)
        enough = max(nodes, math.ceil(passed / _SPAN_PER_NODE))
        if enough > self._max_nodes:
            raise RenderError(
                f"a picture of {nodes:,} nodes, with edges that pass {passed:,} columns of them, would take long and be "
                "hard to read: draw a smaller part, print(draw(y)) for text, or draw(y, max_nodes="
                f"{enough}) to have it all the same"
            )
        return self.source

    def save(self, path: str | os.PathLike[str], scale: float = 2.0) -> Path:
        """Write the picture to a file, in the format that its suffix says: .svg, .png, .pdf or .dot; returns the path.

        The scale is that of a PNG. The file appears complete or not at all. Raises ValueError for another suffix, OSError where the file cannot
        be written, and RenderError as svg does; a PDF takes an installed Graphviz.

        >>> from scalargrad import Value
        >>> draw(Value(1.0)).save("y.bmp")
        Traceback (most recent call last):
            ...
        ValueError: y.bmp: the suffix of a picture is one of .svg, .png, .pdf, .dot
        """
        path = Path(path)
        if not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: there is no directory {path.parent}")
        if path.suffix.lower() == ".svg":
            content = self.svg().encode()
        elif path.suffix.lower() == ".png":
            content = self.png(scale)
        elif path.suffix.lower() == ".pdf":
            content = render.pdf(self._checked_source())
        elif path.suffix.lower() == ".dot":
            content = self.source.encode()
        else:
            raise ValueError(f"{path}: the suffix of a picture is one of .svg, .png, .pdf, .dot")
        write(path, content)
        return path

    def __str__(self) -> str:
        return text(self._expression)

    def __repr__(self) -> str:
        return f"<Graph of {len(self._expression.nodes):,} node(s): print it, or save it as .svg, .png, .pdf or .dot>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What a notebook shows: the best of these that it can."""
        try:
            return {"image/svg+xml": self.svg(), "text/plain": str(self)}
        except RenderError as error:
            return {"text/plain": f"{self}\n\n({error})"}
