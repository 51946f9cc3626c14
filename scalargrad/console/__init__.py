"""The console: `python -m scalargrad` calculates one expression and its derivatives, or opens a REPL."""

from scalargrad.console.command import main
from scalargrad.console.expression import Expression, parse

__all__ = ["Expression", "main", "parse"]
