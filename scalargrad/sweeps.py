"""Sweeps in either direction, with numbers or with Values.

A sweep with numbers is the engine's. With Values in place of numbers the sweep itself is recorded: each row's local
derivatives are evaluated again by its rule, on the row's operands, so that derivatives of any order need no further
rules. `pushforward` goes the other way, from inputs to results.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

from scalargrad.engine import Value, function, sweep
from scalargrad.engine.messages import not_a_number
from scalargrad.namespaces import NAMES
from scalargrad.rules import RULES, Rule

__all__ = ["VALUES", "gradients", "pullback", "pushforward"]

#: The mathematics of Values, for the rules: every call records.
VALUES = SimpleNamespace(**{name: function(RULES[name]) for name in NAMES if name != "pow"}, pow=operator.pow)


def gradients(y: Value, xs: Iterable[Value], create_graph: bool = False) -> list[Any]:
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
    xs = list(xs)
    for v in (y, *xs):
        if type(v) is not Value:
            raise TypeError(not_a_number("gradients(y, xs) takes a Value y and a list of Values xs", v))
    found = pullback({y: 1.0}, xs, create_graph)
    return [x if type(x) is Value else Value(x) for x in found] if create_graph else found


def pullback(seeds: dict[Value, Any], xs: Sequence[Value], create_graph: bool) -> list[Any]:
    """The derivatives of the sum of seed * y with respect to xs; with create_graph, Values where they are not constant.

    The seeds may be Values only with create_graph.
    """
    if not create_graph:
        numbers = sweep(seeds)
        return [numbers.get(x) or 0.0 for x in xs]
    reached = sorted(sweep(dict.fromkeys(seeds, 1.0)), key=lambda row: -row.index)  # raises if anything is stale
    adjoints = dict(seeds)
    for row in reached:
        if row not in adjoints or not row.operands:
            continue
        for operand, slope in zip(row.operands, _slopes(row)):
            if type(operand) is Value and slope is not None:
                share = _product(adjoints[row], slope)
                adjoints[operand] = adjoints[operand] + share if operand in adjoints else share
    return [adjoints.get(x, 0.0) for x in xs]


def pushforward(ys: Sequence[Value], tangents: dict[Value, Any], create_graph: bool) -> list[Any]:
    """How fast ys change when the keys of `tangents` change at these speeds: one pass in the order of recording."""
    reached = sorted(sweep(dict.fromkeys(ys, 1.0)), key=lambda row: row.index)
    speeds = dict(tangents)
    for row in reached:
        if row in tangents:
            continue
        slopes = _slopes(row) if create_graph else row.local_derivatives
        for operand, slope in zip(row.operands, slopes):
            if type(operand) is Value and slope is not None and operand in speeds:
                share = _product(speeds[operand], slope)
                speeds[row] = speeds[row] + share if row in speeds else share
    return [speeds.get(y, 0.0) for y in ys]


def _slopes(row: Value) -> list[Any]:
    """The local derivatives of a row as Values, or plain numbers where they do not depend on its operands."""
    if not row.operands:
        return []
    try:
        slopes = row.rule.derivatives(VALUES, *row.operands, out=row)
    except (ValueError, ArithmeticError):  # at an edge of the domain the number stands, but has no derivative itself
        slopes = [d if d is None else _at_an_edge(d, *row.operands) for d in row.local_derivatives]
    return [None if d is None else slope for slope, d in zip(slopes, row.local_derivatives)]


_at_an_edge = function(
    Rule("edge", "edge", lambda m, d, *xs: d, lambda m, d, *xs, out: (None, *[math.nan] * len(xs)))
)


def _product(x: Any, y: Any) -> Any:
    if type(x) is float and x == 1.0:
        return y  # exact, and saves a row
    return x if type(y) is float and y == 1.0 else x * y
