"""Hypothesis strategies: numbers to differentiate at, and random programs to differentiate.

>>> from hypothesis import given
>>> from scalargrad.testing import check_gradients
>>> @given(expressions(inputs=2, max_rows=5))
... def test_my_engine(e):
...     check_gradients(e, *e.inputs)
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from inspect import signature
from typing import Any

from hypothesis import strategies as st

import scalargrad
from scalargrad.engine import Value
from scalargrad.namespaces import FLOATS
from scalargrad.rules import RULES, Rule
from scalargrad.testing.expression import Branch, Expression, Operand, Operation

__all__ = ["expressions", "points", "values"]

_LARGEST = 1e6  # of the numbers and the local derivatives in a program

#: Domains by name, as intervals.
_DOMAINS = {"real": (-1e3, 1e3), "positive": (1e-3, 1e3), "negative": (-1e3, -1e-3), "unit": (-1.0, 1.0)}


def _interval(domain: str | tuple[float, float]) -> st.SearchStrategy[float]:
    if isinstance(domain, str) and domain not in _DOMAINS:
        raise ValueError(f"a domain is an interval or one of {', '.join(_DOMAINS)}, not {domain!r}")
    low, high = _DOMAINS[domain] if isinstance(domain, str) else domain
    return st.floats(low, high, allow_subnormal=False)


def values(domain: str | tuple[float, float] = "real", label: str = "") -> st.SearchStrategy[Value]:
    """Values, new inputs on the current tape: of a domain, which is an interval, or real, positive, negative or unit.

    `st.from_type(Value)` is the same.
    """
    return _interval(domain).map(lambda x: Value(x, label))


def points(
    n: int, domain: str | tuple[float, float] | Sequence[str | tuple[float, float]] = "real"
) -> st.SearchStrategy[tuple[float, ...]]:
    """Points of n floats each, all in one domain, or each in its own: `points(2, domain=["positive", (0.0, 5.0)])`."""
    one_for_all = isinstance(domain, str) or (len(domain) == 2 and all(isinstance(x, (int, float)) for x in domain))
    domains: Sequence[Any] = [domain] * n if one_for_all else domain
    if len(domains) != n:
        raise ValueError(f"points of {n} numbers have one domain or {n}, not {len(domains)}")
    return st.tuples(*map(_interval, domains))


def expressions(
    inputs: int | st.SearchStrategy[tuple[float, ...]] | None = None,
    operations: Iterable[str] | None = None,
    max_rows: int = 12,
    *,
    rules: Mapping[str, Rule] = RULES,
    engine: Any = scalargrad.engine,
) -> st.SearchStrategy[Expression]:
    """Random programs, as Expressions, with shared operands, constants, branches and operations of many operands.

    inputs      how many (one to three), or a strategy of points
    operations  the names of the rules to use: all of the table
    max_rows    how many rows a program has at most
    rules       the table to take them from: your own will do
    engine      what offers Value and function: your own will do

    At its inputs each operation is inside of its domain, with finite local derivatives, none of them large. That is by
    construction: an operand from outside is led in by rows of its own (abs, + 1, a quotient below 1), or another
    operand is taken. Programs shrink to few rows on small numbers.
    """
    names = list(rules if operations is None else operations)
    if unknown := [name for name in names if name not in rules]:
        raise ValueError(f"there is no rule {unknown[0]!r}: the table has {', '.join(rules)}")
    if not isinstance(inputs, st.SearchStrategy):
        count = st.integers(1, 3) if inputs is None else st.just(inputs)
        inputs = count.flatmap(lambda n: st.tuples(*[_NUMBERS] * n))
    operand = st.integers(0, 9) | st.sampled_from(_CONSTANTS) | _NUMBERS
    name, count = st.sampled_from(names), st.integers(1, 4)

    def operation(draw: st.DrawFn) -> tuple[str, list[_Pick]]:
        which = draw(name)
        return which, [draw(operand) for _ in range(_arity(rules[which]) or draw(count))]

    @st.composite
    def row(draw: st.DrawFn) -> Any:
        branches = draw(st.integers(0, 3)) == 3
        return operation(draw), (draw(operand), draw(operand), operation(draw)) if branches else None

    plan = st.lists(row(), min_size=1, max_size=max_rows)

    @st.composite
    def programs(draw: st.DrawFn) -> Expression:  # not builds(), which would print what was drawn
        return _Builder(draw(inputs), names, rules, max_rows).build(draw(plan), engine)

    return programs()


_NUMBERS = st.floats(-4.0, 4.0).map(lambda x: x if abs(x) > 1e-6 else 0.0)
_CONSTANTS = (2.0, 1.0, 0.5, 3.0, -1.0)

#: What leads any number into (0, 1), into [1, ∞), or into (-1, 1): operations, whose operand -1 is that number.
_GUARDS = (
    (Operation("sigmoid", (-1,)),),
    (Operation("abs", (-1,)), Operation("add", (0, 1.0))),
    (Operation("abs", (-1,)), Operation("add", (0, 1.0)), Operation("div", (-1, 1))),
)

_Pick = int | float  # an operand as it is drawn: so many rows before the latest, or a constant


class _Builder:
    """Turns what was drawn into a program that stays in its domains. It knows all numbers at the inputs as it goes."""

    def __init__(self, point: tuple[float, ...], names: list[str], rules: Mapping[str, Rule], max_rows: int) -> None:
        self.point, self.names, self.rules, self.max_rows = point, names, rules, max_rows
        self.numbers, self.rows = list(point), list[Operation | Branch]()

    def build(self, plan: list[Any], engine: Any) -> Expression:
        for (name, picks), branch in plan:
            if branch is None or not self._branch(name, picks, *branch):
                self._operation(name, picks)
        if not self.rows:
            any(self._operation(name, [0] * (_arity(self.rules[name]) or 1)) for name in self.names)
        return Expression(self.point, tuple(self.rows), self.rules, engine)

    def _branch(self, name: str, picks: list[_Pick], left: _Pick, right: _Pick, other: tuple[str, list[_Pick]]) -> bool:
        """Append a choice between two operations, if both exist here."""
        yes, no = self._drawn(name, picks), self._drawn(*other)
        if len(self.rows) == self.max_rows or not (self._admits(yes) and self._admits(no)):
            return False
        left, right = self._row(left), self._operand(right)
        if self._number(left) == self._number(right):
            right = self._number(left) - 1.0  # a branch taken on equality may have a derivative of its own there
        taken = yes if self._number(left) > self._number(right) else no
        self.rows.append(Branch(left, right, yes, no))
        self.numbers.append(self._value(taken))
        return True

    def _operation(self, name: str, picks: list[_Pick]) -> bool:
        """Append an operation, with what leads its operands into its domain; nothing if there is no way or no room."""
        before = len(self.rows)
        for operation in self._variants(self._drawn(name, picks)):
            if len(self.rows) < self.max_rows and self._admits(operation):
                self.rows.append(operation)
                self.numbers.append(self._value(operation))
                return True
            del self.rows[before:], self.numbers[before + len(self.point) :]  # a guard that did not help
        return False

    def _variants(self, drawn: Operation) -> Iterator[Operation]:
        """The operation as drawn, then ever further from that. Guards that a variant needs are appended."""
        for constant in (None, *_CONSTANTS):
            name, operands = drawn.name, drawn.operands
            if constant is not None:
                operands = tuple(constant if isinstance(x, float) else x for x in operands)
            yield Operation(name, operands)
            if _arity(self.rules[name]) is None:
                yield Operation(name, operands + operands[:1])
            for guard in _GUARDS:
                if all(step.name in self.names for step in guard):
                    yield Operation(name, self._guarded(guard, operands))
            for i in reversed(range(len(self.numbers))):
                yield Operation(name, tuple(x if isinstance(x, float) else i for x in operands))

    def _guarded(self, guard: tuple[Operation, ...], operands: tuple[Operand, ...]) -> tuple[Operand, ...]:
        led: dict[int, int] = {}  # rows only: as a key, row 2 would be the constant 2.0
        for x in operands:
            if isinstance(x, int) and x not in led:
                start = len(self.numbers)
                for step in guard:
                    at = tuple(y if isinstance(y, float) else x if y < 0 else start + y for y in step.operands)
                    self.rows.append(Operation(step.name, at))
                    self.numbers.append(self._value(self.rows[-1]))
                led[x] = len(self.numbers) - 1
        return tuple(x if isinstance(x, float) else led[x] for x in operands)

    def _drawn(self, name: str, picks: list[_Pick]) -> Operation:
        """An operation on what was picked: as many operands as it takes, constants where it wants them, not all."""
        fixed = _constant_places(self.rules[name], len(picks))
        operands: list[Operand] = [
            _CONSTANTS[pick % len(_CONSTANTS)] if i in fixed and isinstance(pick, int) else self._operand(pick)
            for i, pick in enumerate(picks)
        ]
        if all(isinstance(x, float) for x in operands):
            operands[next(i for i in range(len(picks)) if i not in fixed)] = self._row(0)
        constants = [isinstance(x, float) for x in operands]
        if name == "pow" and any(constants):  # as Python's own operator has it
            name = "const_pow" if constants[0] else "pow_const"
        return Operation(name, tuple(operands))

    def _operand(self, pick: _Pick) -> Operand:
        return pick if isinstance(pick, float) else self._row(pick)

    def _row(self, pick: _Pick) -> int:
        return len(self.numbers) - 1 - int(pick) % len(self.numbers)

    def _number(self, x: Operand) -> float:
        return x if isinstance(x, float) else self.numbers[x]

    def _value(self, operation: Operation | Branch) -> float:
        assert isinstance(operation, Operation)
        return float(self.rules[operation.name].value(FLOATS, *map(self._number, operation.operands)))

    def _admits(self, operation: Operation) -> bool:
        """Whether it exists at the present numbers and is differentiable there, and nothing about it is large."""
        rule, xs = self.rules[operation.name], list(map(self._number, operation.operands))
        if operation.name == "where" and isinstance(operation.operands[0], int) and xs[0] == 0:
            return False  # a condition that is true all around: the slope at this one point is another branch's
        try:
            if rule.domain is not None and not rule.domain(FLOATS, *xs):
                return False
            out = rule.value(FLOATS, *xs)
            slopes = rule.derivatives(FLOATS, *xs, out=out)
        except (ValueError, ArithmeticError):
            return False
        return all(math.isfinite(x) and abs(x) <= _LARGEST for x in (out, *slopes) if x is not None)


@cache
def _arity(rule: Rule) -> int | None:
    parameters = list(signature(rule.value).parameters.values())[1:]
    return None if parameters[-1].kind is parameters[-1].VAR_POSITIONAL else len(parameters)


@cache
def _constant_places(rule: Rule, count: int) -> list[int]:
    """Which operands of a rule are always constants: it has no derivative with respect to them."""
    ones = [1.0] * count
    try:
        slopes = rule.derivatives(FLOATS, *ones, out=rule.value(FLOATS, *ones))
    except (ValueError, ArithmeticError):
        return []
    return [] if rule.routes else [i for i, slope in enumerate(slopes) if slope is None]
