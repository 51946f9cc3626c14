"""What the docstrings show, run."""

import doctest
import importlib
from pathlib import Path

import pytest

import scalargrad

PACKAGE = Path(scalargrad.__file__).parent


def examples():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for found in doctest.DocTestFinder().find(importlib.import_module(name)):
            if found.examples:
                yield pytest.param(found, id=found.name)


@pytest.mark.parametrize("found", [*examples()])
def test_the_examples_give_what_they_show(found):
    told = []
    assert doctest.DocTestRunner().run(found, out=told.append).failed == 0, "".join(told)
