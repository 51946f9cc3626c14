"""What `trace` returns: the steps of a backward pass, row by row, as data and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from scalargrad.graph.model import Pass, Row
from scalargrad.graph.names import Names, is_name, law
from scalargrad.graph.notebook import as_html
from scalargrad.graph.spelling import brief, grown, literal

__all__ = ["Contribution", "Step", "Trace"]


_WIDTH = 100  # columns


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a row hands on to one of its operands: its adjoint times the local derivative. `str` is the sentence.

    place        which operand it is, from 0 on
    operand      the operand, a Value; `number` is that of its node, in traces and pictures, and `name` what it is called
    rule         the local derivative as a formula: "1 − tanh²(u)"; empty where there is none, or none that can be written
    derivative   the local derivative as a number; None where no gradient flows, as to an operand that max did not choose
    adjoint      that of the row
    share        adjoint * derivative, or None
    before       the adjoint of the operand so far; None if this is the first share
    after        the adjoint of the operand with this share
    of           what the derivative is of: "tanh(u)"
    """

    place: int
    operand: Row
    number: int
    name: str
    rule: str
    derivative: float | None
    adjoint: float
    share: float | None
    before: float | None
    after: float | None
    of: str

    def __str__(self) -> str:
        said, why, growth = self._phrases()
        return said + (why and f" ({why})") + (growth and f", so {growth}")

    def _phrases(self) -> tuple[str, str, str]:
        """The share, the local derivative if it needs explaining, and how the sum grows if it does."""
        if self.derivative is None or self.share is None:
            return f"nothing to {self.name}" + (", which was not chosen" if self.rule else ""), "", ""
        slope, why, growth = brief(self.derivative), "", ""
        factor = f"({slope})" if slope.startswith("−") else slope
        if self.rule and self.rule != slope:
            if is_name(self.rule):
                factor = f"{self.rule}({slope})"
            else:
                why = f"{self.law} = {slope}"
        if self.before is not None:
            growth = f"{self.name}: {grown(self.before, self.share)}"
        return f"{self.name} += {brief(self.adjoint)} · {factor} = {brief(self.share)}", why, growth

    @property
    def law(self) -> str:
        """The local derivative as an equation: "d tanh(u)/du = 1 − tanh²(u)"; empty if there is no formula."""
        return law(self.of, self.name, self.rule)


@dataclass(frozen=True, slots=True)
class Step:
    """The turn of one row: its adjoint is complete, and it adds to those of its operands. `str` is the sentence.

    row            the row, a Value; `number` is that of its node, and `name` what it is called
    symbol         its operation in a picture: "*"
    operation      its operation on the names of its operands: "a·x"
    adjoint        how much the root changes for a change of it
    contributions  what it hands on, for each operand that is not a constant
    title          what a line begins with: "#7", "×", "[ax = a·x]"
    """

    row: Row
    number: int
    name: str
    symbol: str
    operation: str
    adjoint: float
    contributions: tuple[Contribution, ...]
    title: tuple[str, str, str]

    def __str__(self) -> str:
        return "\n".join(_laid_out([self]))


def _laid_out(steps: Sequence[Step]) -> Iterator[str]:
    """Each step on a line, or on one for each operand if that is too long; in columns."""
    cells = [(*step.title, f"grad {brief(step.adjoint)}") for step in steps]
    widths = [max(map(len, column)) for column in zip(*cells)]
    for step, columns in zip(steps, cells):
        start = "  ".join(cell.ljust(width) for cell, width in zip(columns, widths)) + " → "
        shares = [str(contribution) for contribution in step.contributions]
        if len(start) + len("; ".join(shares)) <= _WIDTH:
            yield start + "; ".join(shares)
            continue
        indent = " " * (len(start) - 2) + "→ "
        yield "\n".join(
            (start if i == 0 else indent) + _wrapped(x, len(start)) for i, x in enumerate(step.contributions)
        )


def _wrapped(contribution: Contribution, start: int) -> str:
    """A sentence after so many columns; what would make the line too long goes to lines of its own."""
    said, why, growth = contribution._phrases()
    if start + len(str(contribution)) <= _WIDTH:
        return str(contribution)
    if growth and start + len(f"{said}, so {growth}") <= _WIDTH:
        said, growth = f"{said}, so {growth}", ""
    lines = [said]
    for more in (why, growth and f"so {growth}"):
        if more:
            indent = " " * max(4, min(start + 2, _WIDTH - len(more)))
            lines.append(indent + literal(more, _WIDTH - len(indent)))
    return "\n".join(lines)


class Trace:
    """What `trace` found: `print` shows it, a notebook shows a table, `.steps` hands it out as data."""

    def __init__(self, found: Pass, limit: int | None) -> None:
        self._pass, self._limit, self._names = found, limit, Names(found.expression)
        self._played = False

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """A Step for each row that hands something on, in the order of the sweep."""
        return tuple(self._walk())

    def play(self) -> None:
        """Print it step by step, each at a press of Enter; where nobody can press it, without a pause."""
        self._played = True
        shown, interactive = list(islice(self._walk(), self._limit)), True
        print(self._title, "(Enter: the next row; Ctrl-C: the end)", sep="\n", end="\n\n")
        for line in _laid_out(shown):
            print(line, flush=True)
            try:
                if interactive and line:
                    input()
            except EOFError:
                interactive = False
            except KeyboardInterrupt:
                print()
                return
        print("\n".join(self._ending(len(shown))))

    def __str__(self) -> str:
        shown = list(islice(self._walk(), self._limit))
        return "\n".join([self._title, "", *_laid_out(shown), *self._ending(len(shown))])

    def __repr__(self) -> str:
        return "<Trace, told step by step>" if self._played else str(self)

    def _repr_html_(self) -> str:
        shown = list(islice(self._walk(), self._limit))
        rows = [(*step.title, brief(step.adjoint), "\n".join(map(str, step.contributions))) for step in shown]
        return as_html([self._title], ("", "operation", "", "adjoint", "adds"), rows, self._ending(len(shown)))

    @property
    def _title(self) -> str:
        root = self._names[self._pass.root]
        return f"backward from {root}, newest row first: each adds grad · local derivative to the grad of each operand"

    def _ending(self, shown: int) -> list[str]:
        nodes, adjoints = self._pass.expression.nodes, self._pass.adjoints
        results = [adjoint for node, adjoint in zip(nodes, adjoints) if node.kind == "result"]
        lines = []
        if (more := sum(adjoint is not None for adjoint in results) - shown) > 0:
            lines.append(f"… {more:,} more rows")
        if missed := results.count(None):
            lines.append(f"rows that only lead to operands that were not chosen, and so get nothing: {missed:,}")
        given, added = self.added()
        if given:
            lines += ["", "backward() adds this to the inputs: " + _some(given, ", ")]
        if added:
            lines.append("together with what is there already: " + _some(added, ", "))
        return lines

    def added(self) -> tuple[list[str], list[str]]:
        """What `backward()` adds to the grads of inputs, and what that comes to where there is a grad already."""
        given, added = [], []
        for i, (node, adjoint) in enumerate(zip(self._pass.expression.nodes, self._pass.adjoints)):
            if node.kind == "input" and adjoint is not None:
                given.append(f"{self._names[i]} {brief(adjoint)}")
                if node.grad is not None:
                    added.append(f"{self._names[i]} {grown(node.grad, adjoint)}")
        return given, added

    def _walk(self) -> Iterator[Step]:
        nodes, names = self._pass.expression.nodes, self._names
        sums: dict[int, float] = {}
        for i in reversed(range(len(nodes))):
            node, adjoint, row = nodes[i], self._pass.adjoints[i], self._pass.rows[i]
            if node.rule is None or adjoint is None or row is None:
                continue
            contributions, operation = [], names.operation(i)
            for place, (edge, rule) in enumerate(zip(node.edges, names.slopes(i), strict=True)):
                operand = self._pass.rows[edge.operand]
                if operand is None:
                    continue
                before = after = sums.get(edge.operand)
                share = None
                if edge.derivative is not None:
                    share = adjoint * edge.derivative
                    after = sums[edge.operand] = (before or 0.0) + share
                name, derivative = names[edge.operand], edge.derivative
                contributions.append(
                    Contribution(
                        place, operand, edge.operand, name, rule, derivative, adjoint, share, before, after, operation
                    )
                )
            yield Step(row, i, names[i], node.symbol, operation, adjoint, tuple(contributions), names.columns(i))


def _some(texts: Sequence[str], between: str) -> str:
    """As many of these as a line holds, and how many more there are."""
    shown, width = 0, 40
    while shown < len(texts) and width + len(texts[shown]) <= _WIDTH:
        width += len(texts[shown]) + len(between)
        shown += 1
    more = len(texts) - max(shown, 1)
    return between.join(texts[: max(shown, 1)]) + (f" … and {more:,} more" if more else "")
