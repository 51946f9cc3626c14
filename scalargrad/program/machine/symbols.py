"""What the rules compute with when they are compiled: numbers and truths that write down how they come about.

`Instructions` is a list of machine-like instructions in the order of computation, equal ones written once. A `Number`
stands for the result of one, its operators append further ones; `mathematics(into)` is the namespace of functions.

>>> into = Instructions()
>>> m, x = mathematics(into), into.input(0)
>>> (x + x) * m.exp(x)  # doctest: +ELLIPSIS
<Number 3>
>>> into.list
[('input', 0), ('fadd', 0, 0), ('exp', 0), ('fmul', 1, 2)]
"""

import math
import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from scalargrad.namespaces import NAMES, IeeeFloat, sigmoid

__all__ = ["COMPARISONS", "LEAVES", "TRUTHS", "Instructions", "Number", "Truth", "mathematics"]

#: Operations that are no work.
LEAVES = {"input", "shared", "constant"}

COMPARISONS = ("olt", "ole", "ogt", "oge", "oeq", "une")

#: Operations whose result is true or false.
TRUTHS = {*COMPARISONS, "and", "or", "xor", "not"}

#: How operators on constants are computed at once.
_FOLD: dict[str, Callable[[Any, Any], Any]] = {
    "fadd": IeeeFloat.__add__,
    "fsub": IeeeFloat.__sub__,
    "fmul": IeeeFloat.__mul__,
    "fdiv": IeeeFloat.__truediv__,
    "oeq": float.__eq__,
    "une": float.__ne__,
    "olt": float.__lt__,
    "ole": float.__le__,
    "ogt": float.__gt__,
    "oge": float.__ge__,
}

_OPPOSITE = {"fadd": "fsub", "fsub": "fadd"}


class Instructions:
    """Instructions by their number: (operation, *operands)."""

    def __init__(self) -> None:
        self.list: list[tuple[Any, ...]] = []
        self.constants: dict[int, float] = {}
        self._numbers: dict[tuple[Any, ...], int] = {}

    def add(self, *instruction: Any) -> int:
        found = self._numbers.setdefault(instruction, len(self.list))
        if found == len(self.list):
            self.list.append(instruction)
        return found

    def operands(self, number: int) -> tuple[int, ...]:
        operation, *operands = self.list[number]
        return () if operation in LEAVES else tuple(operands)

    def constant(self, value: float) -> int:
        (bits,) = struct.unpack("<Q", struct.pack("<d", value))  # nan is not equal to itself, and -0.0 is to 0.0
        found = self.add("constant", bits)
        self.constants[found] = value
        return found

    def input(self, i: int) -> "Number":
        return Number(self, self.add("input", i))

    def shared(self, i: int) -> "Number":
        return Number(self, self.add("shared", i))

    def number(self, value: Any) -> "Number":
        """This as a Number: what is a float becomes a constant."""
        return value if type(value) is Number else Number(self, self.constant(float(value)))


class Truth:
    """True or false in every lane. One that is the same in all is a bool."""

    __slots__ = ("at", "into")

    def __init__(self, into: Instructions, at: int) -> None:
        self.into, self.at = into, at

    def __and__(self, other: Any) -> Any:
        if type(other) is Truth:
            return Truth(self.into, self.into.add("and", self.at, other.at))
        return self if other else False

    def __or__(self, other: Any) -> Any:
        if type(other) is Truth:
            return Truth(self.into, self.into.add("or", self.at, other.at))
        return True if other else self

    def __xor__(self, other: Any) -> "Truth":
        if type(other) is Truth:
            return Truth(self.into, self.into.add("xor", self.at, other.at))
        return Truth(self.into, self.into.add("not", self.at)) if other else self

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __bool__(self) -> bool:
        raise TypeError("a rule asks for the truth of a symbol: rules are straight-line, a choice goes through m.where")


class Number:
    """A double in every lane."""

    __slots__ = ("at", "into")

    def __init__(self, into: Instructions, at: int) -> None:
        self.into, self.at = into, at

    def __repr__(self) -> str:
        return f"<Number {self.at}>"

    def _with(self, operation: str, x: Any, y: Any) -> "Number":
        into = self.into
        x, y = into.number(x).at, into.number(y).at
        constants = into.constants
        if x in constants and y in constants:
            return into.number(_FOLD[operation](IeeeFloat(constants[x]), constants[y]))
        if operation in ("fmul", "fdiv") and constants.get(y) in (1.0, -1.0):
            return Number(into, x) if constants[y] == 1.0 else -Number(into, x)
        if operation == "fmul" and constants.get(x) in (1.0, -1.0):
            return Number(into, y) if constants[x] == 1.0 else -Number(into, y)
        if (
            operation in _OPPOSITE and into.list[y][0] == "fneg"
        ):  # x + -y is x - y by definition, signs of zeros and all
            return Number(into, into.add(_OPPOSITE[operation], x, into.list[y][1]))
        if operation == "fadd" and into.list[x][0] == "fneg":
            return Number(into, into.add("fsub", y, into.list[x][1]))
        return Number(into, into.add(operation, x, y))

    def _compared(self, operation: str, other: Any) -> Any:
        into = self.into
        x, y = self.at, into.number(other).at
        if x in into.constants and y in into.constants:
            return bool(_FOLD[operation](into.constants[x], into.constants[y]))
        return Truth(into, into.add(operation, x, y))

    def __add__(self, other: Any) -> "Number":
        return self._with("fadd", self, other)

    def __radd__(self, other: Any) -> "Number":
        return self._with("fadd", other, self)

    def __sub__(self, other: Any) -> "Number":
        return self._with("fsub", self, other)

    def __rsub__(self, other: Any) -> "Number":
        return self._with("fsub", other, self)

    def __mul__(self, other: Any) -> "Number":
        return self._with("fmul", self, other)

    def __rmul__(self, other: Any) -> "Number":
        return self._with("fmul", other, self)

    def __truediv__(self, other: Any) -> "Number":
        return self._with("fdiv", self, other)

    def __rtruediv__(self, other: Any) -> "Number":
        return self._with("fdiv", other, self)

    def __mod__(self, other: Any) -> "Number":
        return _divmod(self, self.into.number(other))[1]

    def __rmod__(self, other: Any) -> "Number":
        return _divmod(self.into.number(other), self)[1]

    def __floordiv__(self, other: Any) -> "Number":
        return _divmod(self, self.into.number(other))[0]

    def __rfloordiv__(self, other: Any) -> "Number":
        return _divmod(self.into.number(other), self)[0]

    def __neg__(self) -> "Number":
        into, (operation, *operands) = self.into, self.into.list[self.at]
        return Number(into, operands[0] if operation == "fneg" else into.add("fneg", self.at))

    def __abs__(self) -> "Number":
        return _apply(self.into, "fabs", self)

    def __pos__(self) -> "Number":
        return self

    def __lt__(self, other: Any) -> Any:
        return self._compared("olt", other)

    def __le__(self, other: Any) -> Any:
        return self._compared("ole", other)

    def __gt__(self, other: Any) -> Any:
        return self._compared("ogt", other)

    def __ge__(self, other: Any) -> Any:
        return self._compared("oge", other)

    def __eq__(self, other: object) -> Any:
        return self._compared("oeq", other)

    def __ne__(self, other: object) -> Any:
        return self._compared("une", other)

    def __bool__(self) -> bool:
        raise TypeError("a rule asks for the truth of a symbol: rules are straight-line, a choice goes through m.where")


def _apply(into: Instructions, function: str, *operands: Any) -> Number:
    return Number(into, into.add(function, *[into.number(x).at for x in operands]))


def _where(into: Instructions, condition: Any, x: Any, y: Any) -> Number:
    if type(condition) is Number:
        condition = condition != 0  # of nan it is true, as in Python
    if type(condition) is not Truth:
        return into.number(x if condition else y)
    x, y = into.number(x).at, into.number(y).at
    return Number(into, x if x == y else into.add("select", condition.at, x, y))


def _pow(into: Instructions, x: Any, y: Any) -> Number:
    x, y = into.number(x), into.number(y)
    return x if into.constants.get(y.at) == 1.0 else _apply(into, "pow", x, y)


def _fmod(x: Number, y: Number) -> Number:
    """C's fmod: exact, with the sign of x."""
    into = x.into
    by = into.constants.get(y.at)
    if by is not None and 1 <= abs(by) < math.inf and math.frexp(abs(by))[0] == 0.5:
        return x - _apply(into, "trunc", x / by) * by  # by a power of two nothing of this rounds
    return _apply(into, "fmod", x, y)


def _divmod(x: Number, y: Number) -> tuple[Number, Number]:
    """Python's x // y and x % y, step by step as CPython's `_float_div_mod`; by 0 as IeeeFloat."""
    into = x.into
    rest = _fmod(x, y)
    crossed = ((y < 0) ^ (rest < 0)) & (rest != 0)  # the remainder has the sign of y
    quotient = (x - rest) / y
    quotient = _where(into, crossed, quotient - 1.0, quotient)
    whole = _apply(into, "floor", quotient)
    whole = _where(into, quotient - whole > 0.5, whole + 1.0, whole)
    whole = _where(into, quotient != 0, whole, _apply(into, "copysign", 0.0, x / y))
    remainder = _where(into, crossed, rest + y, _where(into, rest != 0, rest, _where(into, y < 0, -0.0, 0.0)))
    return _where(into, y == 0, x / y, whole), remainder


def mathematics(into: Instructions) -> Any:
    """The mathematics namespace whose functions append to these instructions; it has some for formulas besides."""

    def function(name: str) -> Any:
        return lambda *operands: _apply(into, name, *operands)

    m = SimpleNamespace(
        **{name: function(name) for name in (*NAMES, "rint", "floor", "power_of_2", "copysign", "rough_erfc")}
    )
    m.where = lambda condition, x, y: _where(into, condition, x, y)
    m.pow = lambda x, y: _pow(into, x, y)
    m.sigmoid = lambda x: sigmoid(m, x)
    return m
