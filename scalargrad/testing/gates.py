"""The gradient check for a gate by itself, at its definition."""

import inspect
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scalargrad.testing.check import check_gradients
from scalargrad.testing.recording import relative
from scalargrad.testing.report import GradientCheckError, Report

__all__ = ["check_gate"]

Interval = tuple[float, float]

#: Numbers in the order in which one would like to meet them in an error message.
_SIMPLE = (
    *(0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5, 4.0, -4.0, 5.0, -5.0, 1.5, -1.5, 6.0, -6.0, 7.0, -7.0),
    *(8.0, -8.0, 0.25, 0.1, -0.1, 10.0, -10.0, 20.0),
)


def check_gate(
    g: Callable[..., Any],
    *,
    domain: Interval | Sequence[Interval] = (-math.inf, math.inf),
    order: int = 2,
    points: int = 40,
) -> Report:
    """Check a gate, or any function of numbers, at so many points of its domain, as `check_gradients` does at one.

    A point where it raises an error of arithmetic is not in its domain; `domain` narrows that: an interval for all
    operands, or one for each. Raises GradientCheckError at the simplest failing point that it finds, and ValueError if
    it finds no point in the domain. Returns what can be said of all points together.

    >>> import scalargrad
    >>> @scalargrad.gate(derivatives=lambda x, y: (x, y))
    ... def times(x, y):
    ...     return x * y
    >>> check_gate(times)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    scalargrad.testing.report.GradientCheckError: row 2, times(x, y), ...
        by operand 1 of 2, x, at x = 0.0, y = 1.0
        expected  1.0
        found     0.0
        found at times(0.0, 1.0), which is defined at ...
    """
    arity = _arity(g)
    intervals: list[Any] = list(domain) if isinstance(domain[0], (tuple, list)) else [domain] * arity
    reports: list[Report] = []
    for o in range(1, order + 1):  # a wrong derivative is told before a wrong derivative of a derivative
        reports = []
        for point in itertools.islice(_points(intervals), 20 * points):
            try:
                reports.append(check_gradients(g, *point, order=o))
            except GradientCheckError as error:
                simplest, message = _shrink(g, point, intervals, o, str(error))
                call = f"{getattr(g, '__name__', 'the gate')}({', '.join(map(repr, simplest))})"
                raise GradientCheckError(f"{message}\n    found at {call}{_defined(g)}") from None
            except (ValueError, ArithmeticError):
                continue
            if len(reports) == points:
                break
    if not reports:
        raise ValueError("no point was found at which it exists: say what its domain is")
    last = reports[-1]
    for report in reports:
        last.order, last.rows = min(last.order, report.order), last.rows + report.rows * (report is not last)
        for text in report.kinks:
            last.kink(text)
        for text in report.notes:
            last.note(text)
    return last


def _defined(g: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(g), "__code__", None)
    return f", which is defined at {relative(f'{code.co_filename}:{code.co_firstlineno}')}" if code else ""


def _arity(g: Callable[..., Any]) -> int:
    parameters = inspect.signature(g).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 3
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty for p in parameters)


def _points(intervals: list[Interval]) -> Iterator[tuple[float, ...]]:
    """The simple ones first, without end."""
    choices = [_choices(*interval) for interval in intervals]
    places = itertools.product(*[range(len(choice)) for choice in choices])
    simple = sorted(itertools.islice(places, 20_000), key=lambda at: (sum(at), at))[: 15 * len(intervals)]
    yield from (tuple(choice[i] for choice, i in zip(choices, at, strict=True)) for at in simple)
    chance = random.Random(0)
    while True:
        yield tuple(
            chance.uniform(max(low, min(-8.0, high - 1)), min(high, max(8.0, low + 1))) for low, high in intervals
        )


def _choices(low: float, high: float) -> list[float]:
    inside = [x for x in _SIMPLE if low <= x <= high]
    if math.isfinite(high - low):
        inside += [low + (high - low) * k / 8 for k in (4, 2, 6, 1, 7, 0, 8)]
    return inside or [low + 1.0 if math.isfinite(low) else high - 1.0]


def _shrink(
    g: Callable[..., Any], point: tuple[float, ...], intervals: list[Interval], order: int, message: str
) -> tuple[tuple[float, ...], str]:
    """The simplest failing point that is reached by making one number simpler after the other."""
    better = True
    while better:
        better = False
        for i, x in enumerate(point):
            low, high = intervals[i]
            simpler = [s for s in _choices(low, high) if s in _SIMPLE]
            simpler = simpler[: simpler.index(x)] if x in simpler else simpler + [round(x, k) for k in range(4)]
            for candidate in simpler:
                other = (*point[:i], candidate, *point[i + 1 :])
                if candidate == x or not low <= candidate <= high:
                    break
                try:
                    check_gradients(g, *other, order=order)
                except GradientCheckError as error:
                    point, message, better = other, str(error), True
                    break
                except (ValueError, ArithmeticError):
                    continue
            if better:
                break
    return point, message
