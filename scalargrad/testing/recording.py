"""What the checks read: a function run once on Values, and the rows that its result depends on."""

import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scalargrad.engine import is_value
from scalargrad.engine.messages import shorten
from scalargrad.engine.thread import debug
from scalargrad.nest import Nest

__all__ = ["Problem", "Recording", "bare", "edges", "relative"]


def bare(x: Any) -> float:
    """The number of an operand, which is a row or a constant."""
    return float(x if isinstance(x, (int, float)) else x.data)


def edges(row: Any, slopes: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """The operands of a row that are rows themselves, each with its slope; but those that have none."""
    for x, slope in zip(row.operands, slopes):
        if slope is not None and not isinstance(x, (int, float)):
            yield x, slope


def relative(line: str) -> str:
    """A source line, file:line, as seen from the current directory if it is below that."""
    return line.removeprefix(os.getcwd() + os.sep)


class Problem:
    """A function at a point: it can be called with as many other numbers in one flat list."""

    def __init__(self, f: Callable[..., Any], inputs: tuple[Any, ...], engine: Any) -> None:
        self.f, self.engine, self.name = f, engine, getattr(f, "__name__", type(f).__name__)
        self._nests = [Nest(x, is_value) for x in inputs]
        given = [x for nest in self._nests for x in nest.numbers]
        if not given:
            raise TypeError(f"there is no number among the inputs of {self.name} to differentiate it by")
        self.numbers = [bare(x) for x in given]
        self.labels = [getattr(x, "label", "") or name for x, name in zip(given, self._names(), strict=True)]

    def _names(self) -> Iterator[str]:
        """The names of the function's parameters, with a position where one of them holds several numbers."""
        try:
            parameters = list(inspect.signature(self.f).parameters.values())
        except (TypeError, ValueError):
            parameters = []
        for i, nest in enumerate(self._nests):
            p = parameters[min(i, len(parameters) - 1)] if parameters else None
            name = f"x{i}" if p is None else f"{p.name}[{i}]" if p.kind is p.VAR_POSITIONAL else p.name
            count = len(nest.numbers)
            yield from [name] if count == 1 else [f"{name}[{k}]" for k in range(count)]

    def __call__(self, numbers: Sequence[Any]) -> Any:
        rest = iter(numbers)
        return self.f(*[nest.filled([next(rest) for _ in nest.numbers]) for nest in self._nests])

    def record(self, numbers: Sequence[float] | None = None) -> "Recording":
        """Run the function on Values, at its point or at these numbers."""
        xs = [self.engine.Value(x, label=label) for x, label in zip(numbers or self.numbers, self.labels, strict=True)]
        with debug():
            result = self(xs)
        if type(result) is not type(xs[0]) and not isinstance(result, (int, float)):
            raise TypeError(f"{self.name} is to return one number, and returned {shorten(repr(result))}")
        return Recording(result, xs)


class Recording:
    """A result, its inputs, and all rows that it depends on, in the order of recording and numbered from 0."""

    def __init__(self, result: Any, inputs: list[Any]) -> None:
        self.result, self.inputs = result, inputs
        self.is_plain = isinstance(result, (int, float))
        found, pending = set(inputs), [] if self.is_plain else [result]
        while pending:
            row = pending.pop()
            found.add(row)
            pending += [x for x in row.operands if not isinstance(x, (int, float)) and x not in found]
        self.rows = sorted(found, key=lambda row: row.index)
        self.number = {row: i for i, row in enumerate(self.rows)}

    def adjoints(self) -> dict[Any, float]:
        """What a backward pass from the result finds for each row. It leaves every `grad` as it was."""
        before = [(row, row.grad if row.has_grad else None) for row in self.rows]
        try:
            for row in self.rows:
                row.grad = None
            if not self.is_plain:
                self.result.backward()
            return {row: row.grad for row in self.rows}
        finally:
            for row, grad in before:
                row.grad = grad

    def name(self, x: Any) -> str:
        """How an operand is called in a formula: by its number if it is a constant, its label, or its row's number."""
        return repr(x) if isinstance(x, (int, float)) else x.label or f"#{self.number[x]}"

    def describe(self, row: Any) -> str:
        """A row by its number, formula, label, scope, and the line that recorded it."""
        if row.rule is None:
            return f"row {self.number[row]}, the input {self.name(row)}"
        text = f"row {self.number[row]}, {shorten(row.rule.text(*map(self.name, row.operands)))}"
        text += f", labelled {row.label!r}" if row.label else ""
        text += f", in the scope {'/'.join(row.scope)}" if row.scope else ""
        return text + (f", recorded at {relative(row.line)}" if row.line else "")
