"""Simplification: passes over straight-line code that leave every result's bits as they are.

One exception: a number made of constants only is what Python's `math` gives, where a backend's own function might differ
in the last place. Each pass takes a Code and gives one; rows that Python may raise at stay, unless nothing can.

>>> from scalargrad.rules import RULES
>>> double_negation = (Row(RULES["neg"], (0,)), Row(RULES["neg"], (1,)))
>>> simplified(Code(1, 0, (), double_negation, (2,))).outputs
(0,)
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from scalargrad.namespaces import FLOATS, IEEE, IeeeFloat
from scalargrad.program.code import Code, Row, fault, is_of_table, may_raise
from scalargrad.rules import RULES

__all__ = [
    "carried_signs",
    "exact_algebra",
    "folded_and_exact",
    "folded_constants",
    "only",
    "simplified",
    "without_dead_rows",
    "without_repetitions",
]


def simplified(code: Code) -> Code:
    """All passes; what they leave, another round of them would leave as it is, or nearly so."""
    for simplify in (without_dead_rows, folded_and_exact, carried_signs, without_repetitions, without_dead_rows):
        code = simplify(code)
    return code


# ── the passes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def folded_constants(code: Code) -> Code:
    """Numbers made of constants only become constants; what raises there stays as it is."""
    return _rewritten(code, _folded)


def exact_algebra(code: Code) -> Code:
    """What is exact in floating point, for all operands, zeros with a sign, infinities and nan included.

    x + (-0.0), x - 0.0, x * 1.0, x / 1.0, x ** 1.0, +x and -(-x) are x, and so is x where a choice has no alternative.
    """
    algebra = _Algebra()
    return _rewritten(code, algebra.shorter, algebra.noted)


def folded_and_exact(code: Code) -> Code:
    """Both at once: to go over the rows is what takes the time."""
    algebra = _Algebra()

    def either(row: Row, operands: tuple[Any, ...]) -> Any:
        folded = _folded(row, operands)
        return algebra.shorter(row, operands) if folded is None else folded

    return _rewritten(code, either, algebra.noted)


def _folded(row: Row, operands: tuple[Any, ...]) -> float | None:
    """The number that a row of constants comes to."""
    for x in operands:
        if type(x) is int:
            return None
    if not is_of_table(row.rule):
        return None
    xs = [*map(IeeeFloat, operands)]
    try:
        out = float(row.rule.value(FLOATS, *operands))
    except (ValueError, ArithmeticError):
        return float(row.rule.value(IEEE, *xs)) if row.quiet else None
    return out if row.quiet or not fault(IEEE, row.rule, xs, IeeeFloat(out)) else None  # as a rounding of infinity


class _Algebra:
    """What a row is without it, if it is not needed: see `exact_algebra`."""

    def __init__(self) -> None:
        self._negated: dict[int, Any] = {}

    def shorter(self, row: Row, operands: tuple[Any, ...]) -> Any:
        name = row.rule.name
        if name not in _ALGEBRA or not is_of_table(row.rule):
            return None
        x, y = operands[0], operands[1] if len(operands) > 1 else None
        if name in ("pos", "detach"):
            return x
        if (name == "mul" and _is(y, 1.0)) or (name in ("div", "pow", "pow_const") and _is(y, 1.0)):
            return x
        if (name == "add" and _is(y, -0.0)) or (name == "sub" and _is(y, 0.0)):
            return x
        if (name == "mul" and _is(x, 1.0)) or (name == "add" and _is(x, -0.0)):
            return y
        if name == "where":
            condition, yes, no = operands
            if type(condition) is float:
                return yes if condition != 0 else no  # a nan is true, as in Python
            return yes if _same(yes, no) else None
        return self._negated.get(x) if name == "neg" and type(x) is int else None

    def noted(self, row: Row, operands: tuple[Any, ...], number: int) -> None:
        """A row stays, under this number."""
        if row.rule is RULES["neg"] and type(operands[0]) is int:
            self._negated[number] = operands[0]


def carried_signs(code: Code) -> Code:
    """A sign goes on to the sum that takes it for nothing: y + -x is y - x, and -x * a + y is y - x * a.

    Rounding is symmetric, so that products and quotients may be negated afterwards. Of a sum that holds but for a zero:
    x - x is 0.0, and so is -x + x. There two signs go on as one only if nobody can tell the zeros apart, as in a
    derivative, which starts at 0.0; else one of the two numbers is negated by a row.
    """
    free, unsigned = _who_minds(code)
    given: list[tuple[Any, bool]] = [(x, False) for x in (*range(code.inputs + code.shared), *code.constants)]
    rows: list[tuple[Row, tuple[Any, ...]]] = []
    negated: dict[Any, int] = {}  # the rows made for that

    def put(row: Row, name: str, *operands: Any) -> int:
        rows.append((row if name == row.rule.name else replace(row, rule=RULES[name]), operands))
        return code.start + len(rows) - 1

    def plain(row: Row, x: Any, minus: bool) -> Any:
        if minus and x not in negated:
            negated[x] = put(Row(RULES["neg"], (), row.quiet, scope=row.scope, line=row.line), "neg", x)
        return negated[x] if minus else x

    for at, row in enumerate(code.rows, start=code.start):
        name, signed = _SIGNED.get(row.rule), [given[x] for x in row.operands]
        if name is None:
            given.append((put(row, row.rule.name, *[plain(row, *x) for x in signed]), False))
            continue
        (x, minus_x), (y, minus_y) = signed[0], signed[-1]
        if (name == "neg" or (name in ("mul", "div") and _is(y, -1.0))) and (minus_x or free[at]):
            given.append((-x, False) if type(x) is float else (x, not minus_x))
        elif name in ("mul", "div") and (minus_x or minus_y):
            minus = minus_x != minus_y
            if minus and type(x) is float:
                x, minus = -x, False
            elif minus and type(y) is float:
                y, minus = -y, False
            given.append((put(row, name, x, y), minus))
        elif name in ("add", "sub") and (minus_x or minus_y):
            minus_y ^= name == "sub"
            if not minus_x:
                given.append((put(row, "sub" if minus_y else "add", x, y), False))
            elif not minus_y:
                given.append((put(row, "sub", y, x), False))
            elif free[at] and (unsigned[at] or _same(x, y)):
                given.append((put(row, "add", x, y), True))
            else:
                given.append((put(row, "sub", plain(row, x, True), y), False))
        else:
            given.append((put(row, name, *[x for x, _ in signed]), False))
    shorter = _of(code, rows, [x for x, _ in given])
    return shorter if len(shorter.rows) < len(code.rows) else code


_SIGNED = {RULES[name]: name for name in ("neg", "add", "sub", "mul", "div")}


def _who_minds(code: Code) -> tuple[bytearray, bytearray]:
    """By number, whether all who use it could take it with the other sign, mostly for nothing; and a zero of either sign."""
    free, unsigned = bytearray(b"\1" * code.numbers), bytearray(b"\1" * code.numbers)
    for number in (*code.outputs, *[guard.number for guard in code.guards]):
        free[number] = unsigned[number] = False
    constant = code.constant
    for at in reversed(range(code.start, code.numbers)):
        row = code.rows[at - code.start]
        name, xs = _SIGNED.get(row.rule), row.operands
        constants = [constant[x] for x in xs if x in constant]
        if name in ("add", "sub"):
            takes_sign = xs[0] != xs[1] or bool(free[at])
            takes_zero = bool(unsigned[at]) or any(x != 0 or (name == "add" and _is(x, 0.0)) for x in constants)
        elif name is not None:
            takes_sign = bool(free[at] or constants) or name == "neg" or xs[0] == xs[-1]
            takes_zero = bool(unsigned[at]) and name != "div"
        else:
            takes_sign = takes_zero = False
        for x in xs:
            if not takes_sign:
                free[x] = False
            if not takes_zero:
                unsigned[x] = False
    return free, unsigned


def without_repetitions(code: Code) -> Code:
    """The same rule on the same operands is applied once; of + and * the operands may be the other way round."""
    known: dict[Any, int] = {}
    key: Any = None

    def repeated(row: Row, operands: tuple[Any, ...]) -> Any:
        nonlocal key
        keys = tuple([x.hex() if type(x) is float else x for x in operands])
        if row.rule in _COMMUTE and str(keys[0]) > str(keys[1]):
            keys = keys[::-1]
        key = row.rule, row.quiet, keys
        return known.get(key)

    def noted(row: Row, operands: tuple[Any, ...], number: int) -> None:
        known.setdefault(key, number)

    return _rewritten(code, repeated, noted)


def without_dead_rows(code: Code) -> Code:
    """Rows and constants go on which no output, no guard and nothing that may raise depends."""
    needed = {*code.outputs, *(guard.number for guard in code.guards)}
    for at in reversed(range(code.start, code.numbers)):
        row = code.rows[at - code.start]
        if at in needed or (may_raise(row.rule) and not row.quiet):
            needed.add(at)
            needed.update(row.operands)
    return only(code, needed.union(range(code.inputs + code.shared)))


# ── how a pass goes over the rows ───────────────────────────────────────────────────────────────────────────────────


def only(code: Code, kept: set[int]) -> Code:
    """The code with these of its numbers alone, which have to be all that it needs."""
    place = {at: i for i, at in enumerate(at for at in range(code.numbers) if at in kept)}
    if len(place) == code.numbers:
        return code
    return replace(
        code,
        inputs=sum(at in place for at in range(code.inputs)),
        constants=tuple(x for at, x in enumerate(code.constants, start=code.inputs + code.shared) if at in place),
        rows=tuple(
            [
                row.of(tuple([place[x] for x in row.operands]))
                for at, row in enumerate(code.rows, start=code.start)
                if at in place
            ]
        ),
        outputs=tuple(place[x] for x in code.outputs),
        guards=tuple(replace(guard, number=place[guard.number]) for guard in code.guards),
    )


def _rewritten(
    code: Code,
    instead: Callable[[Row, tuple[Any, ...]], Any],
    noted: Callable[[Row, tuple[Any, ...], int], None] = lambda row, operands, number: None,
) -> Code:
    """The code with some rows replaced by another number: `instead` gives that, an int, or a constant, a float, or None.

    Operands are told in the same way. `noted` is told of each row that stays, under which number. New constants are put
    before the rows in the end, so that while it goes on, rows are numbered from `code.start`.

    A row with a guard is not replaced by a number from before a row that may raise: what comes first of the two matters.
    """
    given: list[Any] = [*range(code.inputs + code.shared), *code.constants]
    rows: list[tuple[Row, tuple[Any, ...]]] = []
    start, guarded, raising = code.start, code.guards_of, -1  # the latest that may raise
    for at, row in enumerate(code.rows, start=start):
        operands = tuple([given[x] for x in row.operands])
        other = instead(row, operands)
        if other is None or (at in guarded and type(other) is int and other < raising):
            other = start + len(rows)
            noted(row, operands, other)
            rows.append((row, operands))
            if not row.quiet and may_raise(row.rule):
                raising = other
        given.append(other)
    return _of(code, rows, given) if len(rows) < len(code.rows) else code


def _of(code: Code, rows: list[tuple[Row, tuple[Any, ...]]], given: list[Any]) -> Code:
    """Other rows in the place of the code's, where `given` is what each of its numbers is now."""
    start = code.start
    wanted = [*(x for _, operands in rows for x in operands), *(given[x] for x in code.outputs)]
    wanted += [given[guard.number] for guard in code.guards]
    constants = dict.fromkeys(x.hex() for x in wanted if type(x) is float)
    at = {key: i for i, key in enumerate(constants, start=code.inputs + code.shared)}
    shift = len(constants) - len(code.constants)

    def number(x: Any) -> int:
        return at[x.hex()] if type(x) is float else x + shift if x >= start else x

    open_ = [guard for guard in code.guards if not _is(given[guard.number], guard.expected)]  # a constant may, always
    guards = [replace(guard, number=number(given[guard.number])) for guard in open_]
    return replace(
        code,
        constants=tuple(map(float.fromhex, constants)),
        rows=tuple([row.of(tuple([number(x) for x in operands])) for row, operands in rows]),
        outputs=tuple(number(given[x]) for x in code.outputs),
        guards=tuple(sorted(_without_doubles(guards), key=lambda guard: guard.number)),
    )


_COMMUTE = {RULES["add"], RULES["mul"]}


def _without_doubles(guards: Iterable[Any]) -> Iterable[Any]:
    return {(guard.number, guard.expected.hex()): guard for guard in reversed([*guards])}.values()


_ALGEBRA = {"add", "sub", "mul", "div", "neg", "pos", "detach", "pow", "pow_const", "where"}


def _is(x: Any, number: float) -> bool:
    return type(x) is float and x == number and math.copysign(1.0, x) == math.copysign(1.0, number)


def _same(x: Any, y: Any) -> bool:
    return type(x) is type(y) and (x.hex() == y.hex() if type(x) is float else x == y)
