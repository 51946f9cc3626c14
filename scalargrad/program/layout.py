"""How the numbers of a nest stand in a row of an array, and how to come back from there.

A Program works on rows of floats; its users on nests (see `scalargrad.nest`). A Layout is made from an example and knows
the way between the two, for one point and for many:

>>> layout = Layout({"w": [1.0, 2.0], "name": "layer", "b": 3.0})
>>> layout.row({"b": 30.0, "w": [10.0, 20.0], "name": "layer"}).tolist()
[10.0, 20.0, 30.0]
>>> layout.nest([1.0, 2.0, 3.0])
{'w': [1.0, 2.0], 'name': 'layer', 'b': 3.0}

Over many points each number becomes an array, and a list of numbers one array with an axis more.

It can be told as plain data, which is what JSON can hold, and is made from that again, as `Layout.plain` says.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from scalargrad.engine import only_floats
from scalargrad.namespaces import as_float
from scalargrad.nest import is_masked, parts_of, remade
from scalargrad.program.arrays import is_array, the_numpy
from scalargrad.program.plain import DEEPEST, Misfit, kind_of, nest_of, of_kind, plain_of, shape_of, shown
from scalargrad.program.snapshot import same, snapshot

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Layout", "Misfit", "argument", "place"]


class Layout:
    """The places of the numbers of a nest like the example; `is_number` tells of other numbers than plain ones.

    What `is_truth` tells of is a number for a Program, 1.0 or 0.0, and a bool for its users.
    If `exactly`, only nests of the same types are like it, dicts in the same order; else lists, tuples and arrays stand
    for each other.
    """

    def __init__(
        self,
        example: Any,
        is_number: Callable[[Any], bool] = lambda x: False,
        is_truth: Callable[[Any], bool] = lambda x: False,
        *,
        exactly: bool = False,
    ) -> None:
        self._exactly = exactly
        self._numbers: list[Any] = []
        self.paths: list[tuple[Any, ...]] = []  # where each number is: keys, positions and names of fields
        self._truths: set[int] = set()  # which of the numbers are truths
        self.statics: list[Any] = []  # what is in the nest and is not a number
        self._is_number, self._is_truth = is_number, is_truth
        self._root = self._node(example, ())
        self.size = len(self._numbers)

    @property
    def example(self) -> list[Any]:
        """The numbers of the example, in their order."""
        return self._numbers

    def row(self, nest: Any) -> "np.ndarray":
        """The numbers of a nest like the example; raises Misfit, saying where, if it is another one."""
        row: np.ndarray = the_numpy().empty(self.size)
        self._root.read(nest, row)
        return row

    def takes(self, nest: Any) -> bool:
        """Whether a nest is like the example."""
        try:
            self.row(nest)
        except Misfit:
            return False
        return True

    def places_in(self, other: "Layout") -> list[int]:
        """Which number of another Layout each of this one's is; raises Misfit, saying where, if its nests are others.

        >>> Layout({"a": 1.0, "b": [2.0, 3.0]}).places_in(Layout({"b": [2.0, 3.0], "a": 1.0}))
        [2, 0, 1]
        """
        numbers: list[Any] = [*range(other.size)]
        if not other._truths:  # which floats would come out as bools
            numbers = [*map(float, numbers)]  # lists of them are read without a look at each
        return [int(i) for i in self.row(other.nest(numbers))]

    def is_like(self, other: "Layout") -> bool:
        """Whether each number of a row stands for the same in both; lists, tuples and arrays stand for each other."""
        try:
            return self.places_in(other) == [*range(self.size)] and self._truths == other._truths
        except Misfit:
            return False

    def with_truths_in(self, other: "Layout", places: list[int]) -> "Layout":
        """The same with a number for each truth that is a number in another Layout, where these are its places."""
        left = [at for at, place in enumerate(places) if at in self._truths and place in other._truths]
        if len(left) == len(self._truths):
            return self
        nest = self.nest([_AsTruth(0.0) if at in left else 0 for at in range(self.size)])
        return Layout(nest, is_truth=_AsTruth.marks, exactly=self._exactly)

    def at(self, numbers: list[Any]) -> "Layout":
        """The same with other numbers for an example."""
        other = copy.copy(self)
        other._numbers = numbers
        return other

    def nest(self, numbers: Any) -> Any:
        """The nest with these numbers: a list of any kind of them, or a row of floats."""
        return self._root.made(numbers)

    def stacked(self, table: "np.ndarray") -> Any:
        """The nest with an array over the points, the rows of the table, in place of each number."""
        return self._root.stacked(table)

    # ── as plain data ───────────────────────────────────────────────────────────────────────────────────────────────

    def plain(self) -> Any:
        """The nest as plain data, without its numbers. Raises Misfit, naming it, for what cannot be told.

        "number"                    a number
        "truth"                     a bool that is 1.0 or 0.0
        ["numbers", count]          a list of numbers
        ["array", [length, …]]      an array, by its shape
        ["list", [part, …]]         a list, and so "tuple"
        ["dict", [[key, part], …]]  a dict; a key is a str or an int
        ["fixed", thing]            what is not a number: None, a bool, a str, an int, ["float", digits], or, made of
                                    such things, a list, tuple or dict as above

        >>> Layout({"w": [1.0, 2.0], "name": "layer", "b": 3.0}).plain()
        ['dict', [['w', ['numbers', 2]], ['name', ['fixed', 'layer']], ['b', 'number']]]
        """
        return self._root.plain(DEEPEST)

    @property
    def exactly(self) -> bool:
        return self._exactly

    @classmethod
    def of_plain(cls, plain: Any, numbers: list[float], exactly: bool = False) -> "Layout":
        """The Layout that was told so, with these numbers for an example. Raises ValueError if it is not so told."""
        nest = nest_of(plain, numbers, Fixed, _AsTruth, the_numpy().array)
        return cls(nest, is_truth=_AsTruth.marks, exactly=exactly)

    # ── as it is made ───────────────────────────────────────────────────────────────────────────────────────────────

    def _node(self, node: Any, path: tuple[Any, ...]) -> "_Node":
        at = len(self._numbers)
        if self._is_truth(node):
            self._numbers.append(node.number if type(node) is _AsTruth else node)
            self.paths.append(path)
            self._truths.add(at)
            return _Truth(at)
        if self._is_one(node):
            self._numbers.append(node)
            self.paths.append(path)
            return _Number(at)
        if hasattr(node, "dtype") and hasattr(node, "shape") and node.dtype.kind in "fiuO" and not is_masked(node):
            flat = node.ravel().tolist()
            if node.dtype.kind != "O" or all(map(self._is_one, flat)):
                self._numbers += flat
                self.paths += [(*path, *place) for place in product(*map(range, node.shape))]
                return _Array(at, node.shape, self._exactly)
        if type(node) is list and node and all(map(self._is_one, node)):
            self._numbers += node
            self.paths += [(*path, i) for i in range(len(node))]
            return _List(at, len(node), self._exactly)
        if isinstance(node, Fixed) or (parts := parts_of(node)) is None:
            node = node.thing if isinstance(node, Fixed) else node
            self.statics.append(node)
            return _Static(node)
        return _Parts(node, {key: self._node(part, (*path, key)) for key, part in parts.items()}, self._exactly)

    def _is_one(self, node: Any) -> bool:
        is_number = self._is_number(node) or (as_float(node) is not None and not isinstance(node, bool))
        return is_number and not self._is_truth(node)


class Fixed:
    """Marks an argument that is not to be taken apart, numbers or not."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing


class _AsTruth:
    """Marks the number of a truth that was told as plain data."""

    def __init__(self, number: float) -> None:
        self.number = number

    @classmethod
    def marks(cls, x: Any) -> bool:
        return type(x) is cls


# ── the kinds of nodes ──────────────────────────────────────────────────────────────────────────────────────────────


class _Number:
    def __init__(self, at: int) -> None:
        self._at = at

    def plain(self, left: int) -> Any:
        return "number"

    def read(self, thing: Any, row: "np.ndarray") -> None:
        if type(thing) is not float:
            number = _number(thing.item() if _is_scalar_array(thing) else thing)
            if number is None:
                raise Misfit(f"there is {_told(thing)} where one number is to be")
            thing = number
        row[self._at] = thing

    def made(self, numbers: Any) -> Any:
        return numbers[self._at] if type(numbers) is list else numbers.item(self._at)

    def stacked(self, table: "np.ndarray") -> Any:
        return table[:, self._at]


class _Truth(_Number):
    """A bool that f gave back, or a comparison; of a Value, or where only its place is asked for, what stands there."""

    def plain(self, left: int) -> Any:
        return "truth"

    def made(self, numbers: Any) -> Any:
        number = super().made(numbers)
        return number == 1.0 if type(number) is float or hasattr(number, "dtype") else number

    def stacked(self, table: "np.ndarray") -> Any:
        return table[:, self._at] == 1.0


class _List:
    """A list of numbers; also given as a tuple, or as an array."""

    def __init__(self, at: int, count: int, exactly: bool = False) -> None:
        self._slice, self._count, self._exactly = slice(at, at + count), count, exactly

    def plain(self, left: int) -> Any:
        return ["numbers", self._count]

    def read(self, thing: Any, row: "np.ndarray") -> None:
        if self._exactly and type(thing) is not list:
            raise Misfit(f"there is {_told(thing)} where a list is to be")
        if not isinstance(thing, (list, tuple)) and not hasattr(thing, "tolist"):
            raise self._misfit(thing)
        if type(thing) is list and len(thing) == self._count and only_floats(thing):
            row[self._slice] = thing  # without a look at each of them
            return
        found: Any = thing if hasattr(thing, "dtype") else [_number(x) if type(x) is not float else x for x in thing]
        if type(found) is not list:
            if found.dtype.kind not in "fiu" or found.shape != (self._count,) or is_masked(thing):
                raise self._misfit(thing)
        elif len(found) != self._count:
            raise self._misfit(thing)
        elif None in found:
            at = found.index(None)
            misfit = Misfit(f"there is {_told(thing[at])} where one number is to be")
            misfit.path = (at,)
            raise misfit
        row[self._slice] = found

    def _misfit(self, thing: Any) -> Misfit:
        return Misfit(f"there is {_told(thing)} where a list of {self._count} is to be")

    def made(self, numbers: Any) -> Any:
        return numbers[self._slice] if type(numbers) is list else numbers[self._slice].tolist()

    def stacked(self, table: "np.ndarray") -> Any:
        return table[:, self._slice]


class _Array:
    def __init__(self, at: int, shape: tuple[int, ...], exactly: bool = False) -> None:
        count = 1
        for length in shape:
            count *= length
        self._slice, self._shape, self._exactly = slice(at, at + count), shape, exactly

    def plain(self, left: int) -> Any:
        return ["array", shape_of(self._shape)]

    def read(self, thing: Any, row: "np.ndarray") -> None:
        if self._exactly and not hasattr(thing, "dtype"):
            raise Misfit(f"there is {_told(thing)} where an array is to be")
        try:
            array = the_numpy().asarray(thing)
        except ValueError:  # of lists of different lengths
            array = None
        if array is None or array.shape != self._shape or array.dtype.kind not in "fiuO" or is_masked(thing):
            raise Misfit(f"there is {_told(thing)} where an array of shape {self._shape} is to be")
        numbers = array.ravel() if array.dtype.kind != "O" else [_number(x) for x in array.ravel().tolist()]
        if type(numbers) is list and None in numbers:
            raise Misfit(f"there is {_told(thing)} where an array of numbers of shape {self._shape} is to be")
        row[self._slice] = numbers

    def made(self, numbers: Any) -> Any:
        array = the_numpy().asarray(numbers[self._slice])
        return array.reshape(self._shape)

    def stacked(self, table: "np.ndarray") -> Any:
        return table[:, self._slice].reshape(len(table), *self._shape)


class _Static:
    """What is not a number, and the same in all runs."""

    def __init__(self, thing: Any) -> None:
        self._thing, self._as_it_was = thing, snapshot(thing)

    def plain(self, left: int) -> Any:
        return ["fixed", plain_of(self._thing, left)]

    def read(self, thing: Any, row: "np.ndarray") -> None:
        thing = thing.thing if isinstance(thing, Fixed) else thing
        if not same(thing, self._as_it_was):
            now, then = shown(thing), shown(self._thing)
            known = f"where it was recorded with {then}" if now != then else "which has changed since the recording"
            raise Misfit(f"there is {now} {known}")

    def made(self, numbers: Any) -> Any:
        return self._thing

    def stacked(self, table: "np.ndarray") -> Any:
        return self._thing


class _Parts:
    """A container: a list, tuple, dict or dataclass."""

    def __init__(self, container: Any, parts: "dict[Any, _Node]", exactly: bool = False) -> None:
        self._container, self._parts, self._exactly = container, parts, exactly
        self._is_sequence = isinstance(container, (list, tuple))

    def plain(self, left: int) -> Any:
        kind = kind_of(self._container, left)
        return of_kind(kind, {key: part.plain(left - 1) for key, part in self._parts.items()})

    def read(self, thing: Any, row: "np.ndarray") -> None:
        if type(thing) is not type(self._container) and (self._exactly or not self._is_sequence):
            raise Misfit(f"there is {_told(thing)} where {_told(self._container)} is to be")
        others = parts_of(thing.tolist() if hasattr(thing, "tolist") else thing)
        if others is None or others.keys() != self._parts.keys():
            raise Misfit(f"there is {_told_beside(self._container, thing)} where {_told(self._container)} is to be")
        if self._exactly and [*others] != [*self._parts]:
            raise Misfit(f"there are the parts {[*others]} where they are to be in the order {[*self._parts]}")
        try:
            for key, part in self._parts.items():
                part.read(others[key], row)
        except Misfit as misfit:
            misfit.path = (key, *misfit.path)
            raise

    def made(self, numbers: Any) -> Any:
        return remade(self._container, {key: part.made(numbers) for key, part in self._parts.items()})

    def stacked(self, table: "np.ndarray") -> Any:
        parts = {key: part.stacked(table) for key, part in self._parts.items()}
        if type(self._container) is list and parts:
            np, things = the_numpy(), list(parts.values())
            if all(isinstance(x, np.ndarray) and x.shape == things[0].shape for x in things):
                return np.stack(things, axis=1)
        return remade(self._container, parts)


_Node = _Number | _List | _Array | _Static | _Parts


def _number(thing: Any) -> float | None:
    """A plain number as a float, and None for anything else, a truth included."""
    is_truth = isinstance(thing, bool) or str(getattr(thing, "dtype", "")) == "bool"
    return None if is_truth else as_float(thing)


def place(name: str, path: Iterable[Any]) -> str:
    """How a part of what is called so is written: w['a'][1]."""
    return name + "".join(f"[{key!r}]" for key in path)


def argument(path: Sequence[Any], positional: Sequence[str]) -> str:
    """How a part of the arguments is written, in a nest of those by position, called so, and those by name."""
    by_name, key, *inner = path
    name = str(key) if by_name else positional[key] if key < len(positional) else f"args[{key}]"
    return place(name, inner)


def _told(thing: Any) -> str:
    """What a part of a nest is, for an error."""
    if thing is None or isinstance(thing, (bool, str)):
        return shown(thing)
    if is_array(thing) and thing.shape:
        of = f" of {thing.dtype}" if thing.dtype.kind not in "fiu" else ", partly masked," if is_masked(thing) else ""
        return f"an array of shape {thing.shape}{of}"
    if type(thing) in (list, tuple):
        return f"a {type(thing).__name__} of {len(thing)}"
    if type(thing) is dict:
        return f"a dict of {shown([*thing])}"
    return "one number" if _number(thing) is not None else f"a {type(thing).__name__}"


def _told_beside(container: Any, thing: Any) -> str:
    """What a thing is that has other parts than this container: of a dict, which."""
    if not (isinstance(container, dict) and isinstance(thing, dict)):
        return _told(thing)
    lacks, has = [key for key in container if key not in thing], [key for key in thing if key not in container]
    return "a dict" + (f" without {shown(lacks)}" if lacks else "") + (f" with {shown(has)}" if has else "")


def _is_scalar_array(thing: Any) -> bool:
    return getattr(thing, "shape", None) == () and hasattr(thing, "item")
