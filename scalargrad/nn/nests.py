"""What the layers take and give: a number, or lists of lists of numbers, called a nest here."""

from collections.abc import Callable, Iterator
from typing import Any

from scalargrad.namespaces import as_float

__all__ = ["alike", "as_lists", "fill", "leaves", "number", "on_each", "on_pairs", "pairs", "shape"]


def as_lists(nest: Any) -> Any:
    """The nest with its tuples and NumPy arrays turned into lists.

    >>> as_lists(((1, 2), [3]))
    [[1, 2], [3]]
    """
    if hasattr(nest, "tolist"):
        nest = nest.tolist()
    return [as_lists(part) for part in nest] if isinstance(nest, (list, tuple)) else nest


def leaves(nest: Any) -> list[Any]:
    """All that is in the nest, from left to right; as_lists() has made it."""
    if not isinstance(nest, list):
        return [nest]
    return [leaf for part in nest for leaf in leaves(part)] if list in map(type, nest) else nest.copy()


def fill(nest: Any, content: Iterator[Any]) -> Any:
    """A nest of the same form with other things in it, from left to right."""
    return [fill(part, content) for part in nest] if isinstance(nest, list) else next(content)


def on_each(function: Callable[[Any], Any], nest: Any) -> Any:
    """The function applied to each thing in a nest.

    >>> on_each(abs, [[-1, 2], -3])
    [[1, 2], 3]
    """
    nest = as_lists(nest)
    return fill(nest, map(function, leaves(nest)))


def alike(nest: Any, other: Any) -> bool:
    """Whether both have the same form."""
    if isinstance(nest, list) and isinstance(other, list):
        if list not in map(type, nest) and list not in map(type, other):
            return len(nest) == len(other)
        return len(nest) == len(other) and all(map(alike, nest, other))
    return not isinstance(nest, list) and not isinstance(other, list)


def pairs(nest: Any, other: Any) -> list[tuple[Any, Any]]:
    """What stands in the same places of two nests of the same shape; ValueError if they are of two shapes.

    >>> pairs([1, [2]], [3, [4]])
    [(1, 3), (2, 4)]
    """
    nest, other = as_lists(nest), as_lists(other)
    if not alike(nest, other):
        raise ValueError(f"two of the same shape, not of {shape(nest)} and {shape(other)}")
    return list(zip(leaves(nest), leaves(other), strict=True))


def on_pairs(function: Callable[[Any, Any], Any], nest: Any, other: Any) -> Any:
    """The function applied to what stands in the same places of two nests of the same shape."""
    return fill(as_lists(nest), iter([function(x, y) for x, y in pairs(nest, other)]))


def shape(nest: Any) -> str:
    """The lengths, for an error message.

    >>> shape([[1, 2, 3], [4, 5, 6]]), shape([[1], [2, 3]]), shape(1)
    ('(2, 3)', '(2, …)', '()')
    """
    return f"({', '.join(_lengths(nest))})"


def _lengths(nest: Any) -> tuple[str, ...]:
    if not isinstance(nest, list):
        return ()
    inner = {_lengths(part) for part in nest}
    return (str(len(nest)), *(inner.pop() if len(inner) == 1 else ("…",) if inner else ()))


def number(what: str, leaf: Any) -> float:
    """The leaf as a float; TypeError, saying what it was to be, if it is no real number or too large for a float."""
    try:
        real = as_float(leaf)
    except OverflowError:
        real = None
    if real is None:
        raise TypeError(f"{what} is a real number, not {leaf!r}")
    return real
