"""The exceptions of scalargrad, as one tree.

An error of *arithmetic* is not here: `log(-1)`, `1 / 0` and an overflow raise what Python's own floats raise
(ValueError, ZeroDivisionError, OverflowError), so that code which catches those goes on working.
"""


class ScalarGradError(Exception):
    """The root of all exceptions that are scalargrad's own."""


class TapeError(ScalarGradError, RuntimeError):
    """Values of two tapes met in one operation, or a thread recorded on a tape that another thread owns."""


class StaleValueError(TapeError):
    """An input's data changed after the expression was recorded, so its stored derivatives belong to old data."""


class GradientLostError(ScalarGradError, TypeError):
    """A Value was asked to become a plain number where that would silently cut the gradient (`float(v)`)."""


class NotAnInputError(ScalarGradError, TypeError):
    """Something that only an input can do (new data, copy, pickle) was asked of a computed Value."""


class GateError(ScalarGradError, TypeError):
    """A gate is defined with the wrong arity, or returned something else than one real number for each place."""


class RenderError(ScalarGradError, RuntimeError):
    """A picture was asked for and nothing on this machine can draw it, or what can draw it failed."""


class ExpressionError(ScalarGradError, ValueError):
    """A textual expression is not one that can be calculated; carries the column (from 0) where it goes wrong."""

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(message)
        self.column = column


class ProgramError(ScalarGradError, RuntimeError):
    """A Program cannot be recorded, run or loaded: what it was given does not fit it, or it would be silently wrong."""
