"""The memory that machine code works in."""

from collections.abc import Sequence
from ctypes import addressof, c_int64
from typing import TYPE_CHECKING

from scalargrad.program.arrays import Lanes
from scalargrad.program.code import Code
from scalargrad.program.machine.squares import LINE, row_length

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Memory", "room"]


def room(count: int, code: Code, width: int) -> Lanes:
    """Room for what so many lanes give."""
    import numpy as np

    outputs = len(code.outputs)
    length = row_length(outputs, width)
    numbers = on_a_line(count * length).reshape(count, length)[:, :outputs]
    return Lanes(numbers, np.zeros(count, dtype=bool), np.zeros(count, dtype=bool))


def on_a_line(count: int) -> "np.ndarray":
    """Room for so many numbers that begins with a line of the processor's cache."""
    import numpy as np

    numbers = np.empty(count + LINE)
    before = -(numbers.ctypes.data // 8) % LINE
    return numbers[before : before + count]


class Memory:
    """A workspace of so many doubles, which no two threads may use at a time; for one point all else as well.

    `call` is the address of what the machine code is told: where everything is, and how many points there are.
    """

    def __init__(self, workspace: int) -> None:
        self.array = on_a_line(workspace)
        self.workspace = self.array.ctypes.data  # which is slow to ask for
        self.told = (c_int64 * 9)()
        self.call = addressof(self.told)

    def reach(self, arrays: Sequence["np.ndarray"], table: int, count: int, past: bool) -> None:
        """Tell where the points, the shared numbers and the lanes are, and whether outputs go past the cache."""
        self.told[:] = [*[array.ctypes.data for array in arrays], self.workspace, table, past, count]

    def keep(self, code: Code, table: int) -> None:
        """Have arrays of its own for one point."""
        import numpy as np

        self.points, self.shared = np.empty((1, code.inputs)), np.empty(code.shared)
        self.outputs, _, _ = room(1, code, 1)
        both = np.zeros(2, dtype=bool)
        self.failed, self.strayed = both[:1], both[1:]
        self.flags = both.view(np.int16).data  # both as one number, which is quickly read
        self.neither = np.zeros(1, dtype=bool)
        self.neither.flags.writeable = False  # many have it
        self.reach((self.points, self.shared, self.outputs, self.failed, self.strayed), table, 1, past=False)
