"""Nests of numbers as JAX has them: a list or array of numbers is one array there."""

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from scalargrad.nest import parts_of, remade
from scalargrad.program.layout import Layout

__all__ = ["array_of", "filled", "numbers_of", "pattern_of"]


class _Place(int):
    """Stands for the number at this place of a Layout."""


def pattern_of(layout: Layout) -> Any:
    """The nest of a Layout, with places for numbers."""
    places = np.empty(layout.size, object)
    places[:] = [_Place(i) for i in range(layout.size)]
    return layout.nest(places)


def _is_numbers(pattern: Any) -> bool:
    """Whether it is an array or a list of numbers, which is an array in JAX."""
    if isinstance(pattern, np.ndarray):
        return True
    return type(pattern) is list and bool(pattern) and all(type(x) is _Place for x in pattern)


def numbers_of(pattern: Any, thing: Any, name: str) -> Iterator[Any]:
    """The numbers of a nest like the pattern, in arrays of one axis; TypeError if it is not like it."""
    one_array = isinstance(pattern, np.ndarray) or (_is_numbers(pattern) and not isinstance(thing, (list, tuple)))
    parts = parts_of(pattern)
    if type(pattern) is _Place or one_array:
        yield array_of(thing, () if type(pattern) is _Place else np.shape(pattern), name).ravel()
    elif parts is not None:
        others = parts_of(thing)
        if others is None or others.keys() != parts.keys():
            raise TypeError(f"{name} was given a {type(thing).__name__} where something with {[*parts]} is to be")
        for key, part in parts.items():
            yield from numbers_of(part, others[key], name)
    elif thing is not pattern and (hasattr(thing, "shape") or thing != pattern):
        raise TypeError(f"{name} was recorded with {pattern!r} where it was given {thing!r}")


def array_of(thing: Any, shape: tuple[int, ...], name: str) -> Any:
    """The thing as an array of floats; TypeError if it is not one of real numbers of this shape."""
    try:
        kind = None if isinstance(thing, (str, bytes)) else jnp.result_type(thing)  # which names a type in JAX
    except TypeError:  # what JAX has no type for
        kind = None
    if kind is None or not (jnp.issubdtype(kind, jnp.floating) or jnp.issubdtype(kind, jnp.integer)):
        raise TypeError(f"{name} takes real numbers, not {thing!r}")
    if np.shape(thing) != shape:
        raise TypeError(f"{name} was given an array of shape {np.shape(thing)} where one of shape {shape} is to be")
    return jnp.asarray(thing, float)


def filled(pattern: Any, numbers: Any) -> Any:
    """The nest like the pattern with these numbers, of an array."""
    if type(pattern) is _Place:
        return numbers[int(pattern)]
    if _is_numbers(pattern):
        shape = np.shape(pattern)
        start = int(np.ravel(pattern)[0]) if np.size(pattern) else 0
        return numbers[start : start + np.size(pattern)].reshape(shape)
    if (parts := parts_of(pattern)) is None:
        return pattern
    return remade(pattern, {key: filled(part, numbers) for key, part in parts.items()})
