"""Functions that differentiate functions: grad, value_and_grad, jacobian, hessian, hvp, jvp, vjp and derivative.

Each takes a function of numbers and gives a function of the same arguments. Arguments and results may be any nest of
numbers (see `scalargrad.nest`), NumPy arrays included. `argnums` says by which arguments to differentiate, by position
(among those given by position, from the end if negative) or by name: one, or a tuple of them for a tuple of results.
All of them are decorators too: `@grad`, or `@grad(argnums=1)`.

>>> grad(lambda x, y: x * y**2)(3.0, 2.0)
4.0
>>> hessian(lambda v: v[0] ** 2 * v[1])([1.0, 2.0])
[[4.0, 2.0], [2.0, 0.0]]

They nest. A result is a Value exactly when it depends on a Value from outside, through an argument or because the
function uses one; else it is a plain number. To tell inside from outside, each argument that is a Value enters as a
row of its own, an alias `+x`: what was recorded before the first of these rows is outside, and what the function
itself creates is inside. A `no_grad` around a transform does not reach into it: it makes fresh inputs of the results.

What a function does not depend on has derivative 0.0. Raises TypeError where one number is needed and the function
returned something else; GradientLostError if it returned a plain number after it read the `.data` of a Value, or the
`.grad` that `backward()` left, which cuts the gradient; StaleValueError if it set the data of a Value that it had used.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from itertools import repeat
from typing import Any, cast

from scalargrad.engine import Value, inputs, is_truth, is_value, messages
from scalargrad.engine.messages import name_of, shorten
from scalargrad.engine.thread import State, here
from scalargrad.errors import GradientLostError, TapeError
from scalargrad.namespaces import as_float
from scalargrad.nest import Block, Nest
from scalargrad.sweeps import Trace, bare, kept

__all__ = ["derivative", "grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Argnums = int | str | tuple[int | str, ...]


# ── running a function on Values ────────────────────────────────────────────────────────────────────────────────────


class _Run:
    """One call of f in which Values of its own, the inner inputs, stand for the numbers of some arguments."""

    def __init__(self, f: Callable[..., Any], argnums: Argnums, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        self.name = name_of(f)
        places = _places(f, self.name, argnums, args, kwargs)
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        chosen = [given[place] for place in places]
        self.arguments, self._one = Nest(chosen, is_value), not isinstance(argnums, (tuple, list))
        if not self.arguments.numbers:
            raise TypeError(f"{self.name} is to be differentiated by {shorten(repr(chosen))}, in which is no number")
        with despite_no_grad() as state:
            self._plain = self.arguments.plain or Value not in map(type, self.arguments.numbers)
            self.inputs = inputs(self.arguments.numbers) if self._plain else _aliases(self.arguments.numbers)
            given |= zip(places, self.arguments.filled(self.inputs), strict=True)
            self.result = f(*[given[i] for i in range(len(args))], **{name: given[name] for name in kwargs})
            self._data_read = state.data_read

    def one_or_all(self, nests: Sequence[Any]) -> Any:
        """What belongs to the one chosen argument, or to each of several as a tuple."""
        return nests[0] if self._one else tuple(nests)

    def several(self, nest: Any) -> Any:
        """A nest that belongs to the one chosen argument, or to several, as one that belongs to all of them."""
        return [nest] if self._one else nest

    def one_number(self) -> Value | float:
        """The result, which has to be one number."""
        y = self.result.item() if getattr(self.result, "shape", None) == () else self.result
        if type(y) is Value or (as_float(y) is not None and not isinstance(y, bool)):
            return cast("Value | float", self._not_cut(y))
        found = "None: does it lack a return?" if y is None else f"{shorten(repr(y))} ({type(y).__name__})"
        hint = "; for a result of several numbers there is jacobian" if Nest(y, is_value).blocks else ""
        raise TypeError(f"{self.name} is to return one number, and returned {found}{hint}")

    def results(self) -> Nest:
        """The result, which has to have a number in it."""
        nest = Nest(self.result, _is_number)
        if not nest.blocks:
            raise TypeError(
                f"{self.name} returned {shorten(repr(self.result))}, in which is no number to differentiate"
            )
        for y in nest.numbers:
            self._not_cut(y)
        return nest

    def _not_cut(self, y: Any) -> Any:
        """A number of the result, which may be a plain one only if nothing suggests that the gradient was cut."""
        if type(y) is not Value and (self._data_read or any(x.has_grad for x in self.inputs)):
            raise GradientLostError(
                f"{self.name} read the .data of a Value, or the .grad after backward(), and returned the plain number "
                f"{y!r}: the gradient may have been cut there. Calculate with the Value itself, which can be compared "
                f"and printed as it is, and with gradients(..., create_graph=True); a constant is Value({y!r})"
            )
        return y

    def trace(self, ys: Iterable[Any], seeds: Iterable[Any] = repeat(1.0), *, pull: bool = True) -> Trace:
        """What those of ys that are Values were computed from inside, to be swept with these seeds: to pull, or not."""
        first, total = self.inputs[0], dict[Value, Any]()
        tape = first.tape
        for y, seed in zip(ys, seeds, strict=False):
            if type(y) is Value and y.tape is tape:  # on another tape is outside, and knows no inner input
                total[y] = total[y] + seed if y in total else seed
        return Trace(total, first, self.inputs if self._plain and pull else None)

    def settled(self, y: Any, trace: Trace) -> Any:
        """A number of the result: a Value if it depends on something outside, else a plain number."""
        inside = type(y) is Value and y.tape is self.inputs[0].tape and y not in trace.varying
        return bare(y) if inside else kept(y)

    def gradient(self, trace: Trace) -> Any:
        """The derivatives of the trace's roots in the nest of the chosen arguments."""
        return self.one_or_all(self.arguments.filled(trace.pull(self.inputs)))

    def push(self, trace: Trace, speeds: Iterable[Any], ys: Iterable[Any]) -> list[Any]:
        """How fast ys change if the inner inputs change at these speeds, None being at rest."""
        moving = {x: speed for x, speed in zip(self.inputs, speeds, strict=True) if speed is not None}
        found = trace.push(moving)
        return [kept(found.get(y, 0.0)) if type(y) is Value else 0.0 for y in ys]


@contextmanager
def despite_no_grad() -> Iterator[State]:
    """Record, whatever no_grad is around, and see afresh whether anybody reads the bare number of a Value."""
    state = here.state
    around = [mode for mode in state.entered if mode.kind == "no_grad"]
    data_read, state.data_read = state.data_read, False
    try:
        _set_kind(around, "suspended no_grad")
        yield state
    finally:
        _set_kind(around, "no_grad")
        state.data_read |= data_read


def _set_kind(modes: list[Any], kind: str) -> None:
    for mode in modes:
        mode.kind = kind
        here.state.settle()


def _is_number(x: Any) -> bool:
    return is_value(x) and not is_truth(x)


def _aliases(numbers: Sequence[Any]) -> list[Value]:
    tapes = {x.tape for x in numbers if type(x) is Value}
    if len(tapes) > 1:
        raise TapeError(messages.MIXED_TAPES)
    with tapes.pop():
        return [+x if type(x) is Value else Value(x) for x in numbers]


def _places(f: Any, name: str, argnums: Argnums, args: Sequence[Any], kwargs: dict[str, Any]) -> list[int | str]:
    """Where in args or kwargs the arguments are that argnums means."""
    wanted = tuple(argnums) if isinstance(argnums, (tuple, list)) else (argnums,)
    places = [_place(f, name, which, len(args), kwargs) for which in wanted]
    if len(set(places)) != len(places):
        raise TypeError(f"argnums={argnums!r} means one argument of {name} twice")
    return places


def _place(f: Any, name: str, which: int | str, count: int, kwargs: dict[str, Any]) -> int | str:
    if isinstance(which, str):
        if which in kwargs:
            return which
        names = _names(f)[:count]
        if which in names:
            return names.index(which)
    else:
        if not hasattr(which, "__index__"):
            raise TypeError(f"argnums is a position, a name or a tuple of them, not {shorten(repr(which))}")
        position = operator.index(which)
        if -count <= position < count:
            return position % count
        if position >= 0 and set(named := _names(f)[position : position + 1]) & set(kwargs):
            return named[0]
    raise TypeError(
        f"{name} was given no argument {which!r} to be differentiated by: it was called with {count} argument(s) by "
        f"position and {', '.join(kwargs) or 'none'} by name"
    )


def parameters_of(f: Any) -> list[inspect.Parameter]:
    """The parameters of a function; none, of a built-in that does not tell."""
    try:
        return [*inspect.signature(f).parameters.values()]
    except (TypeError, ValueError):
        return []


def by_position(f: Any) -> list[inspect.Parameter]:
    """Those that can be given by position."""
    return [p for p in parameters_of(f) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _names(f: Any) -> list[str]:
    return [p.name for p in by_position(f)]


def _alike(nest: Nest, other: Any, demand: str) -> list[Any]:
    """The numbers of another nest in the order of this one's."""
    try:
        return [x if type(x) is Value else float(x) for x in nest.numbers_of(other)]
    except TypeError as error:
        raise TypeError(f"{demand}, but {error}") from None


def _decorator(transform: Callable[..., Any]) -> Callable[..., Any]:
    """Let a transform be used as @transform and @transform(argnums=...) too."""

    @wraps(transform)
    def either(f: Callable[..., Any] | None = None, **options: Any) -> Any:
        if f is None:
            return partial(either, **options)
        if not callable(f):
            raise TypeError(f"{transform.__name__} takes a function, not {shorten(repr(f))} ({type(f).__name__})")
        if hasattr(f, "transformed") and transform.__name__ != "vjp":  # compiled; and so is its derivative
            return f.transformed(partial(either, **options))
        return wraps(f, updated=())(transform(f, **options))

    return either


# ── the transforms ──────────────────────────────────────────────────────────────────────────────────────────────────


@_decorator
def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that returns both what f returns, one number, and its gradient in the nest of the argument.

    >>> value_and_grad(lambda p: p["a"] ** 2 + 3 * p["b"])({"a": 2.0, "b": 1.0})
    (7.0, {'a': 4.0, 'b': 3.0})
    """

    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        run = _Run(f, argnums, args, kwargs)
        y = run.one_number()
        trace = run.trace([y])
        return run.settled(y, trace), run.gradient(trace)

    return value_and_gradient


@_decorator
def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The gradient of a function that returns one number, in the nest of the argument.

    >>> grad(lambda x: x**3)(2.0), grad(grad(lambda x: x**3))(2.0)
    (12.0, 12.0)
    """

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return value_and_grad(f, argnums=argnums)(*args, **kwargs)[1]

    return gradient


@_decorator
def vjp(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Callable[[Any], Any]]]:
    """What f returns, and the function that pulls a nest of seeds like it back to a gradient: one sweep a call.

    >>> y, pull = vjp(lambda v: [v[0] * v[1], v[0]])([2.0, 3.0])
    >>> y, pull([1.0, 10.0])
    ([6.0, 2.0], [13.0, 2.0])
    """

    def value_and_pull(*args: Any, **kwargs: Any) -> tuple[Any, Callable[[Any], Any]]:
        run = _Run(f, argnums, args, kwargs)
        results = run.results()
        trace = run.trace(results.numbers)

        def pull(seeds: Any) -> Any:
            demand = f"the seeds are to be a nest like the result of {run.name}"
            return run.gradient(run.trace(results.numbers, _alike(results, seeds, demand)))

        return results.filled([run.settled(y, trace) for y in results.numbers]), pull

    return value_and_pull


@_decorator
def jvp(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """What f returns, and how fast it changes as the argument does, at a speed that is a nest like it.

    The speed follows the argument; with several argnums it follows the last of them, and is a tuple. One pass forward
    over the tape, whatever the number of inputs.

    >>> jvp(lambda v: [v[0] * v[1], v[0]])([2.0, 3.0], [1.0, 0.0])
    ([6.0, 2.0], [3.0, 1.0])
    """

    def value_and_speed(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        args, speed = _without_vector(f, argnums, args, kwargs)
        run = _Run(f, argnums, args, kwargs)
        demand = f"the vector is to be a nest like what {run.name} is differentiated by"
        speeds = _alike(run.arguments, run.several(speed), demand)
        results = run.results()
        trace = run.trace(results.numbers, pull=False)
        values = [run.settled(y, trace) for y in results.numbers]
        return results.filled(values), results.filled(run.push(trace, speeds, results.numbers))

    return value_and_speed


def _without_vector(f: Any, argnums: Argnums, args: Any, kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
    """The arguments of f by position, and the vector that stands among them, behind those that argnums means."""
    places = _places(f, name_of(f), argnums, args[:-1], kwargs)
    behind = 1 + max([place for place in places if isinstance(place, int)], default=len(args) - 2)
    if not args:
        raise TypeError(f"the last argument by position is the vector, and {name_of(f)} was given none")
    return args[:behind] + args[behind + 1 :], args[behind]


@_decorator
def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """All first derivatives: in the nest of the result, for each number in it the nest of the argument.

    Where both are arrays, of shapes S and T, there is one array of shape S + T. Costs a sweep for each number of the
    result, or a pass forward for each of the argument, whichever are fewer.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """

    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        return _jacobian(_Run(f, argnums, args, kwargs))

    return all_derivatives


def _jacobian(run: _Run) -> Any:
    results = run.results()
    rows = iter(_rows_of_jacobian(run, results.numbers))
    return results.around([_block_of_jacobian(run, y, [next(rows) for _ in y.numbers]) for y in results.blocks])


def _rows_of_jacobian(run: _Run, ys: list[Any]) -> list[Sequence[Any]]:
    """For each result, its derivatives with respect to the inner inputs."""
    if len(ys) <= len(run.inputs):
        return [run.trace([y]).pull(run.inputs) for y in ys]
    trace, count = run.trace(ys, pull=False), len(run.inputs)
    columns = [run.push(trace, [None] * i + [1.0] + [None] * (count - i - 1), ys) for i in range(count)]
    return list(zip(*columns, strict=True))


def _block_of_jacobian(run: _Run, y: Block, rows: list[Sequence[Any]]) -> Any:
    """The rows for a block of the result, in the nest of the arguments."""
    parts, start = [], 0
    for x in run.arguments.blocks:
        stop = start + len(x.numbers)
        numbers = [d for row in rows for d in row[start:stop]]
        parts.append(x.filled(numbers) if y.shape is None else y.filled(numbers, x.shape or ()))
        start = stop
    return run.one_or_all(run.arguments.around(parts))


@_decorator
def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """All second derivatives of a function that returns one number; costs about as many sweeps as there are inputs.

    >>> hessian(lambda x, y: x * y**2, argnums=(0, 1))(3.0, 2.0)
    ((0.0, 4.0), (4.0, 6.0))
    """
    return cast(Callable[..., Any], jacobian(grad(f, argnums=argnums), argnums=argnums))


@_decorator
def hvp(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The hessian times a vector, a nest like the argument that follows it as in `jvp`; costs about two gradients.

    >>> hvp(lambda v: v[0] ** 2 * v[1])([1.0, 2.0], [1.0, 0.0])
    [4.0, 2.0]
    """

    def product(*args: Any, **kwargs: Any) -> Any:
        return jvp(grad(f, argnums=argnums), argnums=argnums)(*args, **kwargs)[1]

    return product


@_decorator
def derivative(f: Callable[..., Any], order: int = 1, argnums: int | str = 0) -> Callable[..., Any]:
    """The derivative of this order of a function of one number, in the nest of what f returns; of order 0, f itself.

    >>> derivative(lambda x: x**5, order=3)(2.0)
    240.0
    >>> derivative(lambda t: {"x": t**2, "y": 3 * t}, order=2)(1.0)
    {'x': 2.0, 'y': 0.0}
    """
    if not hasattr(order, "__index__") or order < 0:
        raise ValueError(f"the order of a derivative is a whole number from 0 on, not {order!r}")
    if order == 0:
        return lambda *args, **kwargs: f(*args, **kwargs)
    lower = derivative(f, order=order - 1, argnums=argnums)

    def slope(*args: Any, **kwargs: Any) -> Any:
        run = _Run(lower, argnums, args, kwargs)
        if len(run.inputs) != 1:
            raise TypeError(
                f"{run.name} is to be a function of one number, not of {len(run.inputs)}: "
                "for those there are grad, jacobian and hessian"
            )
        return _jacobian(run)

    return slope
