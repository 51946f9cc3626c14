"""Does all data that reaches the result flow on the tape?"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import scalargrad
from scalargrad.testing.recording import Problem, Recording, relative
from scalargrad.testing.report import SilentDetachError

__all__ = ["assert_no_silent_detach", "first_detached"]

_MOVES = (1e-6, 1e-9, 1e-12)  # of the input's size


def assert_no_silent_detach(f: Callable[..., Any], *inputs: Any) -> None:
    """Fail when data flows from an input to the result outside of the tape, as by `x.data`: its gradient gets lost.

    The function is recorded again with each input moved a little. On a tape that is all of the function, only inputs
    and what is computed from them change; a constant that changes was computed beside the tape. SilentDetachError
    names the row that it went into. Reading `.data` for a log is no harm, and is not complained of.

    >>> assert_no_silent_detach(lambda x: x * x.data, 3.0)
    Traceback (most recent call last):
    scalargrad.testing.report.SilentDetachError: row 1, x * 3.0, recorded at \
<doctest scalargrad.testing.detach.assert_no_silent_detach[0]>:1: the constant 3.0 changes with x, outside of the tape
    """
    if message := first_detached(Problem(f, inputs, scalargrad)):
        raise SilentDetachError(message)


def first_detached(problem: Problem) -> str:
    """What came outside of the tape into which row, the first there is, or ""."""
    before = problem.record()
    if list(_changes(before, problem.record())):
        raise ValueError(f"{problem.name} does not do the same when it is called again: give its random numbers a seed")
    found: list[tuple[int, str]] = []
    for i, x in enumerate(problem.numbers):
        for move in _MOVES:
            sides = []
            for step in (move, -move):
                moved = [*problem.numbers]
                moved[i] += step * (abs(x) or 1.0)
                with suppress(ValueError, ArithmeticError, _OtherPath):  # out of the domain, or into another branch
                    sides.append(list(_changes(before, problem.record(moved))))
            if sides:  # what changes to one side only is a jump, as of round(x)
                label = before.inputs[i].label
                found += [
                    (at, f"{text} changes with {label}, outside of the tape")
                    for at, text in sides[0]
                    if (at, text) in sides[-1]
                ]
                break
    return min(found)[1] if found else ""


class _OtherPath(Exception):
    """Two recordings of one function differ in their rows, because it branches on its inputs."""


def _changes(before: Recording, after: Recording) -> Iterator[tuple[int, str]]:
    """What is neither an input nor computed from one, and yet is another now."""
    if before.is_plain or after.is_plain:
        if before.is_plain != after.is_plain:
            raise _OtherPath
        if before.result != after.result:
            yield 0, f"the result is a plain number: {before.result!r}"
        return
    if len(before.rows) != len(after.rows):
        raise _OtherPath
    for i, (row, other) in enumerate(zip(before.rows, after.rows, strict=True)):
        if _shape(before, row) != _shape(after, other):
            raise _OtherPath
        for x, y in zip(row.operands, other.operands, strict=True):
            if isinstance(x, float) and x != y and x == x:
                yield i, f"{before.describe(row)}: the constant {x!r}"
        if row.rule is None and row.data != other.data and i >= len(before.inputs):
            line = f", recorded at {relative(row.line)}" if row.line else ""
            yield i, f"row {i}, a new input{line}: its number {row.data!r}"


def _shape(recording: Recording, row: Any) -> tuple[Any, ...]:
    """What a row does to which rows, whatever the numbers are."""
    operands = [None if isinstance(x, (int, float)) else recording.number[x] for x in row.operands]
    return row.rule and row.rule.name, operands
