"""Builds the native engine where there is a compiler; everything else about the package is in pyproject.toml."""

import sys

from setuptools import Extension, setup

# The same bits as the readable engine: no contraction of multiply and add, no arithmetic done at compile time in other
# ways than libm's, nothing for one machine only.
FLAGS = (
    ["/O2", "/fp:precise"]
    if sys.platform == "win32"
    else ["-O3", "-ffp-contract=off", "-fno-strict-aliasing", *(f"-fno-builtin-{f}" for f in ("pow", "sin", "cos"))]
)

setup(
    ext_modules=[
        Extension(
            "scalargrad.engine.native",
            ["scalargrad/engine/native.pyx"],
            extra_compile_args=FLAGS,
            optional=True,  # without a compiler the readable engine runs
        )
    ]
)
