"""The page 'Property-test your own numeric code in five minutes': its code runs, and fails as it says."""

import re
from pathlib import Path

import pytest

from scalargrad import gate
from scalargrad.testing import GradientCheckError, check_gate
from scalargrad.testing.expression import Expression, Operation

PAGE = (Path(__file__).parents[2] / "examples" / "property_testing.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.S | re.M)


def test_the_code_of_the_page_passes(tmp_path, session):
    (tmp_path / "test_page.py").write_text("\n".join(blocks("python")), encoding="utf-8")
    printed = session("-q")
    assert re.search(rf"^{PAGE.count('def test_')} passed", printed, re.M), printed


@gate(derivatives=lambda x, y: (1 / y, x / y))
def quotient(x, y):
    return x / y


def test_the_message_on_the_page_is_the_one_that_comes():
    with pytest.raises(GradientCheckError) as error:
        check_gate(quotient)
    found = re.sub(r"\S*test_page.py:\d+", "test_page.py:0", f"GradientCheckError: {error.value}\n")
    assert found == re.sub(r"test_page.py:\d+", "test_page.py:0", blocks("text")[0])


def test_the_program_on_the_page_is_one():
    steps = (Operation("abs", (0,)), Operation("add", (1, 1.0)), Operation("log", (2,)))
    assert f"{Expression((-1.0,), steps)}\n" == blocks("text")[1]
