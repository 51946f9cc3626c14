"""Rules of what steers a program and has no derivative: comparisons, and, or, roundings; and of `detach`.

While a Program is recorded these are rows too. A comparison is 1.0 where it is true and 0.0 where it is not.
"""

from typing import Any

from scalargrad.rules import Rule

__all__ = ["STEERING", "TRUTHS"]


def _floor(m: Any, x: Any) -> Any:
    return x // 1.0


def _ceil(m: Any, x: Any) -> Any:
    return -(-x // 1.0)


def _round(m: Any, x: Any) -> Any:
    """To the nearest whole number; a half to the even one of the two, as Python's `round` does it."""
    low = x // 1.0
    part = x - low  # exact
    up = (part > 0.5) | ((part == 0.5) & (low % 2.0 == 1.0))
    return m.where(up, low + 1.0, low)


# fmt: off
_TABLE = (
    Rule("lt", "<",         lambda m, x, y: m.where(x < y, 1.0, 0.0),  lambda m, x, y, out: (None, None)),
    Rule("le", "≤",         lambda m, x, y: m.where(x <= y, 1.0, 0.0), lambda m, x, y, out: (None, None)),
    Rule("eq", "=",         lambda m, x, y: m.where(x == y, 1.0, 0.0), lambda m, x, y, out: (None, None)),
    Rule("ne", "≠",         lambda m, x, y: m.where(x != y, 1.0, 0.0), lambda m, x, y, out: (None, None)),
    Rule("and", "and",      lambda m, x, y: m.where((x != 0) & (y != 0), 1.0, 0.0), lambda m, x, y, out: (None, None)),
    Rule("or", "or",        lambda m, x, y: m.where((x != 0) | (y != 0), 1.0, 0.0), lambda m, x, y, out: (None, None)),
    Rule("floor", "floor",  _floor,                                    lambda m, x, out: (None,)),
    Rule("ceil", "ceil",    _ceil,                                     lambda m, x, out: (None,)),
    Rule("trunc", "trunc",  lambda m, x: m.where(x < 0, _ceil(m, x), _floor(m, x)), lambda m, x, out: (None,)),
    Rule("round", "round",  _round,                                    lambda m, x, out: (None,)),
    Rule("floordiv", "//",  lambda m, x, y: x // y,                    lambda m, x, y, out: (None, None),
         domain=lambda m, x, y: y != 0),
    Rule("detach", "detach", lambda m, x: +x,                          lambda m, x, out: (None,)),
)
# fmt: on

#: The table by name.
STEERING: dict[str, Rule] = {rule.name: rule for rule in _TABLE}

#: Those that are true or false.
TRUTHS = {STEERING[name] for name in ("lt", "le", "eq", "ne", "and", "or")}
