import os
import subprocess
import sys
from pathlib import Path

import pytest

import scalargrad

PACKAGE_HOME = Path(scalargrad.__file__).parent.parent


@pytest.fixture
def environment(tmp_path):
    """For a process that shall find the package from any folder, and leave the home folder alone."""
    return os.environ | {"PYTHONPATH": str(PACKAGE_HOME), "IPYTHONDIR": str(tmp_path), "PYTHONUTF8": "1"}


@pytest.fixture
def python(tmp_path, environment):
    """Run Python in a process of its own, in an empty folder; returns what subprocess.run returns."""

    def run(*arguments, stdin="", **more):
        return subprocess.run(
            [sys.executable, *arguments],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env=environment | more,
            timeout=60,
        )

    return run


@pytest.fixture
def command(python):
    """Run `python -m scalargrad` with these arguments."""
    return lambda *arguments, **more: python("-m", "scalargrad", *arguments, **more)
