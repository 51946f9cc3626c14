import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def session(tmp_path):
    """A function that runs pytest with the plugin, and no other, on the files in tmp_path; returns what it prints."""

    def run(*options):
        plugins = ("-p", "scalargrad.testing.plugin", "-p", "no:cacheprovider")
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "pytest", *plugins, *options],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        return done.stdout

    return run
