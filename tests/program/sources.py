"""Random Python functions of numbers, with branches, loops that depend on data, errors raised and caught, choices.

All of their operations are exactly rounded by IEEE 754 (+, -, *, /, sqrt) or exact, so that whoever computes them
another way has to come to the same bits, on every path; functions in whose last place NumPy may differ from `math` are
left to tests with a tolerance.
"""

import struct
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

import scalargrad
from scalargrad import Value

#: Where something may happen: zeros of either sign, ties, halves, what overflows, infinities, nan.
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.0, 2.5, -3.0, 0.1, 1e200, -1e200, 5e-324, float("inf"), -float("inf")]
NUMBERS = st.sampled_from([*EDGES, float("nan")]) | st.floats(-4, 4)

_NAMES = ["a", "b", "c", "d"]
_COMPARE = ["<", "<=", "==", "!=", ">", ">="]


def detach(x: Any) -> Any:
    return x.detach() if type(x) is Value else x


@dataclass
class Source:
    """A function of a, b and c as text: called, it runs, with p a parameter that it closes over."""

    text: str
    p: Any = field(default_factory=lambda: Value(0.75, label="p"))

    @cached_property
    def function(self) -> Any:
        names = {**vars(scalargrad), "detach": detach, "p": self.p}
        exec(compile(self.text, "<source>", "exec"), names)
        return names["f"]

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"\n{self.text}\n")


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines] or ["    pass"]


@st.composite
def _expression(draw: st.DrawFn, choices: bool) -> str:
    x, y, z = (draw(st.sampled_from([*_NAMES, "p", "2.0", "-0.5"])) for _ in range(3))
    v = draw(st.sampled_from(_NAMES))
    plain = [f"{v} + {x}", f"{v} - {x}", f"{v} * {x}", f"{v} * {v}", f"{x} / {v}", f"-{v}", f"abs({v})", f"sqrt({v})"]
    plain += [f"sum([{v}, {x}, {y}])", f"dot([{v}, {x}], [{y}, {z}])", f"prod([{v}, {x}, {y}])", f"relu({v})"]
    plain += [f"detach({v})", f"{v} % {x}"]
    compare = draw(st.sampled_from(_COMPARE))
    chosen = [
        f"where({v} {compare} {x}, {y}, {z})",
        f"where({v}, {x}, {y})",
        f"maximum({v}, {x})",
        f"minimum({v}, {x})",
    ]
    chosen += [
        f"max({v}, {x})",
        f"min({v}, {x}, {y})",
        f"sorted([{v}, {x}, {y}])[1]",
        f"{v} // {x}",
        f"round({v}) * {x}",
    ]
    chosen += [f"divmod({v}, {x})[1]", f"({v} // 1) * {x}", f"({v} if {x} else {y})", f"({v} {compare} {x}) * {y}"]
    return draw(st.sampled_from(plain + chosen if choices else plain))


@st.composite
def _condition(draw: st.DrawFn) -> str:
    x, y, z = (draw(st.sampled_from([*_NAMES, "p", "0.0", "1.0"])) for _ in range(3))
    first = f"{x} {draw(st.sampled_from(_COMPARE))} {y}"
    forms = [first, f"not {first}", f"{first} and {z} > 0", f"{first} or {x} == {z}", x, f"{x} in ({y}, {z})"]
    return draw(st.sampled_from(forms))


@st.composite
def _block(draw: st.DrawFn, depth: int, choices: bool) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        lines += draw(_statement(depth, choices))
    return lines


@st.composite
def _statement(draw: st.DrawFn, depth: int, choices: bool) -> list[str]:
    target, v, w = (draw(st.sampled_from(_NAMES)) for _ in range(3))
    kinds = ["="] * 4 + (["if", "for", "while", "try", "raise", "no_grad", "grad"] if choices and depth else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "=":
        return [f"{target} = {draw(_expression(choices))}"]
    if kind == "raise":
        return [f"if {draw(_condition())}:", '    raise ValueError("the source says no")']
    if kind == "grad":
        return [f"{target} = grad(lambda t: {draw(_expression(False))} * t)({v})"]
    inner = _indented(draw(_block(depth - 1, choices)))
    if kind == "if":
        return [f"if {draw(_condition())}:", *inner, "else:", *_indented(draw(_block(depth - 1, choices)))]
    if kind == "for":
        return [f"for _ in range(min(2, abs(round({v})))):", *inner]
    if kind == "while":
        n = f"n{depth}"  # a while inside has another
        return [f"{n} = 0", f"while {v} < {w} and {n} < 2:", f"    {n} += 1", *inner]
    if kind == "try":
        return ["try:", *inner, "except (ValueError, ArithmeticError):", f"    {target} = {v} + 1.0"]
    return ["with no_grad():", *inner]


def sources(*, choices: bool = True) -> st.SearchStrategy[Source]:
    """Random functions; without choices, straight-line ones."""

    @st.composite
    def one(draw: st.DrawFn) -> Source:
        lines = draw(_block(2, choices)) + draw(_block(1, choices))
        return Source("\n".join(["def f(a, b, c):", *_indented(["d = 1.0", *lines, "return a + d"])]))

    return one()


def tables(rows: int = 10) -> st.SearchStrategy[Any]:
    """Points, as arrays of shape (points, 3)."""
    return st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=rows).map(
        lambda x: np.array(x, float).reshape(-1, 3)
    )


# ── what is compared ────────────────────────────────────────────────────────────────────────────────────────────────


def outcome(f: Any, *args: Any) -> Any:
    """What f comes to: its result, or the type of what it raises."""
    try:
        return f(*args)
    except (ValueError, ArithmeticError) as error:
        return type(error)


def bits(x: Any) -> Any:
    """A nest of numbers with floats as their bits, and one nan like another."""
    if isinstance(x, type):
        return x
    if isinstance(x, (tuple, list)):
        return [bits(y) for y in x]
    x = float(x.data) if type(x) is Value else float(x)
    return "nan" if x != x else struct.pack("<d", x)


def agree(found: Any, expected: Any) -> bool:
    """Whether derivatives are the same, to the bit but for the sign of a zero.

    An adjoint that is summed up from 0.0 never is -0.0; one that is recorded, as eagerly where a parameter is involved,
    may be. A second derivative at an edge of a domain is nan eagerly, and in a Program what IEEE 754 makes of it.
    """
    if isinstance(found, type) or isinstance(expected, type):
        return found is expected
    if isinstance(expected, (tuple, list)):
        return len(found) == len(expected) and all(map(agree, found, expected))
    x, y = (float(x.data) if type(x) is Value else float(x) for x in (found, expected))
    return x == y or (y != y and not np.isfinite(x))
