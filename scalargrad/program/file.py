"""A Program as a file: JSON, the same bytes for the same Program, that is checked all through when it is read.

Nothing in a file is run, imported or evaluated. What is wrong with one is told by ProgramError. Version 1 is an object of
these fields, all of them and no others, which are written in this order, a row to a line:

format      "scalargrad Program"
version     1
scalargrad  the version of scalargrad that wrote it
name        what the Program is called
arguments   the nests of what it takes by position, as `Layout.plain` tells them
named       pairs of a name and a nest: what it takes by name
exactly     a bool: whether nests of other types, as a tuple for a list, are other arguments
positional  the names of what it takes by position, as far as they are known
results     the nest of what it gives
example     the numbers of the arguments that it was recorded with, by position, then by name
parameters  pairs of a number and a label: the inputs of others that it reads at every call
constants   numbers
rows        [rule, operands], or [rule, operands, more] where `more` has any of quiet (a bool), label (a string), scope
            (a list of strings) and line (a string): see Row in code.py. A rule is a name of TABLE there.
outputs     which numbers the results are
guards      [number, expected, line], in the order of their numbers, which are those of rows

A float is a string as `float.hex` gives it, so that its bits stay (of a nan the sign and the payload do not). Operands,
outputs and guards say which number by counting from 0: those of the example, the parameters, the constants, the rows.
The lines, "file:line", are those of the source where it was recorded, with its path there.
"""

import json
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from math import nan
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from scalargrad._version import __version__
from scalargrad.errors import ProgramError
from scalargrad.program.code import RAISES, TABLE, Code, Guard, Row, is_of_table
from scalargrad.program.layout import Layout
from scalargrad.program.plain import Misfit, number, shown
from scalargrad.rules import Rule

if TYPE_CHECKING:
    from scalargrad.program.program import Program

__all__ = ["Contents", "read", "written"]

FORMAT, VERSION = "scalargrad Program", 1


class Contents(NamedTuple):
    """What a file has of a Program; the parameters as a number and a label."""

    code: Code
    arguments: Layout
    results: Layout
    parameters: list[tuple[float, str]]
    name: str
    positional: list[str]


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def written(program: "Program") -> bytes:
    """The file of a Program. Raises ProgramError, naming it, for what cannot be in one."""
    try:
        return _lines(_fields_of(program)).encode("ascii")
    except Misfit as problem:
        raise ProgramError(f"the Program {program.name} cannot be saved or pickled: {problem}") from None


def _fields_of(program: "Program") -> dict[str, Any]:
    code = program.code
    if program.error is not None:
        raise Misfit(f"it is a way to an exception, {program.error!r}")
    for row in code.rows:
        if not is_of_table(row.rule):
            raise Misfit(
                f"its gate {row.rule.name} is code in Python, which no file has: make {row.rule.name} a plain function "
                "of scalargrad's own, or record the Program where it is to run"
            )
    _, ((_, arguments), (_, named)) = program.arguments.plain()
    return {
        "format": FORMAT,
        "version": VERSION,
        "scalargrad": __version__,
        "name": program.name,
        "arguments": arguments,
        "named": named,
        "exactly": program.arguments.exactly,
        "positional": program.positional,
        "results": program.results.plain(),
        "example": _digits(program.arguments.example),
        "parameters": [[x._data.hex(), x.label] for x in program.parameters],
        "constants": _digits(code.constants),
        "rows": [_row(row) for row in code.rows],
        "outputs": code.outputs,
        "guards": [[guard.number, guard.expected.hex(), guard.line] for guard in code.guards],
    }


def _digits(numbers: Iterable[Any]) -> list[str]:
    return [float(x).hex() for x in numbers]


def _row(row: Row) -> list[Any]:
    more = {"quiet": row.quiet, "label": row.label, "scope": row.scope, "line": row.line}
    more = {name: x for name, x in more.items() if x}
    return [row.rule.name, row.operands, more] if more else [row.rule.name, row.operands]


def _lines(fields: dict[str, Any]) -> str:
    text = json.JSONEncoder().encode
    lines = []
    for name, field in fields.items():
        if name in ("rows", "guards") and field:
            lines.append(f'"{name}": [\n ' + ",\n ".join(map(text, field)) + "\n]")
        else:
            lines.append(f'"{name}": {text(field)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def read(content: bytes) -> Contents:
    """What a file says. Raises ProgramError if it is none, is damaged, or of another version."""
    try:
        return _contents(_parsed(content))
    except RecursionError:
        raise ProgramError("it is nested too deep") from None
    except ValueError as problem:  # as json, and the functions below, raise it
        raise ProgramError(str(problem)) from None


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_int,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except json.JSONDecodeError as problem:
        raise ValueError(f"it is not JSON, or not whole: {problem}") from None
    if type(found) is not dict or found.get("format") != FORMAT:
        raise ValueError("it is not a file of a Program")
    version, writer = found.get("version"), found.get("scalargrad")
    if type(version) is not int or version != VERSION:
        raise ValueError(
            f"it is of version {shown(version)} of the format, from scalargrad {shown(writer)}: this one, {__version__}, "
            f"reads version {VERSION}"
        )
    for missing in sorted(_FIELDS - found.keys()):
        raise ValueError(f"it has no field {missing!r}")
    for unknown in sorted(found.keys() - _FIELDS):
        raise ValueError(f"it has a field {shown(unknown)}, which version {VERSION} has not")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"an object has a field twice among {shown([name for name, _ in pairs])}")
    return found


def _int(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError(f"the whole number {shown(digits)} is too large")
    return int(digits)


def _no_float(digits: str) -> NoReturn:
    raise ValueError(f"{shown(digits)} is not a whole number; a float is told as text, by its float.hex()")


_FIELDS = {
    *("format", "version", "scalargrad", "name", "arguments", "named", "exactly", "positional"),
    *("results", "example", "parameters", "constants", "rows", "outputs", "guards"),
}


def _contents(fields: dict[str, Any]) -> Contents:
    _str("scalargrad", fields["scalargrad"])
    example = _numbers("example", fields["example"])
    parameters = [
        (number(digits), _str("label of a parameter", label))
        for digits, label in _tuples("parameters", fields["parameters"], 2)
    ]
    constants = _numbers("constants", fields["constants"])
    start = len(example) + len(parameters) + len(constants)
    rows = _rows(fields["rows"], start)
    count = start + len(rows)
    outputs = _places("outputs", fields["outputs"], 0, count)
    guards = [
        Guard(at, number(expected), _str("line of a guard", line))
        for at, expected, line in _tuples("guards", fields["guards"], 3)
    ]
    numbers = _places("guards", [guard.number for guard in guards], start, count)
    if any(x > y for x, y in pairwise(numbers)):
        raise ValueError("its guards are not in order")
    named = [(_str("name of an argument", name), nest) for name, nest in _tuples("named", fields["named"], 2)]
    nests = ["tuple", [["tuple", _list("arguments", fields["arguments"])], ["dict", [[*pair] for pair in named]]]]
    return Contents(
        Code(len(example), len(parameters), tuple(constants), tuple(rows), tuple(outputs), tuple(guards)),
        Layout.of_plain(nests, example, _bool("exactly", fields["exactly"])),
        Layout.of_plain(fields["results"], [nan] * len(outputs)),
        parameters,
        _str("name", fields["name"]),
        [_str("name of an argument", name) for name in _list("positional", fields["positional"])],
    )


def _rows(plain: Any, start: int) -> list[Row]:
    rows: list[Row] = []
    for at, row in enumerate(_list("rows", plain), start):
        try:
            rows.append(_row_of(row, at))
        except ValueError as problem:
            raise ValueError(f"row {at - start} is wrong: {problem}") from None
    return rows


def _row_of(plain: Any, at: int) -> Row:
    """The row that is number `at`."""
    if type(plain) is not list or not 2 <= len(plain) <= 3:
        raise ValueError(f"it is a rule, operands and perhaps more, not {shown(plain)}")
    rule = TABLE.get(_str("rule", plain[0]))
    if rule is None:
        raise ValueError(f"there is no rule {shown(plain[0])} in scalargrad {__version__}")
    operands = tuple(_places("operands", plain[1], 0, at))
    _check_arity(rule, len(operands))
    return Row(rule, operands, *_more(plain[2])) if len(plain) == 3 else Row(rule, operands)


def _check_arity(rule: Rule, count: int) -> None:
    wanted = _arity(rule)
    if wanted is None and (count == 0 or (rule.name == "dot" and count % 2)):
        raise ValueError(f"{rule.name} is not of {count} operands")
    if wanted is not None and count != wanted:
        raise ValueError(f"{rule.name} is of {wanted} operands, not {count}")


@cache
def _arity(rule: Rule) -> int | None:
    """How many operands it takes; None for any number."""
    return next((of for of, raises in RAISES.items() if raises is rule), rule).arity


def _more(more: Any) -> tuple[bool, str, tuple[str, ...], str | None]:
    if type(more) is not dict or not more.keys() <= {"quiet", "label", "scope", "line"}:
        raise ValueError(f"{shown(more)} has more than quiet, label, scope and line")
    quiet, line = _bool("quiet", more.get("quiet", False)), more.get("line")
    scope = tuple([_str("part of a scope", name) for name in _list("scope", more.get("scope", []))])
    return quiet, _str("label", more.get("label", "")), scope, None if line is None else _str("line", line)


# ── parts of it ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _str(what: str, plain: Any) -> str:
    if type(plain) is not str:
        raise ValueError(f"the {what} is a string, not {shown(plain)}")
    return plain


def _bool(what: str, plain: Any) -> bool:
    if type(plain) is not bool:
        raise ValueError(f"{what} is true or false, not {shown(plain)}")
    return plain


def _list(what: str, plain: Any) -> list[Any]:
    if type(plain) is not list:
        raise ValueError(f"the {what} are a list, not {shown(plain)}")
    return plain


def _tuples(what: str, plain: Any, length: int) -> list[list[Any]]:
    parts = _list(what, plain)
    for part in parts:
        if type(part) is not list or len(part) != length:
            raise ValueError(f"the {what} are lists of {length}, and not so {shown(part)}")
    return parts


def _numbers(what: str, plain: Any) -> list[float]:
    return [number(digits) for digits in _list(what, plain)]


def _places(what: str, plain: Any, start: int, end: int) -> list[int]:
    """The numbers of numbers from `start` on and before `end`."""
    places = _list(what, plain)
    for at in places:
        if type(at) is not int or not start <= at < end:
            raise ValueError(f"the {what} are whole numbers from {start} to {end - 1}, and not so {shown(at)}")
    return places
