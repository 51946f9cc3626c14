"""What errors say, in the same words in both engines."""

import os
import sys
from collections.abc import Sequence

from scalargrad.rules import Rule

MIXED_TAPES = (
    "these Values are on two tapes, and an operation records on one: "
    "take one of them over as a new input, by v.detach() while the tape of the other is the current one"
)
OTHER_THREAD = (
    "this tape belongs to another thread, and only that thread records and sweeps on it: "
    "copy.deepcopy the Value (or the model) in this thread, and work on the copy"
)
MADE_BEFORE = "this Tape was made before: __init__ is not for calling again, and another tape is made by Tape()"
NO_SUBCLASS = "Value cannot be subclassed; an operation of your own is written as a gate: see scalargrad.gate"


def gradient_lost(kind: str, label: str, data: float) -> str:
    name = f"{label} = {data!r}" if label else f"{data!r}"
    return (
        f"{kind}(v) would silently cut the gradient of the Value v, here {name}: use scalargrad's own functions, "
        "as scalargrad.sin(v), or v.data if you mean the bare number"
    )


def not_an_input(what: str, rule: Rule) -> str:
    return f"{what} is for inputs, and this Value was computed by {rule.name}: v.detach() is an input with its number"


def stale(label: str, data: float) -> str:
    name = f"an input labelled {label!r}" if label else "an input"
    return (
        f"the data of {name} was set, and is now {data!r}, after this expression was recorded: "
        "compute the expression again, or use x.detach() for what shall keep the old number"
    )


def too_many_rows(limit: int) -> str:
    return (
        f"this tape was made with max_rows={limit}, and as many rows live: "
        "a Value kept from step to step (as in total = total + loss) keeps all that it was computed from"
    )


def not_a_number(what: str, found: object) -> str:
    """
    >>> not_a_number("a seed is a real number", "1")
    "a seed is a real number, not '1' (str)"
    """
    return f"{what}, not {shorten(repr(found))} ({type(found).__name__})"


def failed(error: Exception, rule: Rule, operands: Sequence[object], numbers: Sequence[float]) -> Exception:
    """The error of an operation, telling which met which operands: an arithmetic error of the same type as Python's.

    What the code of a gate raises stays as it is, with a note.

    >>> from scalargrad.rules import RULES
    >>> failed(ValueError("math domain error"), RULES["log"], [-1.0], [-1.0])
    ValueError('log(-1.0) is outside its domain')
    """
    labels = [getattr(operand, "label", "") for operand in operands]
    infix = not rule.text("x", "y").startswith(rule.name)  # where a negative number wants brackets
    names = [label or (f"({x!r})" if infix and x < 0 else repr(x)) for x, label in zip(numbers, labels, strict=True)]
    place = shorten(", ".join(f"{label} = {x!r}" for x, label in zip(numbers, labels, strict=True) if label))
    at = f" at {place}" if place else ""
    if not rule.of_the_table:
        error.add_note(f"in the gate {shorten(rule.text(*names))}{at}")
        return error
    text = shorten(rule.text(*names))
    if isinstance(error, ZeroDivisionError):
        return ZeroDivisionError(f"{text} divides by zero{at}")
    if isinstance(error, OverflowError):
        return OverflowError(f"{text} is too large for a float{at}")
    return ValueError(f"{text} is outside its domain{at}") if isinstance(error, ValueError) else error


def name_of(function: object) -> str:
    """What a function, or anything else that is called, is called."""
    return str(getattr(function, "__name__", type(function).__name__))


def shorten(text: str, length: int = 80) -> str:
    """The text in one line, and not longer than that.

    >>> shorten("array([1.0,\\n       2.0])")
    'array([1.0, 2.0])'
    """
    text = " ".join(line.strip() for line in text.splitlines())
    return text if len(text) <= length else text[: length - 1] + "…"


_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def caller() -> str:
    """The nearest source line outside of this package, as file:line."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
