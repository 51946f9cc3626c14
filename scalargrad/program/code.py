"""Straight-line code: numbers computed one after the other, with guards. What a Program is made of, and backends run.

The *numbers* of a Code are counted from 0: first its inputs, then those it shares between all points (the parameters),
then its constants, then one for each row, which a rule computes from numbers before it.

>>> from scalargrad.namespaces import FLOATS
>>> from scalargrad.rules import RULES
>>> code = Code(2, 0, (1.0,), (Row(RULES["mul"], (0, 1)), Row(RULES["add"], (3, 2))), (4,))  # x * y + 1
>>> evaluate(code, FLOATS, [3.0, 4.0], [])
([13.0], False, False)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from math import inf
from operator import and_
from typing import Any

from scalargrad.namespaces import FLOATS, IEEE, IeeeFloat
from scalargrad.rules import ROUNDINGS, RULES, STEERING, TRUTHS, Rule

__all__ = ["RAISES", "TABLE", "Code", "Guard", "Row", "evaluate", "fault", "is_of_table", "may_raise", "tells_truth"]


@dataclass(slots=True)  # a frozen one takes four times as long to make, and there may be a million
class Row:
    """One number, computed by a rule from others. Nobody changes it.

    operands  which numbers the rule is applied to
    quiet     where Python would raise it is IEEE 754's infinity or nan: part of a derivative, at an edge of a domain
    label, scope, line  as those of a Value
    """

    rule: Rule
    operands: tuple[int, ...]
    quiet: bool = False
    label: str = ""
    scope: tuple[str, ...] = ()
    line: str | None = None

    def of(self, operands: tuple[int, ...]) -> "Row":
        """The same of other operands."""
        return Row(self.rule, operands, self.quiet, self.label, self.scope, self.line)


@dataclass(frozen=True, slots=True)
class Guard:
    """What was so on this path through the source: the number `number` came to `expected`. `line` is where, file:line."""

    number: int
    expected: float
    line: str = ""


@dataclass(frozen=True)
class Code:
    """Straight-line code; see the module. `guards` are in the order of their numbers."""

    inputs: int
    shared: int
    constants: tuple[float, ...]
    rows: tuple[Row, ...]
    outputs: tuple[int, ...]
    guards: tuple[Guard, ...] = field(default=())

    @property
    def start(self) -> int:
        """The number of the first row."""
        return self.inputs + self.shared + len(self.constants)

    @property
    def numbers(self) -> int:
        """How many numbers there are."""
        return self.start + len(self.rows)

    @cached_property
    def constant(self) -> dict[int, float]:
        """The constants by their number."""
        return dict(enumerate(self.constants, start=self.inputs + self.shared))

    @cached_property
    def guards_of(self) -> dict[int, list[Guard]]:
        """The guards by their number."""
        found: dict[int, list[Guard]] = {}
        for guard in self.guards:
            found.setdefault(guard.number, []).append(guard)
        return found

    @cached_property
    def last_used(self) -> dict[int, list[int]]:
        """By the number of a row, the numbers that nobody needs after it; outputs are needed to the end."""
        last: dict[int, int] = {}
        for at, row in enumerate(self.rows, start=self.start):
            last[at] = at
            last.update(dict.fromkeys(row.operands, at))
        found: dict[int, list[int]] = {}
        for number in last.keys() - self.outputs:
            found.setdefault(last[number], []).append(number)
        return found

    @cached_property
    def most_alive(self) -> int:
        """How many numbers are needed at once, at most."""
        alive = most = self.start
        for at in range(self.start, self.numbers):
            alive += 1
            most = max(most, alive)
            alive -= len(self.last_used.get(at, ()))
        return most


def evaluate(
    code: Code,
    m: Any,
    inputs: Sequence[Any],
    shared: Sequence[Any],
    constant: Callable[[Any], Any] | None = None,
    instead: Mapping[Rule, Callable[..., Any]] = {},
) -> tuple[list[Any], Any, Any]:
    """The outputs, by the mathematics namespace `m`, for numbers of its kind; and what is to be known of them.

    `constant` makes such a number of a constant, if it takes that. `instead` has the values of rules whose operators
    these numbers understand otherwise than Python does.

    The second result is whether a row failed (Python would have raised there), the third whether a guard came out
    differently, so that the source goes another way; whichever comes first counts. Both are what `m` has for truth,
    or False.
    """
    numbers: list[Any] = [*inputs, *shared, *(map(constant, code.constants) if constant else code.constants)]
    failed: Any = False
    strayed: Any = False
    for at, guards in code.guards_of.items():
        if at < code.start:
            strayed = _or(strayed, numbers[at] != guards[0].expected)
    for at, row in enumerate(code.rows, start=code.start):
        operands = [numbers[i] for i in row.operands]
        out = instead.get(row.rule, row.rule.value)(m, *operands)
        numbers.append(out)
        if not row.quiet and (wrong := fault(m, row.rule, operands, out)) is not None:
            failed = _or(failed, _unless(strayed, wrong))
        for guard in code.guards_of.get(at, ()):
            strayed = _or(strayed, _unless(failed, out != guard.expected))
        for done in code.last_used.get(at, ()):
            numbers[done] = None
    return [numbers[i] for i in code.outputs], failed, strayed


# ── where Python raises ─────────────────────────────────────────────────────────────────────────────────────────────

#: Every rule that a Code may have, by name, but for gates.
TABLE: dict[str, Rule] = {**RULES, **STEERING}  # and those of RAISES

_DIVISIONS = {RULES["div"], RULES["mod"], STEERING["floordiv"]}


def is_of_table(rule: Rule) -> bool:
    """Whether it is a rule that everybody knows, and no gate.

    >>> is_of_table(RULES["mul"])
    True
    """
    return TABLE.get(rule.name) is rule


def may_raise(rule: Rule) -> bool:
    """Whether there are operands at which Python raises; so it is for a gate, whose code nobody knows.

    >>> may_raise(RULES["mul"]), may_raise(RULES["div"])
    (False, True)
    """
    return rule.overflows or rule.domain is not None or not is_of_table(rule)


def fault(m: Any, rule: Rule, operands: Sequence[Any], out: Any) -> Any | None:
    """Whether Python raises where a rule made `out` of these operands, in the truth of `m`; None for: never.

    >>> from scalargrad.namespaces import IEEE, IeeeFloat
    >>> fault(IEEE, RULES["exp"], [IeeeFloat(1000.0)], IeeeFloat("inf"))
    True
    """
    if not may_raise(rule):
        return None
    if rule in _DIVISIONS:
        return operands[1] == 0  # of a nan, too
    known = reduce(and_, [x == x for x in operands])
    if rule.domain is not None and not rule.overflows:
        outside = _not(rule.domain(m, *operands))
        return outside if rule in ROUNDINGS else outside & known  # nor is a nan rounded
    finite = reduce(and_, [abs(x) < inf for x in operands])
    if rule.overflows and len(operands) == 1:  # of an infinity these are a number or an infinity; a twentieth faster
        return _not(abs(out) < inf) & finite
    return ((out != out) & known) | ((abs(out) == inf) & finite)  # the very criterion of Python's math


def _raises(rule: Rule) -> Rule:
    def value(m: Any, *xs: Any) -> Any:
        if m is FLOATS:
            m, xs = IEEE, tuple(map(IeeeFloat, xs))
        return m.where(fault(m, rule, xs, rule.value(m, *xs)), 1.0, 0.0)

    return Rule(f"{rule.name} raises", "raises", value, lambda m, *xs, out: (None,) * len(xs))


#: By rule, the rule of what comes to 1.0 where that one raises, and to 0.0 where it does not.
RAISES: dict[Rule, Rule] = {rule: _raises(rule) for rule in TABLE.values() if may_raise(rule)}
TABLE.update({rule.name: rule for rule in RAISES.values()})

_TELLS = {*TRUTHS, *RAISES.values()}


def tells_truth(rule: Rule) -> bool:
    """Whether it comes to 1.0 or 0.0 only.

    >>> tells_truth(STEERING["lt"]), tells_truth(STEERING["round"])
    (True, False)
    """
    return rule in _TELLS


def _not(truth: Any) -> Any:
    return truth ^ True  # for ~ of a bool is a number


def _or(truth: Any, other: Any) -> Any:
    return other if truth is False else truth | other


def _unless(truth: Any, other: Any) -> Any:
    return other if truth is False else other & _not(truth)
