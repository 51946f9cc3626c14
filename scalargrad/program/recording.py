"""Recording: f is run once on Values, and whoever steers it by them leaves a guard.

While the Recorder is there, the engine tells it of every row, and Values ask it instead of answering: a comparison
becomes a row, and its truth a guard; so does a rounding and the number it gave. What would let a number escape from the
recording raises.
"""

import math
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from scalargrad.engine import Value, is_truth, messages
from scalargrad.engine.number import rdivmod, rfloordiv
from scalargrad.engine.thread import here
from scalargrad.errors import GradientLostError, NotAnInputError, ProgramError
from scalargrad.namespaces import as_float
from scalargrad.program.code import RAISES, Code, Guard, Row
from scalargrad.program.replay import applied
from scalargrad.rules import ROUNDINGS, RULES, STEERING, Rule

__all__ = ["GateRaised", "Recorder", "recording"]

_APPLY = {name: applied(rule) for name, rule in STEERING.items()}

#: Comparisons as rows; of the last two the operands change places.
_COMPARISONS: dict[Any, tuple[str, bool]] = {
    operator.lt: ("lt", False),
    operator.le: ("le", False),
    operator.eq: ("eq", False),
    operator.ne: ("ne", False),
    operator.gt: ("lt", True),
    operator.ge: ("le", True),
}

#: What gives a plain number, as rows whose numbers are guarded.
_ROUNDINGS: dict[Any, tuple[str, bool]] = {
    operator.floordiv: ("floordiv", False),
    rfloordiv: ("floordiv", True),
    round: ("round", False),
    math.trunc: ("trunc", False),
    math.floor: ("floor", False),
    math.ceil: ("ceil", False),
}


class GateRaised(ProgramError):
    """Nothing tells at which other numbers the gate would raise as well, so no Program can be made of this way."""


class Recorder:
    """What happens on the tape while a Program is recorded.

    rows    every row, in order, and whether it is quiet: see Row in code.py
    guards  which Value came to which number because of whom
    fixed   the rows that do not depend on an input, neither of the Program's nor of somebody's before
    escape  what was raised where a number would have escaped: f may have caught it, but does so only while recorded
    texts   of which Values a text was made, and where
    """

    def __init__(self) -> None:
        self.rows: list[tuple[Value, bool]] = []
        self.guards: list[tuple[Value, float, str]] = []
        self.fixed: set[Value] = set()
        self.escape: Exception | None = None
        self.texts: list[tuple[Value, str]] = []

    # ── what the engine tells ───────────────────────────────────────────────────────────────────────────────────────

    def took(self, row: Value) -> None:
        """A row was recorded."""
        self.rows.append((row, here.state.quiet))
        if not any(self.varies(x) for x in row.operands if type(x) is Value):
            self.fixed.add(row)

    def refused(self, rule: Rule, operands: tuple[Value | float, ...], error: Exception) -> None:
        """An operation raised, and that alone is a reason for another path, where it does not."""
        if isinstance(error, (ValueError, ArithmeticError)) and any(type(x) is Value for x in operands):
            if rule not in RAISES:
                raise self._escaping(
                    GateRaised(f"the gate {rule.name} raised {error!r} while a Program was recorded")
                ) from error
            self.raised(rule, operands)

    def raised(self, rule: Rule, operands: tuple[Value | float, ...]) -> None:
        """The Program is one for where the rule raises this kind of error, for f may catch one and not another."""
        self.guard(applied(RAISES[rule])(*operands), 1.0)
        x, y = operands[0], operands[-1]
        if rule in ROUNDINGS:  # of nan ValueError, of an infinity OverflowError
            self._guard_truth("ne", x, x)
        elif rule.name in ("pow", "pow_const", "const_pow"):
            self._guard_truth("lt", x, 0.0)
            self._guard_truth("eq", x, 0.0)  # ZeroDivisionError
            if type(y) is Value:
                self._guard_truth("eq", _APPLY["floor"](y), y)  # of a negative x else ValueError
        elif rule.name == "lgamma":  # at a pole ValueError, else OverflowError
            self._guard_truth("le", x, 0.0)
        elif rule.name in ("fma", "polygamma"):
            for operand in operands:
                if type(operand) is Value:
                    self.pin(self.detached(operand))

    def _guard_truth(self, name: str, x: Any, y: Any) -> None:
        if type(x) is Value or type(y) is Value:
            truth = _APPLY[name](x, y)
            self.guard(truth, truth._data)

    # ── what Values ask ─────────────────────────────────────────────────────────────────────────────────────────────

    def varies(self, x: Value) -> bool:
        """Whether it may come to another number in another run."""
        return x not in self.fixed

    def guard(self, x: Value, expected: float, line: str = "") -> None:
        """The Program is one for this number only."""
        if self.varies(x):
            self.guards.append((x, expected, line or messages.caller()))

    def steered(self, operation: Callable[..., Any], x: Any, *others: Any) -> Any:
        """What the operation gives, made of the bare numbers: of a comparison a row, of anything else a guarded number."""
        if not any(type(y) is Value and self.varies(y) for y in (x, *others)):
            return operation(*[y._data if type(y) is Value else y for y in (x, *others)])  # a constant
        if operation is round and others and others[0] is not None:
            raise self._escaping(
                ProgramError(f"round(v, {others[0]!r}) gives another number at nearly every point: round afterwards")
            )
        others = () if operation is round else others
        operands: list[Any] = [y if type(y) is Value else as_float(y) for y in (x, *others)]
        if any(y is None for y in operands):
            return NotImplemented
        if operation in (divmod, rdivmod):
            left, right = operands[::-1] if operation is rdivmod else operands
            return left // right, self.detached(left % right)
        if operation in _COMPARISONS:
            name, swap = _COMPARISONS[operation]
            return _APPLY[name](*operands[::-1] if swap else operands)
        if operation is bool:
            truth = x if is_truth(x) else _APPLY["ne"](x, 0.0)
            self.guard(truth, truth._data)
            return truth._data != 0.0
        name, swap = _ROUNDINGS[operation]
        operands = operands[::-1] if swap else operands
        quotient = operation in (operator.floordiv, rfloordiv)
        if here.state.quiet and quotient:
            return _APPLY[name](*operands)  # in the derivative of %
        try:
            result = operation(*[y._data if type(y) is Value else y for y in (x, *others)])
        except (ValueError, ArithmeticError):
            self.raised(STEERING[name], tuple(operands))
            raise
        row = _APPLY[name](*operands)
        if quotient:
            self.pin(row)
        else:
            self.guard(row, float(result))
        return result

    def pin(self, x: Value, line: str = "") -> None:
        """The Program is one for this very number only: a nan, or a zero with its sign, too."""
        if x._data != x._data:
            self.guard(_APPLY["ne"](x, x), 1.0, line)
            return
        self.guard(x, x._data, line)
        if x._data == 0.0:
            below = _APPLY["lt"](applied(RULES["atan2"])(x, -1.0), 0.0)  # of -0.0 it is -π
            self.guard(below, below._data, line)

    def joined(self, name: str, x: Any, y: Any) -> Any:
        """The `and` or `or` of two truths."""
        if not all(is_truth(z) or isinstance(z, bool) for z in (x, y)):
            return NotImplemented
        return _APPLY[name](x, y)

    def told_in_text(self, x: Value) -> None:
        """A text was made of it, which may be printed, or turned into a number again."""
        if self.varies(x):
            self.texts.append((x, messages.caller()))

    def pin_texts(self) -> None:
        """The Program is one for these very texts. (That of an error does not need it: f itself raises it again.)"""
        for x, line in self.texts:
            self.pin(self.detached(x), line)

    def detached(self, x: Value) -> Any:
        """A row, which cuts the gradient; a constant goes to the current tape, as ever."""
        return _APPLY["detach"](x) if self.varies(x) else Value(x._data)

    def read(self, x: Value) -> float:
        """The bare number of a Value, which only a fixed one gives."""
        if self.varies(x):
            raise self._escaping(
                GradientLostError(
                    f"the .data of a Value{_named(x)} was read while a Program was recorded, and would be the same number in "
                    "every run: calculate with the Value itself; v.detach() cuts the gradient"
                )
            )
        return x._data

    def converted(self, kind: str, x: Value) -> None:
        """It is to become a float, int or complex, which only a fixed one may be asked for."""
        if self.varies(x):
            way_out = "calculate with the Value itself and scalargrad's own functions, as scalargrad.sin(v); v.detach() cuts the gradient"
            if kind == "int":
                way_out = (
                    "math.trunc(v) goes another way for each number; a number that counts is compile(f, static='n')"
                )
            raise self._escaping(
                GradientLostError(
                    f"{kind}(v) of a Value{_named(x)} while a Program is recorded would be the same number in every run: "
                    f"{way_out}"
                )
            )

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Where a number would have escaped within it, all that it asked is forgotten: there is another way.

        Its rows stay; nobody uses them, and none of them can fail where they are quiet.
        """
        escape, guards, texts = self.escape, len(self.guards), len(self.texts)
        try:
            yield
        except GradientLostError:
            self.escape = escape
            del self.guards[guards:], self.texts[texts:]
            raise

    def affected(self, what: str) -> None:
        raise self._escaping(
            ProgramError(
                f"{what} while a Program is recorded would happen once, and not in its runs: do it outside; "
                "derivatives inside are those of grad, value_and_grad or gradients"
            )
        )

    def _escaping(self, error: Exception) -> Exception:
        self.escape = error
        return error


@contextmanager
def recording() -> Iterator[Recorder]:
    """Within it, this thread tells a new Recorder of all that happens."""
    state = here.state
    before, quiet, recorder = state.recorder, state.quiet, Recorder()
    state.told(recorder)
    try:
        yield recorder
    finally:
        state.told(before, quiet)


def code_of(recorder: Recorder, inputs: list[Value], results: list[Any]) -> tuple[Code, list[Value]]:
    """What was recorded, as straight-line code from the inputs to the results; and the inputs of others that it uses.

    Raises NotAnInputError if it uses a Value that was computed before.
    """
    made, given = {row for row, _ in recorder.rows}, set(inputs)
    used = [x for row, _ in recorder.rows for x in row.operands] + results
    shared = dict.fromkeys(x for x in used if type(x) is Value and x not in made and x not in given)
    for x in shared:
        _check_input(x)
    numbers = _Numbers([*inputs, *shared], made)
    for x in used:
        numbers.count_constant(x)
    rows: list[Row] = []
    for row, quiet in recorder.rows:
        if row.rule is None:
            continue  # a constant
        rows.append(Row(row.rule, tuple(map(numbers.of, row.operands)), quiet, row.label, row.scope, row.line))
        numbers.add(row)
        if row.rule not in _WITHOUT_GRADIENT and not any(d is not None for d in row.local_derivatives):  # under no_grad
            rows.append(Row(STEERING["detach"], (numbers.of(row),), quiet))
            numbers.add(row)
    outputs = tuple(map(numbers.of, results))
    guards = [Guard(numbers.of(x), expected, line) for x, expected, line in recorder.guards]
    guards.sort(key=operator.attrgetter("number"))
    return Code(len(inputs), len(shared), tuple(numbers.constants), tuple(rows), outputs, tuple(guards)), list(shared)


_WITHOUT_GRADIENT = {*STEERING.values(), *RAISES.values()}


def _named(x: Value) -> str:
    return f" {x.label!r}" if x.label else ""


def _check_input(x: Value) -> None:
    if x.rule is not None:
        raise NotAnInputError(
            f"the Value{_named(x)} that came to {x._data!r} was computed by {x.rule.name} before the Program was recorded: "
            "hand it over as an argument, or use its v.detach()"
        )


class _Numbers:
    """By Value or constant, its number in the code: first the inputs, then the constants, then the rows."""

    def __init__(self, inputs: list[Value], made: set[Value]) -> None:
        self.constants: list[float] = []
        self._made, self._count = made, len(inputs)
        self._of: dict[Any, int] = {x: i for i, x in enumerate(inputs)}

    def count_constant(self, x: Value | float) -> None:
        if type(key := self._key(x)) is str and key not in self._of:
            self.constants.append(float.fromhex(key))
            self.add(key)

    def add(self, key: Any) -> None:
        self._of[key] = self._count
        self._count += 1

    def of(self, x: Value | float) -> int:
        return self._of[self._key(x)]

    def _key(self, x: Value | float) -> Any:
        """What tells numbers apart: of a constant its digits, so that 0.0 is not -0.0."""
        if type(x) is not Value:
            return float(x).hex()
        return x._data.hex() if x.rule is None and x in self._made else x
