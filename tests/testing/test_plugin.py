"""The pytest plugin, in sessions of their own."""

import re

import pytest

from scalargrad import Value

TESTS = """
import pytest
from scalargrad import Tape, Value, current_tape

seen = []

def test_fixture(tape):
    y = Value(2.0) * 3
    assert len(tape) == 2
    assert y.tape is tape is current_tape()

@pytest.fixture
def parameter():
    return Value(1.0)

@pytest.mark.parametrize("i", range(3))
def test_fresh(i, parameter):
    assert parameter.tape is current_tape()
    assert current_tape() not in seen
    seen.append(current_tape())

def test_two_tapes():
    x = Value(2.0, label="x")
    with Tape():
        z = Value(3.0, label="z") * 2
    assert x * x == z

def test_approx():
    x = Value(2.0, label="x")
    y = x
    for _ in range(30):
        y = y * 1.5
    assert y == pytest.approx(6.0)
"""


@pytest.fixture
def printed_by(tmp_path, session):
    """A function that runs these tests and returns what pytest prints."""

    def run(*options, ini=""):
        (tmp_path / "test_it.py").write_text(TESTS)
        (tmp_path / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
        return session(*options)

    return run


def failed(printed):
    return re.findall(r"^FAILED \S*::(\S+)", printed, re.M)


def test_the_fixture_is_a_fresh_tape_and_the_others_share_theirs(printed_by):
    assert failed(printed_by()) == ["test_fresh[1]", "test_fresh[2]", "test_two_tapes", "test_approx"]


@pytest.mark.parametrize(("options", "ini"), [(["--fresh-tape"], ""), ([], "scalargrad_fresh_tape = true")])
def test_every_test_and_its_fixtures_may_have_a_fresh_tape(options, ini, printed_by):
    assert failed(printed_by(*options, ini=ini)) == ["test_two_tapes", "test_approx"]


def test_a_failed_comparison_shows_the_last_rows_of_both_tapes(printed_by):
    printed = printed_by("--fresh-tape")
    assert "assert Value(4.0) == Value(6.0)" in printed
    assert re.search(
        r"the last of 2 rows on the tape of the left:\nE +row +operation.*\n.*input.* x\n.*mul +#0, #0", printed
    )
    assert re.search(
        r"the last of 2 rows on the tape of the right:\nE +row +operation.*\n.*input.* z\n.*mul +#0, 2", printed
    )


def test_a_failed_approx_shows_the_end_of_the_tape_and_more_with_vv(printed_by):
    brief, long = printed_by(), printed_by("-vv")
    assert "== 6.0 ± 6.0e-06" in brief
    assert brief.count("#") < long.count("#")


@pytest.mark.parametrize(("v", "equal"), [(6.0, True), (6.000001, True), (6.1, False)])
def test_approx_means_what_it_says(v, equal):
    assert (Value(v) == pytest.approx(6.0)) is equal
    assert ([Value(v)] == pytest.approx([6.0])) is equal
    assert ({"v": Value(v)} == pytest.approx({"v": 6.0})) is equal
