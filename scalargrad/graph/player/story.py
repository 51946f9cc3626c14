"""What a player shows: a drawing, and the steps of the forward and the backward pass over it, all of it as text.

Each number is written here, once, as `draw` and `trace` write it. The page only decides what is shown when.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import ceil
from typing import Literal

from scalargrad.errors import RenderError
from scalargrad.graph import symbols
from scalargrad.graph.fold import Drawing, fold, span
from scalargrad.graph.model import Expression, Node, Pass
from scalargrad.graph.names import Names, law
from scalargrad.graph.player.layout import Box, Line, lay_out
from scalargrad.graph.spelling import brief, literal, named, number, sign
from scalargrad.graph.steps import Contribution, Step, Trace

__all__ = ["Arrow", "Gradient", "Moment", "Piece", "Share", "Story", "tell"]

_SPAN_PER_NODE = 20  # longer edges than this make it as hard to follow as more nodes do
_LONGEST_LABEL = 200  # characters, where there is room for many
_ROOM = 7  # the least number of characters that a gradient has in its box: "not yet"
_NUMBERS, _FORMULAS = 12, 4  # in a sentence; a reader has enough of more


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge into an operation: from which piece, the local derivative as number and as law, and how it is drawn."""

    operand: int
    derivative: str
    law: str
    flows: bool
    line: Line


@dataclass(frozen=True, slots=True)
class Share:
    """What a piece is given by one of its consumers, in the words of `trace`."""

    consumer: int
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A box of the drawing, and the ellipse of the operation before it.

    text is what stands in the box, and before what stands there before the value is computed; the rest is for a reader
    who asks: the value in full, the operation on names and on numbers, and all that is given to it.
    """

    kind: Literal["input", "constant", "result"]
    name: str
    label: str
    text: str
    before: str
    value: str
    symbol: str
    operation: str
    computed: str
    rule: str
    scope: tuple[str, ...]
    line: str
    box: Box
    ellipse: Box | None
    stem: Line | None
    arrows: tuple[Arrow, ...]
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Gradient:
    """The gradient of a piece from a moment on, in short and in full; complete when nothing more will be added to it."""

    piece: int
    text: str
    exact: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """A step: of which phase, which piece has its turn, what there is to say, and which gradients change."""

    phase: Literal["start", "forward", "seed", "backward", "end"]
    piece: int | None
    heading: str
    sentences: tuple[str, ...]
    gradients: tuple[Gradient, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """The whole of it."""

    title: str
    root: int
    width: float
    height: float
    pieces: tuple[Piece, ...]
    moments: tuple[Moment, ...]


def tell(found: Pass, max_nodes: int, name: str) -> Story:
    """The story of a backward pass. Raises RenderError if there is too much of it, or nothing here to draw with."""
    expression = found.expression
    nodes, passed = len(expression.nodes), span(_unfolded(expression))
    enough = max(nodes, ceil(passed / _SPAN_PER_NODE))
    if enough > max_nodes:
        raise RenderError(
            f"{nodes:,} nodes, with edges that pass {passed:,} columns of them, are hard to follow step by step: {name} "
            "a smaller part, such as one neuron, or the loss at one point; draw(y) shows all of it, with scopes folded, "
            f"and print(trace(y)) tells it; or {name}(y, path, max_nodes={enough}) to have it all the same"
        )
    return _Teller(found).story()


def _unfolded(expression: Expression) -> Drawing:
    """All of it: the page folds by itself."""
    return fold(expression, siblings=False, sums=False, most=sys.maxsize)


class _Teller:
    def __init__(self, found: Pass) -> None:
        self._nodes, self._adjoints, self._root = found.expression.nodes, found.adjoints, found.root
        self._names = Names(found.expression)
        self._trace = Trace(found, None)
        self._steps = self._trace.steps
        drawing = _unfolded(self._with_room(found.expression))
        self._scopes = {item.name: item.scope for item in drawing.items}
        self._layout = lay_out(drawing)

    def story(self) -> Story:
        title = self._nodes[self._root].label or self._names.operation(self._root) or self._names[self._root]
        return Story(
            literal(title),
            self._root,
            self._layout.width,
            self._layout.height,
            tuple(map(self._piece, range(len(self._nodes)))),
            (self._start(), *self._forward(), self._seed(), *self._backward(), self._end()),
        )

    # ── the drawing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _with_room(self, expression: Expression) -> Expression:
        """With gradients as long as the longest text that will stand in their place."""
        room = [_ROOM if adjoint is not None else len("not reached") for adjoint in self._adjoints]
        for share in self._contributions():
            if share.after is not None:
                room[share.number] = max(room[share.number], len(number(share.after)))
        return Expression(
            tuple(replace(node, grad=_as_long_as(room[i])) for i, node in enumerate(expression.nodes)), expression.roots
        )

    def _piece(self, i: int) -> Piece:
        node, boxes, lines = self._nodes[i], self._layout.boxes, self._layout.lines
        is_result = node.kind == "result"
        return Piece(
            node.kind,
            self._names[i],
            literal(node.label, _LONGEST_LABEL),
            named(node.label, number(node.value)),
            named(node.label, "?"),
            repr(node.value),
            literal(sign(node.symbol)),
            self._names.operation(i),
            self._computed(node),
            node.rule.name if node.rule else "",
            tuple(literal(name) for name in self._scopes[f"n{i}"]),
            literal(node.line or "", _LONGEST_LABEL),
            boxes[f"n{i}"],
            boxes[f"n{i}op"] if is_result else None,
            lines[f"n{i}op->n{i}"][0] if is_result else None,
            tuple(self._arrows(i)),
            tuple(self._shares(i)),
        )

    def _computed(self, node: Node) -> str:
        if node.rule is None:
            return ""
        operands = [self._nodes[edge.operand].value for edge in node.edges]
        return f"{symbols.operation(node.rule, operands)} = {brief(node.value)}"

    def _arrows(self, i: int) -> Iterator[Arrow]:
        operation = self._names.operation(i)
        seen: Counter[int] = Counter()
        for edge, rule in zip(self._nodes[i].edges, self._names.slopes(i), strict=True):
            lines = self._layout.lines[f"n{edge.operand}->n{i}op"]
            line = lines[min(seen[edge.operand], len(lines) - 1)]  # equal ones may be drawn as one
            seen[edge.operand] += 1
            said = ""
            if edge.derivative is not None and self._nodes[edge.operand].kind != "constant":
                slope = brief(edge.derivative)
                said = law(operation, self._names[edge.operand], slope if rule in ("", slope) else f"{rule} = {slope}")
            yield Arrow(edge.operand, number(edge.derivative), said, edge.derivative is not None, line)

    def _shares(self, i: int) -> Iterator[Share]:
        if i == self._root:
            yield Share(i, f"{self._names[i]} starts the sweep, with 1")
        for step in self._steps:
            for share in step.contributions:
                if share.number == i:
                    yield Share(step.number, str(share))

    # ── the steps ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _contributions(self) -> Iterator[Contribution]:
        return chain.from_iterable(step.contributions for step in self._steps)

    def _start(self) -> Moment:
        inputs = [
            f"{self._names[i]} = {brief(node.value)}" for i, node in enumerate(self._nodes) if node.kind == "input"
        ]
        what = "These numbers are given: " + _some(inputs) + "." if inputs else "All numbers here are constants."
        return Moment("start", None, "Forward: each row computes its value from its operands", (what,))

    def _forward(self) -> Iterator[Moment]:
        for i, node in enumerate(self._nodes):
            if node.kind != "result":
                continue
            operation = self._names.operation(i)
            heading = f"{self._names[i]} = {operation}" if node.label else f"#{i} = {operation}"
            laws = [arrow.law for arrow in self._arrows(i) if arrow.law]
            sentences = [
                f"{self._names[i]} = {self._computed(node)}",
                *(["It keeps its local derivatives for the way back: " + _some(laws, "; ", _FORMULAS)] if laws else []),
            ]
            yield Moment("forward", i, heading, tuple(sentences))

    def _seed(self) -> Moment:
        name = self._names[self._root]
        return Moment(
            "seed",
            self._root,
            f"Backward: the sweep starts at {name} with grad 1",
            (f"{name} changes as fast as itself. From here, newest row first, each row adds its grad times the local "
             "derivative to the grad of each operand.",),
            (Gradient(self._root, number(1.0), repr(1.0), True),),
        )  # fmt: skip

    def _backward(self) -> Iterator[Moment]:
        left = Counter(share.number for share in self._contributions() if share.share is not None)
        for step in self._steps:
            changes = {}
            for share in step.contributions:
                if share.share is not None:
                    left[share.number] -= 1
                    sum_, complete = share.after, not left[share.number]
                    changes[share.number] = Gradient(share.number, number(sum_), repr(sum_), complete)
            sentences = tuple(str(share) for share in step.contributions)
            yield Moment("backward", step.number, _heading(step), sentences, tuple(changes.values()))

    def _end(self) -> Moment:
        given, added = self._trace.added()
        sentences = []
        if given:
            sentences.append("backward() adds this to the inputs: " + _some(given))
        if added:
            sentences.append("which have a grad already: " + _some(added))
        return Moment("end", None, "The sweep is complete", tuple(sentences))


def _some(texts: Sequence[str], between: str = ", ", most: int = _NUMBERS) -> str:
    more = len(texts) - most
    return between.join(texts[:most]) + (f" … and {more:,} more" if more > 0 else "")


def _heading(step: Step) -> str:
    of = step.operation if step.name.startswith("#") else f"{step.name} = {step.operation}"
    return f"#{step.number}  {literal(of, 60)}  grad {brief(step.adjoint)}"


def _as_long_as(length: int) -> float:
    """A number that takes so many characters or a few more.

    >>> [number(_as_long_as(length)) for length in (7, 8, 11)]
    ['-0.1234', '-1.234e+11', '-1.234e-111']
    """
    return -0.1234 if length <= 7 else -1.234e11 if length <= 10 else -1.234e-111
