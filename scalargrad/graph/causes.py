"""Why an adjoint is zero, infinite or nan: the rows that made it so.

The adjoint of a row is a sum of shares, one for each use of it. A share is zero, infinite or nan because the adjoint
of the user is, and then the question goes on to that one; or because of what happens in that very step, and then the
cause is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, isinf, isnan

from scalargrad.graph.model import Pass, Row
from scalargrad.graph.names import Names
from scalargrad.graph.paths import Path
from scalargrad.graph.spelling import brief

__all__ = ["Cause", "causes", "nearly", "origin"]


@dataclass(frozen=True, slots=True)
class Cause:
    """A row that made a gradient zero, infinite or nan. `str` is the sentence.

    row   the row; None if there is none to blame, because nothing connects the two Values
    kind  zero, infinite or nan: "off", "saturated", "flat", "steep", "undefined", "not chosen", "nearly saturated", "cancels", "underflow",
          "overflow", "0 · inf", "inf − inf", "a nan", "not connected"
    text  what happened there
    line  the source line that recorded the row, if debug was on
    """

    row: Row | None
    kind: str
    text: str
    line: str | None

    def __str__(self) -> str:
        return f"{self.text}, recorded at {self.line}" if self.line else self.text


#: What a derivative of zero is called where it is that of a function which is flat far out.
_FLAT = {"relu": "off", "leaky_relu": "off"} | dict.fromkeys(
    ("tanh", "sigmoid", "softplus", "gelu", "erf", "erfc", "exp", "exp2", "expm1", "atan", "logsumexp"), "saturated"
)

_SMALL = 1e-3


def causes(found: Pass, names: Names, start: int, consumers: list[list[tuple[int, int]]]) -> Iterator[Cause]:
    """What made the adjoint of a node zero, infinite or nan, or kept the pass from reaching it; nearest first."""
    seen, waiting = {start}, [start]
    for i in waiting:  # which grows meanwhile
        for item in _step(found, names, i, consumers[i]):
            if isinstance(item, Cause):
                yield item
            elif item not in seen:
                seen.add(item)
                waiting.append(item)


def _step(found: Pass, names: Names, i: int, uses: list[tuple[int, int]]) -> Iterator[Cause | int]:
    """For one node: causes, and the users that have the answer because their adjoint is as bad."""
    nodes, adjoint = found.expression.nodes, found.adjoints[i]
    shares: list[tuple[int, int, float, float]] = []
    missed: list[Cause | int] = []
    for user, place in reversed(uses):
        above, slope = found.adjoints[user], nodes[user].edges[place].derivative
        if slope is None:
            missed.append(_not_chosen(found, names, user, place))
        elif above is None:
            missed.append(user)
        else:
            shares.append((user, place, above, slope))
    if adjoint is None:
        yield from missed
        return
    numbers = [above * slope for _, _, above, slope in shares]
    if numbers and (any(numbers) if adjoint == 0 else not any(_alike(share, adjoint) for share in numbers)):
        yield _sum(found, names, i, numbers)
    if adjoint == 0 and any(numbers):
        return  # the others have no part in it
    for (user, place, above, slope), share in zip(shares, numbers):
        if not isfinite(share) or adjoint == 0:
            yield from _share(found, names, user, place, above, slope)
    if adjoint == 0:
        yield from missed


def _share(found: Pass, names: Names, user: int, place: int, above: float, slope: float) -> Iterator[Cause | int]:
    """Why a share, the product of these two, is zero, infinite or nan."""
    share = above * slope
    if _alike(above, share):
        yield user
    elif _alike(slope, share):
        yield _slope(found, names, user, place)
    elif isnan(share):
        text = f"{names.title(user)}: its gradient times its local derivative is {brief(above)} · {brief(slope)} = nan"
        yield _cause(found, user, "0 · inf", text)
        yield _slope(found, names, user, place)
        yield user
    else:
        size = "small" if share == 0 else "large"
        text = f"{names.title(user)}: {brief(above)} · {brief(slope)} is too {size} for a float"
        yield _cause(found, user, "underflow" if share == 0 else "overflow", text)


def _alike(x: float, y: float) -> bool:
    """Whether both are zero, both infinite, or both nan."""
    return (x == 0 and y == 0) or (isinf(x) and isinf(y)) or (isnan(x) and isnan(y))


def _cause(found: Pass, i: int, kind: str, text: str) -> Cause:
    return Cause(found.rows[i], kind, text, found.expression.nodes[i].line)


def _not_chosen(found: Pass, names: Names, i: int, place: int) -> Cause:
    node = found.expression.nodes[i]
    operand = names[node.edges[place].operand]
    if not names.slopes(i)[place]:
        return _cause(found, i, "flat", f"{names.title(i)} has no derivative with respect to {operand}")
    chosen = [names[edge.operand] for edge in node.edges if edge.derivative]
    other = f": it took {chosen[0]}" if chosen else ""
    return _cause(found, i, "not chosen", f"{names.title(i)} did not choose {operand}{other}")


def _slope(found: Pass, names: Names, i: int, place: int) -> Cause:
    """A local derivative that is zero, infinite or nan itself."""
    node = found.expression.nodes[i]
    slope = node.edges[place].derivative
    if slope is None or isnan(slope):
        cause = origin(found, names, i)
        if cause is not None:
            return cause
    said = _FLAT.get(node.rule.name, "") if node.rule and slope == 0 else ""
    kind = said or ("flat" if slope == 0 else "steep" if slope is not None and isinf(slope) else "undefined")
    return _cause(found, i, kind, f"{names.title(i)}{f' is {said}' if said else ''}: {names.slope(i, place)}")


def _sum(found: Pass, names: Names, i: int, shares: list[float]) -> Cause:
    some = [share for share in shares if share]
    told = " + ".join(f"({brief(s)})" if s < 0 else brief(s) for s in some[:4]) + (" + …" if len(some) > 4 else "")
    adjoint = found.adjoints[i] or 0.0
    kind = "cancels" if adjoint == 0 else "inf − inf" if isnan(adjoint) else "overflow"
    said = {"cancels": "cancel", "inf − inf": "are infinite, of both signs", "overflow": "are too large together"}[kind]
    return _cause(found, i, kind, f"the shares that {names[i]} gets {said}: {told} = {brief(adjoint)}")


def origin(found: Pass, names: Names, i: int) -> Cause | None:
    """Where the nan in the value of a row, or of one of its operands, came into being; None if there is no nan."""
    nodes = found.expression.nodes
    while bad := [edge.operand for edge in nodes[i].edges if isnan(nodes[edge.operand].value)]:
        i = bad[0]
    if not isnan(nodes[i].value):
        return None
    what = f"{names.title(i)} is nan, at {names.given(i)}" if nodes[i].rule else f"{names[i]} is nan itself"
    return _cause(found, i, "a nan", what)


def nearly(found: Pass, names: Names, path: Path) -> Cause | None:
    """A row on a path that all but stops the gradient, because it is far out where its function is flat; or None."""
    for i, place, slope in zip(path.numbers[1:], path.places, path.derivatives):
        rule = found.expression.nodes[i].rule
        if rule and abs(slope) < _SMALL and _FLAT.get(rule.name) == "saturated":
            cause = _slope(found, names, i, place)
            text = cause.text.replace(": ", " is nearly saturated: ", 1)
            return _cause(found, i, "nearly saturated", text)
    return None
