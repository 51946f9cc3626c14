"""Where Graphviz put everything: the SVG that it drew, read back as boxes and lines.

The player draws these again by itself: so it can change texts, colours and places from step to step, and no text of a
label goes from one markup into another.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from scalargrad.graph.dot import dot_source
from scalargrad.graph.fold import Drawing
from scalargrad.graph.render import svg

__all__ = ["Box", "Layout", "Line", "lay_out"]

_SVG = "{http://www.w3.org/2000/svg}"
_MARGIN = 22.0  # all around, in the units of the drawing: room for the name of a scope

Box = tuple[float, float, float, float]  # left, top, width, height


@dataclass(frozen=True, slots=True)
class Line:
    """An edge: cubic curves from point to point, x and y in turn; the corners of its arrowhead; where its label is."""

    curve: tuple[float, ...]
    arrow: tuple[float, ...]
    label: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes and lines by the names that they have in DOT; several lines between the same two are in their order."""

    width: float
    height: float
    boxes: dict[str, Box]
    lines: dict[str, list[Line]]


def lay_out(drawing: Drawing) -> Layout:
    """Have Graphviz place what is drawn. Raises RenderError where there is none."""
    drawn = ElementTree.fromstring(svg(dot_source(drawing)).encode())
    graph = drawn.find(f"{_SVG}g")
    assert graph is not None
    shift = re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", graph.get("transform", ""))
    assert shift is not None
    moved = _Moved(float(shift[1]) + _MARGIN, float(shift[2]) + _MARGIN)

    boxes: dict[str, Box] = {}
    lines: dict[str, list[Line]] = {}
    for group in graph.iter(f"{_SVG}g"):
        name = group.findtext(f"{_SVG}title", "")
        if group.get("class") == "node":
            boxes[name] = moved.box(group)
        elif group.get("class") == "edge":
            lines.setdefault(name, []).append(moved.line(group))
    width, height = map(float, drawn.get("viewBox", "").split()[2:])
    return Layout(width + 2 * _MARGIN, height + 2 * _MARGIN, boxes, lines)


@dataclass(frozen=True, slots=True)
class _Moved:
    """Reads shapes, and moves them to where all coordinates are positive."""

    right: float
    down: float

    def points(self, text: str) -> tuple[float, ...]:
        numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text)]
        return tuple(round(x + (self.down if i % 2 else self.right), 1) for i, x in enumerate(numbers))

    def box(self, group: ElementTree.Element) -> Box:
        for shape in group.iter(f"{_SVG}ellipse"):
            x, y, rx, ry = (float(shape.get(key, 0)) for key in ("cx", "cy", "rx", "ry"))
            return round(x - rx + self.right, 1), round(y - ry + self.down, 1), 2 * rx, 2 * ry
        corners = self._corners(group, "polygon") or self._corners(group, "path")
        left, top, right, bottom = min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2])
        return left, top, round(right - left, 1), round(bottom - top, 1)

    def line(self, group: ElementTree.Element) -> Line:
        label = next(group.iter(f"{_SVG}text"), None)
        place = None if label is None else self.points(f"{label.get('x')} {label.get('y')}")
        curve, arrow = self._corners(group, "path"), self._corners(group, "polygon")
        return Line(curve, arrow, None if place is None else (place[0], place[1]))

    def _corners(self, group: ElementTree.Element, kind: str) -> tuple[float, ...]:
        shape = next(group.iter(f"{_SVG}{kind}"), None)
        return () if shape is None else self.points(shape.get("points") or shape.get("d") or "")
