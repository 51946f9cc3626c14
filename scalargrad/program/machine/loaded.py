"""Machine code that is loaded and can be run: that of a Code of the same content, where somebody has one."""

import hashlib
import os
import struct
from contextlib import suppress
from ctypes import CFUNCTYPE, addressof, c_void_p
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from scalargrad import formulas, namespaces, rules
from scalargrad._version import __version__
from scalargrad.program import code as code_module
from scalargrad.program.arrays import Lanes
from scalargrad.program.code import Code
from scalargrad.program.machine.cache import kept
from scalargrad.program.machine.compiler import object_file
from scalargrad.program.machine.functions import caught, table, vectors
from scalargrad.program.machine.host import host
from scalargrad.program.machine.memory import Memory

if TYPE_CHECKING:
    import numpy as np

__all__ = ["MachineCode", "machine_code"]


class MachineCode:
    """Machine code in memory, for as long as this lives; and the memory it works in."""

    def __init__(self, text: bytes, code: Code, width: int) -> None:
        import llvmlite.binding as llvm

        self.code, self.width, self.table = code, width, table(width)
        (self.workspace,) = struct.unpack_from("<q", text)
        # with llvmlite's own memory manager, for LLVM's may put code and its constants too far apart, and then aborts
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), host().machine(), use_lmm=True)
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(text[8:]))
        self.engine.finalize_object()
        self.function = _RUN(self.engine.get_function_address("run"))
        self.free: list[Memory] = []  # that no thread is using

    def one(self, points: "np.ndarray", shared: "np.ndarray") -> Lanes:
        """At one point: copied to where everything is known to be, which takes less time than to ask where it is."""
        memory = self._memory()
        memory.points[...] = points
        if len(shared):
            memory.shared[...] = shared
        self.function(memory.call)
        caught()
        if memory.flags[0]:
            lanes = Lanes(memory.outputs.copy(), memory.failed.copy(), memory.strayed.copy())
        else:
            lanes = _lanes(Lanes, (memory.outputs.copy(), memory.neither, memory.neither))
        self.free.append(memory)
        return lanes

    def run(self, points: "np.ndarray", shared: "np.ndarray", lanes: Lanes, past: bool) -> None:
        """At many points, in C order, a group of lanes at least; the outputs go past the cache if they are to."""
        memory = self._memory()
        memory.reach((points, shared, *lanes), addressof(self.table), len(points), past)
        self.function(memory.call)
        caught()
        self.free.append(memory)

    def _memory(self) -> Memory:
        try:
            return self.free.pop()
        except IndexError:
            memory = Memory(self.workspace)
        if self.width == 1:
            memory.keep(self.code, addressof(self.table))
        return memory


_RUN = CFUNCTYPE(None, c_void_p)
_lanes = tuple.__new__  # Lanes(…) takes as long as a hundred rows


_lock = Lock()
_alive: "WeakValueDictionary[bytes, MachineCode]" = WeakValueDictionary()


def machine_code(code: Code, content: bytes, width: int) -> MachineCode:
    """The machine code of a code of this content; that of a living runner, where there is one."""
    about = f"{width} {sorted(vectors(width))} {host().description} {_sources()}"
    key = hashlib.sha256(content + about.encode()).digest()
    with _lock:
        found = _alive.get(key)
        if found is None:
            found = _alive[key] = MachineCode(kept(key, lambda: object_file(code, width)), code, width)
        return found


@cache
def _sources() -> str:
    """What stands for the formulas and for this compiler in the key of a cache: they change, between versions too."""
    modules = [Path(str(module.__file__)) for module in (rules, formulas, namespaces, code_module)]
    sums = hashlib.sha256()
    for path in (*modules, *sorted(Path(__file__).parent.glob("*.py"))):
        with suppress(OSError):  # where the package is inside of a file, the version has to do
            sums.update(path.read_bytes())
    return f"{__version__} {sums.hexdigest()}"


def _after_fork() -> None:
    global _lock
    _lock = Lock()  # somebody may have held it, who is no more


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
