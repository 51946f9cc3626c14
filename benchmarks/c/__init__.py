"""Value and gradient written in C by hand, as straightforward as a numerical programmer would: what there is to reach."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

__all__ = ["COMMAND", "compiled"]

COMMAND = (os.environ.get("CC", "cc"), "-O3", "-march=native", "-shared", "-fPIC")


def compiled(
    name: str, size: int, columns: int, *others: np.ndarray
) -> Callable[[np.ndarray], Callable[[], np.ndarray]]:
    """`name`.c, compiled into build/, which runs on arrays of points: a call gives what runs it, buffer to buffer.

    Each row of what comes out is the value and the gradient. Raises RuntimeError where there is no compiler.
    """
    source, into = Path(__file__).with_name(f"{name}.c"), Path("build", f"{name}.so")
    if shutil.which(COMMAND[0]) is None:
        raise RuntimeError(f"there is no C compiler {COMMAND[0]!r} here")
    into.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([*COMMAND, str(source), "-o", str(into), "-lm"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(COMMAND)}: {done.stderr.strip()}")
    function = ctypes.CDLL(str(into.resolve())).run
    function.argtypes = [ctypes.c_long, ctypes.c_long, *[ctypes.c_void_p] * (2 + len(others))]
    function.restype = None

    def on(points: np.ndarray) -> Callable[[], np.ndarray]:
        out = np.empty((len(points), columns))
        arguments = (len(points), size, points.ctypes.data, out.ctypes.data, *[x.ctypes.data for x in others])

        def run(_read: object = (points, others)) -> np.ndarray:  # memory that C reads, and so has to be kept
            function(*arguments)
            return out

        return run

    return on
