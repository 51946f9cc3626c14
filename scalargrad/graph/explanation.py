"""What `explain` returns: paths and causes as data, and as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import floor, isfinite, log10
from textwrap import fill

from scalargrad.graph.again import again
from scalargrad.graph.causes import Cause, causes, nearly, origin
from scalargrad.graph.model import Pass, Row
from scalargrad.graph.names import Names
from scalargrad.graph.notebook import as_html
from scalargrad.graph.paths import Path, Paths
from scalargrad.graph.spelling import brief, literal

__all__ = ["Explanation", "Ground", "Move", "Overview"]

_WIDTH = 100  # columns
_MOST = 8  # causes, and fifty inputs, that are printed
_INPUTS = 50


class Ground:
    """What all explanations of one root stand on."""

    def __init__(self, found: Pass) -> None:
        self.found, self.nodes, self.root = found, found.expression.nodes, found.root
        self.names, self.paths = Names(found.expression), Paths(found)

    @cached_property
    def counts(self) -> dict[int, int]:
        """How many paths there are from each input."""
        return self.paths.counts({i for i, node in enumerate(self.nodes) if node.kind == "input"})

    def chain(self, path: Path, width: int, largest: Path | None = None) -> str:
        """A path on one line, as much of it as there is room for.

        First come the steps that it does not have in common with the largest path, then those whose derivative is not 1.
        """
        last = len(path.numbers) - 1
        steps = {0: self._stop(path.numbers[0])}

        def line(shown: Iterable[int]) -> str:
            parts, before = [], -1
            for i in sorted(shown):
                if i > before + 1:
                    parts.append(f"… {i - before - 1:,} row{'s' if i > before + 2 else ''} …")
                if i not in steps:
                    steps[i] = f"─({brief(path.derivatives[i - 1])})→ {self._stop(path.numbers[i])}"
                parts.append(steps[i])
                before = i
            return " ".join(parts)

        if last < width and len(whole := line(range(last + 1))) <= width:
            return whole
        common = set() if largest is None else set(zip(largest.numbers[1:], largest.places))
        own = [i for i in range(1, last) if largest and (path.numbers[i], path.places[i - 1]) not in common]
        telling = [i for i in range(1, last) if path.derivatives[i - 1] != 1]
        shown = {0, last}
        for i in [*own[:width], *telling[:width], *range(1, min(last, width)), *range(max(1, last - width), last)]:
            if len(line({*shown, i})) <= width:
                shown.add(i)
        return line(shown)

    def _stop(self, i: int) -> str:
        name = self.names[i]
        return f"{name} {self.names.columns(i)[1]}" if name == f"#{i}" and self.nodes[i].rule else name


@dataclass(frozen=True, slots=True)
class Move:
    """What a change of x by so much does to y: as the gradient foretells, and actually."""

    by: float
    foretold: float
    actual: float


class Explanation:
    """Why dy/dx is what it is: `print` shows it, and what it says is here as data."""

    def __init__(self, ground: Ground, x: Row | int, k: int, move: float | None = None) -> None:
        self._ground, self._k, found = ground, k, ground.found
        if isinstance(x, int):
            self.number: int | None = x
        else:
            self.number = next((i for i, row in enumerate(found.rows) if row is x), None)
        self._x, self._adjoint = x, None if self.number is None else found.adjoints[self.number]
        self._move = move

    @property
    def gradient(self) -> float:
        """dy/dx, as `backward` would find it."""
        return self._adjoint or 0.0

    @cached_property
    def count(self) -> int:
        """How many paths there are from x to y, exactly."""
        if self.number is None:
            return 0
        if self._ground.nodes[self.number].kind == "input":
            return self._ground.counts[self.number]
        return self._ground.paths.counts({self.number})[self.number]

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Those with the largest products, largest first: before them those that are nan or infinite."""
        return () if self.number is None else tuple(self._ground.paths.largest(self.number, self._k))

    @property
    def covered(self) -> float:
        """Which share of the gradient these paths sum up to; nan if it is zero, infinite or nan."""
        return sum(path.share for path in self.paths)

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """The rows that made the gradient zero, infinite or nan, the nearest to x first; none if it is none of these."""
        ground = self._ground
        if self.number is None:
            text = f"nothing that {ground.names[ground.root]} was computed from depends on it"
            return (Cause(None, "not connected", f"{text} (.data, detach and no_grad cut a gradient)", None),)
        if self.number == ground.root or (self.gradient and isfinite(self.gradient)):
            return ()
        return tuple(causes(ground.found, ground.names, self.number, ground.paths.consumers))

    @cached_property
    def moved(self) -> Move | None:
        """What happens to y when x moves, if that was asked for. Raises what the operations raise there."""
        if self._move is None or self.number is None:
            return None
        ground = self._ground
        values = again(ground.found.expression, {self.number: ground.nodes[self.number].value + self._move})
        change = values[ground.root] - ground.nodes[ground.root].value
        return Move(self._move, self.gradient * self._move, change)

    # ── as text ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def __str__(self) -> str:
        rows = [("product", "share", "path"), *self._rows] if self.paths else []
        widths = [max(map(len, column)) for column in zip(*rows)]
        table = [f"  {a.rjust(widths[0])}  {b.rjust(widths[1])}  {c}" for a, b, c in rows]
        before, after = (
            [_wrapped(line) for line in lines] for lines in ([self._heading, *self._because], self._ending)
        )
        return "\n".join([*before, *table, *after])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html([self._heading, *self._because], ("product", "share", "path"), self._rows, self._ending)

    @property
    def _name(self) -> str:
        if self.number is not None:
            return self._ground.names[self.number]
        label = getattr(self._x, "label", "")
        return literal(label) if label else "x"

    @property
    def _heading(self) -> str:
        ground, name = self._ground, self._name
        root = ground.names[ground.root]
        value = ground.nodes[self.number].value if self.number is not None else getattr(self._x, "data", None)
        said = f"d{root}/d{name} = {brief(self.gradient)} at {name} = {brief(value)}"
        if self.number is None:
            return said
        if self._adjoint is None:
            return f"{said}: not reached by the gradient"
        largest = ", the largest first" if len(self.paths) > 1 else ""
        return f"{said}: {_counted(self.count)} from {name} to {root}{largest}"

    @property
    def _because(self) -> list[str]:
        ground, found = self._ground, list(self.causes)
        lines = []
        for cause in found[:_MOST]:
            lines.append(f"  because {cause.text}")
            if cause.line:
                lines.append(f"    recorded at {literal(cause.line, None)}")
        if len(found) > _MOST:
            lines.append(f"  … and {len(found) - _MOST:,} more causes")
        if found and found[0].row is not None and not any(cause.line for cause in found):
            lines.append("  (`with scalargrad.debug():` around the computation, and this tells the source line)")
        if not found and self.paths and (near := nearly(ground.found, ground.names, self.paths[0])) is not None:
            lines.append(f"  small because {near}")
        source = origin(ground.found, ground.names, ground.root)
        if source is not None and source not in found:
            lines.append(f"  {ground.names[ground.root]} itself is nan: {source}")
        return lines

    @property
    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [(brief(path.product), _percent(path.share)) for path in self.paths]
        room = _WIDTH - sum(max(map(len, column)) + 2 for column in zip(*rows, ("product", "share"))) - 2
        chains = [self._ground.chain(path, room, self.paths[0] if i else None) for i, path in enumerate(self.paths)]
        return [(a, b, chain) for (a, b), chain in zip(rows, chains)]

    @property
    def _ending(self) -> list[str]:
        return [*self._coverage, *self._moving]

    @property
    def _coverage(self) -> list[str]:
        paths, sizes = self.paths, self._ground.paths.sizes
        if self.number is None or self.count < 2:
            return []
        if len(paths) == self.count:
            products = [path.product for path in paths]
            told = brief(products[0]) + "".join(f" {'−' if p < 0 else '+'} {brief(abs(p))}" for p in products[1:])
            if len(told) > 60:
                return [f"all {_counted(self.count)}, which sum up to the gradient"]
            return [f"all {_counted(self.count)}: {told} = {brief(self.gradient)}"]
        said, total = f"{len(paths):,} of {_counted(self.count)}", sizes[self.number]
        if self.gradient and isfinite(self.gradient):
            said += f", {_percent(self.covered)} of the gradient"
        if isfinite(total) and total > abs(self.gradient) * (1 + 1e-9):
            listed = sum(abs(path.product) for path in paths)
            return [
                said,
                f"paths of opposite sign cancel: by size, these are {_percent(listed / total)} of all that flows",
            ]
        return [said]

    @property
    def _moving(self) -> list[str]:
        if self._move is None:
            return []
        ground, x = self._ground, self._name
        root, by = ground.names[ground.root], brief(self._move)
        try:
            moved = self.moved
        except (ValueError, ArithmeticError) as error:
            return [f"{x} cannot move by {by}: there, {error}"]
        if moved is None:
            return [f"{x} moved by {by} changes nothing in {root}"]
        more = moved.actual - moved.foretold
        return [
            f"{x} moved by {by}: gradient · {by} foretells a change of {root} by {brief(moved.foretold)}; "
            f"it is {brief(moved.actual)}, {brief(abs(more))} {'less' if more < 0 else 'more'}"
        ]


class Overview:
    """Why the gradients of all inputs are what they are: `print` shows a line for each, `.inputs` explains each."""

    def __init__(self, ground: Ground, k: int) -> None:
        self._ground = ground
        self._numbers = [i for i, node in enumerate(ground.nodes) if node.kind == "input"]
        self.inputs = tuple(Explanation(ground, i, k) for i in self._numbers)

    def __str__(self) -> str:
        rows = [_HEADINGS, *self._rows]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        return "\n".join([*self._heading, *lines, *self._ending])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(self._heading, _HEADINGS, self._rows, self._ending)

    @property
    def _heading(self) -> list[str]:
        ground = self._ground
        root, value = ground.names[ground.root], brief(ground.nodes[ground.root].value)
        cause = origin(ground.found, ground.names, ground.root)
        return [
            f"{root} = {value} depends on {len(self.inputs):,} input(s)",
            *([f"  because {cause}"] if cause else []),
        ]

    @property
    def _rows(self) -> list[tuple[str, ...]]:
        ground, told, whys = self._ground, list[list[str]](), list[Path | str]()
        for i, explanation in zip(self._numbers[:_INPUTS], self.inputs):
            numbers = brief(ground.nodes[i].value), brief(explanation.gradient), _number(explanation.count)
            why = str(explanation.causes[0]) if explanation.causes else ground.paths.largest(i, 1)[0]
            told.append([ground.names[i], *numbers, "" if isinstance(why, str) else _percent(why.share)])
            whys.append(why)
        room = _WIDTH - sum(max(map(len, column)) + 2 for column in zip(*told, _HEADINGS[:5]))
        for row, why in zip(told, whys):
            row.append(literal(why, room) if isinstance(why, str) else ground.chain(why, room))
        return [tuple(row) for row in told]

    @property
    def _ending(self) -> list[str]:
        more = len(self.inputs) - _INPUTS
        return [f"… {more:,} more inputs"] if more > 0 else []


_HEADINGS = ("input", "value", "gradient", "paths", "share", "of the largest path, or why there is none")


def _wrapped(line: str) -> str:
    return fill(line, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _percent(share: float) -> str:
    """
    >>> [_percent(share) for share in (0.982, -0.5, 0.99999, 1.0, float("nan"))]
    ['98.2 %', '−50.0 %', '> 99.9 %', '100.0 %', '']
    """
    if not isfinite(share):
        return ""
    return "> 99.9 %" if 0.9995 <= share < 1 - 1e-12 else f"{round(100 * share, 1) + 0.0:.1f} %".replace("-", "−")


def _number(count: int) -> str:
    """
    >>> _number(3481201), _number(2**2000)
    ('3,481,201', '1.148 · 10^602')
    """
    if count < 10**15:
        return f"{count:,}"
    exponent = log10(count)
    return f"{10 ** (exponent - floor(exponent)):.4g} · 10^{floor(exponent):,}"


def _counted(count: int) -> str:
    return "1 path" if count == 1 else f"{_number(count)} paths"
