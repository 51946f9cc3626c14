"""Things as plain data, which JSON holds without loss, and back: floats, containers, and what is not a number.

Going there raises Misfit for what cannot be told; coming back raises ValueError for what is not so told, and allocates
no more than in proportion to that.

>>> plain_of(("a", [1.5, None]))
['tuple', ['a', ['list', [['float', '0x1.8000000000000p+0'], None]]]]
>>> thing_of(['tuple', ['a', ['list', [['float', '0x1.8000000000000p+0'], None]]]])
('a', [1.5, None])
"""

import reprlib
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from scalargrad.nest import parts_of, remade

__all__ = [
    "DEEPEST",
    "Misfit",
    "kind_of",
    "nest_of",
    "number",
    "of_kind",
    "plain_of",
    "shape_of",
    "shown",
    "thing_of",
]

DEEPEST = 50  # that containers are nested in each other
_INTS = 1 << 63
_EMPTY = 1 << 12  # numbers that an array without any may have by its other lengths, for whoever goes over these

_CONTAINERS: dict[str, Any] = {"list": [], "tuple": (), "dict": {}}
_KINDS = {type(container): kind for kind, container in _CONTAINERS.items()}


class Misfit(TypeError):
    """A nest that is not what it has to be; `path` leads to the part of it that is not."""

    path: tuple[Any, ...] = ()


# ── there ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def plain_of(thing: Any, left: int = DEEPEST) -> Any:
    """What is not a number of a nest: None, a bool, a str, a small int, a float, and containers of such things."""
    if thing is None or type(thing) in (bool, str) or _is_small(thing):
        return thing
    if type(thing) is float:
        return ["float", thing.hex()]
    kind, parts = kind_of(thing, left), parts_of(thing) or {}
    return of_kind(kind, {key: plain_of(part, left - 1) for key, part in parts.items()})


def kind_of(container: Any, left: int) -> str:
    """What its kind is called; `left` is how much deeper it may go."""
    kind = _KINDS.get(type(container))
    if kind is None:
        raise Misfit(
            f"{shown(container)} is a {type(container).__name__}, and only numbers, arrays, lists, tuples, dicts, None, "
            "bools, strings and ints below 2**63 can be told"
        )
    if left == 0:
        raise Misfit(f"containers are nested deeper than {DEEPEST}")
    return kind


def of_kind(kind: str, parts: dict[Any, Any]) -> list[Any]:
    """A container of this kind with these parts, which are told already."""
    if kind != "dict":
        return [kind, [*parts.values()]]
    for key in parts:
        if not _is_key(key):
            raise Misfit(f"{shown(key)} is a key of a dict, and only strings and ints below 2**63 can be told")
    return [kind, [[key, part] for key, part in parts.items()]]


def shape_of(shape: tuple[int, ...]) -> list[int]:
    """The shape of an array."""
    if not _is_shape(shape):
        raise Misfit(f"an array of shape {shape} without a number in it is too large to be told")
    return [int(length) for length in shape]


# ── and back ────────────────────────────────────────────────────────────────────────────────────────────────────────


def thing_of(plain: Any, left: int = DEEPEST) -> Any:
    """What was told so."""
    if plain is None or type(plain) in (bool, str) or _is_small(plain):
        return plain
    kind, content = _kind_and_content(plain)
    if kind == "float":
        return number(content)
    container, parts = _container_and_parts(kind, content, left)
    return remade(container, {key: thing_of(part, left - 1) for key, part in parts.items()})


def nest_of(
    plain: Any,
    numbers: list[float],
    fixed: Callable[[Any], Any],
    truth: Callable[[float], Any],
    array: Callable[..., Any],
) -> Any:
    """The nest that `Layout.plain` told so, of these numbers.

    `fixed` marks what is not a number, `truth` a number that stands for a bool, and `array` is NumPy's.
    """
    at = 0

    def taken(count: int) -> list[float]:
        nonlocal at
        at += count
        if at > len(numbers):
            raise ValueError(f"a nest has more numbers than the {len(numbers):,} that are told with it")
        return numbers[at - count : at]

    def made(plain: Any, left: int) -> Any:
        if plain == "number":
            return taken(1)[0]
        if plain == "truth":
            return truth(taken(1)[0])
        kind, content = _kind_and_content(plain)
        if kind == "numbers" and _is_count(content):
            return taken(content)
        if kind == "array" and type(content) is list and all(map(_is_count, content)):
            if not _is_shape(content):
                raise ValueError(f"{shown(content)} is not the shape of an array")
            return array(taken(prod(content)), dtype=float).reshape(content)
        if kind == "fixed":
            return fixed(thing_of(content, left))
        container, parts = _container_and_parts(kind, content, left)
        return remade(container, {key: made(part, left - 1) for key, part in parts.items()})

    nest = made(plain, DEEPEST)
    if at != len(numbers):
        raise ValueError(f"a nest has {at:,} numbers, and {len(numbers):,} are told with it")
    return nest


def _kind_and_content(plain: Any) -> tuple[str, Any]:
    if type(plain) is list and len(plain) == 2 and type(plain[0]) is str:
        return plain[0], plain[1]
    raise ValueError(f"{shown(plain)} is not a part of a nest")


def _container_and_parts(kind: str, content: Any, left: int) -> tuple[Any, dict[Any, Any]]:
    """An empty container of this kind, and what is in it by key or position, still plain."""
    if left == 0:
        raise ValueError(f"containers are nested deeper than {DEEPEST}")
    if kind not in _CONTAINERS or type(content) is not list:
        raise ValueError(f"{shown([kind, content])} is not a part of a nest")
    if kind != "dict":
        return _CONTAINERS[kind], dict(enumerate(content))
    parts = {}
    for pair in content:
        if type(pair) is not list or len(pair) != 2 or not _is_key(pair[0]):
            raise ValueError(f"{shown(pair)} is not a key of a dict and what is there")
        if pair[0] in parts:
            raise ValueError(f"the key {shown(pair[0])} is twice in a dict")
        parts[pair[0]] = pair[1]
    return {}, parts


def number(digits: Any) -> float:
    """The float whose `hex` this is; of a nan the sign and the payload are not kept."""
    if type(digits) is str and len(digits) <= 32:
        try:
            found = float.fromhex(digits)
        except (ValueError, OverflowError):
            pass
        else:
            if found.hex() == digits:
                return found
    raise ValueError(f"{shown(digits)} is not a float as float.hex() tells it")


def _is_count(x: Any) -> bool:
    """Whether it is a number of things."""
    return type(x) is int and 0 <= x < _INTS


def shown(x: Any) -> str:
    """What it is, shortly and in one line."""
    text = reprlib.repr(x).replace("\n", " ")
    return text if len(text) <= 80 else f"{text[:77]}..."


def _is_shape(lengths: Sequence[int]) -> bool:
    return len(lengths) <= 32 and (0 not in lengths or prod(length or 1 for length in lengths) <= _EMPTY)


def _is_small(x: Any) -> bool:
    return type(x) is int and -_INTS < x < _INTS


def _is_key(x: Any) -> bool:
    return type(x) is str or _is_small(x)
