"""The text of an expression: its syntax tree, and errors that point at a column of it."""

import ast
import difflib
import keyword
import warnings
from collections.abc import Iterable

from scalargrad.errors import ExpressionError

__all__ = ["Source", "did_you_mean", "quote", "shorten"]


class Source:
    """A text, and places in it, which are counted as `ast` counts them: in bytes of UTF-8.

    >>> Source("2 * (α + β").tree()
    Traceback (most recent call last):
    scalargrad.errors.ExpressionError: '(' was never closed: add the other one where it belongs
    """

    def __init__(self, text: str) -> None:
        line = "".join(" " if c in "\t\n\v\f\r" else c for c in text)
        self._code = line.lstrip(" ")  # the parser would take it for an indented block
        self._before = len(line) - len(self._code)
        self._bytes = self._code.encode(errors="replace")

    def error(self, message: str, at: int = 0) -> ExpressionError:
        """An error for the caller to raise, which points at the byte `at`."""
        return self._error(message, len(self._bytes[:at].decode(errors="replace")))

    def _error(self, message: str, column: int) -> ExpressionError:
        return ExpressionError(message, self._before + max(0, min(column, len(self._code))))

    def piece(self, node: ast.expr) -> str:
        """The text of a node, quoted."""
        return quote(self._bytes[node.col_offset : node.end_col_offset].decode(errors="replace"))

    def between(self, left: ast.expr, right: ast.expr) -> int:
        """Where the operator of two operands is: between them are only it, parentheses and spaces."""
        start = left.end_col_offset or 0
        gap = self._bytes[start : right.col_offset]
        return start + len(gap) - len(gap.lstrip(b" )"))

    def tree(self) -> ast.expr:
        """The syntax tree. Raises ExpressionError where the text has none."""
        if not self._code:
            raise ExpressionError("the expression is empty: write one, such as x**2 + sin(x)")
        for column, character in enumerate(self._code):
            if character in "#\0" or "\ud800" <= character <= "\udfff":
                raise self._error(f"{character!r} has no place in an expression: take it out", column)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they are about style, as of 1if x > 0 else 2
                return ast.parse(self._code, mode="eval").body
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (RecursionError, MemoryError):  # a MemoryError is how the parser says that its stack is full
            raise self._error(_TOO_DEEP, 0) from None

    def _syntax_error(self, error: SyntaxError) -> ExpressionError:
        """What Python says of it, and what to do."""
        says, column = error.msg.partition(" (detected")[0], (error.offset or 0) - 1
        if says == "invalid syntax":
            if column < 0:
                return self._error("the expression ends too early: go on with a number or a variable", len(self._code))
            found = self._code[column : max((error.end_offset or 0) - 1, column + 1)]
            return self._error(_out_of_place(found), column)
        if says.startswith("invalid character"):
            return self._error(f"{says}: {_SPELLED.get(self._code[column], 'take it out')}", column)
        for part, remedy in _REMEDIES.items():
            if part in says:
                return self._error(remedy if part in _UNCLEAR else f"{says}: {remedy}", column)
        return self._error(f"{says}: write an expression such as (x + sin(y)) / 2", column)


_TOO_DEEP = (
    "nested too deeply for Python's parser, which takes 200 parentheses and some 2,900 operations in a row: "
    "write a long chain as sum([x, y]) or prod([x, y])"
)
_REMEDIES = {
    "was never closed": "add the other one where it belongs",
    "unmatched": "take it out, or add the other one before it",
    "does not match": "make them the same kind",
    "expected 'else'": "write A if CONDITION else B",
    "forgot a comma": "put a comma or an operator between the two",
    "invalid decimal literal": "write * for a product, as in 2*x",
    "nested parentheses": _TOO_DEEP,
    "Exceeds the limit": "a whole number of thousands of digits is too large for a float: take a smaller one",
    "string": "text has no place in an expression: take the quotes away",
}
_UNCLEAR = ("nested parentheses", "Exceeds the limit", "string")  # Python's words speak of Python's insides
_SPELLED = {
    "=": "write == to compare, and give variables their numbers after the expression, as x=3",
    ":=": "give variables their numbers after the expression, as x=3",
    "<>": "write !=",
    "&": "write and",
    "|": "write abs(x), or or",
    "!": "write exp(lgamma(x + 1)) for x!",
    "²": "write **2",
    "³": "write **3",
    "√": "write sqrt(x)",
    "∞": "write x, and x=inf after the expression",
    **dict.fromkeys("×·⋅∙", "write *"),
    **dict.fromkeys("÷⁄∕", "write /"),
    **dict.fromkeys("−–—", "write -"),
    **dict.fromkeys("≤≥≠", "write <=, >= or !="),
}


def _out_of_place(found: str) -> str:
    """Of the first word or sign that the parser cannot use."""
    if found in _SPELLED:
        return f"{found!r} is not understood: {_SPELLED[found]}"
    if found in ("if", "else", "and", "or", "not"):
        return f"{found!r} is out of place: write A if CONDITION else B, and and, or, not between conditions"
    if keyword.iskeyword(found) or found in "$?`;:.":
        return f"{quote(found)} has no place in an expression: take it out"
    if found[0].isalnum() or found[0] in "_.([":
        return f"an operator is missing: write one before {quote(found)}, as * for a product"
    return f"an operand is missing: write a number or a variable before {quote(found)}"


def quote(text: str) -> str:
    """A text in quotes, on one line and not too long."""
    return repr(shorten(text))


def shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


_OTHER_NAMES = {"ln": "log", "pow": "**", "logistic": "sigmoid", "expit": "sigmoid", "π": "pi"}


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The question whether some other name was meant, if one is like it; else nothing.

    >>> did_you_mean("Sine", ["sin", "cos"])
    "did you mean 'sin'?"
    """
    lower = {other.lower(): other for other in names}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    meant = _OTHER_NAMES.get(name) or (lower[close[0]] if close else None)
    return f"did you mean {meant!r}?" if meant else ""
