"""`fit`, the training loop: its steps are taken by the engine, or by Programs that were recorded of one example."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from scalargrad.engine import Value, no_grad
from scalargrad.nn.nests import as_lists
from scalargrad.nn.optim import Optimizer
from scalargrad.nn.sources import Rng, generator, size
from scalargrad.program import Program, record
from scalargrad.program.arrays import the_numpy
from scalargrad.program.layout import Layout, Misfit, argument
from scalargrad.sweeps import gradients

if TYPE_CHECKING:
    import numpy as np

__all__ = ["fit"]

_MOST = 64  # Programs: more ways through a model are not worth recording


def fit(
    model: Callable[[Any], Any],
    xs: Sequence[Any],
    ys: Sequence[Any],
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    *,
    steps: int,
    batch: int | None = None,
    rng: Rng = None,
    compile: bool = False,
    each: Callable[[int, float], Any] | None = None,
) -> list[float]:
    """Take so many steps of the optimizer, each by the gradient of `loss([model(x), …], [y, …])`; returns these losses.

    A step is by all examples, or by `batch` of them, which `rng`, a random.Random or a seed, draws. `each(step, loss)`
    is called after every step: it may look at the parameters, set `optimizer.lr`, and end the training by returning True.

    With `compile=True` the steps run from Programs: the loss of one example and its gradient are recorded once (for each
    way that the model goes, and for each different target if the loss does not take Values there), and run for the
    whole batch at once. What comes out is the same up to rounding. It asks for

    - NumPy, else ProgramError; with llvmlite it is many times faster
    - examples of one form, else TypeError
    - a loss that is the mean over the examples, as those of this package are, and a model that does the same whenever it
      is called, else ValueError: of the losses from Programs the 1st, 10th, 100th … are compared with the engine's
    - not too many ways: when there are more than 64, the engine takes over, and a RuntimeWarning says so

    >>> from scalargrad.nn import MLP, SGD, hinge
    >>> xs, ys = [[0.0, 1.0], [1.0, 0.5], [2.0, -1.0], [1.0, -2.0]], [1, 1, -1, -1]
    >>> model = MLP(2, [4, 1], rng=1)
    >>> losses = fit(model, xs, ys, hinge, SGD(model.parameters(), lr=0.1), steps=100)
    >>> losses[0] > 0.5, losses[-1]
    (True, 0.0)
    """
    if len(xs) != len(ys) or len(xs) == 0:
        raise ValueError(f"fit takes one example at least, and a target for each: not {len(xs)} and {len(ys)}")
    if batch is not None and size("batch", batch) > len(xs):
        raise ValueError(f"a batch of {batch} is more than the {len(xs)} examples that there are")
    steps_by = ByPrograms if compile else ByEngine
    training = steps_by(model, list(xs), list(ys), loss, optimizer)
    losses: list[float] = []
    try:
        for i, chosen in zip(range(steps), _batches(len(xs), batch, rng)):
            losses.append(training.step(chosen))
            if each is not None:
                training.write()
                if each(i, losses[-1]) is True:
                    break
                training.read()
    finally:
        training.write()
    return losses


def _batches(count: int, batch: int | None, rng: Rng) -> Iterator[list[int] | None]:
    """Of each step the examples to take, None for all of them."""
    draw = generator(rng)
    while True:
        yield None if batch is None else draw.sample(range(count), batch)


class ByEngine:
    """Steps that record anew, whatever the model does."""

    def __init__(
        self,
        model: Callable[[Any], Any],
        xs: list[Any],
        ys: list[Any],
        loss: Callable[[Any, Any], Any],
        optimizer: Optimizer,
    ) -> None:
        self.model, self.xs, self.ys, self.loss, self.optimizer = model, xs, ys, loss, optimizer

    def step(self, chosen: Sequence[int] | None = None) -> float:
        """Adjust the parameters by the gradient at some examples, None for all; returns the loss before."""
        loss = self.loss_of(chosen)
        self.optimizer.zero_grad()
        if not isinstance(loss, Value):
            return float(loss)
        loss.backward()
        self.optimizer.step()
        return loss.data

    def loss_of(self, chosen: Sequence[int] | None) -> Any:
        some = range(len(self.xs)) if chosen is None else chosen
        return self.loss([self.model(self.xs[i]) for i in some], [self.ys[i] for i in some])

    def write(self) -> None:
        """Let the parameters and the optimizer have what was found."""

    def read(self) -> None:
        """Go on from the numbers that they have now."""


class _Way:
    """The Program of one example's loss and gradient, on one way through the model.

    where    of each of its parameters the place among all of them
    reached  which parameters the loss depends on there: an optimizer does not touch others
    """

    def __init__(self, program: Program, places: dict[Value, int]) -> None:
        self.program = program
        self.where = the_numpy().array([places.setdefault(x, len(places)) for x in program.parameters], int)
        self.reached = [program.code.constant.get(number) != 0.0 for number in program.code.outputs[1:]]


class ByPrograms(ByEngine):
    """Steps that run Programs over the examples, and keep parameters and the optimizer's state in arrays meanwhile."""

    def __init__(self, *task: Any) -> None:
        super().__init__(*task)
        self._np = the_numpy()
        self._adjusted = self.optimizer.parameters
        self._places = {x: i for i, x in enumerate(self._adjusted)}  # of other parameters, too, when they are met
        self._states: tuple[Any, ...] = ()  # of the optimizer, each an array
        self._gave_up = False
        self._steps = 0  # that Programs took
        self._gradient: tuple[np.ndarray, np.ndarray] | None = None  # the latest, and what of it was reached
        self._arrange()
        self.read()

    def _arrange(self) -> None:
        """The examples as rows of a table, and in which of its rows which target stands."""
        try:
            record(self._example, self.xs[0], self.ys[0])
            self._arguments: list[tuple[Any, ...]] = [*zip(self.xs, self.ys)]
            self._table = self._rows()
            targets, examples = [0] * len(self.xs), {0: self._example}
        except (TypeError, ValueError, ArithmeticError):  # a loss that takes plain numbers for targets only
            self._arguments = [(x,) for x in self.xs]
            self._table = self._rows()
            names = [repr(as_lists(y)) for y in self.ys]
            numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
            targets = [numbers[name] for name in names]
            examples = {i: partial(self._example, y=y) for i, y in zip(targets, self.ys)}
        self._all, self._target, self._example_of = self._np.arange(len(self.xs)), self._np.array(targets), examples
        self._ways: dict[int, list[_Way]] = {target: [] for target in examples}

    def _rows(self) -> "np.ndarray":
        layout, rows = Layout((self._arguments[0], {})), []
        for i, arguments in enumerate(self._arguments):
            try:
                rows.append(layout.row((arguments, {})))
            except Misfit as misfit:
                place = argument(misfit.path, ("x", "y"))
                raise TypeError(f"example {i} is not like example 0: at {place} {misfit}") from None
        return cast("np.ndarray", self._np.array(rows))

    def _example(self, x: Any, y: Any) -> list[Any]:
        """What is recorded: the loss of one example, and its derivatives by the parameters."""
        loss = self.loss([self.model(x)], [y])
        if not isinstance(loss, Value):
            return [float(loss), *[0.0] * len(self._adjusted)]
        return [loss, *gradients(loss, self._adjusted, create_graph=True)]

    # ── a step ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self, chosen: Sequence[int] | None = None) -> float:
        found = None if self._gave_up else self._sums(chosen)
        if found is None:
            self.write()
            loss = super().step(chosen)
            self.read()
            return loss
        sums, reached = found
        means = sums / len(self.xs if chosen is None else chosen)
        self._steps += 1
        if str(self._steps).strip("0") == "1":  # at the 1st, the 10th, the 100th, …
            self._compare(float(means[0]), chosen)
        self._adjust(means[1:], reached)
        return float(means[0])

    def _sums(self, chosen: Sequence[int] | None) -> "tuple[np.ndarray, np.ndarray] | None":
        """The sums over some examples of loss and gradient, and what was reached; None for: let the engine do it.

        So it is where a model raises, and where it goes too many ways.
        """
        np = self._np
        sums, reached = np.zeros(1 + len(self._adjusted)), np.zeros(len(self._adjusted), bool)
        rows = self._all if chosen is None else np.array(chosen)
        for target in self._ways:
            left = rows if len(self._ways) == 1 else rows[self._target[rows] == target]
            ways = iter([*self._ways[target]])
            while len(left):
                way = next(ways, None) or self._recorded(target, left[0])
                if way is None:
                    return None
                table = self._table if left is self._all else self._table[left]
                lanes = way.program.run(table, self._numbers[way.where])
                if lanes.failed.any():
                    return None
                if not lanes.strayed.any():
                    sums, reached, left = sums + lanes.outputs.sum(axis=0), reached | way.reached, left[:0]
                elif not lanes.strayed.all():
                    sums, reached = sums + lanes.outputs[~lanes.strayed].sum(axis=0), reached | way.reached
                    left = left[lanes.strayed]
        return sums, reached

    def _recorded(self, target: int, at: int) -> _Way | None:
        """The way that the model goes at an example; None where it raises, or if there are too many."""
        if sum(map(len, self._ways.values())) >= _MOST:
            self._gave_up = True
            warnings.warn(
                f"compile=True: this model goes more than {_MOST} ways, by its branches and targets, and is trained by "
                "the engine from here on. To choose without another way, there are relu, where, maximum and minimum",
                RuntimeWarning,
                stacklevel=5,
            )
            return None
        self.write()
        try:
            program = record(self._example_of[target], *self._arguments[at])
        except (ValueError, ArithmeticError):
            return None
        self._ways[target].append(way := _Way(program, self._places))
        self.read()
        return way

    def _compare(self, loss: float, chosen: Sequence[int] | None) -> None:
        self.write()  # the parameters are behind the arrays
        with no_grad():
            other = self.loss_of(chosen)
        other = other.data if isinstance(other, Value) else float(other)
        if not math.isclose(loss, other, rel_tol=1e-6, abs_tol=1e-9) and not math.isnan(other):
            raise ValueError(
                f"the loss is {other!r}, and the mean of the losses of single examples {loss!r}: compile=True takes a loss "
                "that is the mean over the examples, and a model that does the same whenever it is called"
            )

    def _adjust(self, gradient: "np.ndarray", reached: "np.ndarray") -> None:
        """What `optimizer.step` does, for all parameters at once."""
        np, count = self._np, len(self._adjusted)
        self._gradient = gradient, reached
        if type(self.optimizer).step is Optimizer.step:
            with np.errstate(all="ignore"):
                before = self._numbers[:count]
                direction, states = self.optimizer._direction(gradient, self._states, np.sqrt)
                after = before - self.optimizer.lr * direction
            if not reached.all():
                after = np.where(reached, after, before)
                states = tuple([np.where(reached, new, old) for new, old in zip(states, self._states)])
            if np.isfinite(after).all():
                self._numbers[:count], self._states = after, states
                return
        self.write()
        self.optimizer.step()
        self.read()

    # ── to and from the parameters ──────────────────────────────────────────────────────────────────────────────────

    def write(self) -> None:
        for x, number in zip(self._adjusted, self._numbers.tolist()):
            if x.data != number:
                x.data = number
        if self._gradient is not None:
            for x, slope, reached in zip(self._adjusted, *[part.tolist() for part in self._gradient]):
                x.grad = slope if reached else None
        self.optimizer._states = [*zip(*[part.tolist() for part in self._states])]

    def read(self) -> None:
        self._gradient = None
        self._numbers = self._np.array([x.data for x in self._places])
        self._states = tuple([self._np.array(part) for part in zip(*self.optimizer._states)])
