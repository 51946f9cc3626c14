"""Where weights come from: how many, and drawn by which generator."""

import random
from typing import Any, TypeAlias

__all__ = ["Rng", "generator", "size"]

#: A generator, the seed of one, or None for that of the `random` module.
Rng: TypeAlias = random.Random | int | None


def generator(rng: Rng) -> Any:
    """What has the method `uniform`."""
    if rng is None:
        return random
    if isinstance(rng, int):
        return random.Random(rng)
    if not hasattr(rng, "uniform"):
        raise TypeError(f"rng is a random.Random or an int, not {rng!r}")
    return rng


def size(name: str, number: int) -> int:
    """The number, if it is one that something can have as its size."""
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{name} is an int, not {number!r}")
    if number < 1:
        raise ValueError(f"{name} is 1 at least, not {number}")
    return number
