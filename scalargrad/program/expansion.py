"""Gates in a Program: one row for differentiation, expanded into the rows of their own code for running."""

from dataclasses import replace
from typing import Any

from scalargrad.engine import Value, inputs
from scalargrad.errors import ScalarGradError
from scalargrad.namespaces import FLOATS, IEEE, IeeeFloat
from scalargrad.program.code import Code, Guard, Row, is_of_table
from scalargrad.program.recording import code_of, recording
from scalargrad.rules import Rule
from scalargrad.sweeps import VALUES, bare, is_same

__all__ = ["expanded"]


def expanded(code: Code, example: list[float]) -> Code:
    """The code with each gate's row replaced by what the gate does on Values, on the way it goes at the example.

    A gate that does not run on Values, because it uses `math` or is code of others, or that gives another number there,
    stays a row.
    """
    while any(not is_of_table(row.rule) for row in code.rows):
        other = _with_rows_of(_seen(code, example), code)
        if other.rows == code.rows:
            break
        code = other
    return code


def _seen(code: Code, example: list[float]) -> dict[int, Code]:
    """By the number of their rows, what those gates do that run on Values."""
    gates: dict[int, Code] = {}
    numbers: list[Any] = [*map(IeeeFloat, example), *map(IeeeFloat, code.constants)]
    for at, row in enumerate(code.rows, start=code.start):
        xs = [numbers[x] for x in row.operands]
        if not is_of_table(row.rule) and (own := _code_of_gate(row.rule, [*map(float, xs)])) is not None:
            gates[at] = own
        numbers.append(IeeeFloat(row.rule.value(IEEE, *xs)))
    return gates


def _with_rows_of(gates: dict[int, Code], code: Code) -> Code:
    """The code with the constants of these gates behind its own, and their rows and guards in place of the gates."""
    constants = [*code.constants]
    rows: list[Row] = []
    guards: list[Guard] = []
    start = code.start + sum(len(own.constants) for own in gates.values())  # the number of the first row
    place = [*range(code.start)]  # by the number of a number, the new one
    for at, row in enumerate(code.rows, start=code.start):
        operands = tuple([place[x] for x in row.operands])
        if (own := gates.get(at)) is None:
            place.append(start + len(rows))
            rows.append(row.of(operands))
        else:
            constants += own.constants
            end = code.inputs + code.shared + len(constants)
            there = [*operands, *range(end - len(own.constants), end)]  # the same for the gate's numbers
            for step in own.rows:
                xs = tuple([there[x] for x in step.operands])
                there.append(start + len(rows))
                rows.append(replace(step, operands=xs, quiet=row.quiet, scope=row.scope))
            guards += [replace(guard, number=there[guard.number]) for guard in own.guards]
            place.append(there[own.outputs[0]])
        guards += [replace(guard, number=place[at]) for guard in code.guards_of.get(at, ())]
    guards += [guard for guard in code.guards if guard.number < code.start]
    return replace(
        code,
        constants=tuple(constants),
        rows=tuple(rows),
        outputs=tuple([place[x] for x in code.outputs]),
        guards=tuple(sorted(guards, key=lambda guard: guard.number)),
    )


def _code_of_gate(rule: Rule, xs: list[float]) -> Code | None:
    values = inputs(xs)
    try:
        with recording() as recorder:
            out = rule.value(VALUES, *values)
            recorder.pin_texts()
        if recorder.escape is not None:
            return None
        code, parameters = code_of(recorder, values, [out if type(out) is Value else float(out)])
        # not where it asks for a float, or has a dict of them
        as_with_numbers = is_same(bare(out), rule.value(FLOATS, *xs))
    except (ScalarGradError, TypeError, ValueError, ArithmeticError):
        return None
    return code if as_with_numbers and not parameters else None
