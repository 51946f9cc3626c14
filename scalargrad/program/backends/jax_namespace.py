"""The mathematics of JAX arrays, for the rules: what they call `m` in code that XLA compiles.

Most of it is JAX's own, near to 4 units in the last place. What is not is written out here: JAX's exp2, sinh, cosh and
erfc lose as many digits as the number has before the point, its atanh and tanh some more, its log1p two between -0.42
and -0.34, its log2(8.0) is not 3.0, and its polygamma does not know negative numbers. JAX has no fma.
"""

from collections.abc import Callable
from functools import reduce
from math import factorial, pi
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import jax.scipy.special as special
import numpy as np
from jax import lax

from scalargrad.formulas import LN2, SQRT_HALF, TWO_OVER_SQRT_PI, halves, total
from scalargrad.namespaces import NAMES, sigmoid
from scalargrad.program.code import TABLE
from scalargrad.rules import Rule
from scalargrad.special import BERNOULLI, derivative_of_cot

__all__ = ["INSTEAD", "JAX"]


def _where(condition: Any, x: Any, y: Any) -> Any:
    return jnp.where(condition if jnp.issubdtype(jnp.result_type(condition), jnp.bool_) else condition != 0, x, y)


def _exp2(x: Any) -> Any:
    whole = jnp.clip(jnp.round(x), -1100.0, 1100.0)
    return jnp.ldexp(jnp.exp((x - whole) * LN2), whole.astype(int))


def _log2(x: Any) -> Any:
    part, exponent = jnp.frexp(x)
    low = part < SQRT_HALF  # so that near 1 nothing cancels
    return jnp.where(low, exponent - 1, exponent) + jnp.log(jnp.where(low, 2.0 * part, part)) / LN2


def _log1p(x: Any) -> Any:
    return jnp.where((x > -0.45) & (x < -0.3), jnp.log(1.0 + x), jnp.log1p(x))


def _sinh(x: Any) -> Any:
    a, half = jnp.expm1(abs(x)), jnp.exp(0.5 * abs(x))
    return jnp.copysign(jnp.where(abs(x) < 20.0, 0.5 * (a + a / (a + 1.0)), 0.5 * half * half), x)


def _cosh(x: Any) -> Any:
    a, half = jnp.exp(abs(x)), jnp.exp(0.5 * abs(x))
    return jnp.where(abs(x) < 20.0, 0.5 * (a + 1.0 / a), 0.5 * half * half)


def _tanh(x: Any) -> Any:
    return jnp.where(abs(x) < 0.5, jnp.tanh(x), jnp.copysign(1.0 - 2.0 / (jnp.exp(2.0 * abs(x)) + 1.0), x))


def _atanh(x: Any) -> Any:
    a = abs(x)
    return jnp.copysign(0.5 * jnp.log1p(2.0 * a + 2.0 * a * a / (1.0 - a)), x) + 0.0 * x


def _erfc(x: Any) -> Any:
    """What JAX's erf leaves of 1 below 1; from there on JAX's own where the square of x is exact, and on by Taylor."""
    near = jnp.clip(x, 1.0, 28.0)
    head = lax.bitcast_convert_type(lax.bitcast_convert_type(near, jnp.int64) & ~((1 << 27) - 1), jnp.float64)
    tail = near - head
    step = tail * (1.0 - tail * (head - (2.0 * head * head - 1.0) * tail / 3.0))
    above = special.erfc(head) - TWO_OVER_SQRT_PI * jnp.exp(-head * head) * step
    return jnp.where(x < 1.0, 1.0 - special.erf(x), above)


def _polygamma(order: Any, x: Any) -> Any:
    """As `scalargrad.special.polygamma` does it, with the same number of steps for every x."""
    n = int(order)
    if n != order or n < 0:
        return x * jnp.nan
    sign, rising = 1 if n % 2 else -1, n + 1
    z = jnp.where(x > 0, x, 1.0 - x)
    steps = 20 + n
    before = jnp.sum((z[..., None] + jnp.arange(steps)) ** -rising, axis=-1) * factorial(n)
    s = z + steps
    behind = -jnp.log(s) if n == 0 else factorial(n - 1) * s**-n
    behind += 0.5 * factorial(n) * s**-rising
    for k, bernoulli in enumerate(BERNOULLI, start=1):
        behind += bernoulli * (factorial(2 * k + n - 1) / factorial(2 * k)) * s ** -(2 * k + n)
    right = sign * (before + behind)
    cot = 1.0 / jnp.tan(pi * (x - jnp.round(x)))
    left = (-right if n % 2 else right) - pi**rising * reduce(lambda sum, a: sum * cot + a, derivative_of_cot(n)[::-1])
    return jnp.where(x > 0, right, left)


#: By the name that rules call it.
JAX = SimpleNamespace(**{name: getattr(jnp, name) for name in NAMES if hasattr(jnp, name)})
JAX.exp2, JAX.log2, JAX.where, JAX.erf, JAX.erfc, JAX.lgamma = _exp2, _log2, _where, special.erf, _erfc, special.gammaln
JAX.log1p, JAX.sinh, JAX.cosh, JAX.tanh, JAX.atanh, JAX.polygamma = _log1p, _sinh, _cosh, _tanh, _atanh, _polygamma
JAX.sigmoid = lambda x: sigmoid(JAX, x)


# ── arithmetic to the bit ───────────────────────────────────────────────────────────────────────────────────────────


def _product(x: Any, y: Any) -> Any:
    """x * y, rounded. XLA would round it together with what is added to it; through a choice it does not look."""
    product = x * y
    return product if isinstance(product, float) else jnp.where(product == product, product, jnp.nan)


def _quotient(x: Any, y: Any) -> Any:
    """x / y. Of a y that is the same at all points XLA would take 1 / y, rounded, as a factor."""
    return x / y if isinstance(x, float) else x / jnp.where(x == x, y, x)


def _remainder(x: Any, y: Any) -> Any:
    found = jnp.remainder(x, y)
    return jnp.where(found == 0, jnp.copysign(0.0, y), found)


def _floor_quotient(x: Any, y: Any) -> Any:
    quotient = _quotient(x - jnp.remainder(x, y), y)
    low = jnp.floor(quotient)
    found = jnp.where(quotient - low > 0.5, low + 1.0, low)
    return jnp.where(found == 0, jnp.copysign(0.0, x / y), found)


def _dot(*ws_xs: Any) -> Any:
    return total(map(_product, *halves(ws_xs)))


#: The values of rules whose operators mean something else to JAX than to Python.
INSTEAD: dict[Rule, Callable[..., Any]] = {
    TABLE["mul"]: lambda m, x, y: _product(x, y),
    TABLE["prod"]: lambda m, *xs: reduce(_product, xs, np.float64(1.0)),
    TABLE["dot"]: lambda m, *ws_xs: _dot(*ws_xs),
    TABLE["div"]: lambda m, x, y: _quotient(x, y),
    TABLE["mod"]: lambda m, x, y: _remainder(x, y),
    TABLE["floordiv"]: lambda m, x, y: _floor_quotient(x, y),
    TABLE["floor"]: lambda m, x: jnp.floor(x),
    TABLE["ceil"]: lambda m, x: jnp.ceil(x),
    TABLE["trunc"]: lambda m, x: jnp.trunc(x),
}
