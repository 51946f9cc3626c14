"""`explain`: why a gradient is what it is."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, overload

from scalargrad.engine import Value
from scalargrad.engine.messages import not_a_number, shorten
from scalargrad.engine.number import real

if TYPE_CHECKING:  # who does not ask does not wait for it
    from scalargrad.graph.explanation import Explanation, Overview

__all__ = ["explain"]


@overload
def explain(y: Value, x: None = None, *, k: int = 10) -> Overview: ...
@overload
def explain(y: Value, x: Value, *, k: int = 10, move: float | None = None) -> Explanation: ...
def explain(y: Value, x: Value | None = None, *, k: int = 10, move: float | None = None) -> Overview | Explanation:
    """Why dy/dx is what it is: the paths from x to y, and the rows that made it zero, infinite or nan.

    The gradient is the sum over all paths of the product of the local derivatives along each. All paths are counted,
    and the k with the largest products are listed, largest first. Where the gradient is zero, infinite or nan, the
    rows that made it so are named, with their source lines if they were recorded within `with scalargrad.debug():`.
    `explain(y)` gives one line for each input. No `.grad` is changed. Raises StaleValueError as `backward` does, with a
    note that tells which rows are out of date; ValueError unless k is 1 at least, and move finite.

    Which path dominates?

    >>> from scalargrad import relu
    >>> x, w = Value(3.0, label="x"), Value(-2.0, label="w")
    >>> print(explain(x * x * x + x, x))
    d#3/dx = 28 at x = 3: 4 paths from x to #3, the largest first
      product   share  path
            9  32.1 %  x ─(9)→ #2 × ─(1)→ #3 +
            9  32.1 %  x ─(3)→ #1 × ─(3)→ #2 × ─(1)→ #3 +
            9  32.1 %  x ─(3)→ #1 × ─(3)→ #2 × ─(1)→ #3 +
            1   3.6 %  x ─(1)→ #3 +
    all 4 paths: 9 + 9 + 9 + 1 = 28

    Why is my neuron dead?

    >>> print(explain(relu(w * x), w).causes[0])
    #3 ReLU [relu(#2)] is off: d relu(#2)/d#2 = 0 if #2 ≤ 0 else 1 = 0 at #2 = −6

    Where did this nan come from?

    >>> z = Value(0.0, label="z")
    >>> print(explain(0.0 * z.sqrt(), z).causes[0])
    #1 sqrt [sqrt(z)]: its gradient times its local derivative is 0 · inf = nan

    What changes when I move the input a little? With `move`, y is computed again: a `where` keeps to its choice, and
    a branch of your program to its side.

    >>> explain(x * x, x, move=0.01).moved
    Move(by=0.01, foretold=0.06, actual=0.06009999999999849)

    What did my change to the data after recording break?

    >>> y = x * x
    >>> x.data = 5.0
    >>> explain(y, x)
    Traceback (most recent call last):
        ...
    scalargrad.errors.StaleValueError: the data of an input labelled 'x' was set, and is now 5.0, after this expression \
was recorded: compute the expression again, or use x.detach() for what shall keep the old number
    out of date are 1 of its 1 row(s): #1 = x·x is 9, and would be 25
    """
    for v in (y, y if x is None else x):
        if type(v) is not Value:
            raise TypeError(not_a_number("explain(y, x) takes Values", v))
    if type(k) is not int or k < 1:
        raise ValueError(f"k= is how many paths are listed, 1 at least, not {shorten(repr(k))}")
    if move is not None and not isfinite(move := real("move= is a real number, how far to move x", move)):
        raise ValueError(f"move= is a finite number, how far to move x, not {move}")
    from scalargrad.graph.again import follow_or_tell
    from scalargrad.graph.explanation import Explanation, Ground, Overview

    ground = Ground(follow_or_tell(y))
    return Overview(ground, k) if x is None else Explanation(ground, x, k, move)
