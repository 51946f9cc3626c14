"""Nests of numbers: what functions take and return when it is more than one number.

A nest is a number, a NumPy array, or a list, tuple, named tuple, dict or dataclass of nests. Anything else in it (a
string, None, a bool) is not a number and stays as it is. `flatten` takes the *blocks* out of a nest, a block being
one number or one array, and gives back the function that puts others in their places:

>>> blocks, rebuild = flatten({"w": [1.0, 2.0], "name": "layer", "b": 3.0})
>>> [block.numbers for block in blocks]
[[1.0], [2.0], [3.0]]
>>> rebuild(["a", "b", "c"])
{'w': ['a', 'b'], 'name': 'layer', 'b': 'c'}

Why not a library of trees: the kept ones (optree, jax.tree_util) are compiled or large, and treat arrays as opaque.
"""

import copy
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scalargrad.namespaces import as_float

__all__ = ["Block", "flatten"]


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """One number, of shape None, or the numbers of one array, row by row."""

    numbers: list[Any]
    shape: tuple[int, ...] | None = None

    def pack(self, numbers: Sequence[Any], inner: tuple[int, ...] | None = None) -> Any:
        """Numbers in the shape of this block; with an inner shape, each of its places holds an array of that shape."""
        if self.shape is None and inner is None:
            return numbers[0]
        numpy = sys.modules["numpy"]  # there is an array, so NumPy is loaded
        plain = all(isinstance(x, float) for x in numbers)
        array = numpy.empty(len(numbers), dtype=float if plain else object)
        array[:] = numbers
        return array.reshape((self.shape or ()) + (inner or ()))


def flatten(nest: Any, is_number: Callable[[Any], bool] = lambda x: False) -> tuple[list[Block], Callable[..., Any]]:
    """The blocks of a nest from left to right, and what rebuilds it around as many others.

    `is_number` tells of further kinds of leaves, such as Values, that are numbers.
    """
    blocks: list[Block] = []

    def walk(node: Any) -> Callable[[Iterator[Any]], Any]:
        numpy = sys.modules.get("numpy")
        if is_number(node) or (as_float(node) is not None and not isinstance(node, bool)):
            blocks.append(Block([node]))
            return next
        if numpy is not None and isinstance(node, numpy.ndarray) and node.dtype.kind in "fiuO":
            blocks.append(Block(node.ravel().tolist(), node.shape))
            return next
        if isinstance(node, dict):
            keys, parts = list(node), [walk(child) for child in node.values()]
            return lambda new: type(node)(zip(keys, [part(new) for part in parts], strict=True))
        if isinstance(node, (list, tuple)):
            parts = [walk(child) for child in node]
            make = getattr(node, "_make", type(node))  # a named tuple has _make
            return lambda new: make([part(new) for part in parts])
        if dataclasses.is_dataclass(node) and not isinstance(node, type):
            names = [field.name for field in dataclasses.fields(node)]
            parts = [walk(getattr(node, name)) for name in names]
            return lambda new: _with_fields(node, names, [part(new) for part in parts])
        return lambda new: node

    build = walk(nest)
    return blocks, lambda new: build(iter(new))


def _with_fields(instance: Any, names: list[str], values: list[Any]) -> Any:
    other = copy.copy(instance)
    for name, value in zip(names, values, strict=True):
        object.__setattr__(other, name, value)  # a frozen one too
    return other
