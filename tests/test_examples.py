"""Every script in examples/ runs as a reader would run it: what it teaches it asserts, and so do its pictures exist.

Each is a process of its own in a folder of its own, so they run in any order and side by side.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
PROGRESS = re.compile(r"\d+%\|")  # what a progress bar writes to stderr


def run(example: Path, folder: Path, *arguments: str) -> str:
    """Run it in that folder; it must succeed, with nothing but progress on stderr. Returns what it printed."""
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, str(example), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    complaints = [line for line in re.split(r"[\r\n]+", done.stderr) if line.strip() and not PROGRESS.search(line)]
    assert complaints == []
    return done.stdout


def size_of(picture: Path) -> tuple[int, int]:
    """The width and height that a PNG declares."""
    start = picture.read_bytes()[:24]
    assert start[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(start[16:20], "big"), int.from_bytes(start[20:24], "big")


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example: Path, tmp_path: Path) -> None:
    printed = run(example, tmp_path)
    assert len(printed.splitlines()) >= 5

    pictures = sorted((tmp_path / "pictures").iterdir())
    assert pictures
    for picture in pictures:
        assert picture.stem.startswith(example.stem)
        assert str(Path("pictures", picture.name)) in printed
        if picture.suffix == ".png":
            assert min(size_of(picture)) >= 100
        assert picture.stat().st_size > 4_000  # a blank one is smaller


def test_the_folder_can_be_named(tmp_path: Path) -> None:
    printed = run(EXAMPLES[0], tmp_path, "some/where")
    (picture,) = (tmp_path / "some" / "where").iterdir()
    assert str(Path("some", "where", picture.name)) in printed


def test_a_cluster_survives_the_death_of_a_worker(tmp_path: Path) -> None:
    (example,) = (path for path in EXAMPLES if path.stem == "18_monte_carlo_on_a_cluster")
    printed = run(example, tmp_path, "--chunks=8", "--paths=100", "--kill")
    assert "2 workers, of which one was killed, give what one process gives" in printed
