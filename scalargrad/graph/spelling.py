"""How numbers and labels are written in a picture, whichever kind of picture it is."""

__all__ = ["brief", "grown", "literal", "named", "number", "sign"]


def number(x: float | None, none: str = "none") -> str:
    """A number as Python writes it if that is short, else rounded to four digits, which then all show.

    >>> [number(x) for x in (1.0, -0.105, 0.1 + 0.2, 1234.5678, 1e-300 / 3, float("nan"), True, None)]
    ['1.0', '-0.105', '0.3000', '1235', '3.333e-301', 'nan', 'True', 'none']
    """
    if x is None:
        return none
    exact = repr(x)
    return exact if len(exact) <= 7 else f"{x:#.4g}".rstrip(".")


def brief(x: float | None) -> str:
    """A number as it is written in a sentence: to four digits, without zeros that say nothing, and with a real minus.

    >>> [brief(x) for x in (1.0, -0.105, 1234.5678, 1e-300 / 3, -0.0, float("-inf"), True)]
    ['1', '−0.105', '1235', '3.333e−301', '0', '−inf', 'True']
    """
    return str(x) if isinstance(x, bool) or x is None else f"{x + 0.0:.4g}".replace("-", "−")


def grown(before: float, more: float) -> str:
    """A sum that grows, in a sentence.

    >>> grown(2.0, 3.0), grown(1.0, -0.25)
    ('2 + 3 = 5', '1 − 0.25 = 0.75')
    """
    return f"{brief(before)} {'−' if more < 0 else '+'} {brief(abs(more))} = {brief(before + more)}"


def sign(symbol: str) -> str:
    """The symbol of an operation as a sentence has it.

    >>> sign("*"), sign("-"), sign("tanh")
    ('×', '−', 'tanh')
    """
    return {"*": "×", "-": "−"}.get(symbol, symbol)


def literal(text: str, width: int | None = 40) -> str:
    r"""Text on one line in which everything can be seen and nothing can act, cut to a width.

    What has no glyph is written as Python escapes it: line ends, NUL, marks that reverse the direction of writing,
    halves of surrogate pairs. XML has no way to write most of these.

    >>> print(literal("a\n\0b"), literal("x" * 50, width=8))
    a\n\x00b xxxxxxx…
    """
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


def named(label: str, text: str) -> str:
    """A number under its label, if it has one.

    >>> named("x", "3.0"), named("", "3.0")
    ('x = 3.0', '3.0')
    """
    return f"{literal(label)} = {text}" if label else text
