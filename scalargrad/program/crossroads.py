"""Which way a point goes, told by the numbers of the guards, so that not one Program after the other has to be tried.

The ways through a function are a tree: at each guard a number, and behind each number other guards. A Program that a
point strays from says at which guard, and to which number, and so to which Program the point belongs. That is a hint:
guards are in the order of their rows, not always in that in which they were asked; each Program looks for itself.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from scalargrad.program.arrays import the_numpy
from scalargrad.program.code import Code, Guard, Row, tells_truth
from scalargrad.rules import RULES, STEERING

if TYPE_CHECKING:
    import numpy as np

    from scalargrad.program.program import Program

__all__ = ["Crossroads", "signposted"]


def signposted(code: Code) -> Code:
    """The code with signposts, which are outputs behind its own.

    They are how many guards come out as expected before the first that does not, and then the numbers of the guards that
    may come to more than two.

    >>> from scalargrad.namespaces import FLOATS
    >>> from scalargrad.program.code import evaluate
    >>> negative = Code(1, 0, (0.0,), (Row(STEERING["lt"], (0, 1)), Row(RULES["neg"], (0,))), (3,), (Guard(2, 1.0),))
    >>> [evaluate(signposted(negative), FLOATS, [x], [])[0] for x in (-2.0, 2.0)]
    [[2.0, 1.0], [-2.0, 0.0]]
    """
    if not code.guards:
        return code
    expected = dict.fromkeys(
        guard.expected for guard in code.guards if guard.expected != 1.0 or not _is_truth(code, guard)
    )
    shift = len(expected)  # constants come before the rows
    constant = {x: code.start + i for i, x in enumerate(expected)}

    def number(x: int) -> int:
        return x + shift if x >= code.start else x

    rows = [row.of(tuple(map(number, row.operands))) for row in code.rows]

    def add(rule: str, x: int, y: int) -> int:
        rows.append(Row((STEERING if rule == "eq" else RULES)[rule], (x, y), quiet=True))
        return code.start + shift + len(rows) - 1

    holds = passed = -1
    for k, guard in enumerate(code.guards):
        x = number(guard.number)
        as_expected = add("eq", x, constant[guard.expected]) if guard.expected in constant else x
        holds = add("mul", holds, as_expected) if k else as_expected
        passed = add("add", passed, holds) if k else holds
    many = [number(guard.number) for guard in code.guards if not _is_truth(code, guard)]
    return replace(
        code,
        constants=(*code.constants, *expected),
        rows=tuple(rows),
        outputs=(*map(number, code.outputs), passed, *many),
        guards=tuple([replace(guard, number=number(guard.number)) for guard in code.guards]),
    )


def _is_truth(code: Code, guard: Guard) -> bool:
    """Whether there is only one other number than the expected."""
    return guard.number >= code.start and tells_truth(code.rows[guard.number - code.start].rule)


class Crossroads:
    """The Programs by the numbers that their guards expect."""

    def __init__(self, program: "Program | None" = None) -> None:
        self._onward: dict[float, Crossroads] = {}
        self._program = program  # one that comes by here

    def add(self, program: "Program") -> None:
        """Another thread that looks meanwhile finds the whole way or nothing of it."""
        here, numbers = self, [guard.expected for guard in program.code.guards]
        known = 0
        while known < len(numbers) and numbers[known] in here._onward:
            here = here._onward[numbers[known]]
            known += 1
        if known < len(numbers):
            way = Crossroads(program)
            for number in reversed(numbers[known + 1 :]):
                behind, way = way, Crossroads(program)
                way._onward[number] = behind
            here._onward[numbers[known]] = way

    def onward(
        self, program: "Program", posts: "np.ndarray", passed: int
    ) -> "Iterator[tuple[Program, int, float, np.ndarray]]":
        """For points that strayed from a Program behind its first `passed` guards, by its signposts: where to go on.

        That is another Program, at which guard it parts from this one and by which number, and which of the points it is
        for. Points for which no Program is known are left out.
        """
        np, guards, here = the_numpy(), program.code.guards, self
        first = posts[:, 0].astype(np.min_scalar_type(len(guards)))  # small numbers are sorted in no time
        order = np.argsort(first, kind="stable")
        ends = np.searchsorted(first[order], np.arange(len(guards) + 1))
        column = 0  # of those that may come to many numbers
        for k, guard in enumerate(guards):
            some, is_truth = order[ends[k] : ends[k + 1]], _is_truth(program.code, guard)
            column += not is_truth
            if k >= passed and len(some):
                numbers = [1.0 - guard.expected] if is_truth else np.unique(posts[some, column]).tolist()
                for number in numbers:
                    other = here._onward.get(number)
                    if other is not None and other._program is not None:  # which the root alone has not
                        yield other._program, k, number, some if is_truth else some[posts[some, column] == number]
            here = here._onward[guard.expected]
