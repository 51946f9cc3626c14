"""Things that are not numbers, as they were: to tell whether a function would do the same with what it is given now.

>>> names = ["a", "b"]
>>> before = snapshot(names)
>>> names.append("c")
>>> same(names, before)
False
"""

from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from io import IOBase
from itertools import chain, zip_longest
from pickle import PicklingError
from random import Random
from types import FunctionType, MappingProxyType, MemberDescriptorType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple
from weakref import ref

from scalargrad.engine import Value
from scalargrad.errors import ProgramError
from scalargrad.program.arrays import the_numpy

__all__ = ["Steady", "same", "snapshot"]


class Steady:
    """What is the same function whatever it has learned meanwhile, as one that is compiled."""


#: In which nothing changes, or whose attributes are not what one changes; an input is itself, whatever its number.
_WHOLE = (type, FunctionType, ModuleType, Value, Steady)
_PLAIN = {type(None), bool, int, float, str, bytes}

#: What is in containers, whatever a class of one's own says; in a set, in the order in which it is gone over.
_CONTENT: dict[Any, Callable[[Any], Iterable[Any]]] = {
    **{kind: kind.__iter__ for kind in (list, tuple, set, frozenset)},
    OrderedDict: lambda x: chain.from_iterable(OrderedDict.items(x)),
    dict: lambda x: chain.from_iterable(dict.items(x)),
    MappingProxyType: lambda x: chain.from_iterable(x.items()),
    deque: lambda x: [x.maxlen, *deque.__iter__(x)],
    array: lambda x: [x.typecode, array.tobytes(x)],
    bytearray: lambda x: [bytes(x)],
    memoryview: lambda x: [x.format, x.shape, x.tobytes()],
    ref: lambda x: [x()],
    **dict.fromkeys((type({}.keys()), type({}.values()), type({}.items())), iter),
}


class _Object(NamedTuple):
    """A container or an object that has parts, which come behind it; `names` are those of its attributes.

    `head` is its type, if that and the parts are all there is of it; else itself, for it may have more than can be seen.
    """

    kind: type
    head: Any
    parts: int
    names: tuple[str, ...]


class _Again(NamedTuple):
    """What was met before, as the object of this number."""

    number: int


_END = _Again(-1)


def snapshot(thing: Any) -> list[Any]:
    """What it is made of, however deep: copies of what may change in place, in the order in which it is met.

    Raises ProgramError where something moves on and nobody can see how far it has come, as a generator.
    """
    return [*_met(thing)]


def same(x: Any, before: list[Any]) -> bool:
    """Whether it is the same to any function as what the snapshot was taken of, as far as can be told."""
    return all(_alike(now, then) for now, then in zip_longest(_met(x), before, fillvalue=_END))


def _met(thing: Any) -> Iterator[Any]:
    """The thing and its parts, and theirs; each once, for they may contain each other."""
    seen: dict[int, int] = {}
    pending, alive = [thing], []
    while pending:
        thing = pending.pop()
        kind: Any = type(thing)
        if kind in _PLAIN or (what := _what(kind)) == "whole":
            yield thing
        elif id(thing) in seen:
            yield _Again(seen[id(thing)])
        else:
            found = _attributes(thing) if what != "container" else {}
            parts, names = [*found.values()], tuple(found)
            parts += _content(thing) if what != "object" else _hidden(thing)
            seen[id(thing)] = len(seen)
            alive.append(thing)  # another one in its place would have its id
            all_seen = what != "object" or (kind.__hash__ is None and names)
            yield _Object(kind, kind if all_seen else thing, len(parts), names)
            parts.reverse()
            pending += parts


@lru_cache(1024)
def _what(kind: type) -> str:
    """How to look at a thing of this type: most have many things of few types in them."""
    numpy = the_numpy()
    if issubclass(kind, (*_WHOLE, numpy.dtype)):
        return "whole"
    containers = (*_CONTENT, numpy.ndarray, numpy.generic)
    plain = kind in containers and kind.__dictoffset__ == 0  # no attributes besides
    if plain or issubclass(kind, numpy.generic):
        return "container"
    return "both" if issubclass(kind, containers) else "object"


def _content(thing: Any) -> list[Any]:
    for kind, content in _CONTENT.items():
        if isinstance(thing, kind):
            return [*content(thing)]
    plain = the_numpy().asarray(thing)
    return [plain.dtype, plain.shape, *(plain.ravel().tolist() if plain.dtype.hasobject else [plain.tobytes()])]


def _hidden(thing: Any) -> list[Any]:
    """What is in an object that is written in C, as far as it tells those who would pickle it."""
    if isinstance(thing, (float, complex)):
        return [float(thing.real), float(thing.imag)]
    kind: Any = type(thing)
    if _tells(kind):
        with suppress(TypeError, ValueError, PicklingError):  # some tell that they cannot be pickled
            told: Any = thing.__reduce_ex__(4)
            return [told] if isinstance(told, str) else [*told]
    if _moves_on(kind):
        raise ProgramError(
            f"nobody can see how far a {kind.__name__} has come, nor whether the function would do the same with it again: "
            "give it a list, or make it inside of the function"
        )
    return []


@lru_cache(1024)
def _moves_on(kind: Any) -> bool:
    """Whether it is another one each time that it is used; files are not, for they are written to."""
    iterates = hasattr(kind, "__next__") and type(kind.__next__) is not FunctionType and not issubclass(kind, IOBase)
    return iterates or issubclass(kind, Random)


@lru_cache(1024)
def _tells(kind: Any) -> bool:
    """Whether it is C that tells, or random numbers as they come with Python, for other code might do anything."""
    if issubclass(kind, Random):
        return kind.__reduce__ is Random.__reduce__ and kind.getstate is Random.getstate
    if kind.__module__ == "itertools" or issubclass(kind, (partial, SimpleNamespace)):
        return False  # Python gives up to pickle those, and of these all is seen
    tells = (kind.__reduce_ex__, kind.__reduce__)
    return tells != (object.__reduce_ex__, object.__reduce__) and not any(type(f) is FunctionType for f in tells)


def _attributes(thing: Any) -> dict[str, Any]:
    """What is in an object by name, in its `__dict__` or in slots."""
    found = {**getattr(thing, "__dict__", {})}
    kind: Any = type(thing)
    for name, slot in _slots(kind):
        try:
            found[name] = slot.__get__(thing)
        except AttributeError:  # nothing was put there
            continue
    return found


@lru_cache(256)
def _slots(kind: type) -> list[tuple[str, Any]]:
    names = [(name, slot) for base in kind.__mro__ for name, slot in vars(base).items() if name != "__dict__"]
    return [(name, slot) for name, slot in names if type(slot) is MemberDescriptorType]


def _alike(x: Any, before: Any) -> bool:
    if x is before:
        return True
    if type(x) is not type(before):
        return False
    if type(x) is float:
        return bool(x.hex() == before.hex())
    if type(x) is _Object:
        seen = x.kind is before.kind and x.parts == before.parts and x.names == before.names
        return seen and _alike(x.head, before.head)
    try:
        return hash(x) == hash(before) and bool(x == before)  # as a dict would find the one by the other
    except TypeError:  # what cannot be a key is only like itself
        return False
