"""The LLVM backend: straight-line code as machine code, through llvmlite.

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
>>> from scalargrad.rules import RULES
>>> run = prepare(Code(2, 0, (1.0,), (Row(RULES["mul"], (0, 1)), Row(RULES["add"], (3, 2))), (4,)))  # x * y + 1
>>> run(np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([])).outputs
array([[13.],
       [31.]])
"""

import hashlib
import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ctypes import CFUNCTYPE, addressof, c_int64, c_void_p
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from scalargrad import formulas, namespaces, rules
from scalargrad._version import __version__
from scalargrad.errors import ProgramError
from scalargrad.program import code as code_module
from scalargrad.program.backends import Lanes, llvm_formulas, llvm_squares, llvm_symbols, llvm_text, llvm_words
from scalargrad.program.backends.llvm_cache import content, kept
from scalargrad.program.backends.llvm_formulas import FORMULAS
from scalargrad.program.backends.llvm_math import SCALAR, caught, table, vectors
from scalargrad.program.backends.llvm_squares import LINE, row_length
from scalargrad.program.backends.llvm_symbols import Instructions, Truth, mathematics
from scalargrad.program.backends.llvm_text import Assembly, assemble
from scalargrad.program.backends.llvm_words import Words
from scalargrad.program.code import Code, Row, evaluate, is_of_table

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
    _host()
    for row in code.rows:
        if not is_of_table(row.rule):
            raise ProgramError(
                f"the gate {row.rule.name} cannot be compiled: only the package's own operations are; "
                "the backend numpy runs gates"
            )
    return _Runner(code)


# ── a code that is compiled ─────────────────────────────────────────────────────────────────────────────────────────


class _Runner:
    """Runs a code: one point by one machine code, many by another."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.content: bytes | None = None
        self.compiled: dict[int, _Compiled] = {}
        self._one_point, self._shared = (1, code.inputs), (code.shared,)  # shapes

    def __call__(self, points: "np.ndarray", shared: "np.ndarray") -> Lanes:
        code = self.code
        if points.shape == self._one_point and shared.shape == self._shared:
            return (self.compiled.get(1) or self._machine_code(1)).one(points, shared)
        if points.shape[1:] != self._one_point[1:] or shared.shape != self._shared:
            raise ProgramError(
                f"the code takes points of shape (points, {code.inputs}) and {code.shared} shared numbers, "
                f"not shapes {points.shape} and {shared.shape}"
            )
        return self._many(points, shared)

    def _many(self, points: "np.ndarray", shared: "np.ndarray") -> Lanes:
        """On several threads where it pays; points that are no whole group of lanes are padded to one."""
        import numpy as np

        points = np.ascontiguousarray(points, dtype=np.float64)
        shared = np.ascontiguousarray(shared, dtype=np.float64)
        width, count = _host().width, len(points)
        if 0 < count < width:
            padded = self._many(np.concatenate([points, np.repeat(points[-1:], width - count, axis=0)]), shared)
            return Lanes(*(array[:count] for array in padded))
        lanes = _lanes(count, self.code, width)
        if not count:
            return lanes
        run, past = self._machine_code(width).run, points.nbytes + lanes.outputs.nbytes > _NEAR
        threads = min(_threads(), count // width) if len(self.code.rows) * count >= _WORTH_A_THREAD else 1
        starts = [count * k // threads // width * width for k in range(threads)]

        def part(start: int, end: int) -> None:
            here = slice(start, end)
            run(points[here], shared, Lanes(*(array[here] for array in lanes)), past)

        if threads > 1:
            list(_pool().map(part, starts, [*starts[1:], count]))
        else:
            part(0, count)
        return lanes

    def _machine_code(self, width: int) -> "_Compiled":
        found = self.compiled.get(width)
        if found is None:
            if self.content is None:
                self.content = content(self.code)
            found = self.compiled[width] = _compiled(self.code, self.content, width)
        return found


def _lanes(count: int, code: Code, width: int) -> Lanes:
    """Room for what so many lanes give."""
    import numpy as np

    outputs = len(code.outputs)
    length = row_length(outputs, width)
    room = _on_a_line(count * length).reshape(count, length)[:, :outputs]
    return Lanes(room, np.zeros(count, dtype=bool), np.zeros(count, dtype=bool))


def _on_a_line(count: int) -> "np.ndarray":
    """Room for so many numbers that begins with a line of the processor's cache."""
    import numpy as np

    room = np.empty(count + LINE)
    before = -(room.ctypes.data // 8) % LINE
    return room[before : before + count]


class _Compiled:
    """Machine code in memory, for as long as this lives; and the memory it works in."""

    def __init__(self, text: bytes, code: Code, width: int) -> None:
        import llvmlite.binding as llvm

        self.code, self.width, self.table = code, width, table(width)
        (self.workspace,) = struct.unpack_from("<q", text)
        # with llvmlite's own memory manager, for LLVM's may put code and its constants too far apart, and then aborts
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _host().machine(), use_lmm=True)
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(text[8:]))
        self.engine.finalize_object()
        self.function = _RUN(self.engine.get_function_address("run"))
        self.free: list[_Memory] = []  # that no thread is using

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
            lanes = Lanes(memory.outputs.copy(), memory.neither, memory.neither)
        self.free.append(memory)
        return lanes

    def run(self, points: "np.ndarray", shared: "np.ndarray", lanes: Lanes, past: bool = False) -> None:
        """At many points, in C order, a group of lanes at least; the outputs go past the cache if they are to."""
        memory = self._memory()
        memory.reach((points, shared, *lanes), addressof(self.table), len(points), past)
        self.function(memory.call)
        caught()
        self.free.append(memory)

    def _memory(self) -> "_Memory":
        try:
            return self.free.pop()
        except IndexError:
            memory = _Memory(self.workspace)
        if self.width == 1:
            memory.keep(self.code, addressof(self.table))
        return memory


class _Memory:
    """A workspace of so many doubles, which no two threads may use at a time; for one point all else as well.

    `call` is the address of what the machine code is told: where everything is, and how many points there are.
    """

    def __init__(self, workspace: int) -> None:
        self.array = _on_a_line(workspace)
        self.workspace = self.array.ctypes.data  # which is slow to ask for
        self.told = (c_int64 * 9)()
        self.call = addressof(self.told)

    def reach(self, arrays: Sequence["np.ndarray"], table: int, count: int, past: bool = False) -> None:
        """Tell where the points, the shared numbers and the lanes are, and whether outputs go past the cache."""
        self.told[:] = [*[array.ctypes.data for array in arrays], self.workspace, table, past, count]

    def keep(self, code: Code, table: int) -> None:
        """Have arrays of its own for one point."""
        import numpy as np

        self.points, self.shared = np.empty((1, code.inputs)), np.empty(code.shared)
        self.outputs, _, _ = _lanes(1, code, 1)
        both = np.zeros(2, dtype=bool)
        self.failed, self.strayed = both[:1], both[1:]
        self.flags = both.view(np.int16).data  # both as one number, which is quickly read
        self.neither = np.zeros(1, dtype=bool)
        self.neither.flags.writeable = False  # many have it
        self.reach((self.points, self.shared, self.outputs, self.failed, self.strayed), table, 1)


_RUN = CFUNCTYPE(None, c_void_p)


# ── compiling ───────────────────────────────────────────────────────────────────────────────────────────────────────

_lock = Lock()
_alive: "WeakValueDictionary[bytes, _Compiled]" = WeakValueDictionary()


def _compiled(code: Code, content: bytes, width: int) -> _Compiled:
    """The machine code of a code of this content; that of a living runner, where there is one."""
    about = f"{width} {sorted(vectors(width))} {_host().description} {_sources()}"
    key = hashlib.sha256(content + about.encode()).digest()
    with _lock:
        found = _alive.get(key)
        if found is None:
            found = _alive[key] = _Compiled(kept(key, lambda: _object(code, width)), code, width)
        return found


@cache
def _sources() -> str:
    """What stands for the formulas and for this compiler in the key of a cache: they change, between versions too."""
    modules = (
        rules,
        formulas,
        namespaces,
        code_module,
        llvm_formulas,
        llvm_squares,
        llvm_symbols,
        llvm_text,
        llvm_words,
    )
    sums = hashlib.sha256()
    for module in modules:
        with suppress(OSError):  # where the package is inside of a file, the version has to do
            sums.update(Path(str(module.__file__)).read_bytes())
    return f"{__version__} {sums.hexdigest()}"


def _object(code: Code, width: int) -> bytes:
    """An object file, after the size of its workspace."""
    import llvmlite.binding as llvm

    assembly = assembly_of(code, width)
    module = llvm.parse_assembly(assembly.text, context=llvm.create_context())
    with _host().machine() as machine:
        if width == 1 and not assembly.calls:  # around calls it takes long, and makes slower code
            _pack(module, machine)
        return struct.pack("<q", assembly.workspace) + bytes(machine.emit_object(module))


def _pack(module: Any, machine: Any) -> None:
    """Let LLVM find scalar instructions that are alike, and do several at a time, each still rounded by itself."""
    import llvmlite.binding as llvm

    options = llvm.PipelineTuningOptions(speed_level=1)
    options.slp_vectorization, options.loop_vectorization = True, False
    with llvm.create_pass_builder(machine, options) as passes, passes.getModulePassManager() as manager:
        manager.run(module, passes)


def assembly_of(code: Code, width: int) -> Assembly:
    """The code as text for LLVM: evaluated with symbols, which write instructions."""
    into = Instructions()
    rows = [row if row.operands else _of_nothing(row, into) for row in code.rows]
    symbolic = replace(code, rows=tuple(rows))
    inputs = [into.input(i) for i in range(code.inputs)]
    shared = [into.shared(i) for i in range(code.shared)]
    outputs, failed, strayed = evaluate(symbolic, mathematics(into), inputs, shared, into.number)
    words = Words(width, SCALAR, vectors(width), FORMULAS, _host().fused)
    flags = _truth(failed, into), _truth(strayed, into)
    return assemble(into, code.inputs, [x.at for x in outputs], *flags, words)


def _of_nothing(row: Row, into: Instructions) -> Row:
    """The sum or product of no operands, which is a plain float, as a number of these instructions."""
    value = row.rule.value
    return replace(row, rule=replace(row.rule, value=lambda m: into.number(value(m))), quiet=True)


def _truth(truth: Any, into: Instructions) -> int | None:
    """The instruction that makes it; None for one that is false everywhere."""
    if type(truth) is Truth:
        return truth.at
    return into.add("oeq", into.constant(0.0), into.constant(0.0)) if truth else None


# ── this machine ────────────────────────────────────────────────────────────────────────────────────────────────────


class _Host:
    """The processor that runs us."""

    def __init__(self) -> None:
        import llvmlite
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        triple = llvm.get_process_triple() + ("-elf" if os.name == "nt" else "")  # what can be loaded there
        self.target = llvm.Target.from_triple(triple)
        self.cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features()
        self.features = features.flatten()
        self.width = 8 if features.get("avx512f") and features.get("avx512dq") else 4 if features.get("avx2") else 2
        self.fused = bool(features.get("fma")) or self.target.name == "aarch64"
        self.description = f"{triple} {self.cpu} {self.features} {llvmlite.__version__} {llvm.llvm_version_info}"

    def machine(self) -> Any:
        """A target machine: constants are found near the code, wherever that is loaded."""
        return self.target.create_target_machine(self.cpu, self.features, opt=1, reloc="pic", codemodel="small")


@cache
def _host() -> _Host:
    try:
        return _Host()
    except ImportError as error:
        raise ProgramError('the LLVM backend needs llvmlite and NumPy: pip install "scalargrad-tape[jit]"') from error


def _threads() -> int:
    asked = os.environ.get("SCALARGRAD_THREADS", "")
    if asked and not (asked.isdecimal() and int(asked)):
        raise ProgramError(f"SCALARGRAD_THREADS is a number of threads from 1 on, not {asked!r}")
    return (
        int(asked)
        if asked
        else len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )


_pools: dict[int, ThreadPoolExecutor] = {}


def _pool() -> ThreadPoolExecutor:
    """The threads that run parts, shared by all; they are of this process, not of the one it was forked from."""
    count = _threads()
    if count not in _pools:
        _pools.clear()
        _pools[count] = ThreadPoolExecutor(count, thread_name_prefix="scalargrad")
    return _pools[count]


def _after_fork() -> None:
    global _lock
    _lock = Lock()  # somebody may have held it, who is no more
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
