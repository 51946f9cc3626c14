"""Builds the native engine where it can; everything else about the package is in pyproject.toml.

`SCALARGRAD_BUILD` says how: auto (the default) builds it where there is a compiler, and goes on without where there is
none (`pip -v` tells); native fails then; pure leaves it out, for a wheel that installs everywhere.
"""

import os
import sys
from glob import glob

from setuptools import Extension, setup

CHOICES = ("auto", "native", "pure")
BUILD = os.environ.get("SCALARGRAD_BUILD", "auto")
if BUILD not in CHOICES:
    sys.exit(f"SCALARGRAD_BUILD={BUILD!r} is not one of {', '.join(CHOICES)}")

# The same bits as the readable engine: no contraction of multiply and add, no arithmetic done at compile time in other
# ways than libm's, nothing for one machine only. What is marked inline is inline, so that an operation is one function;
# and no pairing of the numbers of a row in vector registers, for what is stored in halves is slow to load as a whole.
FLAGS = (
    ["/O2", "/fp:precise"]
    if sys.platform == "win32"
    else [
        *("-O3", "-ffp-contract=off", "-fno-strict-aliasing", "-fno-tree-slp-vectorize"),
        *(f"-fno-builtin-{f}" for f in ("pow", "sin", "cos")),
        "-DCYTHON_INLINE=inline __attribute__((always_inline))",
        *(["-fno-plt"] if sys.platform == "linux" else []),  # Python's functions are called straight
    ]
)
NATIVE = Extension(
    "scalargrad.engine.native",
    ["scalargrad/engine/native.pyx"],
    depends=glob("scalargrad/engine/*.pxi"),
    extra_compile_args=FLAGS,
    optional=BUILD == "auto",
)

setup(ext_modules=[] if BUILD == "pure" else [NATIVE])
