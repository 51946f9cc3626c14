import importlib.util

import pytest

BACKENDS = ["numpy"]
if importlib.util.find_spec("llvmlite") and importlib.util.find_spec("scalargrad.program.backends.llvm"):
    BACKENDS.append("llvm")


@pytest.fixture(params=BACKENDS)
def backend(request):
    """The name of each backend that is installed."""
    return request.param
