"""50-digit numbers, for a reference that is exact to double precision: mpmath's, behind the face of a Value.

An `Exact` is what a Value is, but for the tape: the package's functions, the rules and user code take it, `float(x)`
refuses, and operations are methods too. Its digits come from mpmath, imported when the first of them is made. Its
`.data` and `.detach()` are itself: what leaves a tape by these is not lost here, which shows that the tape lost it.

>>> import scalargrad
>>> with digits(30):
...     print(scalargrad.exp(Exact(1)) - 1)
1.71828182845904523536028747135
"""

import operator
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from scalargrad.engine import Value
from scalargrad.engine.messages import caller
from scalargrad.engine.number import Number
from scalargrad.namespaces import NAMES, as_float, register, sigmoid
from scalargrad.rules import RULES

__all__ = ["EXACT", "Exact", "available", "comparisons", "digits", "number"]

Comparison = tuple[Any, Any, str]  # the two numbers, and the source line


class _Here(threading.local):
    """What each thread has of its own: a state of mpmath's, which is not the user's, and a log of comparisons."""

    def __init__(self) -> None:
        self.mp: Any = import_module("mpmath").mp.clone()
        self.log: list[Comparison] | None = None


_here = cache(_Here)


def available() -> bool:
    """Whether mpmath is installed."""
    try:
        import_module("mpmath")
    except ImportError:
        return False
    return True


@contextmanager
def digits(count: int) -> Iterator[None]:
    """Within it, this thread calculates to so many digits."""
    mp = _here().mp
    before, mp.dps = mp.dps, count
    try:
        yield
    finally:
        mp.dps = before


@contextmanager
def comparisons() -> Iterator[list[Comparison]]:
    """Within it, a list grows of the comparisons that are made outside of the rules: those that choose a branch."""
    here = _here()
    before, here.log = here.log, []
    try:
        yield here.log
    finally:
        here.log = before


def number(x: Any) -> Any:
    """The bare number of mpmath's for anything that is one; None for everything else."""
    if isinstance(x, Exact):
        return x._data
    plain = x._data if isinstance(x, Number) else as_float(x)
    return None if plain is None else _here().mp.mpf(plain)


def _infix(operation: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    def forward(self: Any, other: object) -> Any:
        y = number(other)
        return NotImplemented if y is None else Exact(operation(self._data, y))

    def reflected(self: Any, other: object) -> Any:
        x = number(other)
        return NotImplemented if x is None else Exact(operation(x, self._data))

    return forward, reflected


def _compared(operation: Callable[[Any, Any], bool]) -> Any:
    def method(self: Any, other: object) -> Any:
        y, log = number(other), _here().log
        if log is not None and y is not None and sys._getframe(1).f_globals["__name__"] not in _WITHIN_A_ROW:
            log.append((self._data, y, caller()))
        return NotImplemented if y is None else operation(self._data, y)

    return method


_WITHIN_A_ROW = ("scalargrad.rules", "scalargrad.formulas", "scalargrad.namespaces")


def _modulo(x: Any, y: Any) -> Any:
    if y == 0:
        raise ZeroDivisionError("modulo by zero")
    return x % y


class Exact(Number):
    """A number of as many digits as `digits` says. It is real: a complex result raises ValueError."""

    __slots__ = ("_data", "label")
    rule, has_grad = None, False

    def __init__(self, data: Any) -> None:
        if hasattr(data, "_mpc_"):
            raise ValueError("the result is not a real number")
        self._data, self.label = _here().mp.mpf(data), ""

    data = property(lambda self: self)

    def detach(self) -> "Exact":
        return self

    def leaky_relu(self, slope: Any = 0.01) -> Any:
        return RULES["leaky_relu"].value(EXACT, self, slope)

    def __repr__(self) -> str:
        return str(self._data)

    __lt__, __le__ = _compared(operator.lt), _compared(operator.le)
    __gt__, __ge__ = _compared(operator.gt), _compared(operator.ge)
    __eq__, __ne__ = _compared(operator.eq), _compared(operator.ne)
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        if (log := _here().log) is not None:
            log.append((self._data, _here().mp.mpf(0), caller()))  # `if v:` asks whether it is equal to 0
        return bool(self._data)

    __add__, __radd__ = _infix(operator.add)
    __sub__, __rsub__ = _infix(operator.sub)
    __mul__, __rmul__ = _infix(operator.mul)
    __truediv__, __rtruediv__ = _infix(operator.truediv)
    __mod__, __rmod__ = _infix(_modulo)
    __floordiv__, __rfloordiv__ = _infix(lambda x, y: (x - _modulo(x, y)) / y)
    __pow__, __rpow__ = _infix(operator.pow)
    __neg__, __pos__, __abs__ = lambda x: Exact(-x._data), lambda x: x, lambda x: Exact(abs(x._data))
    __floor__, __ceil__ = lambda x: int((x // 1)._data), lambda x: -int((-x // 1)._data)
    __int__, __trunc__ = Number.__int__, lambda x: int(x._data)


# ── their mathematics, for the rules ────────────────────────────────────────────────────────────────────────────────

#: What mpmath calls otherwise, or has for complex numbers only.
_IN_MPMATH: dict[str, Callable[..., Any]] = {
    "cbrt": lambda mp, x: mp.sign(x) * mp.cbrt(abs(x)),
    "exp2": lambda mp, x: mp.mpf(2) ** x,
    "fma": lambda mp, x, y, z: x * y + z,
    "lgamma": lambda mp, x: mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x))),
    "log2": lambda mp, x: mp.log(x, 2),
    "polygamma": lambda mp, n, x: mp.polygamma(int(n), x),
    "pow": lambda mp, x, y: x**y,
    "where": lambda mp, condition, x, y: x if condition else y,
}


def _lifted(name: str) -> Callable[..., Exact]:
    def function(*operands: Any) -> Exact:
        mp, xs = _here().mp, [number(x) for x in operands]
        out = _IN_MPMATH[name](mp, *xs) if name in _IN_MPMATH else getattr(mp, name)(*xs)
        if not mp.isfinite(out) and all(map(mp.isfinite, xs)):
            raise ValueError(f"{name} has a pole here")
        return Exact(out)

    return function


EXACT = SimpleNamespace(**{name: _lifted(name) for name in NAMES if name != "sigmoid"})
EXACT.sigmoid = lambda x: sigmoid(EXACT, x)
register(Exact, EXACT)


def _method(name: str) -> Callable[..., Any]:
    return lambda self, *others: RULES[name].value(EXACT, self, *others)


for _name in set(dir(Value)) - set(dir(Exact)):
    _operation = "atan2" if _name == "arctan2" else _name.replace("arc", "a")
    if _operation in RULES:
        setattr(Exact, _name, _method(_operation))
