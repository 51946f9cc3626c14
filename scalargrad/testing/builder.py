"""From what was drawn to a program that stays in its domains."""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from scalargrad.namespaces import FLOATS
from scalargrad.rules import Rule
from scalargrad.testing.expression import Branch, Expression, Operand, Operation

__all__ = ["CONSTANTS", "Builder", "Pick"]

_LARGEST = 1e6  # of the numbers and the local derivatives in a program

# A smooth program:
_NEAR = 1e-3  # keeps so far from where an operation turns, jumps or ends,
_STEP = 1e-4  # and as far as the numbers go when the inputs do such a step
_JUMP = 0.1  # has no row that goes so far, as a part of what its slope makes of the step, from a straight line there
_TURN = 1e-3  # has no local derivative that goes so far, as a part of itself or of 1, from a straight line there
_LOST = 1e4  # gathers no more rounding, in units of the last place of 1

CONSTANTS = (2.0, 1.0, 0.5, 3.0, -1.0)

#: What leads any number into (0, 1), into [1, ∞), or into (-1, 1): operations, whose operand -1 is that number.
_GUARDS = (
    (Operation("sigmoid", (-1,)),),
    (Operation("abs", (-1,)), Operation("add", (0, 1.0))),
    (Operation("abs", (-1,)), Operation("add", (0, 1.0)), Operation("div", (-1, 1))),
)

Pick = int | float  # an operand as it is drawn: so many rows before the latest, or a constant


class Builder:
    """Turns what was drawn into a program that stays in its domains. It knows all numbers at the inputs as it goes."""

    def __init__(
        self, point: tuple[float, ...], names: list[str], rules: Mapping[str, Rule], max_rows: int, smooth: bool
    ) -> None:
        self.point, self.names, self.rules, self.max_rows, self.smooth = point, names, rules, max_rows, smooth
        self.numbers, self.rows = list(point), list[Operation | Branch]()
        self.lost = [0.0] * len(point)  # a bound for the rounding in each number
        self.gone = [_STEP] * len(point)  # a bound for how far each goes when the inputs do a step

    def build(self, plan: list[Any], engine: Any) -> Expression:
        for (name, picks), branch in plan:
            if branch is None or not self._branch(name, picks, *branch):
                self._operation(name, picks)
        if not self.rows:
            any(self._operation(name, [0] * (self.rules[name].arity or 1)) for name in self.names)
        return Expression(self.point, tuple(self.rows), self.rules, engine)

    def _branch(self, name: str, picks: list[Pick], left: Pick, right: Pick, other: tuple[str, list[Pick]]) -> bool:
        """Append a choice between two operations, if both exist here."""
        yes, no = self._drawn(name, picks), self._drawn(*other)
        if len(self.rows) == self.max_rows or not (self._admits(yes) and self._admits(no)):
            return False
        left, right = self._row(left), self._operand(right)
        if abs(self._number(left) - self._number(right)) <= self._near(left) + self._near(right):
            right = self._number(left) - 1.0  # a branch taken on equality may have a derivative of its own there
        taken = yes if self._number(left) > self._number(right) else no
        self._append(taken, Branch(left, right, yes, no))
        return True

    def _operation(self, name: str, picks: list[Pick]) -> bool:
        """Append an operation, with what leads its operands into its domain; nothing if there is no way or no room."""
        before = len(self.rows)
        for operation in self._variants(self._drawn(name, picks)):
            if len(self.rows) < self.max_rows and operation is not None and self._admits(operation):
                self._append(operation)
                return True
            kept = before + len(self.point)  # not a guard that did not help
            del self.rows[before:], self.numbers[kept:], self.lost[kept:], self.gone[kept:]
        return False

    def _append(self, operation: Operation, row: Branch | None = None) -> None:
        out, slopes = _at(self.rules[operation.name], self._numbers(operation))
        self.rows.append(row or operation)
        self.lost.append(abs(out) + self._handed(self.lost, operation, slopes))
        self.gone.append(self._handed(self.gone, operation, slopes))
        self.numbers.append(out)

    def _variants(self, drawn: Operation) -> Iterator[Operation | None]:
        """The operation as drawn, then ever further from that. Guards that a variant needs are appended."""
        for constant in (None, *CONSTANTS):
            name, operands = drawn.name, drawn.operands
            if constant is not None:
                operands = tuple(constant if isinstance(x, float) else x for x in operands)
            yield Operation(name, operands)
            if self.rules[name].arity is None:
                yield Operation(name, operands + operands[:1])
            for guard in _GUARDS:
                if all(step.name in self.names for step in guard):
                    yield self._guarded(guard, name, operands)
            for i in reversed(range(len(self.numbers))):
                yield Operation(name, tuple(x if isinstance(x, float) else i for x in operands))

    def _guarded(self, guard: tuple[Operation, ...], name: str, operands: tuple[Operand, ...]) -> Operation | None:
        led: dict[int, int] = {}  # rows only: as a key, row 2 would be the constant 2.0
        for x in operands:
            if isinstance(x, int) and x not in led:
                start = len(self.numbers)
                for step in guard:
                    at = tuple(y if isinstance(y, float) else x if y < 0 else start + y for y in step.operands)
                    if not self._admits(Operation(step.name, at)):
                        return None
                    self._append(Operation(step.name, at))
                led[x] = len(self.numbers) - 1
        return Operation(name, tuple(x if isinstance(x, float) else led[x] for x in operands))

    def _drawn(self, name: str, picks: list[Pick]) -> Operation:
        """An operation on what was picked: as many operands as it takes, constants where it wants them, not all."""
        fixed = _constant_places(self.rules[name], len(picks))
        operands: list[Operand] = [
            CONSTANTS[pick % len(CONSTANTS)] if i in fixed and isinstance(pick, int) else self._operand(pick)
            for i, pick in enumerate(picks)
        ]
        if all(isinstance(x, float) for x in operands):
            operands[next(i for i in range(len(picks)) if i not in fixed)] = self._row(0)
        constants = [isinstance(x, float) for x in operands]
        if name == "pow" and any(constants):  # as Python's own operator has it
            name = "const_pow" if constants[0] else "pow_const"
        return Operation(name, tuple(operands))

    def _operand(self, pick: Pick) -> Operand:
        return pick if isinstance(pick, float) else self._row(pick)

    def _row(self, pick: Pick) -> int:
        return len(self.numbers) - 1 - int(pick) % len(self.numbers)

    def _number(self, x: Operand) -> float:
        return x if isinstance(x, float) else self.numbers[x]

    def _numbers(self, operation: Operation) -> list[float]:
        return list(map(self._number, operation.operands))

    def _admits(self, operation: Operation) -> bool:
        """Whether it exists at the present numbers and is differentiable there, and nothing about it is large."""
        rule, xs = self.rules[operation.name], self._numbers(operation)
        try:
            out, slopes = _at(rule, xs)
            if not all(math.isfinite(x) and abs(x) <= _LARGEST for x in (out, *slopes) if x is not None):
                return False
            condition = operation.operands[0]
            if operation.name == "where" and isinstance(condition, int) and abs(xs[0]) <= self._near(condition):
                return False  # a condition that is true all around: the slope at this one point is another branch's
            if not self.smooth:
                return True
            lost = abs(out) + self._handed(self.lost, operation, slopes)
            return lost <= _LOST and _is_smooth(rule, xs, out, slopes, [self._near(x) for x in operation.operands])
        except (ValueError, ArithmeticError):
            return False

    def _near(self, x: Operand) -> float:
        """How near to an operand a program has to go straight on."""
        if not self.smooth:
            return 0.0
        return _NEAR if isinstance(x, float) else max(_NEAR, self.gone[x])

    def _handed(self, of: list[float], operation: Operation, slopes: list[float | None]) -> float:
        """What the operands have of something, as the slopes hand it on."""
        return sum(
            abs(slope or 0.0) * of[x] for slope, x in zip(slopes, operation.operands) if not isinstance(x, float)
        )


def _at(rule: Rule, xs: list[float]) -> tuple[float, list[float | None]]:
    """A rule's result and local derivatives. Raises ValueError or ArithmeticError where there are none."""
    if rule.domain is not None and not rule.domain(FLOATS, *xs):
        raise ValueError
    out = float(rule.value(FLOATS, *xs))
    return out, list(rule.derivatives(FLOATS, *xs, out=out))


def _is_smooth(rule: Rule, xs: list[float], out: float, slopes: list[float | None], steps: list[float]) -> bool:
    """Whether it goes almost straight on, and so do its local derivatives, a short step to either side of an operand."""
    here = [x or 0.0 for x in slopes]
    for i, (slope, step) in enumerate(zip(slopes, steps)):
        if slope is None:
            continue
        (below, slopes_below), (above, slopes_above) = (
            _at(rule, [*xs[:i], xs[i] + sign * step, *xs[i + 1 :]]) for sign in (-1, 1)
        )
        jump = max(abs(out - below - slope * step), abs(above - out - slope * step))
        turns = (
            abs((a or 0.0) - 2 * b + (c or 0.0)) / (1 + abs(b)) for a, b, c in zip(slopes_below, here, slopes_above)
        )
        if jump > _JUMP * step * (1 + abs(slope)) or max(turns) > _TURN:
            return False
    return True


@cache
def _constant_places(rule: Rule, count: int) -> list[int]:
    """Which operands of a rule are always constants: it has no derivative with respect to them."""
    ones = [1.0] * count
    try:
        slopes = rule.derivatives(FLOATS, *ones, out=rule.value(FLOATS, *ones))
    except (ValueError, ArithmeticError):
        return []
    return [] if rule.routes else [i for i, slope in enumerate(slopes) if slope is None]
