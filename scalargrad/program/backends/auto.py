"""Which backend: machine code where it pays, found out by running.

LLVM needs a while to make machine code, which then takes next to no time; NumPy needs no preparation, and much more time
for a run. So a Code runs on NumPy until it has taken as long as making the machine code would have, and then that is
made: the time in all is at most twice that of the better choice, made with foresight. At one point NumPy takes longer
than anything else, so there machine code is made at once; `compile` runs the function itself for that long.

So which of them runs depends on the clock, and with it the last place of what their functions give. Whoever wants the
same bits from every run names a backend.

Measured on two cores of an AMD EPYC (2026), nanoseconds per row: see the constants.
"""

import importlib.util
from contextlib import suppress
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING

from scalargrad.errors import ProgramError
from scalargrad.program.arrays import Lanes
from scalargrad.program.backends import Runner as AnyRunner
from scalargrad.program.backends import named
from scalargrad.program.code import Code

if TYPE_CHECKING:
    import numpy as np

__all__ = ["name", "preparation", "prepare"]

name = "auto"

_NS_PER_ROW = 35_000.0  # to make machine code: 34 to 44 from a thousand rows on, with simplification besides
_NS_PER_ROW_AND_BLOCK = 2_500.0  # NumPy's calls
_NS_PER_ROW_AND_POINT = 5.0  # NumPy's loops


@cache
def has_llvm() -> bool:
    return importlib.util.find_spec("llvmlite") is not None


def preparation(code: Code) -> float:
    """How many seconds it takes until machine code is made; infinity where it cannot be."""
    return len(code.rows) * _NS_PER_ROW * 1e-9 if has_llvm() else float("inf")


class Runner:
    """A Code on NumPy, and on LLVM from the run on that it would pay with."""

    def __init__(self, code: Code) -> None:
        self._code, self._spent, self._compiled = code, 0.0, not has_llvm()
        self._run: AnyRunner = named("numpy").prepare(code)

    def __call__(self, points: "np.ndarray", shared: "np.ndarray") -> Lanes:
        alone = len(points) == 1
        if not self._compiled and (alone or self._spent + self._estimate(len(points)) > preparation(self._code)):
            self._compile()
        begin = perf_counter()
        lanes = self._run(points, shared)
        self._spent += perf_counter() - begin
        return lanes

    def _estimate(self, points: int) -> float:
        blocks = -(-points // 1024)
        return len(self._code.rows) * (blocks * _NS_PER_ROW_AND_BLOCK + points * _NS_PER_ROW_AND_POINT) * 1e-9

    def _compile(self) -> None:
        self._compiled = True
        with suppress(ProgramError):  # a gate that cannot be expanded
            self._run = named("llvm").prepare(self._code)


def prepare(code: Code) -> Runner:
    return Runner(code)
