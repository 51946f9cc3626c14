"""Functions of many lanes in plain instructions, where no library has them within two units in the last place.

They are written like the rules, over a mathematics namespace; theirs has `rint` (to the nearest whole number) and
`power_of_2` besides.
"""

from math import factorial, inf
from typing import Any

from scalargrad.program.machine.words import Formula

__all__ = ["FORMULAS"]


def _polynomial(m: Any, x: Any, coefficients: list[float]) -> Any:
    """Of these coefficients, the constant one last."""
    total = coefficients[0]
    for coefficient in coefficients[1:]:
        total = m.fma(total, x, coefficient)
    return total


_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
_LN2 = (float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56"))  # their sum has 106 bits


def _exp(m: Any, x: Any) -> Any:
    """2 ** n * exp(r), for the whole number n nearest to x / log(2), so that |r| <= log(2) / 2."""
    n = m.rint(m.where(x > 746.0, 746.0, m.where(x < -746.0, -746.0, x)) * _LOG2_E)
    r = m.fma(n, -_LN2[1], m.fma(n, -_LN2[0], x))
    series = _polynomial(m, r, [1 / factorial(k) for k in range(13, 1, -1)])
    half = m.floor(n * 0.5)  # in two steps, where 2 ** n would be too large, or the result is subnormal
    out = (m.fma(r * r, series, r) + 1.0) * m.power_of_2(half) * m.power_of_2(n - half)
    return m.where(x > 746.0, inf, m.where(x < -746.0, 0.0, out))


_TWO_OVER_PI = float.fromhex("0x1.45f306dc9c883p-1")
_HALF_PI = tuple(map(float.fromhex, ("0x1.921fb54442d18p+0", "0x1.1a62633145c07p-54", "-0x1.f1976b7ed8fbcp-110")))


def _reduced(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """n, r and s: x is n times pi / 2, and r, and s. The whole number n is the nearest, s what r has lost by rounding."""
    n = m.rint(x * _TWO_OVER_PI)
    rest = m.fma(n, -_HALF_PI[0], x)  # exact: a multiple of 2 ** -53 that is less than one
    product = n * -_HALF_PI[1]
    r = rest + product
    back = r - rest
    lost = (rest - (r - back)) + (product - back)  # Knuth's two-sum
    return n, r, lost + m.fma(n, -_HALF_PI[2], m.fma(n, -_HALF_PI[1], -product))


def _sin_of_small(m: Any, r: Any, s: Any) -> tuple[Any, Any]:
    """sin(r + s) for |r| <= pi / 4, of which s is the last digits; as a sum of two."""
    square = r * r
    series = _polynomial(m, square, [(-1) ** k / factorial(2 * k + 1) for k in range(8, 0, -1)])
    return r, m.fma(r * square, series, m.fma(-0.5 * square, s, s))


def _cos_of_small(m: Any, r: Any, s: Any) -> tuple[Any, Any]:
    square = r * r
    series = _polynomial(m, square, [(-1) ** k / factorial(2 * k) for k in range(9, 1, -1)])
    half = 0.5 * square
    most = 1.0 - half
    return most, ((1.0 - most) - half) + m.fma(square * square, series, -(r * s))


def _is_odd(m: Any, n: Any) -> Any:
    return n * 0.5 != m.floor(n * 0.5)


def _sin_after(m: Any, turns: float, x: Any) -> Any:
    """sin(x + turns * pi / 2)."""
    n, r, s = _reduced(m, x)
    n = n + turns
    odd, sin, cos = _is_odd(m, n), _sin_of_small(m, r, s), _cos_of_small(m, r, s)
    out = m.where(odd, cos[0], sin[0]) + m.where(odd, cos[1], sin[1])
    return m.where(_is_odd(m, m.floor(n * 0.5)), -out, out)


def _sin(m: Any, x: Any) -> Any:
    return m.where(x == 0, x, _sin_after(m, 0.0, x))  # of -0.0, too


def _cos(m: Any, x: Any) -> Any:
    return _sin_after(m, 1.0, x)


def _tan(m: Any, x: Any) -> Any:
    n, r, s = _reduced(m, x)
    odd = _is_odd(m, n)
    (sin, sin_lost), (cos, cos_lost) = _rounded(_sin_of_small(m, r, s)), _rounded(_cos_of_small(m, r, s))
    above, above_lost = m.where(odd, -cos, sin), m.where(odd, -cos_lost, sin_lost)
    below, below_lost = m.where(odd, sin, cos), m.where(odd, sin_lost, cos_lost)
    out = above / below
    rest = m.fma(-out, below, above) + m.fma(-out, below_lost, above_lost)
    return m.where(x == 0, x, out + rest / below)


def _rounded(both: tuple[Any, Any]) -> tuple[Any, Any]:
    """The sum of a number and a smaller one, and what it has lost by rounding."""
    total = both[0] + both[1]
    return total, (both[0] - total) + both[1]


def _is_near(m: Any, x: Any) -> Any:
    return abs(x) < 1e6  # with n < 2 ** 20 three doubles of pi / 2 suffice


def _erfc(m: Any, x: Any) -> Any:
    return m.rough_erfc(x)


def _erf(m: Any, x: Any) -> Any:
    """Taylor's series near 0; else 1 - erfc, of which no more than half is lost."""
    square = x * x
    series = _polynomial(
        m, square, [(-1) ** k * _TWO_OVER_SQRT_PI / (factorial(k) * (2 * k + 1)) for k in range(13, 0, -1)]
    )
    small = m.fma(x, m.fma(square, series, _TWO_OVER_SQRT_PI_LESS_1), x)
    return m.where(abs(x) < 0.5, small, m.copysign(1.0 - m.rough_erfc(abs(x)), x))


_TWO_OVER_SQRT_PI, _TWO_OVER_SQRT_PI_LESS_1 = map(float.fromhex, ("0x1.20dd750429b6dp+0", "0x1.06eba8214db69p-3"))


FORMULAS = {
    "exp": Formula(_exp),
    "sin": Formula(_sin, _is_near),
    "cos": Formula(_cos, _is_near),
    "tan": Formula(_tan, _is_near),
    "erf": Formula(_erf, None, "rough_erfc"),
    "erfc": Formula(_erfc, lambda m, x: abs(x) < 16, "rough_erfc"),
}
