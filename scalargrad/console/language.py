"""What an expression may contain: its numbers, operators and functions, in tables."""

import ast
import operator
from collections.abc import Callable
from functools import reduce
from math import e, pi
from typing import Any

from scalargrad import functions
from scalargrad.engine import Value, function
from scalargrad.rules import RULES

__all__ = ["ARITHMETIC", "COMPARISONS", "CONSTANTS", "FUNCTIONS", "NOT_ALLOWED", "REFUSED", "SIGNATURES", "usage"]

CONSTANTS = {"pi": pi, "e": e}


def _operation(name: str, on_values: Callable[..., Any]) -> Callable[..., Any]:
    on_floats = function(RULES[name])  # its errors tell the operation and the operands, where Python's own do not

    def apply(*operands: Any) -> Any:
        return (on_values if Value in map(type, operands) else on_floats)(*operands)

    return apply


ARITHMETIC: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _operation("add", operator.add),
    ast.Sub: _operation("sub", operator.sub),
    ast.Mult: _operation("mul", operator.mul),
    ast.Div: _operation("div", operator.truediv),
    ast.Mod: _operation("mod", operator.mod),
    ast.Pow: _operation("pow", operator.pow),
    ast.USub: _operation("neg", operator.neg),
    ast.UAdd: _operation("pos", operator.pos),
}

COMPARISONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
}

_OF_ONE_NUMBER = (
    "abs sqrt cbrt exp exp2 expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh "
    "erf erfc lgamma relu sigmoid softplus gelu"
)

#: What each function takes: a number, a [list] or a condition; = marks what may be left out, … that more may follow.
SIGNATURES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_OF_ONE_NUMBER.split(), ("x",)),
    "atan2": ("y", "x"),
    "hypot": ("x", "y"),
    "fma": ("x", "y", "z"),
    "leaky_relu": ("x", "slope=0.01"),
    "polygamma": ("n", "x"),
    "maximum": ("x", "y"),
    "minimum": ("x", "y"),
    "max": ("x", "y", "…"),
    "min": ("x", "y", "…"),
    "where": ("condition", "x", "y"),
    "sum": ("[x, …]",),
    "prod": ("[x, …]",),
    "dot": ("[w, …]", "[x, …]"),
    "logsumexp": ("[x, …]",),
    "softmax": ("[x, …]",),  # gives a list, for dot and the like
}

_NOT_OF_THE_PACKAGE: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "max": lambda *xs: reduce(functions.maximum, xs),
    "min": lambda *xs: reduce(functions.minimum, xs),
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: _NOT_OF_THE_PACKAGE.get(name) or vars(functions)[name] for name in SIGNATURES
}


def usage(name: str) -> str:
    """How a function is written.

    >>> usage("dot")
    'dot([w, …], [x, …])'
    """
    return f"{name}({', '.join(SIGNATURES[name])})"


#: What is said of what people write instead of the right thing, and of all else.
REFUSED: dict[type[ast.AST], str] = {
    ast.BitXor: "^ works on bits: write ** for a power",
    ast.BitAnd: "& works on bits: write and, between conditions",
    ast.BitOr: "| works on bits: write or, between conditions",
    ast.FloorDiv: "// gives whole numbers, which have no useful derivative: write / or %",
    ast.MatMult: "@ is for matrices: write dot([w, …], [x, …])",
    ast.Compare: "does not compare numbers: write < <= == != >= or >",
    ast.Tuple: "has a comma outside of a function and of a list in brackets: write decimals as 1.5",
    ast.Attribute: "has a dot outside of a decimal: write plain names, such as sin(x)",
}
NOT_ALLOWED = (
    "is not allowed: write an expression of numbers, variables, + - * / % **, functions, pi, e, "
    "and A if CONDITION else B"
)
