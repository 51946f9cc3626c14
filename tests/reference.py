"""The operations in mpmath: a reference that we did not write, to as many digits as one asks for."""

import mpmath

from scalargrad.rules import Rule

#: The same function in mpmath, for rules whose name mpmath does not have.
IN_MPMATH = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "mod": lambda x, y: x - y * mpmath.floor(x / y),
    "neg": lambda x: -x,
    "pos": lambda x: +x,
    "abs": abs,
    "fma": lambda x, y, z: x * y + z,
    "pow": lambda x, y: x**y,
    "pow_const": lambda x, c: x**c,
    "const_pow": lambda c, y: c**y,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))),
    "polygamma": lambda n, x: mpmath.polygamma(int(n), x),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "relu": lambda x: max(x, 0),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "maximum": max,
    "minimum": min,
    "where": lambda c, x, y: x if c else y,
    "sum": lambda *xs: mpmath.fsum(xs),
    "prod": lambda *xs: mpmath.fprod(xs),
    "dot": lambda *ws_xs: mpmath.fdot(ws_xs[: len(ws_xs) // 2], ws_xs[len(ws_xs) // 2 :]),
    "logsumexp": lambda *xs: mpmath.log(mpmath.fsum(map(mpmath.exp, xs))),
}


def reference(rule: Rule):
    """The function that a rule stands for, on mpmath's numbers."""
    return IN_MPMATH.get(rule.name) or getattr(mpmath, rule.name)
