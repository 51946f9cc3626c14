"""A Code as an object file: the table's rules are evaluated with symbols, and what these write goes to LLVM."""

import struct
from dataclasses import replace
from typing import Any

from scalargrad.program.code import Code, Row, evaluate
from scalargrad.program.machine.formulas import FORMULAS
from scalargrad.program.machine.functions import SCALAR, vectors
from scalargrad.program.machine.host import host
from scalargrad.program.machine.symbols import Instructions, Truth, mathematics
from scalargrad.program.machine.text import Assembly, assemble
from scalargrad.program.machine.words import Words

__all__ = ["assembly_of", "object_file"]


def object_file(code: Code, width: int) -> bytes:
    """An object file, after the size of its workspace."""
    import llvmlite.binding as llvm

    assembly = assembly_of(code, width)
    module = llvm.parse_assembly(assembly.text, context=llvm.create_context())
    with host().machine() as machine:
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
    words = Words(width, SCALAR, vectors(width), FORMULAS, host().fused)
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
