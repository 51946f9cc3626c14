"""The operations as functions of Values or plain numbers, and what is composed of them.

Each of the first group is one rule of `scalargrad.rules`, and applied to a Value it records one row. Applied to plain
numbers they give plain numbers, so the same code runs with and without gradients:

>>> from scalargrad import Value
>>> sigmoid(2.0), sigmoid(Value(2.0))
(0.8807970779778823, Value(0.8807970779778823))
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

from scalargrad.engine import Value, function, reduction
from scalargrad.rules import RULES

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "cos",
    "cosh",
    "dot",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "fma",
    "gelu",
    "hypot",
    "label",
    "leaky_relu",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "logsumexp",
    "matmul",
    "maximum",
    "minimum",
    "polygamma",
    "prod",
    "relu",
    "sigmoid",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "sum",
    "tan",
    "tanh",
    "where",
]


def _primitive(name: str, about: str) -> Callable[..., Any]:
    apply = function(RULES[name])
    parameters = list(inspect.signature(RULES[name].value).parameters)[1:]
    apply.__name__ = apply.__qualname__ = name
    apply.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(p, inspect.Parameter.POSITIONAL_ONLY) for p in parameters]
    )
    apply.__doc__ = f'{about}\n\nDerivatives and domain: `scalargrad.rules.RULES["{name}"]`.'
    apply.__module__ = __name__
    return apply


exp = _primitive("exp", "e to the power x.")
exp2 = _primitive("exp2", "2 to the power x.")
expm1 = _primitive("expm1", "exp(x) - 1, accurate near 0.")
log = _primitive("log", "The natural logarithm of x.")
log1p = _primitive("log1p", "log(1 + x), accurate near 0.")
log2 = _primitive("log2", "The logarithm of x to base 2.")
log10 = _primitive("log10", "The logarithm of x to base 10.")
sqrt = _primitive("sqrt", "The square root of x.")
cbrt = _primitive("cbrt", "The cube root of x, of a negative x too.")
hypot = _primitive("hypot", "sqrt(x² + y²), without overflow on the way.")
fma = _primitive("fma", "x * y + z with a single rounding.")
sin = _primitive("sin", "The sine of x radians.")
cos = _primitive("cos", "The cosine of x radians.")
tan = _primitive("tan", "The tangent of x radians.")
asin = _primitive("asin", "The angle, from -π/2 to π/2, whose sine is x.")
acos = _primitive("acos", "The angle, from 0 to π, whose cosine is x.")
atan = _primitive("atan", "The angle, from -π/2 to π/2, whose tangent is x.")
atan2 = _primitive("atan2", "The angle, from -π to π, of the point (x, y), in radians.")
sinh = _primitive("sinh", "The hyperbolic sine of x.")
cosh = _primitive("cosh", "The hyperbolic cosine of x.")
tanh = _primitive("tanh", "The hyperbolic tangent of x.")
asinh = _primitive("asinh", "The inverse of sinh.")
acosh = _primitive("acosh", "The inverse of cosh, from 0 on.")
atanh = _primitive("atanh", "The inverse of tanh.")
erf = _primitive("erf", "The error function.")
erfc = _primitive("erfc", "1 - erf(x), accurate for large x.")
lgamma = _primitive("lgamma", "The logarithm of the absolute value of the gamma function.")
relu = _primitive("relu", "x where it is positive, else 0; its derivative at 0 is 0.")
sigmoid = _primitive("sigmoid", "1 / (1 + exp(-x)), without overflow.")
softplus = _primitive("softplus", "log(1 + exp(x)), without overflow.")
gelu = _primitive("gelu", "x times the normal distribution function at x (Hendrycks and Gimpel, 2016), exactly.")
maximum = _primitive("maximum", "The larger operand, or a nan among them; a tie goes to the first.")
minimum = _primitive("minimum", "The smaller operand, or a nan among them; a tie goes to the first.")
where = _primitive("where", "x where the condition is true, else y; the other one is not reached by a gradient.")

_leaky_relu, _polygamma = function(RULES["leaky_relu"]), function(RULES["polygamma"])
_sum, _prod, _dot, _logsumexp = (reduction(RULES[name]) for name in ("sum", "prod", "dot", "logsumexp"))


def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    """x where it is positive, else slope * x; at 0 its derivative is the slope.

    >>> leaky_relu(-2.0), leaky_relu(-2.0, slope=0.5)
    (-0.02, -1.0)
    """
    return _leaky_relu(x, slope)


def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of digamma, which is polygamma(0, x), at x. Raises TypeError unless n is a plain number.

    Raises ValueError unless n is a whole number from 0 to 170. So the derivative of polygamma(170, x) is nan.

    >>> polygamma(1, 1.0)  # π²/6
    1.6449340668482264
    """
    if isinstance(n, Value):
        raise TypeError("the order of polygamma is a plain whole number: it has no derivative")
    return _polygamma(n, x)


# ── of any number of operands, as one row ───────────────────────────────────────────────────────────────────────────


def sum(xs: Iterable[Any], start: Any = None) -> Any:
    """The sum, from left to right, as one row; of nothing, 0.0. The builtin records one row for each term.

    A start, if there is one, is the first term.

    >>> sum([Value(1), 2, Value(3)])
    Value(6.0)
    """
    xs = _list("sum", xs)
    return _sum(xs) if start is None else _sum([start], xs)


def prod(xs: Iterable[Any]) -> Any:
    """The product, from left to right, as one row; of nothing, 1.0.

    >>> prod([Value(2), 3, Value(4)])
    Value(24.0)
    """
    return _prod(_list("prod", xs))


def dot(ws: Iterable[Any], xs: Iterable[Any]) -> Any:
    """The sum of the products w * x, from left to right, as one row. Raises ValueError if the lengths differ.

    >>> dot([Value(1), Value(2)], [3, 4])
    Value(11.0)
    """
    if type(ws) is not list or type(xs) is not list:
        ws, xs = _list("dot", ws), _list("dot", xs)
    if len(ws) != len(xs):
        raise ValueError(f"dot takes two of the same length, not of {len(ws)} and {len(xs)}")
    return _dot(ws, xs)


def logsumexp(xs: Iterable[Any]) -> Any:
    """The logarithm of the sum of the exponentials, as one row, without overflow. Of nothing, it raises ValueError.

    >>> logsumexp([Value(1000.0), Value(1000.0)])
    Value(1000.6931471805599)
    """
    xs = _list("logsumexp", xs)
    if not xs:
        raise ValueError("logsumexp of nothing would be minus infinity: give it one operand at least")
    return _logsumexp(xs)


# ── composed of the others ──────────────────────────────────────────────────────────────────────────────────────────


def softmax(xs: Iterable[Any]) -> list[Any]:
    """The exponentials, scaled so that they add up to 1. It does not overflow; of nothing, it is nothing.

    >>> softmax([Value(1000.0), 1000.0, -1000.0])
    [Value(0.5), Value(0.5), Value(0.0)]
    """
    xs = _list("softmax", xs)
    if not xs:
        return []
    top = reduce(maximum, xs)
    exponentials = [exp(x - top) for x in xs]
    total = sum(exponentials)
    return [e / total for e in exponentials]


def matmul(a: Sequence[Sequence[Any]], b: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The product of two matrices, as lists of rows: (n, k) times (k, m) gives (n, m), each number one row of the tape.

    Raises ValueError if a row is longer than another, or the inner lengths differ.

    >>> matmul([[1, 2], [3, 4]], [[Value(1)], [Value(1)]])
    [[Value(3.0)], [Value(7.0)]]
    """
    a, b = ([_list("matmul", row) for row in _list("matmul", matrix)] for matrix in (a, b))
    for name, matrix in (("a", a), ("b", b)):
        if len({len(row) for row in matrix}) > 1:
            raise ValueError(f"the rows of {name} are of different lengths: {[len(row) for row in matrix]}")
    inner = {len(row) for row in a}
    if inner and inner != {len(b)}:
        raise ValueError(f"matmul of ({len(a)}, {len(a[0])}) and ({len(b)}, …): the inner lengths differ")
    columns = list(zip(*b, strict=True))
    return [[dot(row, column) for column in columns] for row in a]


def label(names: dict[str, Any]) -> None:
    """Give each Value in a dictionary its name there, as `label(locals())` does; one that has a label keeps it.

    The Values in a list or tuple are labelled with their position, names that begin with _ are passed over.

    >>> names = {"a": Value(1.0), "w": [Value(2.0), Value(3.0)]}
    >>> label(names)
    >>> names["a"], names["w"][1]
    (Value(1.0, label='a'), Value(3.0, label='w[1]'))
    """
    if not isinstance(names, dict):
        raise TypeError(f"label takes a dictionary of names, as label(locals()) gives it, not {names!r}")
    pending = [(name, thing) for name, thing in names.items() if not name.startswith("_")]
    seen: set[int] = set()
    for name, thing in pending:
        if isinstance(thing, Value):
            thing.label = thing.label or name
        elif type(thing) in (list, tuple) and id(thing) not in seen:
            seen.add(id(thing))
            pending += [(f"{name}[{i}]", x) for i, x in enumerate(thing)]


def _list(name: str, xs: Iterable[Any]) -> list[Any]:
    try:
        return xs if type(xs) is list else list(xs)
    except TypeError:
        raise TypeError(f"{name} takes a list of Values and real numbers, not {xs!r} ({type(xs).__name__})") from None
