"""scalargrad.testing needs nothing but scalargrad."""

import subprocess
import sys

WITHOUT = """
import sys
for name in ("pytest", "hypothesis", "mpmath", "numpy"):
    sys.modules[name] = None  # importing it raises ImportError
"""


def run(code):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_imported_and_works_without_pytest_hypothesis_and_mpmath():
    assert "(mpmath is not installed)" in run(
        WITHOUT
        + """
from scalargrad import sin
from scalargrad.testing import assert_no_silent_detach, check_gate, check_gradients
assert_no_silent_detach(lambda x: sin(x) * x, 2.0)
print(check_gradients(lambda x: sin(x) * x, 2.0))
"""
    )


def test_importing_it_imports_none_of_them():
    run("import sys, scalargrad.testing\nassert not {'pytest', 'hypothesis', 'mpmath'} & set(sys.modules)")
