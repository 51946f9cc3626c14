"""A Code run again by the engine: on Values it records, on floats it calculates, and it raises what the engine raises."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from scalargrad.engine import Value, function
from scalargrad.engine.thread import here, quietly
from scalargrad.errors import ProgramError
from scalargrad.namespaces import IEEE, IeeeFloat
from scalargrad.program.code import Code, Row
from scalargrad.rules import Rule

__all__ = ["applied", "replayed"]


@cache
def applied(rule: Rule) -> Callable[..., Any]:
    """The rule as a function of the engine, the same one whenever it is asked for."""
    return function(rule)


def replayed(code: Code, given: Sequence[Any], strayed: Callable[[], str]) -> list[Any]:
    """All numbers of the code, for these inputs and shared numbers.

    Raises ProgramError, with the text that `strayed` makes, where a guard comes out differently. If it is itself being
    recorded, its guards become guards of that recording.
    """
    recorder = here.state.recorder
    numbers = [*given, *code.constants]
    for at, row in enumerate(code.rows, start=code.start):
        found = _number(row, [numbers[i] for i in row.operands])
        numbers.append(found)
        for guard in code.guards_of.get(at, ()):
            if (found._data if type(found) is Value else found) != guard.expected:
                raise ProgramError(strayed())
            if type(found) is Value and recorder is not None:
                recorder.guard(found, guard.expected, guard.line)
    return numbers


def _number(row: Row, operands: list[Any]) -> Any:
    if not row.quiet:
        return applied(row.rule)(*operands)
    if not any(type(x) is Value for x in operands):
        return float(row.rule.value(IEEE, *map(IeeeFloat, operands)))
    return quietly(applied(row.rule), *operands)
