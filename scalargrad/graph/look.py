"""How a picture looks: what of a node it shows, how numbers are spelled, its colours."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from scalargrad.graph.spelling import literal, number

__all__ = ["PLAIN", "THEMES", "Look", "NumberFormat", "Theme"]

#: A format specification such as ".3f", or a function of a number that returns its text; None is four digits or exact.
NumberFormat: TypeAlias = str | Callable[[float], str] | None

DIRECTIONS = ("LR", "RL", "TB", "BT")


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours. Nothing is told by colour alone: kinds differ in shape and outline, gradients in sign and line width.

    Blue and orange differ to every eye, and in brightness from the paper; the path's colour is neither.
    """

    paper: str
    ink: str
    line: str
    edge: str
    faint: str
    result: str
    input: str
    constant: str
    operation: str
    box: str
    scope: str
    path: str
    negative: str
    positive: str
    undefined: str  # of a gradient that is nan


THEMES = {
    "light": Theme(
        paper="white", ink="#000000", line="#444444", edge="#777777", faint="#333333",
        result="#ffffff", input="#d6e8f7", constant="#eeeeee", operation="#f9e2b8", box="#e6efe0", scope="#f6f6f3",
        path="#a3004f", negative="#4393d9", positive="#f28e2b", undefined="#cc99cc",
    ),
    "dark": Theme(
        paper="#1b1e23", ink="#f2f2f2", line="#a8adb5", edge="#9aa0a8", faint="#d5d8dc",
        result="#2a2e35", input="#1f415f", constant="#3a3d42", operation="#5f4a1c", box="#33452b", scope="#22262c",
        path="#ff7ab8", negative="#2473bd", positive="#b35c00", undefined="#7d4a7d",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """The options of `draw` that change how a picture looks, and not what is in it; each is checked."""

    values: bool = True
    gradients: bool = True
    derivatives: bool = True
    number: NumberFormat = None
    direction: str = "LR"
    theme: str = "light"
    heat: bool = False

    def __post_init__(self) -> None:
        for name in ("values", "gradients", "derivatives", "heat"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name}= is True or False, not {getattr(self, name)!r}")
        for name, choices in (("direction", DIRECTIONS), ("theme", THEMES)):
            chosen = getattr(self, name)
            if not isinstance(chosen, str) or chosen not in choices:
                raise ValueError(f"{name}={chosen!r} is not one of {', '.join(choices)}")
        if isinstance(self.number, str):
            try:
                format(1.0, self.number)
            except ValueError:
                raise ValueError(
                    f"number={self.number!r} is not a format specification for numbers, such as '.3f', '.4g' or '+.2e'"
                ) from None
        elif not (self.number is None or callable(self.number)):
            raise TypeError(
                f"number= is a format specification such as '.3f', or a function of a number, not {self.number!r}"
            )

    def spell(self, x: float | None, none: str = "none") -> str:
        """A number as this picture writes it.

        >>> Look().spell(1 / 3), Look(number=".2f").spell(1 / 3), Look(number=str).spell(0.5)
        ('0.3333', '0.33', '0.5')
        """
        if x is None or self.number is None or isinstance(x, bool):
            return number(x, none)
        text: Any = self.number(x) if callable(self.number) else format(x, self.number)
        if not isinstance(text, str):
            raise TypeError(f"number= returned {text!r} for {x!r}, and not a text")
        return literal(text)


#: As `draw` has it if nothing is asked for.
PLAIN = Look()
