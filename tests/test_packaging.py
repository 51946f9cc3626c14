"""What is packed installs, away from the source tree, under every Python from 3.11 that is here, and runs."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine_free  # what is installed picks its own

ROOT = Path(__file__).parents[1]
SMOKE = ROOT / "tests" / "smoke.py"

PROBE = """
import json, os, sys, sysconfig, venv
headers = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
print(json.dumps({
    "version": sys.version_info[:2],
    "place": os.path.realpath(sys.base_prefix),
    "executable": os.path.realpath(sys.executable),
    "can build": headers and not sysconfig.get_config_var("Py_GIL_DISABLED"),
}))
"""


def probe(command: str) -> dict:
    """What an interpreter says of itself; nothing if it does not run, as a version manager's stand-in may not."""
    done = subprocess.run([command, "-I", "-c", PROBE], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def pythons() -> dict[str, dict]:
    """Every CPython from 3.11 on that the machine has: this one, those on PATH, and those installed beside this one."""
    names = [f"python3.{minor}" for minor in range(11, 30)]
    folders = [*map(Path, os.get_exec_path()), *Path(sys.base_prefix).parent.glob("*/bin")]
    commands = [sys.executable, *[str(folder / name) for folder in folders for name in names]]
    if launcher := shutil.which("py"):  # of Windows
        listed = subprocess.run([launcher, "-0p"], capture_output=True, text=True).stdout
        commands += [line.rpartition("  ")[2].strip() for line in listed.splitlines()]
    found: dict[str, dict] = {}
    places = set()
    for command in commands:
        if os.path.exists(command) and (told := probe(command)) and told["version"] >= [3, 11]:
            if (place := (told["place"], *told["version"])) in places:
                continue
            places.add(place)
            name = "{}.{}".format(*told["version"])
            found[name if name not in found else f"{name} in {told['place']}"] = told
    return found


PYTHONS = pythons()
THIS = next(iter(PYTHONS.values()))
COMPILER = sys.platform == "win32" or any(map(shutil.which, ("cc", "gcc", "clang")))  # on Windows it is not on PATH

#: What keeps a build from finding a compiler; on Windows, where none is on PATH, that nobody looks elsewhere for it.
NO_COMPILER = {"DISTUTILS_USE_SDK": "1"} if sys.platform == "win32" else {"CC": "no-such-compiler"}


def run(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run, with nothing in the environment that would lead to the source tree or choose an engine."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "SCALARGRAD", "COVERAGE"))} | environment
    return subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True)


def succeed(*command: object, cwd: Path, **environment: str) -> str:
    """The same, for what is to succeed: what it printed."""
    done = run(*command, cwd=cwd, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution."""
    tree, dist = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("sdist")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    unwanted = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    shutil.copytree(ROOT / "scalargrad", tree / "scalargrad", ignore=unwanted)
    (tree / "scalargrad" / "engine" / "native.c").write_text("#error left over from another build\n")
    succeed(sys.executable, "-m", "build", "--sdist", "--outdir", dist, cwd=tree)
    (found,) = dist.iterdir()
    return found


def virtual(python: dict, folder: Path) -> Path:
    """The interpreter of a fresh virtual environment. It gets no pip, which not every Python brings: ours serves it."""
    succeed(python["executable"], "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def wheel_of(sdist: Path, python: Path, folder: Path, **environment: str) -> Path:
    """The wheel that a Python builds."""
    pip = (sys.executable, "-m", "pip", "--python", python)
    succeed(
        *pip, "wheel", "--no-cache-dir", "--no-deps", "--wheel-dir", folder / "dist", sdist, cwd=folder, **environment
    )
    (found,) = (folder / "dist").iterdir()
    return found


def installed(wheel: Path, python: Path, engine: str, folder: Path) -> None:
    """Install the wheel and try it."""
    succeed(sys.executable, "-m", "pip", "--python", python, "install", wheel, cwd=folder)
    place = succeed(python, "-I", SMOKE, engine, cwd=folder)
    assert Path(place.strip()).is_relative_to(folder)
    told = succeed(python, "-I", "-m", "scalargrad", "--version", cwd=folder)
    assert f"{engine} engine" in told


def test_the_source_distribution_has_the_native_source_and_nothing_generated(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = [path for kind in ("py", "pyx", "pxi") for path in (ROOT / "scalargrad").rglob(f"*.{kind}")]
    assert names >= {"setup.py", "pyproject.toml", "LICENSE", "scalargrad/py.typed"}
    assert names >= {str(path.relative_to(ROOT)) for path in sources}
    assert not [name for name in names if name.endswith((".c", ".so", ".pyd", ".pyc"))]


@pytest.mark.parametrize("name", PYTHONS)
def test_it_installs_under_every_python(name, sdist, tmp_path):
    python = virtual(PYTHONS[name], tmp_path / "venv")
    wheel = wheel_of(sdist, python, tmp_path)
    engine = "native" if COMPILER and PYTHONS[name]["can build"] else "python"
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith((".c", ".pyc"))]
    installed(wheel, python, engine, tmp_path)


def test_it_installs_without_a_compiler(sdist, tmp_path):
    python = virtual(THIS, tmp_path / "venv")
    installed(wheel_of(sdist, python, tmp_path, **NO_COMPILER), python, "python", tmp_path)
    failed = run(python, "-I", "-c", "import scalargrad", cwd=tmp_path, SCALARGRAD_ENGINE="native")
    assert "SCALARGRAD_ENGINE=native, but the native engine cannot be imported" in failed.stderr


def test_the_output_of_pip_tells_why_there_is_no_native_engine(sdist, tmp_path):
    command = (
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-v",
        "--no-cache-dir",
        "--no-deps",
        "--wheel-dir",
        tmp_path,
        sdist,
    )
    done = run(*command, cwd=tmp_path, **NO_COMPILER)
    assert done.returncode == 0
    assert 'building extension "scalargrad.engine.native" failed' in done.stdout + done.stderr


def test_a_wheel_without_the_native_engine_is_for_everywhere(sdist, tmp_path):
    python = virtual(THIS, tmp_path / "venv")
    wheel = wheel_of(sdist, python, tmp_path, SCALARGRAD_BUILD="pure")
    assert wheel.name.endswith("-py3-none-any.whl")
    page = [path for path in (ROOT / "scalargrad/graph/player").iterdir() if path.suffix in (".html", ".css", ".js")]
    assert page
    assert {path.relative_to(ROOT).as_posix() for path in page} <= set(zipfile.ZipFile(wheel).namelist())
    installed(wheel, python, "python", tmp_path)


@pytest.mark.parametrize(
    ("build", "message"),
    [("native", "scalargrad.engine.native"), ("fast", "SCALARGRAD_BUILD='fast' is not one of auto, native, pure")],
)
def test_a_build_that_cannot_be_had_fails(build, message, sdist, tmp_path):
    command = (sys.executable, "-m", "pip", "wheel", "--no-cache-dir", "--no-deps", "--wheel-dir", tmp_path, sdist)
    done = run(*command, cwd=tmp_path, SCALARGRAD_BUILD=build, **NO_COMPILER)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
