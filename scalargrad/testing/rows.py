"""One row by itself: are its local derivatives the true ones of its operation, at its own operands?"""

import math
from collections.abc import Sequence
from typing import Any

from scalargrad.namespaces import FLOATS, IEEE, IeeeFloat
from scalargrad.rules import Rule
from scalargrad.testing.differences import Slope, exact_slope, extrapolated_slope
from scalargrad.testing.exact import EXACT, Exact, number
from scalargrad.testing.recording import bare

__all__ = ["exact_slopes", "exact_value", "hangs_on_a_zero", "is_right", "true_slopes"]

_ULP = 2.0**-52
_TINY = 2.0**-1020  # what gets lost below the normal floats is no error


def hangs_on_a_zero(row: Any, i: int, slope: Slope) -> bool:
    """Whether derivative i would be right if -0.0, which exact numbers do not have, were 0.0, as that of sqrt(-0.0)."""
    xs = [bare(x) for x in row.operands]
    if not any(x == 0 and math.copysign(1.0, x) < 0 for x in xs):
        return False
    xs = [IeeeFloat(x + 0.0) for x in xs]
    try:
        found = row.rule.derivatives(IEEE, *xs, out=IeeeFloat(row.rule.value(IEEE, *xs)))[i]
    except (ValueError, ArithmeticError):  # of a gate that uses math
        return False
    return bool(found == found != row.local_derivatives[i] and slope.has(found, _granted(row, slope)))


def exact_value(rule: Rule, operands: Sequence[Any]) -> Any:
    """What a rule comes to on mpmath's numbers."""
    out = number(rule.value(EXACT, *map(Exact, operands)))
    if out is None:
        raise TypeError(f"{rule.name} returned something else than a number")
    return out


def _with(xs: Sequence[Any], i: int, x: Any) -> list[Any]:
    return [*xs[:i], x, *xs[i + 1 :]]


def exact_slopes(row: Any, operands: Sequence[Any]) -> list[Slope | None]:
    """The true local derivatives at these operands, mpmath's numbers. Raises what a user's gate raises on such."""
    here = exact_value(row.rule, operands)
    return [
        None
        if isinstance(x, (int, float))
        else exact_slope(lambda t, i=i: exact_value(row.rule, _with(operands, i, t)), operands[i], here)  # type: ignore[misc]
        for i, x in enumerate(row.operands)
    ]


def true_slopes(row: Any, exact: bool) -> list[Slope | None]:
    """The true local derivatives at the row's own operands, by extrapolation if they cannot be had exactly."""
    xs = [bare(x) for x in row.operands]
    if not all(map(math.isfinite, (*xs, row.data))):
        anything = Slope(-math.inf, math.inf)  # it cannot be told
        return [None if isinstance(x, (int, float)) else anything for x in row.operands]
    if exact:
        try:
            return exact_slopes(row, [number(x) for x in xs])
        except Exception:  # whatever a user's code raises on numbers that it was not written for
            pass
    return [
        None
        if isinstance(x, (int, float))
        else extrapolated_slope(lambda t, i=i: float(row.rule.value(FLOATS, *_with(xs, i, t))), xs[i])  # type: ignore[misc]
        for i, x in enumerate(row.operands)
    ]


def is_right(row: Any, i: int, slope: Slope) -> bool:
    """Whether the local derivative with respect to operand i is right, within the units that its rule states.

    A gate states none. Its formula is run on 50-digit numbers then: if it is right there, within what a last unit of
    the operands makes (the constants in it are floats), nothing but its own rounding on floats was seen.
    """
    found, granted = row.local_derivatives[i], _granted(row, slope)
    if slope.has(0.0 if found is None else found, granted):
        return True
    if row.rule.of_the_table:
        return False
    xs = [bare(x) for x in row.operands]

    def formula(operands: Sequence[Any]) -> Any:
        out = Exact(exact_value(row.rule, operands))
        return number(row.rule.derivatives(EXACT, *map(Exact, operands), out=out)[i])

    try:
        exact = [number(x) for x in xs]
        here = formula(exact)
        near = [[formula(_with(exact, j, x * (1 + k * _ULP))) for k in (-2, -1, 1, 2)] for j, x in enumerate(exact)]
        recorded = row.rule.derivatives(FLOATS, *xs, out=row.data)[i]
    except Exception:  # whatever a user's code raises on numbers that it was not written for
        return False
    granted += 4 * sum(min(abs(b - a), abs(d - c)) for a, b, c, d in near)  # not across a switch, which may be wrong
    return bool(recorded == found and slope.low - granted <= here <= slope.high + granted)


def _granted(row: Any, slope: Slope) -> Any:
    """The units in the last place that the rule states, and one for each operand."""
    try:
        ulps = row.rule.ulps(*[bare(x) for x in row.operands]) if callable(row.rule.ulps) else row.rule.ulps
    except ArithmeticError:  # just where the derivative crosses zero
        return math.inf
    size = float(min(max(abs(slope.low), abs(slope.high)), 1e308)) if slope.low == slope.low else 0.0
    return (ulps + len(row.operands)) * math.ulp(size) + _TINY
