"""`trace`: the backward pass told row by row, in the order in which it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalargrad.engine import Value
from scalargrad.engine.messages import not_a_number, shorten

if TYPE_CHECKING:  # who does not ask does not wait for it
    from scalargrad.graph.steps import Trace

__all__ = ["trace"]


def trace(y: Value, *, limit: int | None = 50, step: bool = False) -> Trace:
    """The backward pass from y told row by row, in the order of the sweep, as `y.backward()` would do it.

    It changes no `.grad`. Each row stands there with its operation and its adjoint, which is complete when its turn
    comes, and with what it adds to each operand: adjoint times local derivative. `print` shows the first `limit` rows
    (all of them, if it is None), `.steps` hands all of them out as data. With `step` they are printed one after the
    other, each at a press of Enter. Raises StaleValueError as `backward` does.

    Why do gradients add? Each use of `a` hands a share back:

    >>> a, w, x = Value(3.0, label="a"), Value(-2.0, label="w"), Value(0.5, label="x")
    >>> trace(a + a)
    backward from #1, newest row first: each adds grad · local derivative to the grad of each operand
    <BLANKLINE>
    #1  +  [a + a]  grad 1 → a += 1 · 1 = 1; a += 1 · 1 = 1, so a: 1 + 1 = 2
    <BLANKLINE>
    backward() adds this to the inputs: a 2

    How does the gradient get from a gate's output to its inputs? Times the local derivatives:

    >>> print(trace(w * x).steps[0])
    #2  ×  [w·x]  grad 1 → w += 1 · x(0.5) = 0.5; x += 1 · w(−2) = −2

    What is a local derivative here?

    >>> trace(x.tanh()).steps[0].contributions[0].law
    'd tanh(x)/dx = 1 − tanh²(x)'

    Why does the order of the sweep matter? The turn of t comes last, when both rows that use it have had theirs:

    >>> t = 2 * x
    >>> t.label = "t"
    >>> [step.name for step in trace(t * t.tanh()).steps]
    ['#4', '#3', 't']

    What happens on a second backward()? And why zero the gradients? What is there already is added to:

    >>> y = x * x
    >>> y.backward()
    >>> str(trace(y)).splitlines()[-1], str(trace(10 * x)).splitlines()[-1]
    ('together with what is there already: x 1 + 1 = 2', 'together with what is there already: x 1 + 10 = 11')
    """
    if type(y) is not Value:
        raise TypeError(not_a_number("trace(y) takes a Value", y))
    if limit is not None and (type(limit) is not int or limit < 0):
        raise ValueError(f"limit= is how many rows are shown, or None for all, not {shorten(repr(limit))}")
    from scalargrad.graph.again import follow_or_tell
    from scalargrad.graph.steps import Trace

    found = Trace(follow_or_tell(y), limit)
    if step:
        found.play()
    return found
