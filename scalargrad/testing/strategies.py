"""Hypothesis strategies: numbers to differentiate at, and random programs to differentiate.

>>> from hypothesis import given
>>> from scalargrad.testing import check_gradients
>>> @given(expressions(inputs=2, max_rows=5))
... def test_my_engine(e):
...     check_gradients(e, *e.inputs)
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

import scalargrad
from scalargrad.engine import Value
from scalargrad.rules import RULES, Rule
from scalargrad.testing.builder import CONSTANTS, Builder, Pick
from scalargrad.testing.expression import Expression

__all__ = ["expressions", "points", "values"]

_NUMBERS = st.floats(-4.0, 4.0).map(lambda x: x if abs(x) > 1e-6 else 0.0)

#: Domains by name, as intervals.
_DOMAINS = {"real": (-1e3, 1e3), "positive": (1e-3, 1e3), "negative": (-1e3, -1e-3), "unit": (-1.0, 1.0)}


def _interval(domain: str | tuple[float, float]) -> st.SearchStrategy[float]:
    if isinstance(domain, str) and domain not in _DOMAINS:
        raise ValueError(f"a domain is an interval or one of {', '.join(_DOMAINS)}, not {domain!r}")
    low, high = _DOMAINS[domain] if isinstance(domain, str) else domain
    return st.floats(low, high, allow_subnormal=False)


def values(domain: str | tuple[float, float] = "real", label: str = "") -> st.SearchStrategy[Value]:
    """Values, new inputs on the current tape: of a domain, which is an interval, or real, positive, negative or unit.

    `st.from_type(Value)` is the same.
    """
    return _interval(domain).map(lambda x: Value(x, label))


def points(
    n: int, domain: str | tuple[float, float] | Sequence[str | tuple[float, float]] = "real"
) -> st.SearchStrategy[tuple[float, ...]]:
    """Points of n floats each, all in one domain, or each in its own: `points(2, domain=["positive", (0.0, 5.0)])`."""
    one_for_all = isinstance(domain, str) or (len(domain) == 2 and all(isinstance(x, (int, float)) for x in domain))
    domains: Sequence[Any] = [domain] * n if one_for_all else domain
    if len(domains) != n:
        raise ValueError(f"points of {n} numbers have one domain or {n}, not {len(domains)}")
    return st.tuples(*map(_interval, domains))


def expressions(
    inputs: int | st.SearchStrategy[tuple[float, ...]] | None = None,
    operations: Iterable[str] | None = None,
    max_rows: int = 12,
    *,
    branches: bool = True,
    smooth: bool = False,
    rules: Mapping[str, Rule] = RULES,
    engine: Any = scalargrad.engine,
) -> st.SearchStrategy[Expression]:
    """Random programs, as Expressions, with shared operands, constants, branches and operations of many operands.

    inputs      how many (one to three), or a strategy of points
    operations  the names of the rules to use: all of the table
    max_rows    how many rows a program has at most
    branches    whether there are any: an engine whose Values do not compare goes without
    smooth      whether it keeps off kinks, jumps and poles, and off what magnifies rounding: ground for code of yours
                that needs higher derivatives, or takes differences
    rules       the table to take them from: your own will do
    engine      what offers Value(number, label=…), and function(rule) that records a row: your own will do

    At its inputs each operation is inside of its domain, with finite local derivatives, none of them large. That is by
    construction: an operand from outside is led in by rows of its own (abs, + 1, a quotient below 1), or another
    operand is taken. Programs shrink to few rows on small numbers.
    """
    names = list(rules if operations is None else operations)
    if unknown := [name for name in names if name not in rules]:
        raise ValueError(f"there is no rule {unknown[0]!r}: the table has {', '.join(rules)}")
    if not isinstance(inputs, st.SearchStrategy):
        count = st.integers(1, 3) if inputs is None else st.just(inputs)
        inputs = count.flatmap(lambda n: st.tuples(*[_NUMBERS] * n))
    operand = st.integers(0, 9) | st.sampled_from(CONSTANTS) | _NUMBERS
    name, count = st.sampled_from(names), st.integers(1, 4)

    def operation(draw: st.DrawFn) -> tuple[str, list[Pick]]:
        which = draw(name)
        return which, [draw(operand) for _ in range(rules[which].arity or draw(count))]

    @st.composite
    def row(draw: st.DrawFn) -> Any:
        first = operation(draw)
        is_branch = branches and draw(st.integers(0, 3)) == 3
        return first, (draw(operand), draw(operand), operation(draw)) if is_branch else None

    plan = st.lists(row(), min_size=1, max_size=max_rows)

    @st.composite
    def programs(draw: st.DrawFn) -> Expression:  # not builds(), which would print what was drawn
        return Builder(draw(inputs), names, rules, max_rows, smooth).build(draw(plan), engine)

    return programs()
