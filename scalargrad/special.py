"""Two functions of floats that Python's `math` lacks: polygamma (from 3.11 to today) and fma (before 3.13)."""

import math
from fractions import Fraction

__all__ = ["BERNOULLI", "derivative_of_cot", "fma", "polygamma"]

# Bernoulli numbers B2, B4 … B24 over (2k)!, the coefficients of the asymptotic series.
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)


def polygamma(order: float, x: float) -> float:
    """The (order + 1)-th derivative of lgamma at x; of order 0 it is known as digamma.

    Raises ValueError at its poles, x = 0, -1, -2 …, and for an order that is not a whole number from 0 to 170;
    OverflowError where it is too large for a float.
    Source: Abramowitz and Stegun, 6.4.6 (recurrence), 6.4.7 (reflection) and 6.4.11 (asymptotic series).

    >>> f"{polygamma(0, 1.0):.12f}"  # minus Euler's constant
    '-0.577215664902'
    """
    if not 0 <= order <= 170 or order % 1:  # a large one would take for ever
        raise ValueError(f"polygamma's order is a whole number from 0 to 170, not {order!r}")
    n = int(order)
    if math.isnan(x) or x == math.inf:
        return x if math.isnan(x) or n == 0 else 0.0
    if x <= 0 and (math.isinf(x) or x == math.floor(x)):
        raise ValueError(f"polygamma has a pole at {x!r}")
    if x < 0:
        mirrored = polygamma(n, 1 - x) * (-1 if n % 2 else 1)
        c = 1 / math.tan(math.pi * (x - round(x)))
        slope = math.pi ** (n + 1) * math.fsum([a * c**k for k, a in enumerate(derivative_of_cot(n)) if a])
        if math.isinf(slope):
            raise _too_large(n, x)
        return mirrored - slope
    sign, factorial, z = 1 if n % 2 else -1, math.factorial(n), x
    terms = []
    try:
        while z < 20 + n:  # the series below is accurate to the last place from here on
            terms.append(sign * _quotient(factorial, z, n + 1))
            z += 1
    except OverflowError:
        raise _too_large(n, x) from None
    terms.append(sign * 0.5 * _quotient(factorial, z, n + 1))
    terms.append(math.log(z) if n == 0 else sign * _quotient(math.factorial(n - 1), z, n))
    for k, bernoulli in enumerate(BERNOULLI, start=1):
        rising = _quotient(math.factorial(2 * k + n - 1), z, 2 * k + n)
        terms.append(sign * bernoulli * rising / math.factorial(2 * k))
    return math.fsum(terms)


def _quotient(c: int, x: float, k: int) -> float:
    """c / x**k, where c or x**k alone may be too large for a float, or too small.

    >>> _quotient(10**400, 1e200, 2)
    1.0
    """
    bits = c.bit_length()
    part, exponent = math.frexp(x)
    return math.ldexp(c / (1 << bits) / part**k, bits - exponent * k)


def _too_large(n: int, x: float) -> OverflowError:
    return OverflowError(f"polygamma({n}, {x!r}) is too large for a float")


def derivative_of_cot(n: int) -> list[int]:
    """The n-th derivative of cot, as the coefficients of a polynomial in c = cot x, for dc/dx = -(1 + c²).

    >>> derivative_of_cot(1)
    [-1, 0, -1]
    """
    polynomial = [0, 1]
    for _ in range(n):
        slope = [k * a for k, a in enumerate(polynomial)][1:]
        polynomial = [-(a + b) for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return polynomial


def _exact_fma(x: float, y: float, z: float) -> float:
    """x * y + z with one rounding, from exact fractions.

    >>> _exact_fma(0.1, 10.0, -1.0)  # what 0.1 is more than a tenth, ten times; 0.1 * 10 - 1 is 0
    5.551115123125783e-17
    """
    if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
        out = z if math.isfinite(x) and math.isfinite(y) else x * y + z  # an x * y that is finite may overflow
        if math.isnan(out) and not (math.isnan(x) or math.isnan(y) or math.isnan(z)):
            raise ValueError("invalid operation in fma")
        return out
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    if exact == 0:
        return x * y + z  # the sign of an exact zero is the sum's own
    return math.copysign(float(exact), exact)  # float(exact) may underflow to a zero, which has lost its sign


fma = getattr(math, "fma", _exact_fma)
