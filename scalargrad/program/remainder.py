"""What is left to compute of a Program, at points that strayed from another one.

Where the two do the same up to the guard at which they part, the other one has computed all of that at these points, has
seen that nothing raises, and knows how the guards come out. If no guard follows, all that is left is what comes after, and
what that needs: behind a knock-out, which ends a path through a market, hardly more than to return 0.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scalargrad.program.arrays import Lanes, the_numpy
from scalargrad.program.backends import Runner
from scalargrad.program.code import Code, is_of_table
from scalargrad.program.program import Program
from scalargrad.program.simplify import only, without_dead_rows

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Remainder", "Remainders"]


@dataclass(eq=False)
class Remainder:
    """The rest of a Program.

    program  whose rest it is, which tells what its outputs mean
    code     without guards, and with those of the inputs alone that it needs
    columns  of a table of points, which are these
    runner   that runs it
    """

    program: Program
    code: Code
    columns: list[int]
    runner: Runner

    def run(self, table: "np.ndarray", points: "np.ndarray") -> Lanes:
        """What comes out at some of the points of a table; no lane strays."""
        return self.runner(table[the_numpy().ix_(points, self.columns)], self.program.parameter_numbers())

    def serves(self, program: Program, code: Code, columns: list[int]) -> bool:
        """Whether it gives what this rest of another Program would."""
        own = self.program
        return (
            (self.code, self.columns) == (code, columns)
            and str(self.code.constants) == str(code.constants)  # 0.0 equals -0.0
            and [*map(id, own.parameters)] == [*map(id, program.parameters)]
            and (own.error is None) == (program.error is None)
            and own.results.is_like(program.results)
        )


class Remainders:
    """Those of the Programs of one function, made when they are first asked for; equal ones are the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[Program, Program, int, float], Remainder | None] = {}

    def of(self, program: Program, strayed_from: Program, k: int, number: float) -> Remainder | None:
        """That of a Program for points that strayed from another, whose guard k came to this number; None if it is much."""
        key = program, strayed_from, k, number
        if key not in self._known:
            self._known[key] = self._made(program, rest_of(program, strayed_from, k, number))
        return self._known[key]

    def _made(self, program: Program, code: Code | None) -> Remainder | None:
        if code is None:
            return None
        code, columns = narrowed(code)
        for known in [*self._known.values()]:  # another thread may add one
            if known is not None and known.serves(program, code, columns):
                return known
        return Remainder(program, code, columns, program.runner_of(code))


def rest_of(program: Program, strayed_from: Program, k: int, number: float) -> Code | None:
    """The code of what a Program has left to do where guard k of `strayed_from` came to this number.

    None if that is more than a quarter of its rows, if it has to ask another guard, or if the two differ before that one.

    >>> from scalargrad import exp
    >>> from scalargrad.program import record
    >>> def f(x, y):
    ...     return exp(x) * exp(y) if exp(x) > exp(y) else 2 * x
    >>> [row.rule.name for row in rest_of(record(f, 1.0, 2.0), record(f, 2.0, 1.0), 0, 0.0).rows]
    ['mul']
    """
    code, done = program.code, strayed_from.code
    name, name_there = _names(program), _names(strayed_from)
    at = done.guards[k].number
    # Known is what those before k came to, as expected there, and what k did. All of its guards have to be among them:
    # they are in the order of their rows, so one that was asked before k may come after it, and then nobody knows.
    known = {name_there(guard.number): guard.expected for guard in done.guards[:k]} | {name_there(at): number}
    if any(known.get(name(guard.number)) != guard.expected for guard in code.guards):
        return None
    end = max(at + 1 - done.start, 0)
    before, after = code.rows[:end], code.rows[end:]
    for row, there in zip(before, done.rows):
        if row.rule is not there.rule or row.quiet != there.quiet or not is_of_table(row.rule):
            return None  # a gate would bring guards of its own, of which no signpost tells
        if [*map(name, row.operands)] != [*map(name_there, there.operands)]:
            return None
    # None of these raised there, for then the point would not have strayed but failed: so they go, where nobody needs them.
    quiet = [replace(row, quiet=True) for row in before]
    rest = without_dead_rows(replace(code, rows=(*quiet, *after), guards=()))
    if 4 * len(rest.rows) > len(code.rows):
        return None  # the whole Program is ready, and hardly slower
    rest = program.lowering_of(rest)
    return None if rest.guards else rest  # those of a gate behind the guard


def _names(program: Program) -> Callable[[int], Any]:
    """A name for each number that it has in all Programs of a function.

    That of a row is its place, of an input too, of a parameter its identity, of a constant its digits.
    """
    code = program.code
    inputs, parameters = [("input", i) for i in range(code.inputs)], [("parameter", id(x)) for x in program.parameters]
    first = [*inputs, *parameters, *[x.hex() for x in code.constants]]
    return lambda number: number - code.start if number >= code.start else first[number]


def narrowed(code: Code) -> tuple[Code, list[int]]:
    """The code with those of its inputs alone that it uses, and which these are.

    >>> from scalargrad.program.code import Row
    >>> from scalargrad.rules import RULES
    >>> code, columns = narrowed(Code(3, 0, (), (Row(RULES["mul"], (1, 1)),), (3,)))
    >>> columns, code.inputs, code.rows[0].operands, code.outputs
    ([1], 1, (0, 0), (1,))
    """
    used = {*code.outputs, *[x for row in code.rows for x in row.operands]}
    columns = sorted(x for x in used if x < code.inputs)
    return only(code, {*columns, *range(code.inputs, code.numbers)}), columns
