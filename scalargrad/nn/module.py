"""Module: what has parameters, and can run forward and backward."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from threading import local
from types import MappingProxyType
from typing import Any

from scalargrad.engine import Value, current_tape
from scalargrad.engine.thread import Name, Path, here
from scalargrad.functions import dot
from scalargrad.nn.nests import alike, as_lists, leaves, number, on_each, shape

__all__ = ["Module"]

_OF_RUNS = ("_slice", "_names", "_known_steps", "_known_recorder")  # attributes that are not copied
_class_name = cache(Name)


@dataclass
class _Slice:
    """What one forward() recorded, for backward() to sweep."""

    inputs: list[Any]  # nests of Values, one for each argument that a gradient is wanted of
    outputs: Any  # a nest
    displaced: bool  # whether forward() ran before it, and no backward() answered that
    swept: bool = False


class _Calls:
    """What the calls of Modules in one thread look at: all in one place, for each look at a thread's own takes time."""

    __slots__ = ("caller", "state")

    def __init__(self) -> None:
        self.state = here.state
        self.caller: Module | None = None  # the one that runs


class _Here(local):
    def __init__(self) -> None:
        self.calls = _Calls()


_here = _Here()


def calls_here() -> "_Calls":
    """Of this thread."""
    return _here.calls


class Module:
    """Something with parameters: a neuron, a layer, a model.

    Its parameters are the input Values among its attributes, also inside of Modules, lists, tuples and dicts there, in
    the order in which they were set, each once. Attributes whose names begin with _ are passed over. A subclass
    defines `compute`, and is called like a function; it copies (copy.deepcopy) and pickles, its parameters as new
    inputs.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.start = Value(2.0), Value(1.0)
    ...
    ...     def compute(self, x):
    ...         return self.slope * x + self.start
    >>> line = Line()
    >>> line(3.0), line.parameters()
    (Value(7.0), [Value(2.0), Value(1.0)])

    `forward` and `backward` are the textbooks' protocol, on plain numbers. What layers that run forward one after the
    other, then backward in reverse, leave in `.grad` is what one `loss.backward()` leaves there, to the bit:

    >>> line.forward(3.0), line.backward(10.0)
    (7.0, 20.0)
    >>> line.slope.grad, line.start.grad
    (30.0, 10.0)
    """

    #: For each argument of a call, whether backward() gives a gradient for it; targets get none.
    takes_gradient: tuple[bool, ...] = (True,)

    _slice: _Slice | None = None
    #: Of the Modules among its attributes, by id; and what _steps said last, of which parts and in which scope.
    _names: Mapping[int, tuple["Module", Name]] = MappingProxyType({})
    _known_steps: tuple[list[Any], Path | None, list[tuple[Any, Name, Path]]] = ([], None, [])

    def __call__(self, *xs: Any) -> Any:
        """Run it on Values or plain numbers.

        What it records is in a scope: its attribute path in the Module that calls it, as "layers.0", or else its class.
        """
        calls = _here.calls
        state, caller = calls.state, calls.caller
        name = _class_name(type(self).__name__) if caller is None else caller._name_of(self)
        try:
            state.enter(name)
            calls.caller = self
            return self.compute(*xs)
        finally:
            calls.caller = caller
            state.leave(name)

    def _call_each(self, parts: list[Any], x: Any, in_turn: bool = False) -> list[Any]:
        """`[part(x) for part in parts]`, in less time, of some Modules among its attributes, while it is called itself.

        With `in_turn`, each but the first is called on the result of the one before it.
        """
        calls = _here.calls
        state = calls.state
        steps = self._steps(parts, state.scope) if calls.caller is self else None
        out: list[Any] = []
        if not steps:
            for part in parts:
                out.append(part(x))
                x = out[-1] if in_turn else x
            return out
        entered, plain, name = state.entered, state.plain is not None, Name("")
        entered += [name]  # unlike a call, it lets no interrupt in before the first scope is set
        try:
            for part, name, path in steps:
                entered[-1], calls.caller, state.scope = name, part, path
                if plain:
                    state.plain = path
                out.append(part.compute(x))
                x = out[-1] if in_turn else x
        finally:
            calls.caller = self
            state.leave(name)
        return out

    def _steps(self, parts: list[Any], around: Path) -> list[tuple[Any, Name, Path]] | None:
        """Each part, and in which scope to call it; None if one of them is called in a way of its own."""
        for part in parts:
            if type(part).__call__ is not _CALL:
                return None
        known_parts, known_around, steps = self._known_steps
        if known_around is not around or known_parts != parts:
            named = [(part, self._name_of(part)) for part in parts]
            steps = [(part, name, name.within(around)) for part, name in named]
            self._known_steps = list(parts), around, steps
        return steps

    def _name_of(self, part: "Module") -> Name:
        known = self._names.get(id(part))
        if known is None or known[0] is not part:
            self._names = {id(module): (module, Name(path)) for path, module in _modules(self)}
            known = self._names.get(id(part), (part, Name(type(part).__name__)))
        return known[1]

    def compute(self, *xs: Any) -> Any:
        """What a call does: each subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} is to define compute(self, x), which is what a call runs")

    # ── parameters ──────────────────────────────────────────────────────────────────────────────────────────────────

    def named_parameters(self) -> list[tuple[str, Value]]:
        """The parameters with their paths, as ("layers.0.neurons.2.w.1", Value)."""
        paths: dict[Value, str] = {}
        seen: set[int] = set()

        def walk(thing: Any, path: str) -> None:
            if isinstance(thing, Value):
                if thing.rule is None:
                    paths.setdefault(thing, path)
            elif isinstance(thing, (Module, list, tuple, dict)) and id(thing) not in seen:
                seen.add(id(thing))
                for name, part in _parts(thing):
                    walk(part, f"{path}.{name}" if path else str(name))

        walk(self, "")
        return [(path, value) for value, path in paths.items()]

    def parameters(self) -> list[Value]:
        """The parameters: what an optimizer adjusts."""
        return [value for _, value in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients: every parameter's `grad` reads 0.0 again, as before any backward pass."""
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, float]:
        """The numbers of the parameters by their paths: plain data, ready for `json.dump`."""
        return {path: parameter.data for path, parameter in self.named_parameters()}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Set the parameters to the numbers that state_dict() gave.

        Raises ValueError if a path is missing or unexpected, TypeError if something is not a real number; then nothing
        was changed.
        """
        if not isinstance(state, dict):
            raise TypeError(f"a state is a dict of paths and numbers, not {state!r}")
        parameters = dict(self.named_parameters())
        missing, unexpected = parameters.keys() - state.keys(), state.keys() - parameters.keys()
        if missing:
            raise ValueError(f"the state has no {', '.join(path for path in parameters if path in missing)}")
        if unexpected:
            raise ValueError(f"the state has {', '.join(map(str, sorted(unexpected, key=str)))}, which this lacks")
        data_of = {path: number(f"the state of {path}", data) for path, data in state.items()}
        for path, parameter in parameters.items():
            parameter.data = data_of[path]

    # ── the textbooks' protocol ─────────────────────────────────────────────────────────────────────────────────────

    def forward(self, *xs: Any) -> Any:
        """Run it on plain numbers (nested lists, NumPy arrays) for plain numbers, and keep the rows for backward().

        Raises TypeError if the arguments are too many, too few, or not made of real numbers.
        """
        self._check_count(xs)
        displaced, self._slice = self._slice is not None and not self._slice.swept, None
        home = next((parameter.tape for parameter in self.parameters()), current_tape())
        inputs, arguments = [], []
        with home:
            for x, wanted in zip(xs, self.takes_gradient, strict=True):
                if wanted:
                    x = on_each(lambda leaf: Value(number("what forward() takes", leaf)), x)
                    inputs.append(x)
                arguments.append(x)
        outputs = as_lists(self(*arguments))
        if here.state.recording:
            self._slice = _Slice(inputs, outputs, displaced)
        return on_each(lambda y: y.data if isinstance(y, Value) else float(y), outputs)

    def backward(self, dout: Any = 1.0) -> Any:
        """Sweep what the latest forward() recorded: given dL/dy it returns dL/dx, and adds to the parameters' `grad`.

        `dout` has the form of what forward() returned, the result the form of what it was given: for an x in a batch
        of rows, a batch of rows; for two arguments, a tuple. Raises RuntimeError if there is no forward() to answer,
        ValueError if `dout` has another form, StaleValueError if a parameter was changed since forward().

        It equals one `loss.backward()` over all layers to the bit, since each Value receives the same contributions in
        the same order: `dout` holds those of the later layers, already summed in the order of the sweep. Two things
        plain numbers cannot tell: where one parameter belongs to two layers, or one Value is two of a layer's outputs,
        the sum is bracketed otherwise (and equal up to rounding); and what maximum or where did not choose is, for the
        layer before, reached by 0 rather than not reached.
        """
        name, done = type(self).__name__, self._slice
        if done is None or not here.state.recording:
            raise RuntimeError(f"{name}.backward(dout) answers a {name}.forward(x); call both outside of no_grad()")
        if done.swept and done.displaced:  # a textbook's layer would sweep the wrong rows here, and say nothing
            raise RuntimeError(
                f"{name}.forward(x) ran twice, and only the later run can be answered: use one layer object for each"
                " place in a list of layers"
            )
        dout = as_lists(dout)
        if not alike(dout, done.outputs):
            raise ValueError(f"dout of shape {shape(dout)} for an output of shape {shape(done.outputs)}")
        for x in leaves(done.inputs):
            x.grad = None
        # A sum weighted by dout: sweeping it hands 1.0 * dout, exactly, to each output. Sweeping from one output after
        # another would add up the contributions of each pass first, and so round otherwise.
        total = dot(leaves(done.outputs), [number("dout", d) for d in leaves(dout)])
        if isinstance(total, Value):
            total.backward()
        done.swept = True
        dxs = [on_each(lambda leaf: leaf.grad, x) for x in done.inputs]
        return dxs[0] if len(dxs) == 1 else tuple(dxs)

    def _check_count(self, xs: tuple[Any, ...]) -> None:
        if len(xs) != len(self.takes_gradient):
            raise TypeError(f"{self!r} takes {len(self.takes_gradient)} argument(s), not {len(xs)}")

    def __getstate__(self) -> dict[str, Any]:
        return {name: thing for name, thing in vars(self).items() if name not in _OF_RUNS}

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


_CALL = Module.__call__


def _modules(module: Module) -> Iterator[tuple[str, Module]]:
    """The Modules among the attributes of one, and in lists, tuples and dicts there, with their paths."""
    pending: list[tuple[str, Any]] = [("", module)]
    seen: set[int] = set()
    while pending:
        path, thing = pending.pop(0)
        for name, part in _parts(thing):
            if isinstance(part, Module):
                yield f"{path}{name}", part
            elif isinstance(part, (list, tuple, dict)) and id(part) not in seen:
                seen.add(id(part))
                pending.append((f"{path}{name}.", part))


def _parts(thing: Any) -> list[tuple[Any, Any]]:
    if isinstance(thing, Module):
        return [(name, part) for name, part in vars(thing).items() if not name.startswith("_")]
    return list(thing.items() if isinstance(thing, dict) else enumerate(thing))
