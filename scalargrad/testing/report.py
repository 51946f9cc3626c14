"""What the checks say: a report if all is well, else an error."""

from dataclasses import dataclass, field

from scalargrad.errors import ScalarGradError

__all__ = ["GradientCheckError", "Report", "SilentDetachError"]


class GradientCheckError(ScalarGradError, AssertionError):
    """A derivative is wrong; the message begins with the first row where it is."""


class SilentDetachError(ScalarGradError, AssertionError):
    """Data flows from an input to the result outside of the tape, where no gradient can flow back."""


@dataclass
class Report:
    """What was checked, and found right.

    order   the highest order of derivatives that was checked
    rows    how many rows were held to their operations; rows of the gradient's own tape count too
    method  what the function's derivatives were held to: 50-digit numbers, or extrapolated differences and why
    kinks   where more than one slope is right, and which one the tape has
    notes   what could not be told
    """

    order: int = 0
    rows: int = 0
    method: str = "50-digit numbers"
    kinks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"right to order {self.order}, in {self.rows} rows; held to {self.method}"]
        return "\n".join(lines + [f"kink: {kink}" for kink in self.kinks] + [f"note: {note}" for note in self.notes])

    def kink(self, text: str) -> None:
        self.kinks += [text] if text not in self.kinks else []

    def note(self, text: str) -> None:
        self.notes += [text] if text not in self.notes else []
