"""The paths along which a gradient flows: how many there are, and the largest of them, without going through them all.

A path goes from a row up to the root, along operands; its product is that of the local derivatives on it, and the
gradient is the sum of the products of all paths. There may be more paths than atoms, so both answers come from one
number for each row: how many paths lead from it to the root, and how large the largest of these is.

What a zero, an infinity or a nan does to a product has nothing to do with size (0 times inf is nan), so the paths are
told apart by which of these their products are, and sizes are compared among the finite ones only.
"""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import frexp, inf, isfinite, ldexp, nan

from scalargrad.graph.model import Edge, Pass, Row

__all__ = ["Path", "Paths"]

# What a product of local derivatives may be, in the order in which paths are listed.
_NAN, _INF, _FINITE, _ZERO = _KINDS = range(4)

# The size of a finite product: (exponent, mantissa from 0.5 up to 1), which neither overflows nor underflows. The
# sizes of all others are alike.
Size = tuple[int, float]
_ONE: Size = (1, 0.5)

Arrow = tuple[int, int]  # to which row, as which of its operands
State = tuple[int, int]  # a row, and what the product is of the rest of the path, from there to the root


@dataclass(frozen=True, slots=True)
class Path:
    """One path: iterate for its Values, from the first to the root.

    numbers      of its nodes, in pictures and traces too
    places       for each step, which operand of the next row it goes into
    derivatives  for each step, the local derivative
    product      of these
    share        of the gradient, from 0 to 1 unless paths cancel; nan if the gradient is zero, infinite or nan
    """

    rows: tuple[Row, ...]
    numbers: tuple[int, ...]
    places: tuple[int, ...]
    derivatives: tuple[float, ...]
    product: float
    share: float

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class Paths:
    """All paths to the root of a pass."""

    def __init__(self, found: Pass) -> None:
        self._pass, self._nodes = found, found.expression.nodes
        self._ways: dict[State, list[tuple[Size, Arrow, int]]] = {}

    def _edges(self, i: int) -> Iterator[tuple[int, Edge, float]]:
        """Those of a row that hand something on, with their places and derivatives."""
        if self._pass.adjoints[i] is not None:
            for place, edge in enumerate(self._nodes[i].edges):
                if edge.derivative is not None and self._pass.rows[edge.operand] is not None:
                    yield place, edge, edge.derivative

    def counts(self, wanted: set[int]) -> dict[int, int]:
        """How many paths there are from each of these nodes, exactly.

        The numbers may have as many digits as there are rows, so each is forgotten as soon as it is used.
        """
        counts, kept = {self._pass.root: 1}, dict.fromkeys(wanted, 0)
        for i in range(self._pass.root, min(wanted, default=0) - 1, -1):
            if (count := counts.pop(i, 0)) and i in kept:
                kept[i] = count
            for _, edge, _ in self._edges(i) if count else ():
                counts[edge.operand] = counts.get(edge.operand, 0) + count
        return kept

    @cached_property
    def sizes(self) -> list[float]:
        """For each node the sum of the sizes of all its products: as large as its adjoint, unless paths cancel."""
        sizes = [0.0] * len(self._nodes)
        sizes[self._pass.root] = 1.0
        for i in range(self._pass.root, -1, -1):
            for _, edge, derivative in self._edges(i):
                sizes[edge.operand] += sizes[i] * abs(derivative)
        return sizes

    @cached_property
    def consumers(self) -> list[list[Arrow]]:
        """For each node the rows that use it, in the order of recording, those that nothing reached too."""
        consumers: list[list[Arrow]] = [[] for _ in self._nodes]
        for i, node in enumerate(self._nodes):
            for place, edge in enumerate(node.edges):
                consumers[edge.operand].append((i, place))
        return consumers

    @cached_property
    def _largest(self) -> tuple[list[int], list[Size | None]]:
        """For each node which kinds of products there are from it to the root, and the size of the largest finite one."""
        kinds, largest = [0] * len(self._nodes), list[Size | None]([None] * len(self._nodes))
        kinds[self._pass.root], largest[self._pass.root] = 1 << _FINITE, _ONE
        for i in range(self._pass.root, -1, -1):
            size, mask = largest[i], kinds[i]
            for _, edge, derivative in self._edges(i) if mask else ():
                kind, below = _kind(derivative), largest[edge.operand]
                for rest in _KINDS:
                    if mask >> rest & 1:
                        kinds[edge.operand] |= 1 << _together(kind, rest)
                if size is not None and kind == _FINITE:
                    size_here = _times(size, derivative)
                    largest[edge.operand] = size_here if below is None else max(below, size_here)
        return kinds, largest

    def largest(self, start: int, most: int) -> list[Path]:
        """The largest paths from a node, largest first: products that are nan, then infinite ones, by size, then zeros."""
        found: list[Path] = []
        for kind in _KINDS:
            if self._largest[0][start] >> kind & 1 and len(found) < most:
                found += [self._path(start, arrows, kind) for arrows in self._best(start, kind, most - len(found))]
        return found

    def _best(self, start: int, kind: int, most: int) -> Iterator[list[Arrow]]:
        """The largest paths of one kind, largest first.

        The largest takes the best way at each row. Each further one leaves an earlier path somewhere, by the next best
        way there, and then takes the best ways. No more departures are kept than paths are still to be found.
        """
        paths: list[tuple[list[Arrow], list[State]]] = []  # found so far, with the states they pass through
        # A departure: its size, negated; from which path; at which position; by which way there; the size up to there.
        departures = [((0, 0.0), 0, 0, 0, _ONE)]
        root, nodes = self._pass.root, self._nodes
        while departures and len(paths) < most:
            _, p, position, way, before = departures.pop(0)
            arrows, states = (paths[p][0][:position], paths[p][1][: position + 1]) if paths else ([], [(start, kind)])
            left = most - len(paths) - 1
            while states[-1][0] != root:
                options = self._options(states[-1])
                if way + 1 < len(options):
                    exponent, mantissa = _product(before, options[way + 1][0])
                    departure = ((-exponent, -mantissa), len(paths), len(arrows), way + 1, before)
                    if len(departures) < left or (left and departure < departures[-1]):
                        insort(departures, departure)
                        del departures[left:]
                _, (i, place), rest = options[way]
                if kind == _FINITE:
                    before = _times(before, nodes[i].edges[place].derivative or 0.0)
                arrows.append((i, place))
                states.append((i, rest))
                way = 0
            paths.append((arrows, states))
            yield arrows

    def _options(self, state: State) -> list[tuple[Size, Arrow, int]]:
        """The ways on from a row: the size of the best path by each, the arrow, and of what kind the rest is."""
        if state not in self._ways:
            i, kind = state
            kinds, largest = self._largest
            options = []
            for arrow in self.consumers[i]:
                consumer, place = arrow
                derivative = self._nodes[consumer].edges[place].derivative
                if derivative is None or not kinds[consumer]:
                    continue
                here, size = _kind(derivative), largest[consumer]
                for rest in _KINDS:
                    if kinds[consumer] >> rest & 1 and _together(here, rest) == kind:
                        finite = kind == _FINITE and size is not None
                        options.append((_times(size, derivative) if finite and size else _ONE, arrow, rest))
            self._ways[state] = sorted(options, key=lambda option: (option[0], option[1]), reverse=True)
        return self._ways[state]

    def _path(self, start: int, arrows: list[Arrow], kind: int) -> Path:
        numbers = (start, *[i for i, _ in arrows])
        derivatives = tuple(self._nodes[i].edges[place].derivative or 0.0 for i, place in arrows)
        product = _multiplied(derivatives, kind)
        gradient = self._pass.adjoints[start]
        share = product / gradient if gradient and isfinite(gradient) and isfinite(product) else nan
        rows = tuple(row for i in numbers if (row := self._pass.rows[i]) is not None)
        return Path(rows, numbers, tuple(place for _, place in arrows), derivatives, product, share)


def _kind(x: float) -> int:
    return _FINITE if x and isfinite(x) else _ZERO if x == 0 else _NAN if x != x else _INF


def _together(one: int, other: int) -> int:
    """What a product of these is."""
    if one in (_FINITE, other):
        return other
    return one if other == _FINITE else _NAN


def _times(size: Size, x: float) -> Size:
    mantissa, exponent = frexp(x)
    return _product(size, (exponent, abs(mantissa)))


def _product(one: Size, other: Size) -> Size:
    mantissa, exponent = frexp(one[1] * other[1])
    return one[0] + other[0] + exponent, mantissa


def _multiplied(derivatives: tuple[float, ...], kind: int) -> float:
    """Their product, from the root down, as the sweep multiplies; exact in size where floats on the way are not."""
    product = 1.0
    for derivative in reversed(derivatives):
        product *= derivative
    if kind == _NAN:
        return nan
    if _kind(product) == kind:
        return product
    sign = -1.0 if sum(derivative < 0 for derivative in derivatives) % 2 else 1.0
    if kind == _INF:
        return sign * inf
    size = _ONE
    for derivative in derivatives:
        size = _times(size, derivative)
    try:
        return sign * ldexp(size[1], size[0])
    except OverflowError:
        return sign * inf
