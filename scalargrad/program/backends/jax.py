"""A Program as a function of JAX: to be compiled, mapped over points and spread over devices by JAX.

The rows are evaluated by the table's rules on 64-bit arrays. Derivatives are not JAX's but the table's: the pullback of
a Program is a Program, which runs the same way, to any order, so that ties and kinks go where they always go here.

Compiled code cannot raise. At a point where the Program would (the recorded function goes another way there, or Python
would raise), each result is nan, and so is each derivative.

Arithmetic is Python's to the bit, and functions are near to a few units in the last place. A branch that hangs by the
last place of one may go the other way. On processors XLA takes numbers below 2.3e-308 in size for 0.
"""

from collections.abc import Callable, Iterator
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from scalargrad.errors import ProgramError
from scalargrad.formulas import halves, total
from scalargrad.nest import parts_of, remade
from scalargrad.program.backends.jax_namespace import JAX
from scalargrad.program.code import TABLE, Code, evaluate, is_of_table
from scalargrad.program.layout import Layout
from scalargrad.rules import Rule

if TYPE_CHECKING:
    from scalargrad.program.program import Program

__all__ = ["jax_function"]


def jax_function(program: "Program") -> Callable[..., Any]:
    """See `Program.to_jax`."""
    evaluated = _Evaluated(program)
    given, made = _pattern(program.arguments), _pattern(program.results)

    def f(*args: Any, **named: Any) -> Any:
        if not jax.config.jax_enable_x64:
            raise ProgramError(
                'Programs need 64-bit floats: jax.config.update("jax_enable_x64", True) before any array'
            )
        shared: tuple[Any, ...] = ()
        if program.parameters:
            if not args or np.shape(args[0]) != (len(program.parameters),):
                raise TypeError(
                    f"{program.name} has {len(program.parameters)} parameters, and in JAX their numbers come first, as "
                    "one array: numpy.array([x.data for x in p.parameters])"
                )
            shared, args = (_array(jnp.asarray(args[0]), np.shape(args[0]), program.name),), args[1:]
        flat = [*_numbers(given, (args, named), program.name), *shared]
        return _filled(made, evaluated.differentiable(jnp.concatenate(flat) if flat else jnp.zeros(0)))

    f.__name__ = f.__qualname__ = program.name
    return f


class _Evaluated:
    """A Program on all its numbers in one array, the parameters last."""

    def __init__(self, program: "Program") -> None:
        self._program, self._code = program, program.lowered
        _check(self._code)

    @cached_property
    def differentiable(self) -> Callable[[Any], Any]:
        run: Any = jax.custom_vjp(jax.jit(self._run))
        run.defvjp(lambda numbers: (run(numbers), numbers), self._pull)
        return cast("Callable[[Any], Any]", run)

    def _run(self, numbers: Any) -> Any:
        given = [*numbers]
        with np.errstate(all="ignore"):  # of constants only
            outputs, failed, strayed = evaluate(self._code, JAX, given, [], np.float64, _INSTEAD)
        found = jnp.stack([jnp.asarray(x, float) for x in outputs]) if outputs else jnp.zeros(0)
        return jnp.where(failed | strayed, jnp.nan, found)

    def _pull(self, numbers: Any, seeds: Any) -> tuple[Any]:
        if not len(seeds):
            return (jnp.zeros_like(numbers),)
        return (self._pullback.differentiable(jnp.concatenate([numbers, seeds])),)

    @cached_property
    def _pullback(self) -> "_Evaluated":
        return _Evaluated(self._program.pullback)


# ── arithmetic to the bit ───────────────────────────────────────────────────────────────────────────────────────────


def _product(x: Any, y: Any) -> Any:
    """x * y, rounded. XLA would round it together with what is added to it; through a choice it does not look."""
    product = x * y
    return product if isinstance(product, float) else jnp.where(product == product, product, jnp.nan)


def _quotient(x: Any, y: Any) -> Any:
    """x / y. Of a y that is the same at all points XLA would take 1 / y, rounded, as a factor."""
    return x / y if isinstance(x, float) else x / jnp.where(x == x, y, x)


def _remainder(x: Any, y: Any) -> Any:
    found = jnp.remainder(x, y)
    return jnp.where(found == 0, jnp.copysign(0.0, y), found)


def _floor_quotient(x: Any, y: Any) -> Any:
    quotient = _quotient(x - jnp.remainder(x, y), y)
    low = jnp.floor(quotient)
    found = jnp.where(quotient - low > 0.5, low + 1.0, low)
    return jnp.where(found == 0, jnp.copysign(0.0, x / y), found)


def _dot(*ws_xs: Any) -> Any:
    return total(map(_product, *halves(ws_xs)))


#: The values of rules whose operators mean something else to JAX than to Python.
_INSTEAD: dict[Rule, Callable[..., Any]] = {
    TABLE["mul"]: lambda m, x, y: _product(x, y),
    TABLE["prod"]: lambda m, *xs: reduce(_product, xs, np.float64(1.0)),
    TABLE["dot"]: lambda m, *ws_xs: _dot(*ws_xs),
    TABLE["div"]: lambda m, x, y: _quotient(x, y),
    TABLE["mod"]: lambda m, x, y: _remainder(x, y),
    TABLE["floordiv"]: lambda m, x, y: _floor_quotient(x, y),
    TABLE["floor"]: lambda m, x: jnp.floor(x),
    TABLE["ceil"]: lambda m, x: jnp.ceil(x),
    TABLE["trunc"]: lambda m, x: jnp.trunc(x),
}


def _check(code: Code) -> None:
    """Raises ProgramError for what JAX cannot do, by name."""
    for rule in {row.rule for row in code.rows}:
        if rule.name in ("fma", "fma raises"):
            raise ProgramError("fma cannot run in JAX: there a product and a sum are not rounded once for certain")
        if not is_of_table(rule):
            raise ProgramError(
                f"the gate {rule.name} cannot run in JAX: scalargrad sees into it only where it is written with "
                "scalargrad's functions throughout"
            )


# ── nests of arrays ─────────────────────────────────────────────────────────────────────────────────────────────────


class _Place(int):
    """Stands for the number at this place of a Layout."""


def _pattern(layout: Layout) -> Any:
    """The nest of a Layout, with places for numbers."""
    places = np.empty(layout.size, object)
    places[:] = [_Place(i) for i in range(layout.size)]
    return layout.nest(places)


def _is_numbers(pattern: Any) -> bool:
    """Whether it is an array or a list of numbers, which is an array in JAX."""
    if isinstance(pattern, np.ndarray):
        return True
    return type(pattern) is list and bool(pattern) and all(type(x) is _Place for x in pattern)


def _numbers(pattern: Any, thing: Any, name: str) -> Iterator[Any]:
    """The numbers of a nest like the pattern, in arrays of one axis."""
    one_array = isinstance(pattern, np.ndarray) or (_is_numbers(pattern) and not isinstance(thing, (list, tuple)))
    parts = parts_of(pattern)
    if type(pattern) is _Place or one_array:
        yield _array(thing, () if type(pattern) is _Place else np.shape(pattern), name).ravel()
    elif parts is not None:
        others = parts_of(thing)
        if others is None or others.keys() != parts.keys():
            raise TypeError(f"{name} was given a {type(thing).__name__} where something with {[*parts]} is to be")
        for key, part in parts.items():
            yield from _numbers(part, others[key], name)
    elif thing is not pattern and (hasattr(thing, "shape") or thing != pattern):
        raise TypeError(f"{name} was recorded with {pattern!r} where it was given {thing!r}")


def _array(thing: Any, shape: tuple[int, ...], name: str) -> Any:
    if not jnp.issubdtype(jnp.result_type(thing), jnp.floating) and not jnp.issubdtype(
        jnp.result_type(thing), jnp.integer
    ):
        raise TypeError(f"{name} takes real numbers, not {thing!r}")
    if np.shape(thing) != shape:
        raise TypeError(f"{name} was given an array of shape {np.shape(thing)} where one of shape {shape} is to be")
    return jnp.asarray(thing, float)


def _filled(pattern: Any, numbers: Any) -> Any:
    """The nest like the pattern with these numbers, of an array."""
    if type(pattern) is _Place:
        return numbers[int(pattern)]
    if _is_numbers(pattern):
        shape = np.shape(pattern)
        start = int(np.ravel(pattern)[0]) if np.size(pattern) else 0
        return numbers[start : start + np.size(pattern)].reshape(shape)
    if (parts := parts_of(pattern)) is None:
        return pattern
    return remade(pattern, {key: _filled(part, numbers) for key, part in parts.items()})
