"""What a Program looks like as text: its rows, one to a line."""

from typing import TYPE_CHECKING

from scalargrad.program.code import Guard, Row, tells_truth

if TYPE_CHECKING:
    from scalargrad.program.program import Program

__all__ = ["expected", "in_short", "listing", "names_of"]

_MOST = 400  # lines


def listing(program: "Program") -> str:
    """The rows that were recorded, with what they are applied to, and the guards behind those that they are about."""
    code = program.code
    names = names_of(program)
    lines = [f"{program.name}: {program.stats}"]
    if code.inputs:
        lines.append(f"inputs      {in_short([names[i] for i in range(code.inputs)])}")
    if code.shared:
        lines.append(f"parameters  {in_short([names[i] for i in range(code.inputs, code.inputs + code.shared)])}")
    width = len(names[code.numbers - 1]) if code.rows else 0
    for at, row in enumerate(code.rows[:_MOST], start=code.start):
        text = f"{names[at]:{width}} = {row.rule.text(*[names[x] for x in row.operands])}"
        for guard in code.guards_of.get(at, ()):
            text += f"   ← is {expected(row, guard)}" + (f", at {guard.line}" if guard.line else "")
        lines.append(text + (f"   {row.label}" if row.label else ""))
    if len(code.rows) > _MOST:
        lines.append(f"… {len(code.rows) - _MOST:,} more rows")
    lines.append(f"outputs     {in_short([f'{out} = {names[x]}' for out, x in zip(program.outputs, code.outputs)])}")
    return "\n".join(lines)


def names_of(program: "Program") -> list[str]:
    """What each number of its code is called."""
    constants = [f"({shortest(x)})" if str(x)[0] == "-" else shortest(x) for x in program.code.constants]
    return [*program.inputs, *program.parameter_names, *constants, *(f"v{i}" for i in range(len(program)))]


def expected(row: Row, guard: Guard) -> str:
    """What the guard of this row is: a truth or a number."""
    return str(bool(guard.expected)) if tells_truth(row.rule) else shortest(guard.expected)


def shortest(x: float) -> str:
    """A number in as few digits as tell it from every other.

    >>> shortest(-2.0), shortest(0.1), shortest(1 / 3)
    ('-2', '0.1', '0.3333333333333333')
    """
    return f"{x:g}" if float(f"{x:g}") == x or x != x else repr(x)


def in_short(names: list[str]) -> str:
    """Names in one line; of many the first and the last."""
    return ", ".join(names if len(names) <= 12 else [*names[:6], "…", *names[-3:]])
