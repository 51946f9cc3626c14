"""The functions that compiled code calls, as a table of their addresses: C's, vectors of them, and Python's own.

Compiled code knows a function by its place in the table alone, so that it can be kept on disk.

>>> from ctypes import CFUNCTYPE, c_double
>>> CFUNCTYPE(c_double, c_double)(table(1)[SCALAR["exp"]])(1.0)
2.718281828459045
"""

import ctypes
import ctypes.util
import platform
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from scalargrad.namespaces import FLOATS, IEEE

__all__ = ["SCALAR", "caught", "table", "vectors"]

#: Those of C with the bits of Python's math, and how many operands they take. But hypot: it serves the lanes, as c_hypot.
_OF_C = {
    **dict.fromkeys(("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "cbrt", "erf", "erfc"), 1),
    **dict.fromkeys(
        ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"), 1
    ),
    **dict.fromkeys(("atan2", "pow", "fmod", "c_hypot"), 2),
    "fma": 3,
}

#: Those that Python's math computes by itself, or C does not have.
_OF_PYTHON = {"hypot": 2, "lgamma": 1, "polygamma": 2}

#: Where a function of doubles stands in the table.
SCALAR: dict[str, int] = {name: at for at, name in enumerate((*_OF_C, *_OF_PYTHON))}

#: Those of glibc's libmvec that stay within two units in the last place, wherever they were tried (ten million points
#: each, subnormal, huge and special ones among them, and close together where they were worst), and for how many doubles.
#: For erfc it holds near 0 alone. Of the others, asin, atan, atan2, cosh and expm1 do not, hypot(nan, inf) is nan, and
#: cbrt and C's may be three apart; nor do exp, sin, cos, tan and erf, which have formulas.
_OF_VECTORS = {
    **dict.fromkeys(("exp2", "log", "pow", "rough_erfc"), (2, 4, 8)),
    **dict.fromkeys(("acos", "sinh"), (4, 8)),
    **dict.fromkeys(("log1p", "log2", "log10", "tanh", "asinh", "acosh", "atanh"), (8,)),
}
_LETTERS = {2: "b", 4: "d", 8: "e"}  # of SSE, AVX2 and AVX-512 in the names of that library


@cache
def vectors(width: int) -> dict[str, int]:
    """Where the functions of `width` doubles stand in the table: those that this machine has.

    >>> vectors(1)
    {}
    """
    return {name: at for name, (at, _) in _found(width).items()}


@cache
def table(width: int) -> Any:
    """The addresses, an array of pointers: of functions of one double and of `width`."""
    addresses = [*_scalar(), *[0] * len(_OF_VECTORS)]
    for at, address in _found(width).values():
        addresses[at] = address
    return (ctypes.c_void_p * len(addresses))(*addresses)


@cache
def _found(width: int) -> dict[str, tuple[int, int]]:
    """By name, the place in the table and the address of the functions of vectors."""
    if sys.platform != "linux" or platform.machine() != "x86_64" or width not in _LETTERS:
        return {}
    try:
        library = ctypes.CDLL("libmvec.so.1")
    except OSError:  # not glibc
        return {}
    found = {}
    for at, (name, widths) in enumerate(_OF_VECTORS.items(), start=len(SCALAR)):
        plain = name.removeprefix("rough_")
        symbol = f"_ZGV{_LETTERS[width]}N{width}{'v' * _OF_C[plain]}_{plain}"
        if width in widths and hasattr(library, symbol):
            found[name] = (at, _address(getattr(library, symbol)))
    return found


@cache
def _scalar() -> list[int]:
    process = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    if not hasattr(process, "erfc"):
        process = ctypes.CDLL(ctypes.util.find_library("m"))
    _callbacks.extend(_python(name, arity) for name, arity in _OF_PYTHON.items())
    return [_address(function) for function in (*(getattr(process, n.removeprefix("c_")) for n in _OF_C), *_callbacks)]


def _address(function: Any) -> int:
    return cast(int, ctypes.cast(function, ctypes.c_void_p).value)


# ── Python's own ────────────────────────────────────────────────────────────────────────────────────────────────────

_callbacks: list[Any] = []  # kept alive for as long as compiled code may call them: for good
_raised: dict[int, BaseException] = {}  # by thread


def _python(name: str, arity: int) -> Any:
    """A C function that computes what IEEE does, and keeps what is raised meanwhile (KeyboardInterrupt) for `caught`."""
    function: Callable[..., float] = getattr(FLOATS, name)
    otherwise: Callable[..., float] = getattr(IEEE, name)

    def call(*xs: float) -> float:
        try:
            try:
                return function(*xs)
            except (ValueError, OverflowError):
                return otherwise(*xs)
        except BaseException as error:
            _raised[threading.get_ident()] = error
            return 0.0

    return ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * arity)(call)


def caught() -> None:
    """Raise what was raised within compiled code on this thread."""
    if _raised and (error := _raised.pop(threading.get_ident(), None)) is not None:
        raise error
