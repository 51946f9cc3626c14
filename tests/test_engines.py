"""What conftest.py promises of the suite itself: sessions that run one test, on one engine or on each that is built."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import BUILT

pytestmark = [
    pytest.mark.engine_free,
    pytest.mark.skipif(len(BUILT) == 1, reason="the native engine is not built"),
]
ROOT = Path(__file__).parents[1]
TEST = "tests/test_readme.py::test_every_link_and_picture_is_there"


def session(*arguments, **environment):
    """The ids of the tests that ran, and what else there is to read."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SCALARGRAD_ENGINE", "PYTEST"))}
    command = [sys.executable, "-m", "pytest", "-rp", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True)
    return sorted(re.findall(r"^PASSED (.*)$", done.stdout, re.M)), done.stdout + done.stderr


@pytest.mark.parametrize("workers", ["1", "2", "3"])
def test_with_workers_each_engine_has_the_test(workers):
    ran, told = session("-n", workers, TEST)
    assert ran == [f"{TEST}[native]", f"{TEST}[python]"], told


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("engine", BUILT)
def test_an_engine_that_is_asked_for_is_the_only_one(engine, workers):
    ran, told = session("-n", workers, TEST, SCALARGRAD_ENGINE=engine)
    assert ran == [f"{TEST}[{engine}]"], told


def test_an_id_that_is_pasted_runs_on_its_engine():
    ran, told = session("-n", "1", f"{TEST}[python]")
    assert ran == [f"{TEST}[python]"], told


def test_without_workers_the_other_engine_is_not_passed_over_in_silence():
    ran, told = session(f"{TEST}[python]")
    assert (ran, "SCALARGRAD_ENGINE=python or -n 1" in told) == ([], True), told
