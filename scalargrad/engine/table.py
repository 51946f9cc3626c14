"""The printed tape: its rows as an aligned table."""

from collections.abc import Iterable, Sequence
from typing import Any

from scalargrad.engine.messages import shorten

_HEADINGS = ("row", "operation", "operands", "value", "local derivatives", "gradient", "label", "scope")
_SHOWN = 60  # rows; of a longer tape, the first and the last half of these


def table(rows: Sequence[Any]) -> str:
    """Rows numbered from 0, numbers to six digits; a gradient before any backward pass reads `not yet`.

    So: is this zero a real zero, or "not yet"?

    >>> from scalargrad import Tape, Value
    >>> with Tape() as tape:
    ...     p, q = Value(4.0, label="p"), Value(5.0, label="q")
    >>> (0.0 * p).backward()
    >>> print(tape)
    row  operation  operands  value  local derivatives  gradient  label  scope
    #0   input                4                         0         p
    #1   input                5                         not yet   q
    """
    lines, left_out = _lines(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    if left_out:
        texts.insert(1 + _SHOWN // 2, left_out)
    return "\n".join(texts)


def html_table(rows: Sequence[Any]) -> str:
    """The same for a notebook."""
    (headings, *lines), left_out = _lines(rows)
    if left_out:
        lines.insert(_SHOWN // 2, (left_out,))
    return html(headings, lines)


def html(headings: Sequence[str], rows: Iterable[Sequence[str]], style: str = "") -> str:
    """A table of texts, which may be several lines each; a row of one text spans all columns.

    >>> html(["name", "value"], [["x < y", "2"], ["more"]])
    '<table><tr><th>name</th><th>value</th></tr><tr><td>x &lt; y</td><td>2</td></tr><tr><td colspan="2">more</td></tr></table>'
    """
    from html import escape  # only now, for it takes as long to import as the rest of the engine's Python

    def cells(row: Sequence[str]) -> str:
        span = f' colspan="{len(headings)}"' if len(row) == 1 else ""
        return "".join(f"<td{span}{style}>{escape(cell)}</td>" for cell in row).replace("\n", "<br>")

    head = "".join(f"<th>{heading}</th>" for heading in headings)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{cells(row)}</tr>' for row in rows)}</table>"


def _lines(rows: Sequence[Any]) -> tuple[list[tuple[str, ...]], str]:
    """The headings and the cells of the rows shown, and how many are left out in the middle, in words."""
    number = {row: f"#{i}" for i, row in enumerate(rows)}
    left_out = len(rows) - _SHOWN
    shown = rows if left_out <= 0 else [*rows[: _SHOWN // 2], *rows[-_SHOWN // 2 :]]
    return [_HEADINGS, *(_cells(row, number) for row in shown)], f"… {left_out:,} more rows" if left_out > 0 else ""


def _cells(row: Any, number: dict[Any, str]) -> tuple[str, ...]:
    return (
        number[row],
        row.rule.name if row.rule else "input",
        shorten(", ".join(_text(x) if isinstance(x, (float, bool)) else number[x] for x in row.operands), 40),
        _text(row.data),
        shorten(", ".join(map(_text, row.local_derivatives)), 40),
        _text(row.grad) if row.has_grad else "not yet",
        _on_its_line(row.label),
        _on_its_line("/".join(row.scope)),
    )


def _text(number: float | None) -> str:
    return "-" if number is None else str(number) if isinstance(number, bool) else f"{number:.6g}"


def _on_its_line(text: str) -> str:
    return shorten("".join(c if c.isprintable() else repr(c)[1:-1] for c in text), 40)
