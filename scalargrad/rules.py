"""The rule tables: for every operation its value, its local derivatives and its domain.

A rule is straight-line code over a *mathematics namespace* `m`, so one row serves every kind of number: `m` may
work on floats, on Values (which makes the derivative itself differentiable), on arrays, on high-precision numbers or
on symbols that print. A choice goes through `m.where`, never through `if`. What `m` offers beyond Python's `math`:
`where`, `pow`, `fma`, `sigmoid` and `polygamma`.

`value(m, x, y)` is the result; `derivatives(m, x, y, out=out)` holds, for each operand in order, the local derivative of
the result `out` with respect to it, or None where an operand has none (an exponent that is a constant).

    >>> from scalargrad.namespaces import FLOATS
    >>> mul = RULES["mul"]
    >>> mul.value(FLOATS, 3.0, 4.0), mul.derivatives(FLOATS, 3.0, 4.0, out=12.0)
    (12.0, (4.0, 3.0))

The kinks, chosen once: relu'(0) = 0, abs'(0) = 0, leaky_relu'(0) is the slope, and a tie of max or min goes to the
first operand. At an edge of a domain a derivative may be infinite or nan (sqrt at 0); the value still stands.

There are two tables. `RULES` has what a gradient flows through: the functions and operators of the package. `STEERING`
has what it does not flow through: comparisons and roundings, which steer a program and give plain truths and numbers,
but are rows as well while one is recorded (1.0 is true, 0.0 false); and `detach`, which is there to cut it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from math import cosh, log
from operator import mul
from typing import Any

from scalargrad.formulas import (
    LN2,
    LN10,
    SQRT_HALF,
    TWO_OVER_SQRT_PI,
    atan2_slopes,
    dot,
    dot_slopes,
    finite,
    first_is_max,
    first_is_min,
    gelu_slope,
    logsumexp,
    not_a_pole,
    power_exists,
    products_of_others,
    rounded,
    softmax,
    softplus,
    total,
)
from scalargrad.special import polygamma

__all__ = ["ROUNDINGS", "RULES", "STEERING", "TRUTHS", "Rule"]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One operation: how it is called and written, what it computes, and how it passes a gradient on.

    name         what the operation is called in the package and in error messages
    symbol       what a picture shows
    value        (m, *operands) -> result
    derivatives  (m, *operands, out=) -> one local derivative for each operand, or None where there is none
    domain       (m, *operands) -> whether the value exists there; None means everywhere
    overflows    where finite operands come to an infinity Python raises, which it does not for + and *
    routes       the operation hands on one operand as it is: the others are *not reached* (rather than reached by 0)
    ulps         how far a float derivative may be from the true one, in units in the last place: a number, or a
                 function of the operands where rounding inside the formula is magnified
    """

    name: str
    symbol: str
    value: Callable[..., Any]
    derivatives: Callable[..., tuple[Any, ...]]
    domain: Callable[..., Any] | None = None
    overflows: bool = False
    routes: bool = False
    ulps: float | Callable[..., float] = 4

    @property
    def arity(self) -> int | None:
        """How many operands it takes; None, if any number.

        >>> RULES["fma"].arity, RULES["sum"].arity
        (3, None)
        """
        _, *operands = inspect.signature(self.value).parameters.values()
        return None if operands[-1].kind is operands[-1].VAR_POSITIONAL else len(operands)

    @property
    def of_the_table(self) -> bool:
        """Whether it is one of the two tables below, which everybody knows: no gate."""
        return RULES.get(self.name, STEERING.get(self.name)) is self

    def text(self, *operands: str) -> str:
        """The operation written out: `RULES["add"].text("a", "b")` is `a + b`, and log's is `log(a)`."""
        if not set(self.symbol) <= set("+-*/%<≤=≠"):
            return f"{self.name}({', '.join(operands)})"
        return f" {self.symbol} ".join(operands) if len(operands) == 2 else f"{self.symbol}{operands[0]}"


# ── what a gradient flows through ──────────────────────────────────────────────────────────────────────────────────
# fmt: off

_RULES = (
    # arithmetic
    Rule("add", "+",       lambda m, x, y: x + y,         lambda m, x, y, out: (1.0, 1.0)),
    Rule("sub", "-",       lambda m, x, y: x - y,         lambda m, x, y, out: (1.0, -1.0)),
    Rule("mul", "*",       lambda m, x, y: x * y,         lambda m, x, y, out: (y, x)),
    Rule("div", "/",       lambda m, x, y: x / y,         lambda m, x, y, out: (1 / y, -out / y),
         domain=lambda m, x, y: y != 0),
    Rule("mod", "%",       lambda m, x, y: x % y,         lambda m, x, y, out: (1.0, -(x // y)),
         domain=lambda m, x, y: y != 0),
    Rule("neg", "-",       lambda m, x: -x,               lambda m, x, out: (-1.0,)),
    Rule("pos", "+",       lambda m, x: +x,               lambda m, x, out: (1.0,)),
    Rule("abs", "abs",     lambda m, x: abs(x),           lambda m, x, out: (m.where(x < 0, -1.0, m.where(x > 0, 1.0, 0.0)),)),
    Rule("fma", "fma",     lambda m, x, y, z: m.fma(x, y, z), lambda m, x, y, z, out: (y, x, 1.0), overflows=True),

    # powers: x ** y, with its cases of a constant exponent and of a constant base
    Rule("pow", "**",      lambda m, x, y: m.pow(x, y),   lambda m, x, y, out: (y * m.pow(x, y - 1), out * m.log(x)),
         domain=power_exists, overflows=True, ulps=lambda x, y: 4 + (1 + abs(y)) * abs(log(abs(x) or 1.0))),
    Rule("pow_const", "**", lambda m, x, c: m.pow(x, c),  lambda m, x, c, out: (c * m.pow(x, m.where(c == 0, 1.0, c - 1)), None),
         domain=power_exists, overflows=True, ulps=lambda x, c: 4 + (1 + abs(c)) * abs(log(abs(x) or 1.0))),
    Rule("const_pow", "**", lambda m, c, y: m.pow(c, y),  lambda m, c, y, out: (None, out * m.log(c)),
         domain=power_exists, overflows=True),
    Rule("sqrt", "sqrt",   lambda m, x: m.sqrt(x),        lambda m, x, out: (0.5 / out,),
         domain=lambda m, x: x >= 0),
    Rule("cbrt", "cbrt",   lambda m, x: m.cbrt(x),        lambda m, x, out: (1 / (3 * out * out),), ulps=12),
    Rule("hypot", "hypot", lambda m, x, y: m.hypot(x, y), lambda m, x, y, out: (x / out, y / out)),

    # exponentials and logarithms
    Rule("exp", "exp",     lambda m, x: m.exp(x),         lambda m, x, out: (out,), overflows=True),
    Rule("exp2", "exp2",   lambda m, x: m.exp2(x),        lambda m, x, out: (out * LN2,), overflows=True),
    Rule("expm1", "expm1", lambda m, x: m.expm1(x),       lambda m, x, out: (m.exp(x),), overflows=True),
    Rule("log", "log",     lambda m, x: m.log(x),         lambda m, x, out: (1 / x,),
         domain=lambda m, x: x > 0),
    Rule("log1p", "log1p", lambda m, x: m.log1p(x),       lambda m, x, out: (1 / (1 + x),),
         domain=lambda m, x: x > -1),
    Rule("log2", "log2",   lambda m, x: m.log2(x),        lambda m, x, out: (1 / (x * LN2),),
         domain=lambda m, x: x > 0),
    Rule("log10", "log10", lambda m, x: m.log10(x),       lambda m, x, out: (1 / (x * LN10),),
         domain=lambda m, x: x > 0),

    # circular functions and their inverses
    Rule("sin", "sin",     lambda m, x: m.sin(x),         lambda m, x, out: (m.cos(x),), domain=finite),
    Rule("cos", "cos",     lambda m, x: m.cos(x),         lambda m, x, out: (-m.sin(x),), domain=finite),
    Rule("tan", "tan",     lambda m, x: m.tan(x),         lambda m, x, out: (1 + out * out,), domain=finite),
    Rule("asin", "asin",   lambda m, x: m.asin(x),        lambda m, x, out: (1 / m.sqrt((1 - x) * (1 + x)),),
         domain=lambda m, x: abs(x) <= 1),
    Rule("acos", "acos",   lambda m, x: m.acos(x),        lambda m, x, out: (-1 / m.sqrt((1 - x) * (1 + x)),),
         domain=lambda m, x: abs(x) <= 1),
    Rule("atan", "atan",   lambda m, x: m.atan(x),        lambda m, x, out: (1 / (1 + x * x),)),
    Rule("atan2", "atan2", lambda m, y, x: m.atan2(y, x), lambda m, y, x, out: atan2_slopes(m, y, x)),

    # hyperbolic functions and their inverses
    Rule("sinh", "sinh",   lambda m, x: m.sinh(x),        lambda m, x, out: (m.cosh(x),), overflows=True),
    Rule("cosh", "cosh",   lambda m, x: m.cosh(x),        lambda m, x, out: (m.sinh(x),), overflows=True),
    Rule("tanh", "tanh",   lambda m, x: m.tanh(x),        lambda m, x, out: (1 - out * out,),
         ulps=lambda x: 5 * cosh(min(abs(x), 300.0)) ** 2),
    Rule("asinh", "asinh", lambda m, x: m.asinh(x),       lambda m, x, out: (1 / m.hypot(1.0, x),)),
    Rule("acosh", "acosh", lambda m, x: m.acosh(x),       lambda m, x, out: (1 / (m.sqrt(x - 1) * m.sqrt(x + 1)),),
         domain=lambda m, x: x >= 1),
    Rule("atanh", "atanh", lambda m, x: m.atanh(x),       lambda m, x, out: (1 / ((1 - x) * (1 + x)),),
         domain=lambda m, x: abs(x) < 1),

    # special functions
    Rule("erf", "erf",     lambda m, x: m.erf(x),         lambda m, x, out: (TWO_OVER_SQRT_PI * m.exp(-x * x),),
         ulps=lambda x: 4 + x * x),
    Rule("erfc", "erfc",   lambda m, x: m.erfc(x),        lambda m, x, out: (-TWO_OVER_SQRT_PI * m.exp(-x * x),),
         ulps=lambda x: 4 + x * x),
    Rule("lgamma", "lgamma", lambda m, x: m.lgamma(x),    lambda m, x, out: (m.polygamma(0.0, x),),
         domain=not_a_pole, overflows=True, ulps=lambda x: 4 + 16 / abs(polygamma(0, x))),  # it crosses zero
    Rule("polygamma", "polygamma", lambda m, n, x: m.polygamma(n, x), lambda m, n, x, out: (None, m.polygamma(n + 1, x)),
         domain=lambda m, n, x: not_a_pole(m, x), overflows=True, ulps=lambda n, x: 16 + 4 ** (n + 4) / abs(polygamma(n + 1, x))),

    # activations
    Rule("relu", "ReLU",   lambda m, x: m.where(x <= 0, 0.0, x), lambda m, x, out: (m.where(x <= 0, 0.0, 1.0),)),
    Rule("leaky_relu", "leakyReLU", lambda m, x, slope: m.where(x > 0, x, slope * x),
                                    lambda m, x, slope, out: (m.where(x > 0, 1.0, slope), m.where(x > 0, 0.0, x))),
    Rule("sigmoid", "σ",   lambda m, x: m.sigmoid(x),     lambda m, x, out: (out * m.sigmoid(-x),)),
    Rule("softplus", "softplus", lambda m, x: softplus(m, x), lambda m, x, out: (m.sigmoid(x),)),
    Rule("gelu", "GELU",   lambda m, x: 0.5 * x * m.erfc(-SQRT_HALF * x), lambda m, x, out: (gelu_slope(m, x),),
         ulps=lambda x: (4 + x * x) * (1 + 1 / abs(x + 0.7517915246935645))),  # it crosses zero there

    # choices: the operand chosen gets all of the gradient
    Rule("maximum", "max", lambda m, x, y: m.where(first_is_max(x, y), x, y),
                           lambda m, x, y, out: (m.where(first_is_max(x, y), 1.0, 0.0), m.where(first_is_max(x, y), 0.0, 1.0)),
         routes=True),
    Rule("minimum", "min", lambda m, x, y: m.where(first_is_min(x, y), x, y),
                           lambda m, x, y, out: (m.where(first_is_min(x, y), 1.0, 0.0), m.where(first_is_min(x, y), 0.0, 1.0)),
         routes=True),
    Rule("where", "where", lambda m, c, x, y: m.where(c, x, y), lambda m, c, x, y, out: (None, m.where(c, 1.0, 0.0), m.where(c, 0.0, 1.0)),
         routes=True),

    # of any number of operands, in one row; those of dot are w1 … wn, x1 … xn
    Rule("sum", "sum",     lambda m, *xs: total(xs),       lambda m, *xs, out: (1.0,) * len(xs)),
    Rule("prod", "prod",   lambda m, *xs: reduce(mul, xs, 1.0), lambda m, *xs, out: products_of_others(xs)),
    Rule("dot", "dot",     lambda m, *ws_xs: dot(ws_xs), lambda m, *ws_xs, out: dot_slopes(ws_xs)),
    Rule("logsumexp", "logsumexp", lambda m, *xs: logsumexp(m, xs), lambda m, *xs, out: softmax(m, xs),
         ulps=lambda *xs: 4 + max(xs) - min(xs) + len(xs)),
)


# ── what it does not flow through ──────────────────────────────────────────────────────────────────────────────────

_STEERING = (
    Rule("lt", "<",        lambda m, x, y: m.where(x < y, 1.0, 0.0),  lambda m, x, y, out: (None, None)),
    Rule("le", "≤",        lambda m, x, y: m.where(x <= y, 1.0, 0.0), lambda m, x, y, out: (None, None)),
    Rule("eq", "=",        lambda m, x, y: m.where(x == y, 1.0, 0.0), lambda m, x, y, out: (None, None)),
    Rule("ne", "≠",        lambda m, x, y: m.where(x != y, 1.0, 0.0), lambda m, x, y, out: (None, None)),
    Rule("and", "and",     lambda m, x, y: m.where((x != 0) & (y != 0), 1.0, 0.0), lambda m, x, y, out: (None, None)),
    Rule("or", "or",       lambda m, x, y: m.where((x != 0) | (y != 0), 1.0, 0.0), lambda m, x, y, out: (None, None)),

    # to whole numbers, of which an infinity has none
    Rule("floor", "floor", lambda m, x: x // 1.0,         lambda m, x, out: (None,), domain=finite),
    Rule("ceil", "ceil",   lambda m, x: -(-x // 1.0),     lambda m, x, out: (None,), domain=finite),
    Rule("trunc", "trunc", lambda m, x: m.where(x < 0, -(-x // 1.0), x // 1.0), lambda m, x, out: (None,), domain=finite),
    Rule("round", "round", lambda m, x: rounded(m, x),    lambda m, x, out: (None,), domain=finite),
    Rule("floordiv", "//", lambda m, x, y: x // y,        lambda m, x, y, out: (None, None), domain=lambda m, x, y: y != 0),

    Rule("detach", "detach", lambda m, x: +x,             lambda m, x, out: (None,)),
)

# fmt: on

#: The tables by name.
RULES: dict[str, Rule] = {rule.name: rule for rule in _RULES}
STEERING: dict[str, Rule] = {rule.name: rule for rule in _STEERING}

#: Those that are true or false, and those that come to a whole number.
TRUTHS = {STEERING[name] for name in ("lt", "le", "eq", "ne", "and", "or")}
ROUNDINGS = {STEERING[name] for name in ("floor", "ceil", "trunc", "round")}
