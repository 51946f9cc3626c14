"""Random programs as objects: they run on any kind of number, print as Python, and draw themselves."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import scalargrad
from scalargrad.graph import Graph, draw
from scalargrad.rules import RULES, Rule

__all__ = ["Branch", "Expression", "Operation"]

Operand = int | float  # the position of an earlier number (the inputs come first), or, as a float, a constant


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: a rule by its name, and its operands."""

    name: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One row, by one of two operations: `yes` where left > right, else `no`."""

    left: Operand
    right: Operand
    yes: Operation
    no: Operation


class Expression:
    """A program of operations on a few inputs, one after the other; its result is the last.

    inputs      numbers at which every operation is inside of its domain
    operations  Operations and Branches
    rules       the table that the operations are taken from
    engine      what offers `Value` and `function`

    `e(*numbers)` runs it on any numbers; `e.values()` makes Values of its inputs, to run it on. Its text is Python
    that does the same.

    >>> e = Expression((2.0, 3.0), (Operation("mul", (0, 1)), Branch(2, 0, Operation("log", (2,)), Operation("neg", (0,)))))
    >>> e(2.0, 3.0)
    1.791759469228055
    >>> print(e)
    from scalargrad import Value, log
    <BLANKLINE>
    def f(x0, x1):
        t2 = x0 * x1
        t3 = log(t2) if t2 > x0 else -x0
        return t3
    <BLANKLINE>
    x0, x1 = Value(2.0, label="x0"), Value(3.0, label="x1")
    y = f(x0, x1)
    """

    def __init__(
        self,
        inputs: tuple[float, ...],
        operations: tuple[Operation | Branch, ...],
        rules: Mapping[str, Rule] = RULES,
        engine: Any = scalargrad.engine,
    ) -> None:
        self.inputs, self.operations, self.rules, self.engine = inputs, operations, rules, engine
        parameters = [inspect.Parameter(f"x{i}", inspect.Parameter.POSITIONAL_ONLY) for i in range(len(inputs))]
        self.__signature__ = inspect.Signature(parameters)  # the names that checks call the inputs by
        self._functions: dict[str, Callable[..., Any]] = {name: engine.function(rules[name]) for name in self._names()}

    def _names(self) -> list[str]:
        both = [[x.yes, x.no] if isinstance(x, Branch) else [x] for x in self.operations]
        return sorted({operation.name for operations in both for operation in operations})

    def __call__(self, *numbers: Any) -> Any:
        known = list(numbers)

        def at(x: Operand) -> Any:
            return x if isinstance(x, float) else known[x]

        for operation in self.operations:
            if isinstance(operation, Branch):
                operation = operation.yes if at(operation.left) > at(operation.right) else operation.no
            known.append(self._functions[operation.name](*map(at, operation.operands)))
        return known[-1]

    def on(self, engine: Any) -> "Expression":
        """The same program for another engine: run it on both, and compare."""
        return Expression(self.inputs, self.operations, self.rules, engine)

    def values(self) -> list[Any]:
        """New Values of the inputs, labelled as in the text."""
        return [self.engine.Value(x, label=f"x{i}") for i, x in enumerate(self.inputs)]

    def draw(self) -> Graph:
        """A picture of it at its inputs: see scalargrad.draw."""
        return draw(self(*self.values()))

    # ── as Python ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How Hypothesis and IPython show it: with nothing before the lines, so that they can be copied."""
        printer.text(f"\n{self!r}\n")

    def __repr__(self) -> str:
        n = len(self.inputs)
        names = [f"x{i}" for i in range(n)] + [f"t{i + n}" for i in range(len(self.operations))]
        lines = [*self._imports(), "", f"def f({', '.join(names[:n])}):"]
        for name, operation in zip(names[n:], self.operations, strict=True):
            lines.append(f"    {name} = {self._text(operation, names)}")
        made = ", ".join(f'Value({x!r}, label="{name}")' for x, name in zip(self.inputs, names, strict=False))
        lines += [f"    return {names[-1]}", "", f"{', '.join(names[:n])} = {made}", f"y = f({', '.join(names[:n])})"]
        return "\n".join(lines)

    @property
    def _is_public(self) -> bool:
        return self.rules is RULES and self.engine is scalargrad.engine

    def _imports(self) -> list[str]:
        if self._is_public:
            public = {name for name in self._names() if hasattr(scalargrad, name)}
            return [f"from scalargrad import {', '.join(['Value', *sorted(public)])}"]
        return [
            "Value, function = engine.Value, engine.function  # of the engine, and the table of rules, under test",
            *(f'{name} = function(rules["{name}"])' for name in self._names()),
        ]

    def _text(self, operation: Operation | Branch, names: list[str]) -> str:
        def at(x: Operand) -> str:
            text = names[x] if isinstance(x, int) else repr(x)
            return f"({text})" if text.startswith("-") else text

        if isinstance(operation, Branch):
            yes, no = self._text(operation.yes, names), self._text(operation.no, names)
            return f"{yes} if {at(operation.left)} > {at(operation.right)} else {no}"
        name, operands = operation.name, list(map(at, operation.operands))
        if self._is_public and name == "dot":
            half = len(operands) // 2
            return f"dot([{', '.join(operands[:half])}], [{', '.join(operands[half:])}])"
        if self._is_public and name in ("sum", "prod", "logsumexp"):
            return f"{name}([{', '.join(operands)}])"
        if self._is_public and not hasattr(scalargrad, name):
            return self.rules[name].text(*operands)  # an infix operation, or abs
        return f"{name}({', '.join(operands)})"
