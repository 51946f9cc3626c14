"""`python -m scalargrad`, as a process: what it prints, and how it says that something is wrong."""

import errno
import io
import json
import os
import platform
import re
import subprocess
import sys

import pytest

import scalargrad
from scalargrad.console import main
from scalargrad.console.language import SIGNATURES
from scalargrad.engine import ENGINE, REASON

QUOTIENT = "(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)"
QUOTIENT_PRINTS = """\
value    1.5456448841066441
d/dx     2.0595697955721652
d/dy     1.5922327514838093
"""


@pytest.fixture
def printed(capsys):
    """Run the command in this process, which is quicker; returns what it printed."""

    def run(*arguments):
        assert main(arguments) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


@pytest.fixture
def mistake(capsys):
    """Run the command in this process, which has to fail, with one line; returns that."""

    def run(*arguments):
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err

    return run


# ── results ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_value_and_every_partial_derivative(command):
    done = command(QUOTIENT, "x=3", "y=-4")
    assert (done.stdout, done.stderr, done.returncode) == (QUOTIENT_PRINTS, "", 0)


@pytest.mark.parametrize(
    ("expression", "value", "slope"),
    [("-x*2", 2.0, -2.0), ("--x", -1.0, 1.0), ("-x", 1.0, -1.0), (" -x", 1.0, -1.0), ("--x*2", -2.0, 2.0)],
)
def test_an_expression_may_begin_with_a_minus_sign(printed, expression, value, slope):
    arguments = (expression,) if expression != "--x" else ("--", expression)
    assert printed(*arguments, "x=-1") == f"value    {value}\nd/dx     {slope}\n"


def test_columns_line_up(printed):
    assert printed("height * α", "α=2", "height=3") == "value        6.0\nd/dα         3.0\nd/dheight    2.0\n"


def test_a_variable_that_the_expression_does_not_use_has_the_derivative_zero(printed):
    assert printed("x", "x=1", "y=2") == "value    1.0\nd/dx     1.0\nd/dy     0.0\n"


def test_an_expression_of_numbers_alone(printed):
    assert printed("2 * sin(pi / 2)") == "value    2.0\n"


@pytest.mark.parametrize(("number", "value"), [("nan", "nan"), ("-inf", "-inf"), ("1e3", "1000.0"), (" 2 ", "2.0")])
def test_numbers_are_what_float_takes(printed, number, value):
    assert printed("x", f"x={number}").startswith(f"value    {value}\n")


def test_names_are_normalised_on_both_sides(printed):
    assert printed("a + ａ", "ａ=2") == "value    4.0\nd/da     2.0\n"


def test_a_terminal_without_greek_letters(command):
    done = command("α", "α=2", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.stdout == "value    2.0\nd/d\\u03b1     1.0\n"


def test_options_stand_anywhere(printed):
    usual = printed(QUOTIENT, "x=3", "y=-4", "--tape")
    assert usual == printed("--tape", QUOTIENT, "x=3", "y=-4") == printed(QUOTIENT, "x=3", "--tape", "y=-4")


# ── --tape, --trace, --explain, --json, --draw ──────────────────────────────────────────────────────────────────────────────────────────


def test_tape(printed):
    value, _, tape = printed(QUOTIENT, "x=3", "y=-4", "--tape").partition("\n\n")
    assert value + "\n" == QUOTIENT_PRINTS
    rows = [line.split() for line in tape.splitlines()]
    assert rows[0][0] == "row"
    assert [row[0] for row in rows[1:]] == [f"#{i}" for i in range(9)]
    assert rows[1][:3] == ["#0", "input", "3"]
    assert rows[1][-1] == "x"
    assert rows[2][-1] == "y"


def test_trace(printed):
    out = printed("tanh(x * y) + x", "x=2", "y=0.5", "--trace")
    assert out.startswith("value    2.7")
    assert "\n\nbackward from #4, newest row first" in out
    assert "\n#3  tanh  [tanh(#2)]  grad 1    → #2 += 1 · 0.42 = 0.42 (d tanh(#2)/d#2 = 1 − tanh²(#2) = 0.42)\n" in out
    assert "there already" not in out


def test_explain(printed):
    out = printed("tanh(x * y) + x", "x=2", "y=0.5", "--explain", "x")
    assert out.startswith("value    2.7")
    assert out.splitlines()[4:] == [
        "d#4/dx = 1.21 at x = 2: 2 paths from x to #4, the largest first",
        "  product   share  path",
        "        1  82.6 %  x ─(1)→ #4 +",
        "     0.21  17.4 %  x ─(0.5)→ #2 × ─(0.42)→ #3 tanh ─(1)→ #4 +",
        "all 2 paths: 1 + 0.21 = 1.21",
    ]


@pytest.mark.parametrize("expression", ["x", "2"])
def test_an_expression_without_a_path_is_explained_too(printed, expression):
    assert "d" in printed(expression, "x=1", "--trace", "--explain", "x")


def test_a_variable_to_explain_is_normalised_as_in_an_expression(printed):
    assert "/da = 1 at a = 2" in printed("a + 1", "a=2", "--explain", "ａ")


def test_tape_trace_and_explain_go_together(printed):
    out = printed("x * x", "x=3", "--tape", "--trace", "--explain=x")
    assert out.index("row  operation") < out.index("backward from") < out.index("2 paths")


def test_json(printed):
    out = printed(QUOTIENT, "x=3", "y=-4", "--json")
    gradients = {"x": 2.0595697955721652, "y": 1.5922327514838093}
    assert json.loads(out) == {"value": 1.5456448841066441, "gradients": gradients}
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("expression", "number", "value", "slope"),
    [("sqrt(x)", "0", 0.0, "Infinity"), ("-x", "inf", "-Infinity", -1.0), ("x", "nan", "NaN", 1.0)],
)
def test_json_has_strings_for_what_json_cannot_write(printed, expression, number, value, slope):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    out = json.loads(printed(expression, f"x={number}", "--json"), parse_constant=refuse)
    assert out == {"value": value, "gradients": {"x": slope}}


@pytest.mark.parametrize("expression", ["x * y", "x", "2"])
def test_draw(command, tmp_path, expression):
    done = command(expression, "x=2", "y=3", "--draw", "graph.dot")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith("value    ")
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8").startswith("digraph")


def test_draw_shows_labels_and_gradients(printed, tmp_path):
    printed("width * 5", "width=2", f"--draw={tmp_path / 'graph.dot'}", "--json")
    source = (tmp_path / "graph.dot").read_text(encoding="utf-8")
    assert "width" in source
    assert "grad 5.0" in source


@pytest.mark.parametrize("file", ["graph.bmp", "graph", "no/such/folder/graph.dot", ""])
def test_a_picture_that_cannot_be_saved(mistake, file):
    assert mistake("x", "x=1", "--draw", file).startswith("error: --draw: ")


def test_play(printed, tmp_path):
    path = tmp_path / "steps.html"
    assert printed("x * x", "x=3", "--play", str(path)).endswith(f"\nplayer: {path}\n")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("file", ["-", "steps.svg", "missing/steps.html"])
def test_a_player_that_cannot_be_written(mistake, file):
    assert mistake("x", "x=1", "--play", file).startswith("error: --play: ")


def test_a_picture_that_cannot_be_drawn(mistake, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "graph.pdf"
    assert "PDF takes an installed Graphviz" in mistake("x", "x=1", "--draw", str(path))
    assert not path.exists()


def test_a_long_formula_is_drawn(printed, tmp_path):
    path = tmp_path / "graph.dot"
    printed("+".join(["x"] * 2_500), "x=1", "--draw", str(path))
    assert "×2,500" in path.read_text(encoding="utf-8")


# ── --version, --help ───────────────────────────────────────────────────────────────────────────────────────────────


def test_version(command):
    python = f"{platform.python_implementation()} {platform.python_version()}"
    assert command("--version").stdout == f"scalargrad {scalargrad.__version__}, {ENGINE} engine ({REASON}), {python}\n"


def test_version_tells_why_the_engine_runs(command):
    out = command("--version", SCALARGRAD_ENGINE="python").stdout
    assert "python engine (SCALARGRAD_ENGINE=python asks for it)" in out


def test_help_names_every_option_and_function_and_its_examples_run(command, capsys):
    out = command("--help").stdout
    for word in ("--draw", "--play", "--tape", "--json", "--trace", "--explain", "--version", *SIGNATURES):
        assert word in out
    assert max(map(len, out.splitlines())) <= 80
    examples = re.findall(r"python -m scalargrad (\".*)", out)
    assert len(examples) == 3
    for example in examples:
        expression, assignments = re.fullmatch(r'"(.*)"(.*)', example).groups()
        assert main([expression, *assignments.split()]) == 0


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["x + sine(y)", "x=1", "y=2"], "column 5: there is no function 'sine': did you mean 'sin'?"),
        (["x + y", "x=1"], "column 5: 'y' has no value: give it one after the expression, as y=2"),
        (["(x + 1", "x=1"], "column 1: '(' was never closed: add the other one where it belongs"),
        (
            ["1 + log(x)", "x=-1"],
            "column 5: log(x) is outside its domain at x = -1.0: take other numbers, or write A if CONDITION else B",
        ),
        (["x", "x=abc"], "'abc' in 'x=abc' is not a number: write one, as x=3.5"),
    ],
)
def test_one_line_exit_status_2_and_no_traceback(command, arguments, line):
    done = command(*arguments)
    assert (done.stdout, done.stderr, done.returncode) == ("", f"error: {line}\n", 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x", "x="], "'' in 'x=' is not a number: write one, as x=3.5"),
        (["x", "x==1"], "'=1' in 'x==1' is not a number"),
        (["x", "x=1/3"], "'1/3' in 'x=1/3' is not a number"),
        (["x", "x"], "'x' gives no variable a number: write x=3"),
        (["x", "+", "y", "x=1"], "the whole expression in quotes"),
        (["x", "1=3"], "'1' in '1=3' cannot be the name of a variable"),
        (["x", "=3"], "'' in '=3' cannot be the name of a variable"),
        (["x", "lambda=3"], "'lambda' in 'lambda=3' cannot be the name of a variable"),
        (["x", "x=1", "x=2"], "'x' is given twice: leave x=1.0 or 'x=2' out"),
        (["a", "a=1", "ａ=2"], "'a' is given twice"),
        (["x", "pi=3"], "'pi' in 'pi=3' has a meaning in expressions already: take another name"),
        (["x", "sin=3"], "has a meaning in expressions already"),
        (["x=3"], "'x=3' comes too early: write the expression first"),
        (["x=3", "x + 1"], "'x=3' comes too early"),
        (["--tape"], "there is nothing to show: write an expression first"),
        (["--draw", "graph.svg"], "there is nothing to show"),
        (["--play", "steps.html"], "there is nothing to show"),
        (["x", "x=1", "--draw"], "--draw: expected one argument: see python -m scalargrad --help"),
        (["x", "x=1", "--jsn"], "unrecognized arguments: --jsn: see python -m scalargrad --help"),
        (["x", "x=1", "--js"], "unrecognized arguments: --js"),
        (["x", "x=1", "--json", "--tape"], "not allowed with argument"),
        (["x", "x\n=a\nb"], "is not a number"),
        ([""], "column 1: the expression is empty"),
        (["2 * \n (x + é)"], "column 8: 'x' has no value"),
        (("x * y", "x=1", "y=2", "--explain", "z"), "--explain: 'z' is none of the variables: write one of x, y"),
        (("2", "--explain", "z"), "--explain: 'z' is none of the variables: give the expression one, as x=3"),
        (("x", "x=1", "--explain", ""), "--explain: '' is none of the variables"),
        (("x", "x=1", "--trace", "--json"), "argument --trace: not allowed with argument --json"),
        (("x", "x=1", "--json", "--explain", "x"), "argument --explain: not allowed with argument --json"),
        (("--trace",), "there is nothing to show"),
        (("--explain", "x"), "there is nothing to show"),
    ],
)
def test_mistakes(mistake, arguments, words):
    assert words in mistake(*arguments)


@pytest.mark.parametrize("expression", ["(" * 10_000, "-" * 10_000 + "x", "x + \udcff", "x" * 100_000])
def test_hostile_expressions_fail_in_one_short_line(command, expression):
    done = command(expression, "x=1")
    assert done.returncode == 2
    assert done.stderr.startswith("error: column ")
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 300


# ── output that goes nowhere ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("argument", ["2", "--help", "--version"])
def test_a_reader_that_is_gone_is_no_error(argument, environment):
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "scalargrad", argument]
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, env=environment)
    os.close(writing)
    assert (done.stderr, done.returncode) == (b"", 1)


def test_a_disk_that_is_full(monkeypatch, capsys, tmp_path):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def fileno(self):
            return file.fileno()

    with open(tmp_path / "file", "w") as file:
        monkeypatch.setattr(sys, "stdout", Full())
        assert main(["2"]) == 2
    assert re.fullmatch(r"error: the output cannot be written: .*\n", capsys.readouterr().err)
