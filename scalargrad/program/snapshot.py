"""Things that are not numbers, as they were: to tell whether a function would do the same with what it is given now.

>>> names = ["a", "b"]
>>> before = snapshot(names)
>>> names.append("c")
>>> same(names, before)
False
"""

from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from scalargrad.engine import Value
from scalargrad.program.arrays import is_array

__all__ = ["same", "snapshot"]

#: Whose attributes are not what one changes.
_WHOLE = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType)


@dataclass(frozen=True)
class _Object:
    """An object, and its attributes as they were."""

    thing: Any
    attributes: dict[str, Any]


def snapshot(thing: Any, within: frozenset[int] = frozenset()) -> Any:
    """A copy of what may change in place: containers, arrays, and the attributes of objects that have a `__dict__`."""
    if id(thing) in within:  # it contains itself
        return thing
    within |= {id(thing)}
    if type(thing) in (list, tuple):
        return type(thing)(snapshot(part, within) for part in thing)
    if type(thing) is dict:
        return {key: snapshot(part, within) for key, part in thing.items()}
    if is_array(thing) or type(thing) in (set, bytearray):
        return thing.copy()
    if hasattr(thing, "__dict__") and not isinstance(thing, _WHOLE):
        return _Object(thing, {name: snapshot(part, within) for name, part in vars(thing).items()})
    return thing


def same(x: Any, before: Any) -> bool:
    """Whether it is the same to any function as what the snapshot was taken of, as far as can be told."""
    if x is before:
        return True
    if type(before) is _Object:
        return (x is before.thing or _equal(x, before.thing)) and same(vars(x), before.attributes)
    if type(x) is not type(before):
        return False
    if type(x) is float:
        return bool(x.hex() == before.hex())
    if type(x) in (list, tuple):
        return len(x) == len(before) and all(map(same, x, before))
    if type(x) is dict:
        return [*x] == [*before] and all(map(same, x.values(), before.values()))
    if is_array(x):
        alike = x.dtype == before.dtype and x.shape == before.shape
        return bool(alike) and all(map(same, x.ravel().tolist(), before.ravel().tolist()))
    return _equal(x, before)


def _equal(x: Any, y: Any) -> bool:
    return type(x) is type(y) and type(x) is not Value and bool(x == y)  # an input is itself, whatever its number
