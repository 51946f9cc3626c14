"""A table with what is said before and after it, for a notebook."""

from collections.abc import Iterable, Sequence
from html import escape

from scalargrad.engine.table import html

__all__ = ["as_html"]


def as_html(before: Iterable[str], headings: Sequence[str], rows: Sequence[Sequence[str]], after: Iterable[str]) -> str:
    """As HTML: lines, the table if it has rows, and lines again.

    >>> as_html(["2 & 3:"], ["name", "value"], [["x", "2"]], [])  # doctest: +ELLIPSIS
    "<p>2 &amp; 3:</p><table><tr>...<td style='text-align: left'>x</td>...</tr></table><p></p>"
    """
    table = html(headings, rows, " style='text-align: left'") if rows else ""
    return f"<p>{_lines(before)}</p>{table}<p>{_lines(after)}</p>"


def _lines(texts: Iterable[str]) -> str:
    return "<br>".join(map(escape, texts))
