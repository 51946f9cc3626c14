"""Long checks of the native engine, each in an environment of its own: `nox -s sanitize`, `nox -s fuzz`.

They need gcc (or clang) on Linux, and take minutes: `nice nox -s sanitize -- -n 2`. What follows `--` goes to
pytest, or to the fuzzer. Each works on a copy of the sources, so that no engine built here is left among them.
"""

import shutil
import subprocess
from pathlib import Path

import nox

nox.options.sessions = ["sanitize"]

# All that records; the others of tests/test_*.py are about the package or the suite, and draw, build, measure.
OTHERS = {"test_benchmarks.py", "test_engines.py", "test_examples.py", "test_packaging.py", "test_readme.py"}
RECORDING = sorted(str(path) for path in Path("tests").glob("test_*.py") if path.name not in OTHERS)
SUITE = ("tests/engine", *RECORDING, "tests/nn", "tests/transforms")

# Every Value is allocated and freed on its own here, for a kept one would hide its use after its death.
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g -DMOST_FREE=0"


def copy_sources(session: nox.Session) -> None:
    """Go on in a copy of the sources."""
    copy = Path(session.create_tmp()) / "sources"
    shutil.rmtree(copy, ignore_errors=True)
    built = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "*.so", "*.pyd", "native.c", "__pycache__")
    shutil.copytree(".", copy, ignore=built)
    session.chdir(copy)


def library(name: str) -> str:
    """Where the compiler keeps one of its libraries."""
    told = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return str(Path(told.stdout.strip()).resolve())


def sanitized(session: nox.Session) -> dict[str, str]:
    """Install the package with a native engine that AddressSanitizer and UndefinedBehaviorSanitizer watch.

    Gives the environment that it runs in: Python itself is not built this way, so their library is loaded first, and
    all memory comes from malloc, which they watch. Processes that a test starts inherit all of it. Leaks are not
    looked for, for Python keeps much to the end; tests/engine/test_leaks.py counts.
    """
    copy_sources(session)
    session.install("-e", ".[test]", env={"SCALARGRAD_BUILD": "native", "CFLAGS": SANITIZERS})
    return {
        "LD_PRELOAD": f"{library('libasan.so')} {library('libstdc++.so')}",
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "SCALARGRAD_ENGINE": "native",
        "REQUIRE_NATIVE": "1",
    }


@nox.session
def sanitize(session: nox.Session) -> None:
    """The suite of all that records, on an engine that the sanitizers watch."""
    environment = sanitized(session)
    chosen = any(Path(word.partition("::")[0]).exists() for word in session.posargs)
    session.run("python", "-m", "pytest", "-q", *session.posargs, *(() if chosen else SUITE), env=environment)


@nox.session
@nox.parametrize("build", ["plain", "sanitized"])
def fuzz(session: nox.Session, build: str) -> None:
    """Random byte strings as programs, on both engines: `nox -s "fuzz(build='plain')" -- --seconds 600`."""
    if build == "sanitized":
        environment = sanitized(session)
    else:
        copy_sources(session)
        session.install("-e", ".[test]", env={"SCALARGRAD_BUILD": "native"})
        environment = {"REQUIRE_NATIVE": "1"}
    session.run("python", "-m", "tests.engine.fuzz", *session.posargs, env=environment)
