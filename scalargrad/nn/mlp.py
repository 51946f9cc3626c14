"""Neuron, Layer and MLP, as micrograd has them (github.com/karpathy/micrograd): its users change the import.

Weights are drawn in the same order from the same generator, so after `random.seed(1337)` the numbers are micrograd's.
But a neuron is three rows of the tape here, whatever its number of weights: a dot product, plus the bias, activated.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

from scalargrad.engine import Value, neurons, reduction
from scalargrad.engine.thread import Path
from scalargrad.functions import gelu, leaky_relu, relu, sigmoid, softplus, tanh
from scalargrad.nn.module import Module, calls_here
from scalargrad.nn.sources import Rng, generator, size
from scalargrad.rules import RULES

__all__ = ["MLP", "Activation", "Layer", "Neuron"]

_dot = reduction(RULES["dot"])  # a neuron knows the lengths: with `functions.dot` it would take a quarter more time

#: One of the names below, or a function of a Value.
Activation: TypeAlias = str | Callable[[Any], Any] | None

_ACTIVATIONS: dict[str, tuple[Callable[[Any], Any] | None, str]] = {
    "relu": (relu, "ReLU"),
    "tanh": (tanh, "Tanh"),
    "sigmoid": (sigmoid, "Sigmoid"),
    "leaky_relu": (leaky_relu, "LeakyReLU"),
    "gelu": (gelu, "GELU"),
    "softplus": (softplus, "Softplus"),
    "linear": (None, "Linear"),
}

#: What records neurons at once, by the id of their activation.
_AT_ONCE = {id(None): neurons(None)} | {
    id(f): neurons(RULES[f.__name__]) for f in (relu, tanh, sigmoid, gelu, softplus)
}

#: How often an attribute of a Neuron was set. What a Layer knows of its own holds until one is set again; what somebody
#: puts past it, into vars(neuron), is seen then.
_changes = 0


def _activation(activation: Activation) -> tuple[Callable[[Any], Any] | None, str]:
    """The function, None for the identity, and its name."""
    if activation is None or isinstance(activation, str):
        try:
            return _ACTIVATIONS[activation or "linear"]
        except KeyError:
            raise ValueError(f"activation={activation!r} is not one of {', '.join(_ACTIVATIONS)}") from None
    if not callable(activation):
        raise TypeError(f"an activation is a name or a function, not {activation!r}")
    return activation, getattr(activation, "__name__", type(activation).__name__)


class Neuron(Module):
    """A weighted sum of nin numbers plus a bias, activated unless nonlin is False.

    The weights `w` are uniform from -1 to 1, the bias `b` is 0. `rng` is a random.Random or a seed; without it, the
    generator of the `random` module draws, which `random.seed` seeds. `activation` is "relu", "tanh", "sigmoid",
    "leaky_relu", "gelu", "softplus", "linear" (or None), or a function of a Value. A call with other than nin numbers
    raises ValueError.

    >>> neuron = Neuron(2, activation="tanh")
    >>> neuron.w[0].data, neuron.w[1].data = 3.0, -2.0
    >>> neuron, neuron([1.0, 1.5])
    (TanhNeuron(2), Value(0.0))
    """

    def __init__(self, nin: int, nonlin: bool = True, *, activation: Activation = "relu", rng: Rng = None) -> None:
        draw = generator(rng).uniform
        self.w = [Value(draw(-1, 1), label=f"w{i}") for i in range(size("nin", nin))]
        self.b = Value(0, label="b")
        self.nonlin = nonlin
        self.activation, self._name = _activation(activation)

    def __setattr__(self, name: str, thing: Any) -> None:
        global _changes
        super().__setattr__(name, thing)
        _changes += 1

    def __delattr__(self, name: str) -> None:
        global _changes
        super().__delattr__(name)
        _changes += 1

    def compute(self, x: Any) -> Any:
        if type(x) is not list:
            x = [x] if isinstance(x, Value) else list(x)  # a Layer of one neuron gives a Value, not a list
        w = self.w
        if len(x) != len(w):
            raise ValueError(f"{self!r} takes {len(w)} number(s), not {len(x)}")
        total = _dot(w, x) + self.b
        return self.activation(total) if self.nonlin and self.activation else total

    def __repr__(self) -> str:
        return f"{self._name if self.nonlin else 'Linear'}Neuron({len(self.w)})"


_COMPUTE = Neuron.compute


class Layer(Module):
    """nout Neurons on the same nin numbers; a call gives a list, or a single Value where nout is 1.

    Keywords are the Neurons': nonlin, activation, rng.

    >>> Layer(2, 3, rng=0)
    Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)]
    """

    #: What compute knew last: how the engine records which neurons in which scope, and after how many changes.
    _known_recorder: tuple[list[Any], Path | None, int, Callable[[list[Any]], Any]] = ([], None, 0, list)

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        kwargs["rng"] = generator(kwargs.get("rng"))  # one for all: a seed given to each would make them equal
        self.neurons = [Neuron(nin, **kwargs) for _ in range(size("nout", nout))]

    def compute(self, x: Any) -> Any:
        xs = x if type(x) is list else [x] if isinstance(x, Value) else list(x)
        calls, neurons, out = calls_here(), self.neurons, []
        if calls.caller is self and Neuron.compute is _COMPUTE:
            known, around, changes, record = self._known_recorder
            if changes != _changes or around is not calls.state.scope or known != neurons:
                known, around, changes = list(neurons), calls.state.scope, _changes
                record = self._recorder(known, around)
                self._known_recorder = known, around, changes, record
            out = record(xs)
        if len(out) < len(neurons):
            out += self._call_each(neurons[len(out) :], list(xs))
        return out[0] if len(out) == 1 else out

    def _recorder(self, neurons: list[Any], around: Path) -> Callable[[list[Any]], list[Any]]:
        """What gives the outputs of the first neurons, as many as the engine records without their being called.

        That is none unless they are Neurons with nothing of their own, and of one activation.
        """
        if all(type(neuron) is Neuron and "compute" not in vars(neuron) for neuron in neurons):
            steps = self._steps(neurons, around)
            activations = {id(neuron.activation if neuron.nonlin else None) for neuron in neurons}
            if steps and len(activations) == 1 and (record := _AT_ONCE.get(activations.pop())):
                scopes = [path for _, _, path in steps]
                return partial(record, [neuron.w for neuron in neurons], [neuron.b for neuron in neurons], scopes)
        return lambda xs: []

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron: nin numbers through Layers of nouts Neurons, all but the last activated.

    A call gives a list, or a single Value where the last of nouts is 1. `activation` and `rng` are as in Neuron.

    >>> model = MLP(2, [2, 1], rng=0)
    >>> model, len(model.parameters())
    (MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]], 9)
    >>> model([1.0, -2.0])
    Value(-0.15314657192018968)
    """

    def __init__(self, nin: int, nouts: Iterable[int], *, activation: Activation = "relu", rng: Rng = None) -> None:
        if not isinstance(nouts, Iterable):
            raise TypeError(f"nouts is a list of the sizes of the layers, as [16, 16, 1], not {nouts!r}")
        sizes = [nin, *nouts]
        if len(sizes) == 1:
            raise ValueError("an MLP has one layer at least: nouts is empty")
        draw, last = generator(rng), len(sizes) - 2
        self.layers = [
            Layer(sizes[i], sizes[i + 1], nonlin=i != last, activation=activation, rng=draw) for i in range(last + 1)
        ]

    def compute(self, x: Any) -> Any:
        outputs = self._call_each(list(self.layers), x, in_turn=True)
        return outputs[-1] if outputs else x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"
