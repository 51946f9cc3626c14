"""SCALARGRAD_ENGINE picks the engine at import, and tells loudly when it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import scalargrad

WITHOUT_NATIVE = "import sys; sys.modules['scalargrad.engine.native'] = None\n"
BROKEN = """
import sys
class Broken:
    def find_spec(name, path=None, target=None):
        if name == "scalargrad.engine.native":
            raise ImportError("undefined symbol: lgamma")
sys.meta_path.insert(0, Broken)
"""
TELL = "from scalargrad.engine import ENGINE, REASON; print(ENGINE); print(REASON)\n"


def run(code, engine=None):
    environment = {**os.environ, "PYTHONPATH": str(Path(scalargrad.__file__).parents[1])}
    environment.pop("SCALARGRAD_ENGINE", None)
    if engine is not None:
        environment["SCALARGRAD_ENGINE"] = engine
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_python_asks_for_the_readable_engine():
    told = run(TELL, "python")
    assert told.stdout.splitlines()[0] == "python", told.stderr
    assert "SCALARGRAD_ENGINE=python" in told.stdout


@pytest.mark.parametrize("engine", [None, "auto"])
def test_auto_is_the_default_and_falls_back_with_the_reason(engine):
    told = run(WITHOUT_NATIVE + TELL, engine)
    assert told.stdout.splitlines()[0] == "python", told.stderr
    assert "native engine is not built" in told.stdout


def test_native_raises_where_it_cannot_be_had_and_names_the_reason():
    told = run(WITHOUT_NATIVE + TELL, "native")
    assert told.returncode != 0
    last = told.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: SCALARGRAD_ENGINE=native")
    assert "scalargrad.engine.native" in last


def test_a_broken_build_is_told_from_none():
    told = run(BROKEN + TELL)
    assert told.stdout.splitlines() == ["python", "the native engine cannot be imported: undefined symbol: lgamma"]
    assert run(BROKEN + TELL, "python").returncode == 0
    told = run(BROKEN + TELL, "native")
    assert "SCALARGRAD_ENGINE=native, but the native engine cannot be imported: undefined symbol" in told.stderr


@pytest.mark.parametrize("engine", ["Python", "fast", "0", ""])
def test_an_unknown_choice_raises_with_the_choices(engine):
    told = run(TELL, engine)
    assert told.returncode != 0
    last = told.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError")
    assert repr(engine) in last
    assert all(choice in last for choice in ("auto", "python", "native"))


def test_the_engine_computes_the_docstring_of_the_package():
    told = run("import doctest, scalargrad; print(doctest.testmod(scalargrad))", "python")
    assert "failed=0" in told.stdout, told.stderr


def test_a_value_pickled_by_one_engine_is_loaded_by_any():
    told = run(
        "import pickle, sys; from scalargrad import Value\n"
        "sys.stdout.write(pickle.dumps(Value(2.5, label='x'), 0).decode('ascii'))",
        "python",
    )
    import pickle

    x = pickle.loads(told.stdout.encode("ascii"))
    assert (type(x), x.data, x.label) == (scalargrad.Value, 2.5, "x")


def test_importing_the_package_does_not_import_numpy():
    assert run("import sys, scalargrad; print('numpy' in sys.modules)").stdout.strip() == "False"
