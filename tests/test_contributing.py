"""What CONTRIBUTING.md says of the code is so."""

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine_free

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "scalargrad"
LINES = [
    re.findall(r"`(\w+)(?:\.py|/)`", line.split("|")[1])
    for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]


def parts():
    """The files and directories of the package that are named in the table, by their names in an import."""
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    return sorted(found - {"__init__", "__main__", "_version"})


def imported(part):
    """What a file or directory of the package imports, also within functions."""
    path = PACKAGE / part
    for file in [*path.rglob("*.py")] if path.is_dir() else [path.with_suffix(".py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                yield from [f"{node.module}.{alias.name}" for alias in node.names]


def test_every_part_has_its_line():
    assert sorted(part for line in LINES for part in line) == parts()


@pytest.mark.parametrize("part", parts())
def test_a_part_imports_only_from_the_lines_above(part):
    line = next(i for i, names in enumerate(LINES) if part in names)
    below = {name for names in LINES[line:] for name in names} - {part}
    assert not {name.split(".")[1] for name in imported(part) if name.startswith("scalargrad.")} & below


def test_what_makes_machine_code_knows_no_backend():
    assert not [name for name in imported("program/machine") if name.startswith("scalargrad.program.backends")]
