"""Derivatives by differences: the slopes of exact functions, and extrapolated differences of those on floats."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Slope", "exact_slope", "extrapolated_slope", "finest"]

_MAX = sys.float_info.max
_STEPS = (2.0**-80, 2.0**-110, 2.0**-140, 2.0**-170)  # of the size of the number, in a constant ratio


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
        if self.low != self.low or granted == math.inf:
            return True  # there is nothing that it could contradict
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
        error = f" ± {self.error:.1g}" if self.error > 1e-15 * abs(self.low) + 1e-30 else ""
        return f"{low if low == high else f'from {low} to {high}'}{error}"


def exact_slope(f: Callable[[Any], Any], x: Any, here: Any = None) -> Slope:
    """The slopes at x of a function of mpmath's numbers, which have to have 120 digits; `here` is f(x), if known.

    The steps are as small as the digits allow: 25 orders below x with 120 digits, 30 with 130.
    Where both sides and a nearer step agree there is one. Else each side tends to its own: a kink has two, a vertical
    slope and a jump an infinite one.
    """
    here, unit = f(x) if here is None else here, (min(abs(x), 1) or 1) * finest(x)

    def side(step: float) -> Any:
        try:
            return (f(x + step * unit) - here) / (step * unit)
        except (ValueError, ArithmeticError):
            return None

    left, right, nearer = side(-_STEPS[0]), side(_STEPS[0]), side(_STEPS[1])
    if None not in (left, right, nearer):
        off = abs(right - left) + abs(right - nearer)  # both, for those of x * abs(x) at 0 are the same left and right
        if off <= 1e-18 * abs(left):
            return Slope((left + right) / 2, (left + right) / 2, float(off))
    sides = []
    for sign in (-1, 1):
        quotients = [side(sign * step) for step in _STEPS]
        if None not in quotients:
            sides.append(_end(quotients))
    if not sides:
        return Slope(math.nan, math.nan)
    low, high, error = min(s.low for s in sides), max(s.high for s in sides), sum(s.error for s in sides)
    if high - low <= error:
        return Slope((low + high) / 2, (low + high) / 2, error)
    return Slope(low, high, error)


def finest(x: Any) -> Any:
    """By what steps are scaled: 1 with 120 digits; of more, half go into smaller steps, half into what differences keep."""
    return x.context.mpf(10) ** (60 - x.context.dps / 2)


def _end(quotients: list[Any]) -> Slope:
    """To what four quotients tend whose differences have a constant ratio, as those of 3 + h, h**0.01 and log(h) have.

    If the ratio is another one each time, all from the last of them on may be right, to 0 or without end.
    Source: A. C. Aitken, On Bernoulli's numerical solution of algebraic equations, Proc. R. Soc. Edinburgh 46 (1926).
    """
    a, b, c, d = quotients
    first, second, third = b - a, c - b, d - c
    rounding = abs(second) <= abs(third) <= 1e-25  # which grows
    if rounding or abs(third) <= 1e-20 * abs(d):
        return Slope(d, d, float(abs(third)))
    steady = abs(second * second - first * third) <= 1e-3 * abs(second * second)
    if abs(third) > 2 * abs(second) or (steady and abs(third) > (1 - 1e-9) * abs(second)):
        return Slope(*[math.copysign(math.inf, third)] * 2)
    if not steady and (abs(second) < 1e3 * abs(third) or first == second):
        end = 0 * d if abs(d) < abs(c) else math.copysign(math.inf, d)
        return Slope(min(d, end), max(d, end))
    ends = c - second * second / (second - first), d - third * third / (third - second)
    error = abs(ends[1] - ends[0]) * (4 + abs(second / (third - second)))
    end = ends[1] if abs(ends[1]) > error else 0 * d
    return Slope(end, end, float(error))


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
