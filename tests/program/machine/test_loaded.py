"""Machine code that is loaded: compiled once, kept in a directory, run by many threads, and given back."""

import gc
import os
import random
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

from scalargrad.errors import ProgramError
from scalargrad.program.backends import llvm
from scalargrad.program.code import Code, Row
from scalargrad.program.machine import functions, loaded
from scalargrad.program.machine.host import host
from scalargrad.rules import RULES
from tests.program.codes import (
    NONE,
    random_code,
    run,
)

pytestmark = pytest.mark.engine_free


@pytest.fixture
def compilations(monkeypatch):
    """How often something is compiled: the widths, in order."""
    made, real = [], loaded.object_file
    monkeypatch.setattr(loaded, "object_file", lambda code, width: made.append(width) or real(code, width))
    return made


def some_code(constant=1.0, line=None):
    return Code(1, 0, (constant,), (Row(RULES["add"], (0, 1), line=line), Row(RULES["exp2"], (2,))), (3,))


def test_it_compiles_when_it_runs_and_once(compilations):
    runner = llvm.prepare(some_code(10.25))
    assert compilations == []
    for _ in range(2):
        assert runner(np.ones((1, 1)), NONE).outputs[0, 0] == 2.0**11.25
    assert compilations == [1]
    for _ in range(2):
        runner(np.ones((3, 1)), NONE)
    assert compilations == [1, host().width]


def test_codes_of_equal_content_share_what_is_compiled(compilations):
    runners = [llvm.prepare(some_code(constant, line)) for constant, line in ((0.0, "a:1"), (0.0, "b:2"), (-0.0, None))]
    for runner in runners:
        runner(np.ones((1, 1)), NONE)
    assert compilations == [1, 1]


def test_what_nobody_needs_is_forgotten(compilations):
    for _ in range(2):
        llvm.prepare(some_code(20.5))(np.ones((1, 1)), NONE)
    assert compilations == [1, 1]


def test_a_directory_keeps_what_was_compiled(compilations, tmp_path, monkeypatch):
    monkeypatch.setenv("SCALARGRAD_CACHE", str(tmp_path / "made" / "here"))
    for _ in range(3):
        assert run(some_code(3.5), [[0.5]]).outputs.tolist() == [[16.0]]
        assert run(some_code(3.5), [[0.5], [1.5]]).outputs.tolist() == [[16.0], [32.0]]
    assert compilations == [1, host().width]
    files = list((tmp_path / "made" / "here").iterdir())
    assert len(files) == 2
    if sys.platform != "win32":
        assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[:50],
        lambda text: text[:-1],
        lambda text: text[:200] + bytes([text[200] ^ 1]) + text[201:],
        lambda text: text[:30] + bytes([text[30] ^ 1]) + text[31:],
        lambda text: b"something else" * 1000,
    ],
)
def test_a_damaged_file_is_as_good_as_none(damage, compilations, tmp_path, monkeypatch):
    monkeypatch.setenv("SCALARGRAD_CACHE", str(tmp_path))
    run(some_code(4.5), [[0.5]])
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert run(some_code(4.5), [[0.5]]).outputs.tolist() == [[32.0]]
    assert compilations == [1, 1]
    assert file.read_bytes() == whole  # written anew


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_file_that_others_can_write_is_not_run(compilations, tmp_path, monkeypatch):
    monkeypatch.setenv("SCALARGRAD_CACHE", str(tmp_path))
    run(some_code(5.5), [[0.5]])
    (file,) = tmp_path.iterdir()
    file.chmod(0o666)
    run(some_code(5.5), [[0.5]])
    assert compilations == [1, 1]


def test_a_directory_that_cannot_be_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCALARGRAD_CACHE", str(tmp_path / "file"))
    assert run(some_code(6.5), [[0.5]]).outputs.tolist() == [[128.0]]


def test_threads_change_nothing(monkeypatch):
    code = random_code(random.Random(5), rows=100)
    points = np.random.default_rng(5).normal(size=(1003, code.inputs))
    shared = np.array([0.5, -2.0])
    runner = llvm.prepare(code)
    monkeypatch.setattr(llvm, "_WORTH_A_THREAD", 0)
    found = []
    for count in (1, 2, 3, 200):
        monkeypatch.setenv("SCALARGRAD_THREADS", str(count))
        found.append([array.tobytes() for array in runner(points, shared)])
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_a_wrong_number_of_threads_is_named(text, monkeypatch):
    monkeypatch.setenv("SCALARGRAD_THREADS", text)
    monkeypatch.setattr(llvm, "_WORTH_A_THREAD", 0)
    with pytest.raises(ProgramError, match="SCALARGRAD_THREADS"):
        run(some_code(), [[1.0]] * 64)


def test_threads_compile_and_run_the_same_code():
    code = random_code(random.Random(6), rows=500)
    points, shared = np.random.default_rng(6).normal(size=(40, code.inputs)), np.zeros(2)
    want = [array.tobytes() for array in llvm.prepare(code)(points, shared)]
    runner, found = llvm.prepare(code), []

    def work():
        for _ in range(20):
            one = [runner(points[k : k + 1], shared).outputs for k in range(4)]
            found.append(([array.tobytes() for array in runner(points, shared)], np.concatenate(one).tobytes()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert all(lanes == want and one == found[0][1] for lanes, one in found)


def test_an_interrupt_within_python_gets_out(monkeypatch):
    def interrupted(*xs):
        raise KeyboardInterrupt

    monkeypatch.setattr(functions.FLOATS, "lgamma", interrupted)
    function = functions._python("lgamma", 1)
    assert function(1.0) == 0.0
    with pytest.raises(KeyboardInterrupt):
        functions.caught()
    functions.caught()  # once


FORK = """
import os
import numpy as np
from scalargrad.program.backends import llvm
from scalargrad.program.code import Code, Row
from scalargrad.rules import RULES

llvm._WORTH_A_THREAD = 0
runner, points = llvm.prepare(Code(1, 0, (7.5,), (Row(RULES["add"], (0, 1)),), (2,))), np.ones((64, 1))
runner(points, np.empty(0))
child = os.fork()
if child == 0:
    os._exit(0 if (runner(points, np.empty(0)).outputs == 8.5).all() else 2)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_process_that_was_forked_has_threads_of_its_own():
    environment = os.environ | {"SCALARGRAD_THREADS": "2"}  # alone, for JAX warns of forks
    assert subprocess.run([sys.executable, "-c", FORK], env=environment, timeout=60).returncode == 0


def test_memory_is_given_back():
    """Of some codes that are forgotten, however many there were."""

    engines = []
    for k in range(200):
        runner = llvm.prepare(some_code(1000.0 + k))
        runner(np.ones((1, 1)), NONE)
        engines.append(weakref.ref(runner.compiled[1].engine))
    del runner
    gc.collect()
    assert not any(engine() for engine in engines)
    assert not any(key for key, made in loaded._alive.items() if made.code.constants[0] >= 1000.0)


def test_without_llvmlite_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    host.cache_clear()
    try:
        with pytest.raises(ProgramError, match=r'pip install "scalargrad-tape\[jit\]"'):
            llvm.prepare(some_code())
    finally:
        host.cache_clear()


FAR_APART = """
import mmap, random
import numpy as np
from scalargrad.program.backends import llvm
from scalargrad.program.code import Code, Row
from scalargrad.rules import RULES

rng, held = random.Random(1), []
for size in [3, 3_000, 50, 10_000] * 4:
    for _ in range(rng.randrange(1, 6)):  # take the places in memory that are near
        held.append(mmap.mmap(-1, rng.choice([1 << 12, 1 << 20, 1 << 28, 1 << 30])))
    del held[: rng.randrange(4)]
    rows = [Row(RULES["mul"], (at - 1, rng.randrange(at))) for at in range(2, size)]
    code = Code(1, 0, (float(size),), tuple(rows), (size - 1,))
    llvm.prepare(code)(np.ones((9, 1)), np.empty(0))
    held.append(mmap.mmap(-1, 1 << 30))
"""


def test_code_finds_its_constants_however_memory_is_cut_up():
    assert subprocess.run([sys.executable, "-c", FAR_APART], timeout=120).returncode == 0
