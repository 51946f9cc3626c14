"""What the README promises, run."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def command(heading: str) -> str:
    """The first code block under a heading."""
    section = README[README.index(f"\n## {heading}\n") :]
    return re.search(r"^```[a-z]*\n(.*?)^```", section, re.S | re.M)[1]


def test_the_tour_runs_and_shows_what_it_says():
    failed, attempted = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert attempted >= 9
    assert failed == 0


@pytest.mark.parametrize("heading", ["Try it", "Test it"])
def test_each_of_the_two_commands_is_one_line_that_sets_up_everything(heading):
    assert command(heading).count("\n") == 1
    assert "venv" in command(heading)


def test_the_command_of_try_it_shows_the_value_and_the_gradients(tmp_path, monkeypatch, capsys):
    from scalargrad.console import main

    arguments = re.search(r"-m scalargrad (.*)", command("Try it"))[1]
    expression, *rest = re.match(r'"(.*)" (.*)', arguments).groups()
    monkeypatch.chdir(tmp_path)
    assert main([expression, *rest[0].split()]) == 0
    printed = capsys.readouterr().out
    assert all(number in printed for number in ("1.5456448841066441", "2.0595697955721652", "1.5922327514838093"))
    assert (tmp_path / "staged.png").stat().st_size > 5000


def test_every_link_and_picture_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_nobody_is_told_to_install_somebody_elses_package():
    texts = [p for p in ROOT.rglob("*") if p.suffix in (".md", ".py", ".toml") and ".venv" not in p.parts]
    wrong = re.compile(r"pip install (-\S+ )*[\"']?scalargrad(?!-tape)\b")
    assert not [p for p in texts if wrong.search(p.read_text(encoding="utf-8"))]
