"""A Program as a function of JAX: to be compiled, mapped over points and spread over devices by JAX.

The rows are evaluated by the table's rules on 64-bit arrays. Derivatives are not JAX's but the table's: the pullback of
a Program is a Program, which runs the same way, to any order, so that ties and kinks go where they always go here.

Compiled code cannot raise. At a point where the Program would (the recorded function goes another way there, or Python
would raise), each result is nan, and so is each derivative.

Arithmetic is Python's to the bit, and functions are near to a few units in the last place. A branch that hangs by the
last place of one may go the other way. On processors XLA takes numbers below 2.3e-308 in size for 0.

XLA fuses rows into kernels, and of thousands of rows that takes minutes on processors, or does not end. Without it,
4,700 rows were compiled in 40 seconds: jax.jit(f, compiler_options={"xla_disable_hlo_passes": "fusion"}).
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from scalargrad.errors import ProgramError
from scalargrad.program.backends.jax_namespace import INSTEAD, JAX
from scalargrad.program.backends.jax_nests import array_of, filled, numbers_of, pattern_of
from scalargrad.program.code import Code, evaluate, is_of_table

if TYPE_CHECKING:
    from scalargrad.program.program import Program

__all__ = ["jax_function"]


def jax_function(program: "Program") -> Callable[..., Any]:
    """See `Program.to_jax`."""
    evaluated = _Evaluated(program)
    given, made = pattern_of(program.arguments), pattern_of(program.results)

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
            shared, args = (array_of(jnp.asarray(args[0]), np.shape(args[0]), program.name),), args[1:]
        if len(args) != len(given[0]) or named.keys() != given[1].keys():
            raise TypeError(program.other_arguments(args, named))
        flat = [*numbers_of(given, (args, named), program.name), *shared]
        return filled(made, evaluated.differentiable(jnp.concatenate(flat) if flat else jnp.zeros(0)))

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
            outputs, failed, strayed = evaluate(self._code, JAX, given, [], np.float64, INSTEAD)
        found = jnp.stack([jnp.asarray(x, float) for x in outputs]) if outputs else jnp.zeros(0)
        return jnp.where(failed | strayed, jnp.nan, found)

    def _pull(self, numbers: Any, seeds: Any) -> tuple[Any]:
        if not len(seeds):
            return (jnp.zeros_like(numbers),)
        return (self._pullback.differentiable(jnp.concatenate([numbers, seeds])),)

    @cached_property
    def _pullback(self) -> "_Evaluated":
        return _Evaluated(self._program.pullback)


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
