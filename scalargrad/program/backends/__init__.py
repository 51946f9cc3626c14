"""What runs a Code: NumPy, LLVM or JAX, behind one small interface.

A backend is a mathematics namespace, and a way to evaluate straight-line code with it: rules are the table's.
"""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from scalargrad.errors import ProgramError
from scalargrad.program.arrays import Lanes, the_numpy
from scalargrad.program.code import Code

if TYPE_CHECKING:
    import numpy as np

    from scalargrad.program.program import Program

__all__ = ["Backend", "Runner", "jax_function", "named"]


class Runner(Protocol):
    """A Code, ready to run."""

    def __call__(self, points: "np.ndarray", shared: "np.ndarray") -> Lanes:
        """Run at points of shape (points, inputs), floats, in C order if it can be, with these shared numbers (shared,)."""
        ...


class Backend(Protocol):
    """`prepare` raises ProgramError, by name, for a rule that it cannot run."""

    name: str

    def prepare(self, code: Code) -> Runner: ...


def named(name: str) -> Backend:
    """The backend of this name: numpy, llvm or auto.

    Raises ValueError for a name that is none, and ProgramError where NumPy is not installed.
    """
    if name not in ("auto", "numpy", "llvm"):
        raise ValueError(f"a backend is auto, numpy or llvm, not {name!r}; for JAX there is p.to_jax()")
    the_numpy()
    return cast(Backend, importlib.import_module(f"{__name__}.{name}"))


def jax_function(program: "Program") -> Callable[..., Any]:
    """See `Program.to_jax`. Raises ProgramError where JAX is not installed."""
    try:
        importlib.import_module("jax")
    except ImportError as error:
        raise ProgramError('to_jax needs JAX: pip install "scalargrad-tape[jax]"') from error
    return cast("Callable[..., Any]", importlib.import_module(f"{__name__}.jax").jax_function(program))
