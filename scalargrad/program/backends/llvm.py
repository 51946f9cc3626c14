"""The LLVM backend: straight-line code as machine code, which `scalargrad.program.machine` makes through llvmlite.

One point is run by scalar code, with the bits of the row-by-row evaluation. Many points run as many at a time as a
register of the processor holds, on as many threads as there are processors; there a function of C's mathematics is within
two units in the last place of the true value, rather than Python's to the bit (which may be off by as much). Both are
compiled when they are first needed, in time linear in the rows.

A thread that runs many points needs slots × width × 8 bytes, however many points there are: `width` points are in work
at once, and the slots hold what lives longer than a thousand instructions, inputs and outputs included. The rows of many
outputs begin with a line of the cache, and so are up to an eighth longer in memory than they look.

`SCALARGRAD_THREADS` says on how many threads to run, `SCALARGRAD_CACHE` in which directory to keep what was compiled;
whatever is in there may be deleted at any time.

>>> import numpy as np
>>> from scalargrad.program.code import Row
>>> from scalargrad.rules import RULES
>>> run = prepare(Code(2, 0, (1.0,), (Row(RULES["mul"], (0, 1)), Row(RULES["add"], (3, 2))), (4,)))  # x * y + 1
>>> run(np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([])).outputs
array([[13.],
       [31.]])
"""

from functools import cached_property
from typing import TYPE_CHECKING

from scalargrad.errors import ProgramError
from scalargrad.program.arrays import Lanes
from scalargrad.program.backends import Runner
from scalargrad.program.code import Code, is_of_table
from scalargrad.program.machine.cache import content
from scalargrad.program.machine.host import host
from scalargrad.program.machine.loaded import MachineCode, machine_code
from scalargrad.program.machine.memory import room
from scalargrad.program.machine.threads import pool, threads

if TYPE_CHECKING:
    import numpy as np

__all__ = ["name", "prepare"]

name = "llvm"

#: Of more bytes of points and outputs the outputs are written past the cache. Measured, with a cache of 32 MB: from
#: here on that takes less time (0.6 to 0.95 times), the time to read them afterwards included; below, more.
_NEAR = 24 << 20

#: With fewer rows times points than this, a second thread costs more than it brings.
_WORTH_A_THREAD = 2_000_000


def prepare(code: Code) -> "_Runner":
    """The code, ready to run at points; compiled when it first does.

    Raises ProgramError for a gate, whose rule is Python code that nothing here can read, and without llvmlite.
    """
    host()
    for row in code.rows:
        if not is_of_table(row.rule):
            raise ProgramError(
                f"the gate {row.rule.name} cannot be compiled: only the package's own operations are; "
                "the backend numpy runs gates"
            )
    return _Runner(code)


class _Runner:
    """Runs a code: one point by one machine code, many by another."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.content: bytes | None = None
        self.compiled: dict[int, MachineCode] = {}
        self._one_point, self._shared = (1, code.inputs), (code.shared,)  # shapes

    def __call__(self, points: "np.ndarray", shared: "np.ndarray") -> Lanes:
        if points.shape == self._one_point and shared.shape == self._shared:
            return self._one(points, shared)
        code = self.code
        if points.shape[1:] != self._one_point[1:] or shared.shape != self._shared:
            raise ProgramError(
                f"the code takes points of shape (points, {code.inputs}) and {code.shared} shared numbers, "
                f"not shapes {points.shape} and {shared.shape}"
            )
        return self._many(points, shared)

    @cached_property
    def _one(self) -> Runner:
        return self._machine_code(1).one

    def _many(self, points: "np.ndarray", shared: "np.ndarray") -> Lanes:
        """On several threads where it pays; points that are no whole group of lanes are padded to one."""
        import numpy as np

        points = np.ascontiguousarray(points, dtype=np.float64)
        shared = np.ascontiguousarray(shared, dtype=np.float64)
        width, count = host().width, len(points)
        if 0 < count < width:
            padded = self._many(np.concatenate([points, np.repeat(points[-1:], width - count, axis=0)]), shared)
            return Lanes(*(array[:count] for array in padded))
        lanes = room(count, self.code, width)
        if not count:
            return lanes
        run, past = self._machine_code(width).run, points.nbytes + lanes.outputs.nbytes > _NEAR
        at_once = min(threads(), count // width) if len(self.code.rows) * count >= _WORTH_A_THREAD else 1
        starts = [count * k // at_once // width * width for k in range(at_once)]

        def part(start: int, end: int) -> None:
            here = slice(start, end)
            run(points[here], shared, Lanes(*(array[here] for array in lanes)), past)

        if at_once > 1:
            list(pool().map(part, starts, [*starts[1:], count]))
        else:
            part(0, count)
        return lanes

    def _machine_code(self, width: int) -> MachineCode:
        found = self.compiled.get(width)
        if found is None:
            if self.content is None:
                self.content = content(self.code)
            found = self.compiled[width] = machine_code(self.code, self.content, width)
        return found
