"""A mathematics namespace that prints: the rules, run on symbols, write their own local derivatives down.

Nothing here knows a derivative. A rule's `derivatives` is called with PRINTER for `m`, a Symbol for each operand, and
for `out` the operation itself, so that tanh's `1 - out * out` comes out as `1 − tanh²(u)`. A Symbol is a text and how
tightly it binds; products keep their factors apart, to be written as one fraction, with squares as squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

from scalargrad import formulas
from scalargrad.graph.spelling import brief
from scalargrad.namespaces import NAMES, as_float, register
from scalargrad.rules import Rule

__all__ = ["PRINTER", "Symbol", "operation", "slopes"]

_LONGEST = 1_000  # characters: what a gate computes in a loop may double with every turn
_WIDE = 60  # and where the formula of many operands is longer than this, it is written with an ellipsis

# How tightly each kind of text binds, as in Python.
_CHOICE, _OR, _AND, _COMPARISON, _SUM, _PRODUCT, _POWER, _ATOM = range(8)
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SPELLED = {"sigmoid": "σ"}

Factors = tuple[tuple["Symbol", int], ...]  # each with its power


class Symbol:
    """A formula as text. Arithmetic and comparisons write longer ones; its truth, which nobody knows, raises."""

    __slots__ = ("below", "level", "negative", "number", "text", "top")

    def __init__(self, text: str, level: int = _ATOM) -> None:
        if len(text) > _LONGEST:
            raise OverflowError(f"a formula of more than {_LONGEST} characters")
        self.text, self.level = text, level
        self.number: float | None = None  # what it is, if that is a plain number
        self.negative = False  # these three: as a product, or a fraction
        self.top: Factors = ((self, 1),)
        self.below: Factors = ()

    def within(self, level: int) -> str:
        """The text where something binds that tightly: in parentheses, if they are needed."""
        return self.text if self.level >= level else f"({self.text})"

    def __repr__(self) -> str:
        return self.text

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TypeError("a formula is neither true nor false")

    def __add__(self, other: object) -> Any:
        return _with(other, lambda y: _sum(self, y, minus=False))

    def __radd__(self, other: object) -> Any:
        return _with(other, lambda x: _sum(x, self, minus=False))

    def __sub__(self, other: object) -> Any:
        return _with(other, lambda y: _sum(self, y, minus=True))

    def __rsub__(self, other: object) -> Any:
        return _with(other, lambda x: _sum(x, self, minus=True))

    def __mul__(self, other: object) -> Any:
        return _with(other, lambda y: _product(self, y))

    def __rmul__(self, other: object) -> Any:
        return _with(other, lambda x: _product(x, self))

    def __truediv__(self, other: object) -> Any:
        return _with(other, lambda y: _product(self, _inverse(y)))

    def __rtruediv__(self, other: object) -> Any:
        return _with(other, lambda x: _product(x, _inverse(self)))

    def __floordiv__(self, other: object) -> Any:
        return _with(other, lambda y: _binary("//", self, y))

    def __rfloordiv__(self, other: object) -> Any:
        return _with(other, lambda x: _binary("//", x, self))

    def __mod__(self, other: object) -> Any:
        return _with(other, lambda y: _binary("%", self, y))

    def __rmod__(self, other: object) -> Any:
        return _with(other, lambda x: _binary("%", x, self))

    def __pow__(self, other: object) -> Any:
        return _with(other, lambda y: _power(self, y))

    def __rpow__(self, other: object) -> Any:
        return _with(other, lambda x: _power(x, self))

    def __neg__(self) -> Symbol:
        return _fraction(not self.negative, self.top, self.below)

    def __pos__(self) -> Symbol:
        return Symbol(f"+{self.within(_POWER)}", _PRODUCT)

    def __abs__(self) -> Symbol:
        return _call("abs", self)

    def __lt__(self, other: object) -> Any:
        return _with(other, lambda y: _compared(self, "<", y))

    def __le__(self, other: object) -> Any:
        return _with(other, lambda y: _compared(self, "≤", y))

    def __gt__(self, other: object) -> Any:
        return _with(other, lambda y: _compared(self, ">", y))

    def __ge__(self, other: object) -> Any:
        return _with(other, lambda y: _compared(self, "≥", y))

    def __eq__(self, other: object) -> Any:
        return _with(other, lambda y: _compared(self, "==", y))

    def __ne__(self, other: object) -> Any:
        return _with(other, lambda y: _compared(self, "≠", y))

    def __or__(self, other: object) -> Any:
        return _with(other, lambda y: Symbol(f"{self.within(_OR)} or {y.within(_OR)}", _OR))

    def __and__(self, other: object) -> Any:
        return _with(other, lambda y: Symbol(f"{self.within(_AND)} and {y.within(_AND)}", _AND))


_ELLIPSIS = Symbol("…")  # stands for the operands that are not written; what is computed from it is not written either


def _with(other: object, write: Callable[[Symbol], Symbol]) -> Any:
    symbol = _symbol(other)
    return NotImplemented if symbol is None else write(symbol)


def _symbol(x: object) -> Symbol | None:
    if isinstance(x, Symbol):
        return x
    number = as_float(x)
    return None if number is None else _number(number)


def _symbols(xs: Iterable[object]) -> list[Symbol]:
    symbols = [_symbol(x) for x in xs]
    if any(s is None for s in symbols):
        raise TypeError("only of numbers is there a formula")
    return [s for s in symbols if s is not None]


def _elided(*xs: Symbol) -> bool:
    return any(x is _ELLIPSIS for x in xs)


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


_CONSTANTS: dict[float, Symbol] = {}  # the numbers in the rules that have a name


def _number(x: float) -> Symbol:
    if abs(x) in _CONSTANTS:
        constant = _CONSTANTS[abs(x)]
        return -constant if x < 0 else constant
    one = Symbol(brief(abs(x)))
    one.number = abs(x)
    if abs(x) == 1:
        one.top = ()
    if math.copysign(1.0, x) > 0 or x != x:
        return one
    negative = Symbol(f"−{one.text}", _PRODUCT)
    negative.number, negative.negative, negative.top = x, True, one.top
    return negative


# ── the kinds of text ───────────────────────────────────────────────────────────────────────────────────────────────


def _sum(x: Symbol, y: Symbol, minus: bool) -> Symbol:
    if x.number == 0 and not minus:
        return y
    if x.number is not None and y.number is not None:
        return _number(x.number - y.number if minus else x.number + y.number)
    if minus and _elided(x, y):
        return _ELLIPSIS
    if y.negative:
        y, minus = -y, not minus
    right = y.within(_PRODUCT if minus else _SUM)
    return Symbol(f"{x.within(_SUM)} {'−' if minus else '+'} {right}", _SUM)


def _product(x: Symbol, y: Symbol) -> Symbol:
    return _fraction(x.negative != y.negative, _joined(x.top, y.top), _joined(x.below, y.below))


def _inverse(x: Symbol) -> Symbol:
    return _fraction(x.negative, x.below, x.top)


def _joined(some: Factors, others: Factors) -> Factors:
    """The factors of a product: numbers, then names, then the others; what is there twice is a square."""
    factors = list(some)
    for factor, power in others:
        same = [i for i, (f, _) in enumerate(factors) if f.text == factor.text and f is not _ELLIPSIS]
        if same and factor.number is None:
            factors[same[0]] = factor, power + factors[same[0]][1]
        else:
            factors.append((factor, power))
    ordered = sorted([f for f in factors if f[0] is not _ELLIPSIS], key=_place)
    if len(ordered) < len(factors):
        ordered.insert(max(len(ordered) - 1, 0), (_ELLIPSIS, 1))
    return tuple(ordered)


def _place(factor: tuple[Symbol, int]) -> tuple[int, int, str]:
    text = factor[0].text
    if factor[0].number is None and (factor[0].level < _ATOM or "(" in text):
        return 2, 0, ""
    return int(factor[0].number is None), len(text), text


def _fraction(negative: bool, top: Factors, below: Factors) -> Symbol:
    if not negative and not below and [power for _, power in top] == [1]:
        return top[0][0]
    if not (top or below):
        return _number(-1.0 if negative else 1.0)
    alone = len(top) == 1 and not negative
    text = "·".join(_to_the(f, n, _PRODUCT if alone else _POWER) for f, n in top) or "1"
    if below:
        under = "·".join(_to_the(f, n, _POWER) for f, n in below)
        text += f" / {under}" if len(below) == 1 else f" / ({under})"
    level = _PRODUCT if negative or below or len(top) > 1 else _POWER if top else _ATOM
    symbol = Symbol(("−" if negative else "") + text, level)
    symbol.negative, symbol.top, symbol.below = negative, top, below
    return symbol


def _to_the(factor: Symbol, power: int, level: int) -> str:
    if power == 1:
        return factor.within(level)
    name, bracket, rest = factor.text.partition("(")
    digits = str(power).translate(_SUPERSCRIPT)
    if factor.level == _ATOM and name and bracket:
        return f"{name}{digits}({rest}"  # sin²(x)
    return factor.within(_ATOM) + digits


def _power(x: Symbol, y: Symbol) -> Symbol:
    if y.number is None or y.number not in range(-9, 10) or x.number is not None or x.negative or x.below:
        return Symbol(f"{x.within(_ATOM)}**{y.within(_ATOM)}", _POWER)
    powers = tuple((factor, power * abs(int(y.number))) for factor, power in x.top if y.number)
    return _fraction(False, powers, ()) if y.number >= 0 else _fraction(False, (), powers)


def _binary(sign: str, x: Symbol, y: Symbol) -> Symbol:
    return Symbol(f"{x.within(_POWER)} {sign} {y.within(_POWER)}", _PRODUCT)


def _call(name: str, *xs: Symbol) -> Symbol:
    return Symbol(f"{_SPELLED.get(name, name)}({', '.join(x.text for x in xs)})")


def _compared(x: Symbol, sign: str, y: Symbol) -> Symbol:
    if _elided(x, y):
        return _ELLIPSIS
    if sign == "≠" and x.text == y.text:
        return _call("isnan", x)
    return Symbol(f"{x.within(_SUM)} {sign} {y.within(_SUM)}", _COMPARISON)


def _where(condition: Any, x: Any, y: Any) -> Any:
    if not isinstance(condition, Symbol):
        return x if condition else y
    x, y = _symbols((x, y))
    for name, first in (("max", formulas.first_is_max), ("min", formulas.first_is_min)):
        if condition.text == first(x, y).text:
            return _call(name, *_arguments(x, name), y)
    return Symbol(f"{x.within(_OR)} if {condition.within(_OR)} else {y.text}", _CHOICE)


def _arguments(x: Symbol, name: str) -> list[Symbol]:
    """The arguments of max(a, b), so that with another one it becomes max(a, b, c)."""
    return [Symbol(x.text[len(name) + 1 : -1])] if x.level == _ATOM and x.text.startswith(f"{name}(") else [x]


def _function(name: str) -> Callable[..., Symbol]:
    def write(*operands: object) -> Symbol:
        xs = _symbols(operands)
        return _ELLIPSIS if _elided(*xs) else _call(name, *xs)

    return write


#: The mathematics of symbols, for the rules.
PRINTER = SimpleNamespace(**{name: _function(name) for name in NAMES})
PRINTER.pow, PRINTER.where = lambda x, y: _power(*_symbols((x, y))), _where
_CONSTANTS |= {
    formulas.LN2: _call("log", _number(2)),
    formulas.LN10: _call("log", _number(10)),
    formulas.SQRT_HALF: _call("sqrt", _number(0.5)),
    formulas.TWO_OVER_SQRT_PI: 2 / _call("sqrt", Symbol("π")),
    formulas.ONE_OVER_SQRT_TWO_PI: 1 / _call("sqrt", 2 * Symbol("π")),
    math.pi: Symbol("π"),
}
register(Symbol, PRINTER)  # so the derivatives of a gate, which call the package's functions, can be written as well


# ── what a rule says of its operands ────────────────────────────────────────────────────────────────────────────────

_INFIX = {"+": " + ", "-": " − ", "*": "·", "/": " / ", "%": " % ", "**": "**"}


def operation(rule: Rule, operands: Sequence[str | float]) -> str:
    """An operation as it was written, on operands that are names, or numbers where they are constants.

    >>> from scalargrad.rules import RULES
    >>> operation(RULES["mul"], ["a", -1.0]), operation(RULES["tanh"], ["u"]), operation(RULES["sum"], list("abcdef"))
    ('a·(−1)', 'tanh(u)', 'sum(a, b, …, f)')
    """
    names = [x if isinstance(x, str) else brief(x) for x in operands]
    if rule.symbol not in _INFIX:
        return f"{_SPELLED.get(rule.name, rule.name)}({', '.join(names if len(names) < 5 else [*names[:2], '…', names[-1]])})"
    names = [
        f"({name})" if not isinstance(x, str) and name.startswith("−") else name for x, name in zip(operands, names)
    ]
    return _INFIX[rule.symbol].join(names) if len(names) == 2 else _INFIX[rule.symbol].strip() + names[0]


def slopes(rule: Rule, operands: Sequence[str | float]) -> tuple[str, ...]:
    """The local derivatives of a rule as formulas, one for each operand; empty where there is none, or none to write.

    What a gate computes by other means than arithmetic and the package's functions cannot be written.

    >>> from scalargrad.rules import RULES
    >>> slopes(RULES["tanh"], ["u"]), slopes(RULES["pow_const"], ["u", 3.0]), slopes(RULES["prod"], list("abc"))
    (('1 − tanh²(u)',), ('3·u²', ''), ('b·c', 'a·c', 'a·b'))
    """
    symbols = [Symbol(x) if isinstance(x, str) else x for x in operands]
    found = _slopes(rule, symbols)
    if len(symbols) < 4 or (any(found) and max(map(len, found)) <= _WIDE):
        return found
    return tuple(_among_many(rule, symbols, i) for i in range(len(symbols)))


def _slopes(rule: Rule, symbols: Sequence[Symbol | float]) -> tuple[str, ...]:
    try:
        infix = rule.symbol in _INFIX
        out = rule.value(PRINTER, *symbols) if infix else _call(rule.name, *_symbols(symbols))
        return tuple("" if s is None else _symbols([s])[0].text for s in rule.derivatives(PRINTER, *symbols, out=out))
    except Exception:  # whatever the code of a gate raises, when it meets a Symbol
        return ("",) * len(symbols)


def _among_many(rule: Rule, symbols: Sequence[Symbol | float], i: int) -> str:
    """One of many operands, as in x1 … xi … xn: the first, itself and the last stand for all."""
    kept = sorted({0, i, len(symbols) - 1})
    some = [symbols[j] for j in kept]
    some.insert(2 if i == 1 else 1, _ELLIPSIS)
    return _slopes(rule, some)[next(j for j, x in enumerate(some) if x is symbols[i])]
