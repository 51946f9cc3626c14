"""Functions of many lanes in plain instructions, where no library has them within two units in the last place.

They are written like the rules, over a mathematics namespace; theirs has `rint` (to the nearest whole number) and
`power_of_2` besides.
"""

from math import factorial, inf
from typing import Any

from scalargrad.program.backends.llvm_words import Formula

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


FORMULAS = {"exp": Formula(_exp)}
