"""`python -m scalargrad` without an expression: a REPL in IPython, or in Python's own console where that is missing."""

import re

import pytest

import scalargrad
from scalargrad import graph, nn
from scalargrad.console.repl import namespace
from scalargrad.engine import ENGINE

WITHOUT_IPYTHON = """\
import sys
sys.modules["IPython"] = None
from scalargrad.console import main
sys.exit(main([]))
"""


SESSION = """\
x = Value(3.0)
y = x * 2
x, y
w = [Value(11.0), Value(12.0)]
w
speed = Value(21.0, label="velocity")
speed
again = Value(31.0)
again = Value(32.0)
again
Value(41.0)
_
failed = Value(51.0); 1 / 0
failed
def twice(x):
    return 2 * x

z = twice(Value(30.5))
z
knot = []; knot.append(knot)
log(-71)
"after" + " all"
"""


@pytest.fixture(params=["IPython", "standard"])
def start(request, python):
    """Start a REPL, and type these lines into it."""

    def type_in(lines):
        arguments = ("-m", "scalargrad") if request.param == "IPython" else ("-c", WITHOUT_IPYTHON)
        done = python(*arguments, stdin=lines, NO_COLOR="1", TERM="dumb")
        assert ("In [1]" in done.stdout) == (request.param == "IPython")
        return done

    return type_in


def test_a_session(start):
    done = start(SESSION)
    out = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)  # without IPython's colours
    assert done.returncode == 0

    # the banner
    assert f"scalargrad {scalargrad.__version__}, {ENGINE} engine" in out
    assert "Try:" in out

    # assigned Values have the names of their variables, the first one they had; others have none
    assert "(Value(3.0, label='x'), Value(6.0, label='y'))" in out
    assert "[Value(11.0, label='w[0]'), Value(12.0, label='w[1]')]" in out
    assert "Value(21.0, label='velocity')" in out
    assert "Value(32.0, label='again')" in out
    assert out.count("Value(41.0)") == 2
    assert "Value(51.0, label='failed')" in out
    assert "Value(61.0, label='z')" in out

    # an error is shown as itself, and the session goes on
    assert "ZeroDivisionError" in out
    assert "ValueError: log(" in out
    assert "During handling" not in out
    assert "after all" in out


def test_leaving(start):
    done = start("exit()\nprint('still' + 'there')\n")
    assert "stillthere" not in done.stdout
    assert done.returncode == 0


def test_everything_is_imported():
    names = namespace()
    assert {name: names[name] for name in scalargrad.__all__} == {n: getattr(scalargrad, n) for n in scalargrad.__all__}
    assert names["draw"] is graph.draw
    assert names["nn"] is nn
