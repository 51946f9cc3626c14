"""The command: an expression and its variables in, its value and derivatives out."""

import argparse
import importlib
import json
import os
import platform
import re
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from keyword import iskeyword
from math import isfinite
from typing import NoReturn

import scalargrad
from scalargrad.console.expression import parse
from scalargrad.console.language import CONSTANTS, SIGNATURES, usage
from scalargrad.console.repl import open_repl
from scalargrad.console.source import quote
from scalargrad.engine import ENGINE, REASON, Tape, Value
from scalargrad.errors import ExpressionError, RenderError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, on the arguments of the process unless others are given, and return the exit status.

    That is 0, or 2 after a mistake in the arguments, of which one line on stderr tells.

    >>> main(["x**2", "x=3"])
    value    9.0
    d/dx     6.0
    0
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # where α cannot be shown, \u03b1 can
    try:
        try:
            return _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            print(end="", flush=True)
    except ExpressionError as error:
        return _fail(f"column {error.column + 1}: {error}")
    except _Mistake as mistake:
        return _fail(str(mistake))
    except KeyboardInterrupt:
        return 130
    except OSError as error:  # of stdout; what is still in its buffer must not fail again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1 if isinstance(error, BrokenPipeError) else _fail(f"the output cannot be written: {error}")


class _Mistake(Exception):
    """In the arguments, outside of the expression."""


def _fail(message: str) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return 2


def _run(arguments: Sequence[str]) -> int:
    parser = _parser()
    options = _options(parser, arguments)
    if options.help:
        print(parser.format_help(), end="")
        return 0
    if options.version:
        python = f"{platform.python_implementation()} {platform.python_version()}"
        print(f"scalargrad {scalargrad.__version__}, {ENGINE} engine ({REASON}), {python}")
        return 0
    if not options.words:
        to_show = (options.draw, options.play, options.explain)
        if options.tape or options.json or options.trace or any(given is not None for given in to_show):
            raise _Mistake('there is nothing to show: write an expression first, as in "x**2" x=3 --tape')
        return open_repl()
    text, *assignments = options.words
    if re.match(r"\s*\w+\s*=(?!=)", text):
        raise _Mistake(f'{quote(text)} comes too early: write the expression first, as in "x**2" x=3')
    numbers, expression = _numbers(assignments), parse(text)
    if options.explain is not None:
        options.explain = _variable(options.explain, numbers)
    with Tape() as tape:
        variables = {name: Value(number, label=name) for name, number in numbers.items()}
        y = expression.evaluate(variables)
        y = y if isinstance(y, Value) else Value(y)
    told = [str(scalargrad.trace(y))] if options.trace else []
    if options.explain is not None:
        told.append(str(scalargrad.explain(y, variables[options.explain])))
    y.backward()
    if options.draw is not None:
        _draw(y, options.draw)
    if options.play is not None:
        _play(y, options.play)
    gradients = {name: x.grad for name, x in variables.items()}
    print(_as_json(y.data, gradients) if options.json else _as_table(y.data, gradients))
    if options.tape:
        print(f"\n{tape}")
    for text in told:
        print(f"\n{text}")
    if options.draw is not None and not options.json:
        print(f"\npicture: {options.draw}")
    if options.play is not None and not options.json:
        print(f"\nplayer: {options.play}")
    return 0


def _numbers(assignments: Sequence[str]) -> dict[str, float]:
    """The variables, in the order they are given. One that the expression does not use has the derivative 0."""
    numbers: dict[str, float] = {}
    for word in assignments:
        name, equals, number = word.partition("=")
        name = unicodedata.normalize("NFKC", name.strip())  # as Python does with the names in an expression
        if not equals:
            raise _Mistake(f"{quote(word)} gives no variable a number: write x=3, and the whole expression in quotes")
        if not name.isidentifier() or iskeyword(name):
            raise _Mistake(f"{quote(name)} in {quote(word)} cannot be the name of a variable: take one such as x or x1")
        if name in CONSTANTS or name in SIGNATURES:
            raise _Mistake(f"{quote(name)} in {quote(word)} has a meaning in expressions already: take another name")
        if name in numbers:
            raise _Mistake(f"{quote(name)} is given twice: leave {name}={numbers[name]!r} or {quote(word)} out")
        try:
            numbers[name] = float(number)
        except ValueError:
            raise _Mistake(f"{quote(number)} in {quote(word)} is not a number: write one, as {name}=3.5") from None
    return numbers


def _variable(name: str, numbers: dict[str, float]) -> str:
    """The variable that --explain names."""
    name = unicodedata.normalize("NFKC", name.strip())
    if name not in numbers:
        known = f"write one of {', '.join(numbers)}" if numbers else "give the expression one, as x=3"
        raise _Mistake(f"--explain: {quote(name)} is none of the variables: {known}")
    return name


def _draw(y: Value, file: str) -> None:
    draw = importlib.import_module("scalargrad.graph").draw  # only now, for nothing else here needs it
    try:
        draw(y).save(file)
    except (RenderError, ValueError, OSError) as error:
        raise _Mistake(f"--draw: {error}") from None


def _play(y: Value, file: str) -> None:
    play = importlib.import_module("scalargrad.graph").play
    try:
        play(y, file)
    except (RenderError, ValueError, OSError) as error:
        raise _Mistake(f"--play: {error}") from None


def _as_table(value: float, gradients: dict[str, float]) -> str:
    lines = {"value": value} | {f"d/d{name}": gradient for name, gradient in gradients.items()}
    width = max(map(len, lines)) + 4
    return "\n".join(f"{heading:{width}}{number!r}" for heading, number in lines.items())


def _as_json(value: float, gradients: dict[str, float]) -> str:
    """One object. JSON has no infinities and no nan: they are strings, which float() and JavaScript's Number() read."""

    def number(x: float) -> float | str:
        return x if isfinite(x) else "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"

    return json.dumps({"value": number(value), "gradients": {name: number(x) for name, x in gradients.items()}})


# ── the arguments ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Mistake(f"{message}: see python -m scalargrad --help")


def _options(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    # What begins with a minus sign and does not look like an option is an expression. A NUL, which no argument of a
    # process can contain, keeps argparse from taking it for an option nonetheless.
    end = [*arguments, "--"].index("--")
    marked = ["\0" + word if re.match(r"-(?!h$|-[a-z]+(=|$))", word) else word for word in arguments[:end]]
    marked += ["\0" + word for word in arguments[end + 1 :]]
    options = parser.parse_intermixed_args(marked)
    options.words = [word.removeprefix("\0") for word in options.words]
    options.draw = options.draw and options.draw.removeprefix("\0")
    options.play = options.play and options.play.removeprefix("\0")
    options.explain = options.explain and options.explain.removeprefix("\0")
    if options.json and (options.trace or options.explain is not None):
        parser.error(f"argument {'--trace' if options.trace else '--explain'}: not allowed with argument --json")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m scalargrad",
        usage="python -m scalargrad [EXPRESSION [NAME=NUMBER ...]] [options]",
        description="Print the value of EXPRESSION and every partial derivative, or open a REPL.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,  # for it is printed while an error of the output would be passed over
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--draw", metavar="FILE", help="draw the graph; FILE ends in .svg, .png, .pdf or .dot")
    parser.add_argument("--play", metavar="FILE", help="write a page to step through; FILE ends in .html")
    shows = parser.add_mutually_exclusive_group()
    shows.add_argument("--tape", action="store_true", help="print the tape as well")
    shows.add_argument("--json", action="store_true", help="print one JSON object, with nan and inf as strings")
    parser.add_argument("--trace", action="store_true", help="tell the backward pass, row by row")
    parser.add_argument("--explain", metavar="VAR", help="tell along which paths the derivative by VAR comes about")
    parser.add_argument("--version", action="store_true", help="tell the version, and which engine runs")
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    return parser


def _listed(names: Sequence[str]) -> str:
    line = "  ".join(name.replace(" ", "\xa0") for name in names)  # within a name, no line ends
    return textwrap.fill(line, 78, initial_indent="  ", subsequent_indent="  ").replace("\xa0", " ")


_EPILOG = f"""\
examples:
  python -m scalargrad "(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)" x=3 y=-4
  python -m scalargrad "log(x) if x > 0 else 0" x=2 --tape
  python -m scalargrad "tanh(x*y) + x" x=2 y=0.5 --trace --explain x

An EXPRESSION is made of numbers, variables, pi, e, ( ), + - * / % **, and
A if CONDITION else B, where conditions have < <= == != >= >, and, or, not.
It has these functions, of one number,
{_listed([name for name, signature in SIGNATURES.items() if signature == ("x",)])}
and of more:
{_listed([usage(name) for name, signature in SIGNATURES.items() if signature != ("x",)])}
"""
