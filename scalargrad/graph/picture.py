"""`draw`, and the Graph that it returns."""

import gc
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from scalargrad.errors import RenderError
from scalargrad.files import destination, write
from scalargrad.graph import render
from scalargrad.graph.dot import dot_source
from scalargrad.graph.fold import Collapse, Drawing, fold
from scalargrad.graph.look import Look, NumberFormat
from scalargrad.graph.model import Expression, Row, read
from scalargrad.graph.text import text

__all__ = ["Graph", "draw"]


def draw(
    *ys: Row | Iterable[Row],
    max_nodes: int = 400,
    depth: int | None = None,
    collapse: Collapse | None = None,
    siblings: bool = True,
    sums: bool = True,
    values: bool = True,
    gradients: bool = True,
    derivatives: bool = True,
    number: NumberFormat = None,
    direction: str = "LR",
    theme: str = "light",
    heat: bool = False,
    highlight: Iterable[Row] = (),
) -> "Graph":
    """A picture of how the Values ys were computed, as they are now: `draw(y)`, `draw(y, z)` or `draw([y, z])`.

    What has `roots` is drawn from them: a Program, at the numbers it was recorded with.

    A box is an input, a constant or a result, with its label, value and gradient ("not yet" before any backward
    pass, "not reached" where that did not come); an ellipse is the operation that computed it; an edge into an
    operation shows the local derivative. A frame is a scope, and an input that only one scope uses is drawn in it.

    What is folded:

    - `depth`: scopes below it are one box each, which says how many rows and inputs are in it; 0 opens no scope.
    - `collapse`: a function of a scope, given as a tuple of names: True folds it, False opens it, None as depth says.
    - `siblings`: equal boxes in one scope (the same operations in the same order) become one, marked ×16; so do
      inputs of the same boxes, if they are more than three.
    - `sums`: three or more + in a row become one sum, unless the sums between them have labels or other uses.
    - `max_nodes`: what has more nodes, or very long edges, folds further by itself, and says so below the picture.

    What is shown:

    - `values`, `gradients`, `derivatives`: whether each of them is.
    - `number`: how numbers are written: a format specification such as ".3f", or a function of a number.
    - `direction`: "LR" is from left to right; also "RL", "TB" (from top to bottom) and "BT".
    - `theme`: "light" or "dark".
    - `heat`: the sign of a gradient as hue (blue is negative, orange positive), its magnitude as strength and line
      width, with a legend; on an edge, of what it hands on; of a box, the largest that comes into it.
    - `highlight`: a path, drawn strong: Values from an input to the root, each an operand of the next.

    Raises TypeError for anything but Values, and TypeError or ValueError for an option that is none of the above.

    >>> from scalargrad import Value, scope
    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> y.backward()
    >>> print(draw(y))
    [1] *  9.0, grad 1.0
    ├─(3.0)─ [0] x = 3.0, grad 6.0
    └─(3.0)─ [0] above
    >>> with scope("circle"):
    ...     area = x * x * 3.14
    >>> print(draw(area / 2, depth=0, gradients=False, number=".1f"))
    [5] /  14.1
    ├─(0.5)─ [f0] circle: 2 rows, 1 input, 28.3
    └─(-7.1)─ 2.0
    """
    roots: list[Any] = []
    for y in ys:
        y = getattr(y, "roots", y)  # as a Program has them
        roots.extend([y] if isinstance(y, Row) or not isinstance(y, Iterable) else y)
    for root in roots:
        if not isinstance(root, Row):
            of_function = ": of a function f there is draw(f(x)), or draw(record(f, x))" if callable(root) else ""
            raise TypeError(f"draw takes Values, and {root!r} is not one{of_function}")
    if not roots:
        raise TypeError("draw takes at least one Value")
    look = Look(values, gradients, derivatives, number, direction, theme, heat)
    _check(max_nodes, depth, collapse, siblings, sums)
    with _no_collection():
        numbers: dict[Row, int] = {}
        expression = read(roots, numbers)
        path = _path(highlight, numbers, expression)
        folded = fold(
            expression, depth=depth, collapse=collapse, siblings=siblings, sums=sums, most=max_nodes, path=path
        )
    return Graph(folded, look)


@contextmanager
def _no_collection() -> Iterator[None]:
    """No collection of garbage: there is none, and to look for it among a million new nodes doubles the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _check(max_nodes: object, depth: object, collapse: object, siblings: object, sums: object) -> None:
    """The options that say what is folded."""
    if not isinstance(max_nodes, int) or isinstance(max_nodes, bool) or max_nodes < 1:
        raise ValueError(f"max_nodes= is a whole number of nodes, 1 at least, not {max_nodes!r}")
    if depth is not None and (not isinstance(depth, int) or isinstance(depth, bool) or depth < 0):
        raise ValueError(f"depth= is how many levels of scopes are open: 0, 1, 2 … or None for all, not {depth!r}")
    if not (collapse is None or callable(collapse)):
        raise TypeError(f"collapse= is a function of a scope, which is a tuple of names, not {collapse!r}")
    for name, option in (("siblings", siblings), ("sums", sums)):
        if not isinstance(option, bool):
            raise TypeError(f"{name}= is True or False, not {option!r}")


def _path(highlight: object, numbers: dict[Row, int], expression: Expression) -> list[int]:
    """The numbers of the nodes on the path to highlight."""
    if isinstance(highlight, Row) or not isinstance(highlight, Iterable):
        raise TypeError(f"highlight= is a path, Values from an input to the root, not {highlight!r}")
    path: list[int] = []
    for row in highlight:
        if not isinstance(row, Row) or row not in numbers:
            raise ValueError(f"highlight= is a path of Values in this picture, and {row!r} is not in it")
        i = numbers[row]
        if path and all(edge.operand != path[-1] for edge in expression.nodes[i].edges):
            raise ValueError(f"highlight= goes from an input to the root, but {row!r} does not use the Value before it")
        path.append(i)
    return path


class Graph:
    """A picture that `draw` made: `.source`, `.svg()`, `.png()`, `.save(path)`; `print` shows it as text.

    A notebook shows it as SVG, or as text where nothing can draw.
    """

    def __init__(self, drawing: Drawing, look: Look) -> None:
        self._drawing, self._look = drawing, look

    @cached_property
    def source(self) -> str:
        """The picture in DOT. Nodes are n0, n1 … in the order of creation, n2op is the operation behind n2, f0 a box."""
        return dot_source(self._drawing, self._look)

    def svg(self) -> str:
        """The picture as SVG. Raises RenderError, with the ways out, if it cannot be drawn here."""
        return render.svg(self.source)

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG, 96 * scale pixels to the inch. Raises as svg does, and ValueError unless scale > 0."""
        return render.png(self.source, scale)

    def save(self, path: str | os.PathLike[str], scale: float = 2.0) -> Path:
        """Write the picture to a file, in the format that its suffix says: .svg, .png, .pdf or .dot; returns the path.

        The scale is that of a PNG. The file appears complete or not at all. Raises ValueError for another suffix,
        OSError where the file cannot be written, and RenderError as svg does; a PDF takes an installed Graphviz.

        >>> from scalargrad import Value
        >>> draw(Value(1.0)).save("y.bmp")
        Traceback (most recent call last):
            ...
        ValueError: y.bmp: the suffix of a picture is one of .svg, .png, .pdf, .dot
        """
        path = destination(path, (".svg", ".png", ".pdf", ".dot"), "a picture")
        match path.suffix.lower():
            case ".svg":
                content = self.svg().encode()
            case ".png":
                content = self.png(scale)
            case ".pdf":
                content = render.pdf(self.source)
            case _:
                content = self.source.encode()
        write(path, content)
        return path

    def __str__(self) -> str:
        return text(self._drawing, look=self._look)

    def __repr__(self) -> str:
        size, items = self._drawing.size, len(self._drawing.items)
        folded = "" if size == items else f", folded into {items:,}"
        return f"<Graph of {size:,} node(s){folded}: print it, or save it as .svg, .png, .pdf or .dot>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What a notebook shows: the best of these that it can."""
        try:
            return {"image/svg+xml": self.svg(), "text/plain": str(self)}
        except RenderError as error:
            return {"text/plain": f"{self}\n\n({error})"}
