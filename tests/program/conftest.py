import importlib.util

import pytest

pytest.register_assert_rewrite("tests.program.codes")  # so that what it asserts is explained

BACKENDS = ["numpy"]
if importlib.util.find_spec("llvmlite") and importlib.util.find_spec("scalargrad.program.backends.llvm"):
    BACKENDS.append("llvm")


@pytest.fixture(params=BACKENDS)
def backend(request):
    """The name of each backend that is installed."""
    return request.param
