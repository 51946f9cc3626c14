"""Functions that differentiate functions: grad, value_and_grad, jacobian, hessian, hvp, jvp, vjp and derivative.

Each takes a function of numbers and gives a function of the same arguments. Arguments and results may be any nest of
numbers (see `scalargrad.nest`), NumPy arrays included; `argnums` says by which arguments to differentiate, by position
or name, one or a tuple of them. All of them are decorators too: `@grad`, or `@grad(argnums=1)`.

>>> grad(lambda x, y: x * y**2)(3.0, 2.0)
4.0
>>> hessian(lambda v: v[0] ** 2 * v[1])([1.0, 2.0])
[[4.0, 2.0], [2.0, 0.0]]

They nest. A result is a Value exactly when it depends on a Value from outside, through an argument or because the
function uses one; else it is a plain number. To tell inside from outside, each argument that is a Value enters as a
row of its own, an alias `+x`: what was recorded before the first of these rows is outside.

What a function does not depend on has derivative 0.0. Raises TypeError where one number is needed and the function
returned something else, GradientLostError if it returned a plain number after reading the `.data` of a Value (which
cuts the gradient), StaleValueError if it set the data of a Value that it had used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, cast

from scalargrad.engine import Value, current_tape
from scalargrad.engine.messages import shorten
from scalargrad.engine.thread import here
from scalargrad.errors import GradientLostError
from scalargrad.namespaces import as_float
from scalargrad.nest import Block, flatten
from scalargrad.sweeps import pullback, pushforward

__all__ = ["derivative", "grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Argnums = int | str | tuple[int | str, ...]


# ── running a function on Values ────────────────────────────────────────────────────────────────────────────────────


class _Run:
    """One call of f with the numbers of some arguments replaced by Values of its own, the inner inputs."""

    def __init__(self, f: Callable[..., Any], argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.name = getattr(f, "__name__", type(f).__name__)
        args_, kwargs_ = list(args), dict(kwargs)
        places = [_place(f, self.name, which, args, kwargs) for which in _as_tuple(argnums)]
        chosen = [kwargs_[place] if isinstance(place, str) else args_[place] for place in places]
        self.blocks, rebuild = flatten(chosen, _is_value)
        numbers = [x for block in self.blocks for x in block.numbers]
        if not numbers:
            raise TypeError(f"{self.name} is to be differentiated by {shorten(repr(chosen))}, in which is no number")
        self.inputs = _inner_inputs(numbers)
        inner = iter(self.inputs)
        replaced = rebuild([block.pack([next(inner) for _ in block.numbers]) for block in self.blocks])
        for place, new in zip(places, replaced, strict=True):
            if isinstance(place, str):
                kwargs_[place] = new
            else:
                args_[place] = new
        state = here.state
        data_read, state.data_read = state.data_read, False
        try:
            self.result = f(*args_, **kwargs_)
            self.lost = state.data_read
        finally:
            state.data_read = data_read or state.data_read
        self._rebuild, self._one = rebuild, not isinstance(argnums, tuple)

    def in_arguments_shape(self, parts: Sequence[Any]) -> Any:
        """As many things as there are blocks, in the nest of the chosen argument or the tuple of them."""
        nests = self._rebuild(parts)
        return nests[0] if self._one else tuple(nests)

    def one_number(self) -> Value | float:
        """The result, which has to be one number."""
        y = self.result.item() if getattr(self.result, "shape", None) == () else self.result
        if type(y) is Value or (as_float(y) is not None and not isinstance(y, bool)):
            return cast("Value | float", self.as_recorded(y))
        raise TypeError(
            f"{self.name} is to return one number, and returned {shorten(repr(y))} ({type(y).__name__}); "
            "for a result of several numbers there is jacobian"
        )

    def as_recorded(self, y: Any) -> Any:
        """A number of the result, which may be a plain one only if the gradient was not cut."""
        if type(y) is not Value and self.lost:
            raise GradientLostError(
                f"{self.name} read the .data of a Value and returned the plain number {y!r}, so the gradient may have "
                "been cut there: calculate with the Value itself"
            )
        return y

    def is_outside(self, row: Value) -> bool:
        first = self.inputs[0]
        return row.tape is not first.tape or row.index < first.index

    def depends_on_outside(self, values: Sequence[Any]) -> list[bool]:
        """For each of these, whether a Value from outside is among what it was computed from."""
        known: dict[Value, bool] = {}
        for value in values:
            pending = [value] if type(value) is Value else []
            while pending:
                row = pending[-1]
                operands = [] if self.is_outside(row) else [x for x in row.operands if type(x) is Value]
                unknown = [x for x in operands if x not in known]
                if row in known or not unknown:
                    known.setdefault(row, self.is_outside(row) or any(known[x] for x in operands))
                    pending.pop()
                else:
                    pending += unknown
        return [type(value) is Value and known[value] for value in values]

    def settled(self, numbers: Sequence[Any]) -> list[Any]:
        """Values where they depend on outside, plain numbers where they do not."""
        outside = self.depends_on_outside(numbers)
        return [x if not_ours or type(x) is not Value else _bare(x) for x, not_ours in zip(numbers, outside, strict=True)]

    def pull(self, seeds: dict[Value, Any]) -> list[Any]:
        """The derivatives of the sum of seed * y with respect to all inner inputs."""
        create_graph = any(self.depends_on_outside([*seeds, *seeds.values()]))
        return self.settled(pullback(seeds, self.inputs, create_graph))

    def by_block(self, numbers: Sequence[Any]) -> Any:
        """One number for each inner input, in the shape of the arguments."""
        rest = iter(numbers)
        return self.in_arguments_shape([block.pack([next(rest) for _ in block.numbers]) for block in self.blocks])


def _is_value(x: Any) -> bool:
    return type(x) is Value


def _bare(value: Value) -> float:
    state = here.state
    before, data = state.data_read, value.data
    state.data_read = before
    return data


def _inner_inputs(numbers: Sequence[Any]) -> list[Value]:
    tapes = [x.tape for x in numbers if type(x) is Value]
    with tapes[0] if tapes else current_tape():
        return [+x if type(x) is Value else Value(x) for x in numbers]


def _as_tuple(argnums: Argnums) -> tuple[int | str, ...]:
    return argnums if isinstance(argnums, tuple) else (argnums,)


def _place(f: Callable[..., Any], name: str, which: int | str, args: Any, kwargs: Any) -> int | str:
    """Where in args or kwargs the argument is that argnums means."""
    try:
        names = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        names = []
    if isinstance(which, str):
        if which in kwargs:
            return which
        which = names.index(which) if which in names else len(args)
    elif which < 0:
        which += len(args)
    if 0 <= which < len(args):
        return which
    if which < len(names) and names[which] in kwargs:
        return names[which]
    raise TypeError(f"{name} got no argument {which!r} to be differentiated by: {len(args)} positional, {list(kwargs)}")


def _decorator(transform: Callable[..., Any]) -> Callable[..., Any]:
    """Let a transform be used as @transform and @transform(argnums=...) too."""

    @wraps(transform)
    def either(f: Callable[..., Any] | None = None, **options: Any) -> Any:
        if f is None:
            return partial(either, **options)
        if not callable(f):
            raise TypeError(f"{transform.__name__} takes a function, not {shorten(repr(f))} ({type(f).__name__})")
        return wraps(f)(transform(f, **options))

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
        slopes = run.pull({y: 1.0}) if type(y) is Value else [0.0] * len(run.inputs)
        return run.settled([y])[0], run.by_block(slopes)

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
        ys, pack = _results(run)

        def pull(seeds: Any) -> Any:
            totals: dict[Value, Any] = {}
            for y, seed in zip(ys, _numbers_like(run.result, seeds, "seeds"), strict=True):
                if type(y) is Value:
                    totals[y] = totals[y] + seed if y in totals else seed
            return run.by_block(run.pull(totals) if totals else [0.0] * len(run.inputs))

        return pack(run.settled(ys)), pull

    return value_and_pull


@_decorator
def jvp(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """What f returns, and how fast it changes as the argument does: the last argument is that speed, a nest like it.

    With several argnums the speed is a tuple. One pass forward over the tape, whatever the number of inputs.

    >>> jvp(lambda v: [v[0] * v[1], v[0]])([2.0, 3.0], [1.0, 0.0])
    ([6.0, 2.0], [3.0, 1.0])
    """

    def value_and_speed(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        *args_, speed = args
        run = _Run(f, argnums, tuple(args_), kwargs)
        ys, pack = _results(run)
        speeds = _numbers_like(run.by_block(run.inputs), speed, "speed")
        values = [y for y in ys if type(y) is Value]
        create_graph = any(run.depends_on_outside([*values, *speeds]))
        found = dict(zip(values, pushforward(values, dict(zip(run.inputs, speeds, strict=True)), create_graph)))
        return pack(run.settled(ys)), pack(run.settled([found[y] if type(y) is Value else 0.0 for y in ys]))

    return value_and_speed


@_decorator
def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """All first derivatives: in the nest of the result, for each number in it the nest of the argument.

    Where both are arrays, of shapes S and T, there is one array of shape S + T. Costs a sweep for each result.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """

    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        run = _Run(f, argnums, args, kwargs)
        blocks, rebuild = flatten(run.result, _is_value)
        if not blocks:
            raise TypeError(f"{run.name} returned {shorten(repr(run.result))}, in which is no number to differentiate")
        return rebuild([_block_of_jacobian(run, block) for block in blocks])

    return all_derivatives


def _block_of_jacobian(run: _Run, block: Block) -> Any:
    ys = [run.as_recorded(y) for y in block.numbers]
    rows = [run.pull({y: 1.0}) if type(y) is Value else [0.0] * len(run.inputs) for y in ys]
    parts, start = [], 0
    for inner in run.blocks:
        stop = start + len(inner.numbers)
        numbers = [slope for row in rows for slope in row[start:stop]]
        parts.append(block.pack(numbers, inner.shape) if block.shape is not None else inner.pack(numbers))
        start = stop
    return run.in_arguments_shape(parts)


@_decorator
def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """All second derivatives of a function that returns one number; costs about as many sweeps as there are inputs.

    >>> hessian(lambda x, y: x * y**2, argnums=(0, 1))(3.0, 2.0)
    ((0.0, 4.0), (4.0, 6.0))
    """
    second: Callable[..., Any] = jacobian(grad(f, argnums=argnums), argnums=argnums)
    return second


@_decorator
def hvp(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The hessian times a vector, the last argument, which is a nest like the argument; costs two sweeps.

    >>> hvp(lambda v: v[0] ** 2 * v[1])([1.0, 2.0], [1.0, 0.0])
    [4.0, 2.0]
    """

    def product(*args: Any, **kwargs: Any) -> Any:
        return jvp(grad(f, argnums=argnums), argnums=argnums)(*args, **kwargs)[1]

    return product


@_decorator
def derivative(f: Callable[..., Any], order: int = 1, argnums: int | str = 0) -> Callable[..., Any]:
    """The derivative of this order of a function of one number; of order 0, f itself.

    >>> derivative(lambda x: x**5, order=3)(2.0)
    240.0
    """
    if not isinstance(order, int) or order < 0:
        raise ValueError(f"the order of a derivative is a whole number from 0 on, not {order!r}")
    for _ in range(order):
        f = grad(f, argnums=argnums)
    return f


def _results(run: _Run) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
    """The numbers of a result, and what puts as many others in their places."""
    blocks, rebuild = flatten(run.result, _is_value)
    ys = [run.as_recorded(y) for block in blocks for y in block.numbers]

    def pack(numbers: Sequence[Any]) -> Any:
        rest = iter(numbers)
        return rebuild([block.pack([next(rest) for _ in block.numbers]) for block in blocks])

    return ys, pack


def _numbers_like(nest: Any, other: Any, what: str) -> list[Any]:
    """The numbers of a nest that has to be like another one."""
    ours, theirs = flatten(nest, _is_value)[0], flatten(other, _is_value)[0]
    if [len(block.numbers) for block in ours] != [len(block.numbers) for block in theirs]:
        raise TypeError(f"the {what} {shorten(repr(other))} is not a nest like {shorten(repr(nest))}")
    return [x if type(x) is Value else float(x) for block in theirs for x in block.numbers]
