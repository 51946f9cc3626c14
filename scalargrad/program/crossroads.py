"""Which way a point goes, told by the numbers of the guards, so that not one Program after the other has to be tried.

The ways through a function are a tree: at each guard a number, and behind each number other guards. A Program that a
point strays from says at which guard, and to which number, and so to which Program the point belongs. That is a hint:
guards are in the order of their rows, not always in that in which they were asked; each Program looks for itself.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scalargrad.program.layout import the_numpy
from scalargrad.program.program import Program

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Crossroads"]


class Crossroads:
    """The Programs by the numbers that their guards expect."""

    def __init__(self) -> None:
        self._onward: dict[float, Crossroads] = {}
        self._program: Program | None = None  # one that comes by here

    def add(self, program: Program) -> None:
        here = self
        for guard in program.code.guards:
            here = here._onward.setdefault(guard.expected, Crossroads())
            here._program = here._program or program

    def onward(self, program: Program, table: "np.ndarray", passed: int) -> "Iterator[tuple[Program, int, np.ndarray]]":
        """For points that strayed from a Program behind its first `passed` guards: where to go on.

        That is another Program, how many of its guards are passed, and which of the points it is for. Points for which
        no Program is known are left out.
        """
        np = the_numpy()
        path = [guard.expected for guard in program.code.guards]
        found = program.guarded(table)
        differs = found != np.array(path)
        first = differs.argmax(axis=1)
        number = found[np.arange(len(found)), first]
        order = np.lexsort((number, first))
        order = order[differs.any(axis=1)[order] & (first[order] >= passed)]
        ends = np.flatnonzero((np.diff(first[order]) != 0) | (np.diff(number[order]) != 0)) + 1
        here, at = self, 0
        for some in np.split(order, ends) if len(order) else ():
            guard = int(first[some[0]])
            while at < guard:
                here, at = here._onward[path[at]], at + 1
            other = here._onward.get(float(number[some[0]]))
            if other is not None and other._program is not None:
                yield other._program, guard + 1, some
