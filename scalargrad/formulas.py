"""Formulas of the rule table that do not fit on a line of it, or that several rows need.

Like the rules themselves they are straight-line code over a mathematics namespace `m`, for any kind of number.
"""

from collections.abc import Iterable
from functools import reduce
from itertools import accumulate
from math import inf, log, pi, sqrt
from operator import add, mul
from typing import Any

LN2, LN10, SQRT_HALF = log(2), log(10), sqrt(0.5)
TWO_OVER_SQRT_PI, ONE_OVER_SQRT_TWO_PI = 2 / sqrt(pi), 1 / sqrt(2 * pi)


def first_is_max(x: Any, y: Any) -> Any:
    return (x >= y) | (x != x)  # the second half hands a nan on, whichever side it is on


def first_is_min(x: Any, y: Any) -> Any:
    return (x <= y) | (x != x)


def total(xs: Iterable[Any]) -> Any:
    return reduce(add, xs, 0.0)  # left to right: the builtin compensates from Python 3.12 on, and would differ


def halves(both: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    half = len(both) // 2
    return both[:half], both[half:]


def dot(ws_xs: tuple[Any, ...]) -> Any:
    return total(w * x for w, x in zip(*halves(ws_xs), strict=True))


def dot_slopes(ws_xs: tuple[Any, ...]) -> tuple[Any, ...]:
    ws, xs = halves(ws_xs)
    return xs + ws


def products_of_others(xs: tuple[Any, ...]) -> tuple[Any, ...]:
    before = accumulate(xs[:-1], mul, initial=1.0)  # not out / x, which is wrong as soon as an x is 0
    after = list(accumulate(xs[:0:-1], mul, initial=1.0))[::-1]
    return tuple(b * a for b, a in zip(before, after, strict=True))


def scaled_exponentials(m: Any, xs: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    top = reduce(lambda x, y: m.where(first_is_max(x, y), x, y), xs)  # exp(x - top) cannot overflow
    return top, [m.exp(x - top) for x in xs]


def logsumexp(m: Any, xs: tuple[Any, ...]) -> Any:
    top, exponentials = scaled_exponentials(m, xs)
    return m.where(abs(top) == inf, top, top + m.log(total(exponentials)))


def softmax(m: Any, xs: tuple[Any, ...]) -> tuple[Any, ...]:
    exponentials = scaled_exponentials(m, xs)[1]  # not exp(x - out): among large xs, out has lost its last digits
    scale = total(exponentials)
    return tuple(e / scale for e in exponentials)


def atan2_slopes(m: Any, y: Any, x: Any) -> tuple[Any, Any]:
    h = m.hypot(x, y)  # dividing twice by h, where h * h could overflow
    return x / h / h, -y / h / h


def softplus(m: Any, x: Any) -> Any:
    return m.where(x <= 0, 0.0, x) + m.log1p(m.exp(-abs(x)))


def gelu_slope(m: Any, x: Any) -> Any:
    return 0.5 * m.erfc(-SQRT_HALF * x) + ONE_OVER_SQRT_TWO_PI * x * m.exp(-0.5 * x * x)


def finite(m: Any, x: Any) -> Any:
    return abs(x) < inf


def rounded(m: Any, x: Any) -> Any:
    low = x // 1.0
    part = x - low  # exact
    up = (part > 0.5) | ((part == 0.5) & (low % 2.0 == 1.0))  # a half to the even one of the two, as Python's `round`
    return m.where(up, low + 1.0, low)


def power_exists(m: Any, x: Any, y: Any) -> Any:
    return (x > 0) | ((x == 0) & (y >= 0)) | ((x < 0) & (y % 1 == 0))


def not_a_pole(m: Any, x: Any) -> Any:
    return (x > 0) | (x % 1 != 0)
