"""The NumPy arrays that Programs run on. NumPy is imported when the first one is needed: the package does without."""

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from scalargrad.errors import ProgramError
from scalargrad.namespaces import as_float
from scalargrad.nest import is_masked
from scalargrad.program.plain import shown

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Lanes", "is_array", "table_of", "the_numpy"]


class Lanes(NamedTuple):
    """What came out of a run over many points. Where lanes failed or strayed is read, never written: runs may share it.

    outputs  floats of shape (points, outputs); what stands where a lane failed or strayed is nobody's business
    failed   of shape (points,): where Python would have raised, on the way that the code goes
    strayed  of shape (points,): where a guard came out differently before anything failed
    """

    outputs: "np.ndarray"
    failed: "np.ndarray"
    strayed: "np.ndarray"


def the_numpy() -> Any:
    """NumPy, which a Program runs with. Raises ProgramError where it is not installed."""
    try:
        import numpy
    except ImportError as error:
        raise ProgramError('Programs run on NumPy arrays: pip install "scalargrad-tape[program]"') from error
    return numpy


def table_of(points: Any) -> "np.ndarray":
    """The points of a batch as floats, of shape (points, inputs). Raises TypeError for what is not that."""
    numpy = the_numpy()
    try:
        found = numpy.asarray(points)
    except ValueError:
        raise TypeError("the points of a batch are rows of equally many numbers, and here they are not") from None
    if found.ndim != 2:
        way_out = ": X[:, None] is one column, X[None] one point" if found.ndim == 1 else ""
        raise TypeError(f"a batch is an array of shape (points, inputs), not of shape {found.shape}{way_out}")
    if is_masked(points):
        raise TypeError("some of the points are masked: hand over those that are not, or points.filled(nan)")
    if found.dtype.kind == "O":
        for x in found.ravel().tolist():
            if as_float(x) is None:
                raise TypeError(f"the points of a batch are real numbers, and there is {shown(x)} ({type(x).__name__})")
    elif found.dtype.kind not in "fiub":
        raise TypeError(f"the points of a batch are real numbers, not an array of {found.dtype}")
    return cast("np.ndarray", numpy.asarray(found, dtype=float))


def is_array(thing: Any) -> bool:
    """Whether it is an array of NumPy."""
    return isinstance(thing, the_numpy().ndarray)
