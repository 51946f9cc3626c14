"""The printed tape: its rows as an aligned table."""

from collections.abc import Sequence
from typing import Any

from scalargrad.engine.messages import shorten

_HEADINGS = ("row", "operation", "operands", "value", "local derivatives", "gradient", "label", "scope")
_SHOWN = 60  # rows; of a longer tape, the first and the last half of these


def table(rows: Sequence[Any]) -> str:
    """Rows numbered from 0, numbers to six digits; a gradient before any backward pass reads `not yet`."""
    number = {row: f"#{i}" for i, row in enumerate(rows)}
    left_out = len(rows) - _SHOWN
    shown = rows if left_out <= 0 else [*rows[: _SHOWN // 2], *rows[-_SHOWN // 2 :]]
    lines = [_HEADINGS, *(_cells(row, number) for row in shown)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    if left_out > 0:
        texts.insert(1 + _SHOWN // 2, f"… {left_out:,} more rows")
    return "\n".join(texts)


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
