"""Record once, run many: Programs, which are frozen slices of a tape.

`record` runs a function once and makes a Program of what it did; `compile` is the everyday form, which behaves like the
function and records each way through it that it meets. Derivatives of a Program are Programs, found by sweeping with
Values; backends only evaluate rows.

Read in this order: code (what is run), recording (how it comes about), simplify, backends, program, compiled, file.
"""

from scalargrad.program.compiled import Compiled, compile
from scalargrad.program.program import Program, load, record

__all__ = ["Compiled", "Program", "compile", "load", "record"]
