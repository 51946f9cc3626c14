"""Derivatives by differences: the slopes of exact functions, and extrapolated differences of those on floats."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Slope", "exact_slope", "extrapolated_slope"]

_MAX = sys.float_info.max
_STEP, _NEARER = 1e-25, 1e-40  # of the size of the number; what a slope leaves out is of their order
_SMALL = 1e-30  # a slope below that may be nothing else


@dataclass(frozen=True, slots=True)
class Slope:
    """The slopes that are right at a point: all from the left one to the right one, which differ only at a kink.

    They may be infinite, and are nan where the function exists on neither side. `error` says how uncertain they are.
    """

    low: Any
    high: Any
    error: float = 0.0

    @property
    def kink(self) -> bool:
        return bool(self.low < self.high)

    def has(self, found: float, granted: Any = 0.0) -> bool:
        """Whether a number is one of these slopes, but for their own error and what is granted besides."""
        if self.low != self.low:
            return True  # none is defined that it could contradict
        if math.isnan(found):
            return bool(self.high - self.low == math.inf)
        if math.isinf(found):
            return bool(self.high > _MAX if found > 0 else self.low < -_MAX)
        granted = granted + self.error
        return bool(self.low - granted <= found <= self.high + granted)

    def nearest(self, found: float) -> Any:
        return self.low if found < self.low else self.high if found > self.high else found

    def __str__(self) -> str:
        low, high = repr(float(self.low)), repr(float(self.high))
        error = f" ± {self.error:.1g}" if self.error > 1e-15 * abs(self.low) else ""
        return f"{low if low == high else f'from {low} to {high}'}{error}"


def exact_slope(f: Callable[[Any], Any], x: Any, here: Any = None) -> Slope:
    """The slopes at x of a function of mpmath's numbers, which have to have 120 digits; `here` is f(x), if known.

    Smaller steps tell a kink from curvature, which vanishes with them, and from a vertical slope or a jump, which grow.
    """
    here, unit = f(x) if here is None else here, min(abs(x), 1) or 1

    def side(step: float) -> Any:
        try:
            return (f(x + step * unit) - here) / (step * unit)
        except (ValueError, ArithmeticError):
            return None

    left, right = side(-_STEP), side(_STEP)
    nearest = side(_NEARER)
    if None not in (left, right, nearest) and abs(left) > _SMALL:
        off = abs(right - left) + abs(right - nearest)  # both, for those of x * abs(x) at 0 are the same left and right
        if off <= 1e-18 * abs(left):
            return Slope((left + right) / 2, (left + right) / 2, float(off))
    nearer = side(-_NEARER), nearest
    if None not in (left, right, *nearer) and abs(nearer[1] - nearer[0]) <= 1e-5 * abs(right - left) + _SMALL * abs(
        left
    ):
        slope = (nearer[0] + nearer[1]) / 2
        return Slope(slope, slope, float(abs(right - slope) + abs(left - slope)))
    sides = zip((left, right), nearer, strict=True)
    ends = [end for a, b in sides if a is not None and b is not None for end in _limits(a, b)]
    return Slope(min(ends), max(ends)) if ends else Slope(math.nan, math.nan)


def _limits(coarse: Any, fine: Any) -> tuple[Any, Any]:
    """Between what a one-sided slope tends: to itself, or by powers of the step to 0, as x**1.5's at 0, or without end.

    If it does so slowly, as x**1.01's, all from here to there may be right.
    """
    endless = math.copysign(math.inf, fine)
    if abs(fine) > 1.5 * abs(coarse):
        return (endless, endless) if abs(fine) > 1e-10 else (fine, fine)
    if abs(coarse) >= 1.5 * abs(fine):
        return 0 * fine, 0 * fine
    if abs(fine - coarse) <= 1e-9 * abs(fine) + _SMALL:
        return fine, fine
    return fine, endless if abs(fine) > abs(coarse) else 0 * fine


def extrapolated_slope(f: Callable[[float], float], x: float) -> Slope:
    """The slope at x of a function of floats, by Ridders' method, with an estimate of its error.

    Where the two sides differ by more than their errors there is a kink; where f raises an error of arithmetic it does
    not exist. Source: C. J. F. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Adv. Eng. Software 4 (1982).

    >>> slope = extrapolated_slope(math.exp, 1.0)
    >>> abs(slope.low - math.e) <= slope.error < 1e-10
    True
    """
    central = _ridders(lambda h: (f(x + h) - f(x - h)) / (2 * h), 4.0, x, lambda h: max(abs(f(x + h)), abs(f(x))))
    left = _ridders(lambda h: (f(x) - f(x - h)) / h, 2.0, x, lambda h: abs(f(x)))
    right = _ridders(lambda h: (f(x + h) - f(x)) / h, 2.0, x, lambda h: abs(f(x)))
    sides = [side for side in (left, right) if side is not None]
    if not sides:
        return Slope(math.nan, math.nan)
    (low, error), (high, other) = min(sides), max(sides)
    if central is not None and len(sides) == 2 and high - low <= error + other:
        return Slope(central[0], central[0], central[1])
    return Slope(low, high, max(error, other))


def _ridders(
    quotient: Callable[[float], float], ratio: float, x: float, size: Callable[[float], float]
) -> tuple[float, float] | None:
    """The limit of a quotient for steps to 0, whose error is a series of powers of the step, and how wrong it may be."""
    best, above, ends = None, list[float](), list[float]()
    h = 2.0 ** math.frexp(max(0.25 * abs(x), 0.06))[1]  # a power of two, so that x + h is not rounded
    for _ in range(24):
        h /= 2
        try:
            row = [quotient(h)]
            noise = 4e-16 * (size(h) + abs(x * row[0])) / h
        except (ValueError, ArithmeticError):
            above = []  # outside of the domain: only smaller steps count
            continue
        for k, previous in enumerate(above):
            factor = ratio ** (k + 1)
            row.append((factor * row[k] - previous) / (factor - 1))
            near = (row[k], previous, *ends[-2:])  # the last two rows as well: two may agree by accident
            error = 10 * max(noise, *(abs(row[-1] - other) for other in near))
            if math.isfinite(error) and (best is None or error < best[1]):
                best = row[-1], error
        above = row[:8]
        ends.append(row[-1])
    return best
