"""Sweeps in either direction, with numbers or with Values.

A sweep with numbers back from a root is the engine's. With Values in place of numbers the sweep itself is recorded:
each row's local derivatives are evaluated again by its rule, on the row's operands, so that derivatives of any order
need no further rules. That costs rows, so a `Trace` does it only where a derivative *varies* with what somebody may
differentiate by later, and has plain numbers everywhere else.

While a Program is recorded, whatever depends on its inputs varies, and so does what `where`, max and min choose: both of
their operands may be reached. The recorded sweep then hands an adjoint on to where it is reached, and 0.0 elsewhere,
even if a local derivative is infinite there: what is not chosen has no say, as in a sweep with numbers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

from scalargrad.engine import Value, adjoints, function, sweep
from scalargrad.engine.messages import not_a_number
from scalargrad.engine.thread import here, quietly
from scalargrad.errors import GateError, GradientLostError
from scalargrad.gates import gate_rule
from scalargrad.namespaces import FLOATS, IEEE, NAMES, IeeeFloat, as_float
from scalargrad.rules import RULES, Rule

__all__ = ["VALUES", "OnFloats", "Trace", "bare", "gradients"]

#: A number at an edge of a domain, which has no derivative itself: nan, and that has none either.
_without_derivative = function(
    Rule("edge", "edge", lambda m, number, *xs: number, lambda m, number, *xs, out: (None, *[out * math.nan] * len(xs)))
)


def _on_values(name: str, apply: Callable[..., Any]) -> Callable[..., Any]:
    """The function, recording; where it does not exist, as a derivative at an edge of a domain, what IEEE 754 says."""

    def quiet(*operands: Any) -> Any:
        try:
            return apply(*operands)
        except (ValueError, ArithmeticError):
            number = getattr(IEEE, name)(*map(bare, operands))
            return _without_derivative(float(number), *operands)

    return quiet


#: The mathematics of Values, for the rules: every call records.
VALUES = SimpleNamespace(**{name: _on_values(name, function(RULES[name])) for name in NAMES if name != "pow"})
VALUES.pow = _on_values("pow", operator.pow)


def gradients(y: Value, xs: Iterable[Value], *, create_graph: bool = False) -> list[Any]:
    """The derivative of y with respect to each of xs, leaving every `.grad` as it is; 0.0 where y does not depend on x.

    They are plain numbers; with `create_graph` they are Values, recorded on the tape, to be differentiated again.
    Raises StaleValueError as `backward` does, and TypeError if anything here is not a Value.

    >>> x, y = Value(2.0), Value(3.0)
    >>> gradients(x * y, [x, y])
    [3.0, 2.0]
    >>> (slope,) = gradients(x**3, [x], create_graph=True)
    >>> slope, gradients(slope, [x])
    (Value(12.0), [12.0])
    """
    xs = [xs] if isinstance(xs, Value) else list(xs)
    for v in (y, *xs):
        if type(v) is not Value:
            raise TypeError(not_a_number("gradients(y, xs) takes a Value y and a list of Values xs", v))
    if not create_graph and not _varies(y):
        return adjoints({y: 1.0}, xs) or []
    with y.tape:
        found = [x if type(x) is Value else Value(x) for x in Trace({y: 1.0}).pull(xs)]
    return found if create_graph else [x.detach() for x in found]


class Trace:
    """What some roots were computed from, found by a sweep, which raises StaleValueError if any of it is stale.

    `seeds` are the roots, all on one tape, and with which number or Value to begin at each. What was recorded before
    the Value `first`, if one is given, is *outside*: the sweep ends there, and only rows that depend on it vary. Given
    the `inputs` to pull back to, it looks at no single row as long as nothing outside is reached.
    """

    def __init__(self, seeds: dict[Value, Any], first: Value | None = None, inputs: list[Value] | None = None) -> None:
        self.seeds, self._first, self._inputs = seeds, first, inputs
        self._start = {y: 1.0 if type(seed) is Value else seed for y, seed in seeds.items()}
        self._recorded = any(map(_varies, seeds))  # for a Program
        self._found = None if inputs is None or self._recorded else adjoints(self._start, inputs, first)
        self.varying = self._varying() if self._found is None else set()

    @cached_property
    def _rows(self) -> tuple[list[Value], set[Value]]:
        """The rows inside, in the order of recording, and those outside that they use."""
        found = sweep(self._start, self._first)
        outside = {row for row in found if self._first is not None and row.index < self._first.index}
        return sorted((row for row in found if row not in outside), key=attrgetter("index")), outside

    def _varying(self) -> set[Value]:
        rows, outside = self._rows
        if self._first is None or self._recorded:
            return {*rows, *outside}
        varying = set(outside)
        for row in rows if outside else ():
            if any(operand in varying for operand in _values(row)):
                varying.add(row)
        return varying

    def pull(self, xs: Sequence[Value]) -> list[Any]:
        """The derivatives of the sum of seed * root with respect to xs: Values to keep where they vary, else numbers."""
        if not self.varying and not any(type(seed) is Value for seed in self.seeds.values()):
            return self._found if xs is self._inputs and self._found else adjoints(self._start, xs) or []
        adjoint, between, rows = dict(self.seeds), set(xs), self._rows[0]
        reach: dict[Value, Any] = {}  # of what a Program may not reach, and 0.0 where it does not; 1.0 for the others
        for row in rows:
            if any(operand in between for operand in _values(row)):
                between.add(row)
        for row in reversed(rows):
            if row in adjoint and row in between:
                for operand, slope in self._slopes(row):
                    if operand in between:
                        share, reached = self._share(row, adjoint[row], slope, reach.get(row, 1.0))
                        if type(reached) is Value:
                            reach[operand] = _either(reach.get(operand, 1.0 if operand in adjoint else 0.0), reached)
                        elif operand in reach:
                            del reach[operand]
                        adjoint[operand] = adjoint[operand] + share if operand in adjoint else share
        found = [adjoint.get(x, 0.0) for x in xs]
        if self._recorded:  # what is not -0.0 now may be in another run
            return [0.0 + x for x in found]
        return [kept(_without_minus(x)) for x in found]

    def _share(self, row: Value, adjoint: Any, slope: Any, reached: Any) -> tuple[Any, Any]:
        """What a row hands on to an operand, and whether it does: a Value where that depends on a choice."""
        if self._recorded and row.rule is not None and row.rule.routes and type(slope) is Value:
            reached = _product(reached, slope)
            return VALUES.where(reached, adjoint, 0.0), reached
        share = _product(adjoint, slope)
        if type(reached) is Value and (type(slope) is Value or not math.isfinite(slope)):
            share = VALUES.where(reached, share, 0.0)
        return share, reached

    def push(self, speeds: dict[Value, Any]) -> dict[Value, Any]:
        """How fast all rows change when some of them change at these speeds: one pass in the order of recording."""
        speeds = dict(speeds)
        for row in self._rows[0]:
            if row not in speeds and any(operand in speeds for operand in _values(row)):
                slopes = self._slopes(row)
                shares = [
                    self._share(row, speeds[operand], slope, 1.0)[0] for operand, slope in slopes if operand in speeds
                ]
                if shares:
                    speeds[row] = reduce(operator.add, shares)
        return speeds

    def _slopes(self, row: Value) -> Iterator[tuple[Value, Any]]:
        """The operands of a row that a gradient flows to, and the local derivatives: Values where they vary."""
        slopes: Sequence[Any] = row.local_derivatives
        if self._recorded and row.rule is not None:
            slopes = _recorded_slopes(row)
        elif row in self.varying and row.operands:
            operands = [bare(x) if type(x) is Value and x not in self.varying else x for x in row.operands]
            try:
                slopes = _held_to(row, row.rule.derivatives(VALUES, *operands, out=row))
            except (ValueError, ArithmeticError):  # an edge of the domain: 1 / x at 0
                slopes = [d if d is None else _without_derivative(d, *operands) for d in slopes]
        routes = self._recorded and row.rule is not None and row.rule.routes
        for operand, slope, number in zip(row.operands, slopes, row.local_derivatives, strict=True):
            # a constant 0.0 is no Value that happens to be zero: nothing will ever flow along this way
            closed = routes and type(slope) is float and slope == 0.0
            if type(operand) is Value and number is not None and not closed:
                yield operand, slope


def _recorded_slopes(row: Value) -> Any:
    """The local derivatives of a row for a Program. Those of a gate that calculates with floats alone are gates too."""
    if row.rule.of_the_table:
        return quietly(row.rule.derivatives, VALUES, *row.operands, out=row)
    try:
        with here.state.recorder.attempt():
            return _held_to(row, quietly(row.rule.derivatives, VALUES, *row.operands, out=row))
    except GradientLostError:
        return [
            None if number is None else _slope_on_floats(row.rule, i)(*row.operands, row)
            for i, number in enumerate(row.local_derivatives)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class OnFloats(Rule):
    """A local derivative of a gate that takes floats alone, as an operation of a Program: it runs, and has no derivative.

    Its operands are those of the gate, and what the gate came to.
    """

    def not_differentiable(self) -> GateError:
        return GateError(
            f"{self.name} takes floats only, and cannot be differentiated: write the derivatives with scalargrad's own "
            "functions, as scalargrad.sin(x)"
        )


def _slope_on_floats(rule: Rule, i: int) -> Callable[..., Any]:
    def slope(*xs: float) -> Any:
        *operands, out = map(float, xs)
        try:
            return rule.derivatives(FLOATS, *operands, out=out)[i]
        except (ValueError, ArithmeticError):  # as the engine does it, at an edge of the domain
            return rule.derivatives(IEEE, *map(IeeeFloat, operands), out=IeeeFloat(out))[i]

    def derivatives(*xs: Any) -> tuple[float, ...]:
        if any(type(x) is Value for x in xs):
            raise made.not_differentiable()
        return (math.nan,) * len(xs)

    slope.__name__ = f"derivative {i + 1} of {rule.name}"
    plain = gate_rule(slope, derivatives)
    made = OnFloats(plain.name, plain.symbol, plain.value, plain.derivatives)
    return function(made)


def _held_to(row: Value, slopes: Sequence[Any]) -> Sequence[Any]:
    """The local derivatives of a row on Values; those of a gate have to be what they are on numbers."""
    if row.rule is not None and not row.rule.of_the_table:
        for slope, number in zip(slopes, row.local_derivatives, strict=True):
            if slope is not None and number is not None and not is_same(as_float(bare(slope)), number):
                raise GateError(
                    f"the derivatives of the gate {row.rule.name} give {bare(slope)!r} on Values and {number!r} on floats: they "
                    "can be differentiated or compiled only if what they do is the same for both"
                )
    return slopes


def bare(x: Any) -> Any:
    """The number of a Value, read on behalf of nobody who might lose a gradient by it; anything else as it is."""
    return x._data if type(x) is Value else x


def is_same(x: float | None, y: float) -> bool:
    """Whether two numbers are equal, or both are nan."""
    return x == y or (x != x and y != y)


def kept(x: Any) -> Any:
    """A number or Value as a result to keep: one that does not change when somebody sets the data of an input."""
    return +x if type(x) is Value and (x.rule is None or not here.state.recording) else x


def _without_minus(x: Any) -> Any:
    """0.0 for -0.0, which a sweep with numbers never comes to, for it adds to 0.0; anything else as it is."""
    number = bare(x)
    return 0.0 + x if number == 0 and math.copysign(1.0, number) < 0 else x


def _values(row: Value) -> list[Value]:
    return [x for x in row.operands if type(x) is Value]


def _varies(y: Value) -> bool:
    """Whether a Program is being recorded in which this may come to other numbers."""
    recorder = here.state.recorder
    return recorder is not None and recorder.varies(y)


def _either(x: Any, y: Any) -> Any:
    return y if type(x) is float and x == 0.0 else x + y


def _product(x: Any, y: Any) -> Any:
    if type(x) is float and x == 1.0:
        return y  # exact, and saves a row
    return x if type(y) is float and y == 1.0 else x * y
