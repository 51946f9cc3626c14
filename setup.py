"""Builds the native engine on request; everything else about the package is in pyproject.toml."""

import os
import sys

from setuptools import Extension, setup

# The same bits as the readable engine: no contraction of multiply and add, no arithmetic done at compile time in other
# ways than libm's, nothing for one machine only.
FLAGS = (
    ["/O2", "/fp:precise"]
    if sys.platform == "win32"
    else ["-O3", "-ffp-contract=off", "-fno-strict-aliasing", *(f"-fno-builtin-{f}" for f in ("pow", "sin", "cos"))]
)

NATIVE = Extension(
    "scalargrad.engine.native",
    ["scalargrad/engine/native.pyx"],
    extra_compile_args=FLAGS,
)

# Only on request until the native engine is complete: where it is built it runs, and nobody is to get it unasked.
setup(ext_modules=[NATIVE] if os.environ.get("SCALARGRAD_BUILD_NATIVE") == "1" else [])
