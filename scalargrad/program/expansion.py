"""Gates in a Program: one row for differentiation, expanded into the rows of their own code for running."""

from dataclasses import replace
from typing import Any

from scalargrad.engine import Value, inputs
from scalargrad.errors import ScalarGradError
from scalargrad.namespaces import IEEE, IeeeFloat
from scalargrad.program.code import Code, Row, is_of_table
from scalargrad.program.recording import code_of, recording
from scalargrad.rules import Rule
from scalargrad.sweeps import VALUES

__all__ = ["expanded"]


def expanded(code: Code, example: list[float]) -> Code:
    """The code with each gate's row replaced by what the gate does on Values, on the way it goes at the example.

    A gate that does not run on Values, because it uses `math` or is code of others, stays a row.
    """
    while any(not is_of_table(row.rule) for row in code.rows):
        other = _once(code, example)
        if other.rows == code.rows:
            break
        code = other
    return code


def _once(code: Code, example: list[float]) -> Code:
    constants = list(code.constants)
    rows: list[Row] = []
    guards: list[Any] = []
    # numbers of the new code, for now: ("row", i), ("constant", i), or the number itself for inputs and shared
    fixed = code.inputs + code.shared
    place: list[Any] = [*range(fixed), *[("constant", i) for i in range(len(constants))]]
    numbers: list[Any] = [*map(IeeeFloat, example), *map(IeeeFloat, code.constants)]
    for at, row in enumerate(code.rows, start=code.start):
        operands = [place[x] for x in row.operands]
        xs = [numbers[x] for x in row.operands]
        inner = None if is_of_table(row.rule) else _code_of_gate(row.rule, [*map(float, xs)])
        if inner is None:
            place.append(("row", len(rows)))
            rows.append(replace(row, operands=tuple(operands)))
            numbers.append(_value(row.rule, xs))
        else:
            there = [*operands, *[("constant", len(constants) + i) for i in range(len(inner.constants))]]
            constants += inner.constants
            for step in inner.rows:
                there.append(("row", len(rows)))
                rows.append(
                    replace(step, operands=tuple([there[x] for x in step.operands]), quiet=row.quiet, scope=row.scope)
                )
            guards += [replace(guard, number=there[guard.number]) for guard in inner.guards]
            place.append(there[inner.outputs[0]])
            numbers.append(_value(row.rule, xs))
        guards += [replace(guard, number=place[at]) for guard in code.guards_of.get(at, ())]

    def number(x: Any) -> int:
        if not isinstance(x, tuple):
            return int(x)
        return fixed + int(x[1]) + (len(constants) if x[0] == "row" else 0)

    guards += [replace(guard, number=place[guard.number]) for guard in code.guards if guard.number < code.start]
    return replace(
        code,
        constants=tuple(constants),
        rows=tuple(replace(row, operands=tuple([number(x) for x in row.operands])) for row in rows),
        outputs=tuple(number(place[x]) for x in code.outputs),
        guards=tuple(sorted((replace(g, number=number(g.number)) for g in guards), key=lambda g: g.number)),
    )


def _value(rule: Rule, xs: list[Any]) -> Any:
    try:
        return IeeeFloat(rule.value(IEEE, *xs))
    except (ValueError, ArithmeticError):
        return IeeeFloat("nan")


def _code_of_gate(rule: Rule, xs: list[float]) -> Code | None:
    values = inputs(xs)
    try:
        with recording() as recorder:
            out = rule.value(VALUES, *values)
        if recorder.escape is not None:
            return None
        code, parameters = code_of(recorder, values, [out if type(out) is Value else float(out)])
    except (ScalarGradError, TypeError, ValueError, ArithmeticError):
        return None
    return None if parameters else code
