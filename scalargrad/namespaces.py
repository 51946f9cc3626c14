"""The mathematics of plain numbers: what the rules call `m` when they work on floats.

A namespace offers, under one list of names, the functions that the rules call. `FLOATS` computes what Python's float
and `math` compute, to the bit, and raises what they raise. `IEEE` never raises: where Python would, it gives the
infinity or nan of IEEE 754. The engine turns to it for a derivative at an edge of its domain (sqrt at 0).
Another kind of number joins in by `register`.
"""

import math
import sys
from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, SupportsFloat, cast

from scalargrad import special

__all__ = ["FLOATS", "IEEE", "NAMES", "IeeeFloat", "as_float", "namespace_of", "register"]

#: What every namespace offers: these of `math`, and where, pow, fma, sigmoid and polygamma.
NAMES = (
    *("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "hypot"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    *("erf", "erfc", "lgamma", "polygamma", "pow", "fma", "sigmoid", "where"),
)


def as_float(number: object) -> float | None:
    """A real number of a kind we take (int, float, bool, Fraction, NumPy scalar) as a float; else None.

    >>> as_float(True), as_float(Fraction(1, 4)), as_float("2")
    (1.0, 0.25, None)
    """
    if isinstance(number, (float, int, Fraction)):
        return float(number)
    numpy = sys.modules.get("numpy")  # a NumPy scalar cannot exist where NumPy is not loaded
    if numpy is not None and isinstance(number, (numpy.floating, numpy.integer, numpy.bool_)):
        return float(cast(SupportsFloat, number))
    return None


def sigmoid(m: Any, x: Any) -> Any:
    """1 / (1 + exp(-x)) in a form in which nothing overflows and neither tail loses digits."""
    small = m.exp(-abs(x))
    return m.where(x >= 0, 1.0, small) / (1 + small)


# ── floats as Python has them ───────────────────────────────────────────────────────────────────────────────────────


def _where(condition: Any, x: Any, y: Any) -> Any:
    return x if condition else y


def _pow(x: float, y: float) -> float:
    try:
        out = x**y
    except OverflowError:
        if x < 0 and y % 1 != 0:
            return math.pow(x, y)  # for its ValueError: the complex result is too large
        raise
    return math.pow(x, y) if isinstance(out, complex) else out  # math.pow raises, where ** turns complex


FLOATS = SimpleNamespace(**{name: getattr(math, name) for name in NAMES if hasattr(math, name)})
FLOATS.pow, FLOATS.where = _pow, _where
FLOATS.fma, FLOATS.polygamma = special.fma, special.polygamma
FLOATS.sigmoid = lambda x: sigmoid(FLOATS, x)


# ── floats as IEEE 754 has them ─────────────────────────────────────────────────────────────────────────────────────


class IeeeFloat(float):
    """A float whose arithmetic gives an infinity or nan where Python's raises.

    >>> 1 / IeeeFloat(0.0), IeeeFloat(0.0) / 0
    (inf, nan)
    """

    __slots__ = ()

    def __add__(self, other: float) -> "IeeeFloat":
        return IeeeFloat(float(self) + float(other))

    def __sub__(self, other: float) -> "IeeeFloat":
        return IeeeFloat(float(self) - float(other))

    def __rsub__(self, other: float) -> "IeeeFloat":
        return IeeeFloat(float(other) - float(self))

    def __mul__(self, other: float) -> "IeeeFloat":
        return IeeeFloat(float(self) * float(other))

    def __truediv__(self, other: float) -> "IeeeFloat":
        return _divide(self, other)

    def __rtruediv__(self, other: float) -> "IeeeFloat":
        return _divide(other, self)

    def __floordiv__(self, other: float) -> "IeeeFloat":
        return IeeeFloat(float(self) // float(other)) if other != 0 else _divide(self, other)

    def __rfloordiv__(self, other: float) -> "IeeeFloat":
        return IeeeFloat(other) // self

    def __mod__(self, other: float) -> "IeeeFloat":
        return IeeeFloat(float(self) % float(other) if other != 0 else math.nan)

    def __rmod__(self, other: float) -> "IeeeFloat":
        return IeeeFloat(other) % self

    def __pow__(self, other: float, modulo: None = None) -> "IeeeFloat":
        return _ieee_pow(self, other)

    def __rpow__(self, other: float, modulo: None = None) -> "IeeeFloat":
        return _ieee_pow(other, self)

    def __neg__(self) -> "IeeeFloat":
        return IeeeFloat(-float(self))

    def __pos__(self) -> "IeeeFloat":
        return self

    def __abs__(self) -> "IeeeFloat":
        return IeeeFloat(abs(float(self)))

    __radd__, __rmul__ = __add__, __mul__


def _divide(x: float, y: float) -> IeeeFloat:
    if y != 0:
        return IeeeFloat(float(x) / float(y))
    return IeeeFloat(math.nan if x == 0 or math.isnan(x) else math.copysign(math.inf, x) * math.copysign(1.0, y))


def _ieee_pow(x: float, y: float) -> IeeeFloat:
    try:
        return IeeeFloat(math.pow(x, y))
    except (OverflowError, ValueError) as error:  # a root of a negative number, or 0 to a negative power
        if isinstance(error, ValueError) and x != 0:
            return IeeeFloat(math.nan)
        odd = abs(math.fmod(y, 2)) == 1  # y % 2 rounds: it is 1 for the float next to -1, which is no whole number
        return IeeeFloat(math.copysign(math.inf, x if odd else 1.0))


#: What a function tends to where it has a pole.
_POLES = {
    ("log", 0.0): -math.inf,
    ("log1p", -1.0): -math.inf,
    ("log2", 0.0): -math.inf,
    ("log10", 0.0): -math.inf,
    ("atanh", 1.0): math.inf,
    ("atanh", -1.0): -math.inf,
}


def _quiet(name: str) -> Callable[..., IeeeFloat]:
    """A function of FLOATS that gives what IEEE 754 gives where the function itself raises."""
    function = getattr(FLOATS, name)

    def quiet(*operands: float) -> IeeeFloat:
        xs = [float(x) for x in operands]
        try:
            return IeeeFloat(function(*xs))
        except OverflowError:
            if name == "fma":
                return IeeeFloat(xs[0] * xs[1] + xs[2])
            if name == "polygamma":  # next to a pole; of an even order it changes its sign there, from + to -
                order, x = xs
                return IeeeFloat(math.inf if order % 2 or x < round(x) else -math.inf)
            return IeeeFloat(math.copysign(math.inf, xs[0]) if name == "sinh" else math.inf)
        except ValueError:
            return IeeeFloat(math.inf if name == "lgamma" else _POLES.get((name, xs[0]), math.nan))

    return quiet


IEEE = SimpleNamespace(**{name: _quiet(name) for name in NAMES if name not in ("where", "pow", "sigmoid")})
IEEE.pow, IEEE.where = _ieee_pow, _where
IEEE.sigmoid = lambda x: sigmoid(IEEE, x)


# ── which namespace a number belongs to ─────────────────────────────────────────────────────────────────────────────

_NAMESPACES: dict[type, Any] = {IeeeFloat: IEEE}


def register(kind: type, namespace: Any) -> None:
    """Let the package's functions work on numbers of this kind too, by the functions of this namespace.

    >>> from decimal import Decimal
    >>> register(Decimal, SimpleNamespace(exp=Decimal.exp))
    >>> import scalargrad
    >>> scalargrad.exp(Decimal(1))
    Decimal('2.718281828459045235360287471')
    """
    _NAMESPACES[kind] = namespace


def namespace_of(*numbers: object) -> Any | None:
    """The namespace that was registered for the kind of one of these numbers, or None."""
    for number in numbers:
        if (namespace := _NAMESPACES.get(type(number))) is not None:
            return namespace
    return None
