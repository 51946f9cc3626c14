"""Record once, run many: Programs, which are frozen slices of a tape.

`record` runs a function once and makes a Program of what it did; `compile` is the everyday form, which behaves like the
function and records each way through it that it meets. Derivatives of a Program are Programs, found by sweeping with
Values; backends only evaluate rows.

What a recording cannot see stays as it was then: what the function reads besides its arguments and the inputs that it
closes over (globals, attributes, a `v.grad`, another Value put in the place of a parameter), chance and the clock. Numbers
are Values there, and comparisons too: Values are found in sets and dicts by identity, not by number, are no float to
isinstance and match, and a comparison `is` not True, whatever its truth. And a comparison in a thread that the function
starts leaves no guard.

Read in this order: code (what is run), recording (how it comes about), simplify, schedule, backends (numpy, llvm, jax),
program, compiled, crossroads, file; and machine, by which the backend llvm comes to machine code.
"""

from scalargrad.program.compiled import Compiled, compile
from scalargrad.program.program import Program, load, record

__all__ = ["Compiled", "Program", "compile", "load", "record"]
