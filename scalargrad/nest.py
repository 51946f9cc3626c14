"""Nests of numbers: what functions take and return when it is more than one number.

A nest is a number, a NumPy array, or a list, tuple, named tuple, dict or dataclass of nests. Anything else in it (a
string, None, a bool, a set, an array of which some numbers are masked) is not a number and stays as it is.

>>> nest = Nest({"w": [1.0, 2.0], "name": "layer", "b": 3.0})
>>> nest.numbers
[1.0, 2.0, 3.0]
>>> nest.filled([10.0, 20.0, 30.0])
{'w': [10.0, 20.0], 'name': 'layer', 'b': 30.0}

Of a dataclass the fields are rebuilt and nothing else: `__post_init__` does not run, and what it or a cached property
had put beside the fields, which may come from the old numbers, is not taken along.

Why not a library of trees: the kept ones (optree, jax.tree_util) are compiled or large, and treat arrays as opaque.
"""

import copy
import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import chain, islice
from typing import Any

from scalargrad.engine import only_floats
from scalargrad.namespaces import as_float

__all__ = ["Block", "Nest", "is_masked", "parts_of", "remade"]

IsNumber = Callable[[Any], bool]


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """What a nest is made of: one number, of shape None, or the numbers of one array, row by row."""

    numbers: list[Any]
    shape: tuple[int, ...] | None = None

    def filled(self, numbers: list[Any], inner: tuple[int, ...] | None = None) -> Any:
        """Numbers in the shape of this block; with an inner shape, each of its places holds an array of that shape.

        The array is one of floats if all are plain numbers, else one of objects.
        """
        if self.shape is None and inner is None:
            return numbers[0]
        numpy = sys.modules["numpy"]  # there is an array, so NumPy is loaded
        plain = [as_float(x) for x in numbers]
        array = numpy.empty(len(numbers), dtype=object if None in plain else float)
        array[:] = numbers if None in plain else plain
        return array.reshape((self.shape or ()) + (inner or ()))


class Nest:
    """A nest taken apart into its blocks, from left to right, to be put together again around others.

    `is_number` tells of further kinds of leaves, such as Values, that are numbers. If `plain`, there are only floats.
    """

    def __init__(self, nest: Any, is_number: IsNumber = lambda x: False) -> None:
        self._is_number = is_number
        self._lists = _lists_of_floats(nest)
        self._nest = nest if self._lists is None else self._lists
        self.plain = self._lists is not None or not self.blocks

    @cached_property
    def _apart(self) -> tuple[list[Block], Callable[[Iterator[Any]], Any]]:
        blocks: list[Block] = []
        return blocks, _taken_apart(self._nest, self._is_number, blocks)

    @property
    def blocks(self) -> list[Block]:
        """What it is made of, from left to right."""
        return self._apart[0]

    @cached_property
    def numbers(self) -> list[Any]:
        """All numbers, from left to right."""
        if self._lists is not None:
            return self._lists[0] if len(self._lists) == 1 else [*chain.from_iterable(self._lists)]
        return [x for block in self.blocks for x in block.numbers]

    def around(self, things: Iterable[Any]) -> Any:
        """The nest with other things in place of its blocks, one for each."""
        return self._apart[1](iter(things))

    def filled(self, numbers: Iterable[Any]) -> Any:
        """The nest with other numbers, as many as it has."""
        if self._lists is not None and len(self._lists) == 1:
            return [[*numbers]]
        rest = iter(numbers)
        if self._lists is not None:
            return [[*islice(rest, len(part))] for part in self._lists]
        return self.around([block.filled([next(rest) for _ in block.numbers]) for block in self.blocks])

    def numbers_of(self, other: Any) -> list[Any]:
        """The numbers of another nest in the order of this one's; TypeError, saying where, if it is not like this one.

        Dicts may have their keys in any order, and lists, tuples and arrays of the same shape stand for each other.

        >>> Nest({"a": 1.0, "b": (2.0, 3.0)}).numbers_of({"b": [30.0, 40.0], "a": 50.0})
        [50.0, 30.0, 40.0]
        """
        return list(_along(self.filled(self.numbers), other, self._is_number))


def _lists_of_floats(nest: Any) -> list[list[float]] | None:
    """The nest, if it is a list of lists of floats and so can be taken apart without a look at each number."""
    if type(nest) is list and all(type(part) is list and only_floats(part) for part in nest):
        return [[*part] for part in nest]
    return None


def _taken_apart(node: Any, is_number: IsNumber, blocks: list[Block]) -> Callable[[Iterator[Any]], Any]:
    """Append the blocks of a node, and return what puts it together again."""
    if (block := _block(node, is_number)) is not None:
        blocks.append(block)
        return next
    if (parts := parts_of(node)) is None:
        return lambda new: node
    builds = {key: _taken_apart(part, is_number, blocks) for key, part in parts.items()}
    return lambda new: remade(node, {key: build(new) for key, build in builds.items()})


def _along(node: Any, other: Any, is_number: IsNumber) -> Iterator[Any]:
    block = _block(node, is_number)
    if block is not None and block.shape is not None:
        array = sys.modules["numpy"].asarray(other, dtype=object)
        found = None if is_masked(other) else _block(array, is_number)
        if found is None or found.shape != block.shape:
            raise TypeError(f"there is something of shape {array.shape} where an array of shape {block.shape} is to be")
        yield from found.numbers
    elif block is not None:
        found = _block(other, is_number)
        if found is None or found.shape not in (None, ()):
            raise TypeError(f"there is a {type(other).__name__} where one number is to be")
        yield from found.numbers
    elif (parts := parts_of(node)) is not None:
        others = parts_of(other.tolist() if hasattr(other, "tolist") else other)
        if others is None or parts.keys() != others.keys():
            raise TypeError(f"there is a {type(other).__name__} where something with the parts {list(parts)} is to be")
        for key, part in parts.items():
            yield from _along(part, others[key], is_number)


def _block(node: Any, is_number: IsNumber) -> Block | None:
    """The node as a block, if it is a number or an array of numbers."""
    if is_number(node) or (as_float(node) is not None and not isinstance(node, bool)):
        return Block([node])
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(node, numpy.ndarray) or node.dtype.kind not in "fiuO" or is_masked(node):
        return None
    numbers = numpy.asarray(node).ravel().tolist()
    if node.dtype.kind == "O" and not all(is_number(x) or as_float(x) is not None for x in numbers):
        return None
    return Block(numbers, node.shape)


def is_masked(node: Any) -> bool:
    """Whether it is an array in which numbers are missing, which `numpy.asarray` would not say."""
    return hasattr(node, "_mask") and bool(sys.modules["numpy"].ma.is_masked(node))


def parts_of(node: Any) -> dict[Any, Any] | None:
    """What is in a container, by key, position or field; None for what is no container."""
    if isinstance(node, dict):
        return node
    if isinstance(node, (list, tuple)):
        return dict(enumerate(node))
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        names = [field.name for field in dataclasses.fields(node)]
        return {name: getattr(node, name) for name in names if hasattr(node, name)}
    return None


def remade(container: Any, parts: dict[Any, Any]) -> Any:
    """A container like this one with other parts."""
    if isinstance(container, dict):
        other = copy.copy(container)  # not type(container)(parts): a defaultdict is not made so
        dict.update(other, parts)  # the method of a Counter adds
        return other
    if isinstance(container, (list, tuple)):
        make = getattr(container, "_make", type(container))  # a named tuple has _make
        return make(parts.values())
    other = object.__new__(type(container))
    for name, part in parts.items():
        object.__setattr__(other, name, part)  # a frozen one too
    return other
