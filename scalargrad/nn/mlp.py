"""Neuron, Layer and MLP, as micrograd has them (github.com/karpathy/micrograd): its users change the import.

Weights are drawn in the same order from the same generator, so after `random.seed(1337)` the numbers are micrograd's.
But a neuron is three rows of the tape here, whatever its number of weights: a dot product, plus the bias, activated.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from scalargrad.engine import Value, reduction
from scalargrad.functions import gelu, leaky_relu, relu, sigmoid, softplus, tanh
from scalargrad.nn.module import Module
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


class Layer(Module):
    """nout Neurons on the same nin numbers; a call gives a list, or a single Value where nout is 1.

    Keywords are the Neurons': nonlin, activation, rng.

    >>> Layer(2, 3, rng=0)
    Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)]
    """

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        kwargs["rng"] = generator(kwargs.get("rng"))  # one for all: a seed given to each would make them equal
        self.neurons = [Neuron(nin, **kwargs) for _ in range(size("nout", nout))]

    def compute(self, x: Any) -> Any:
        out = self._call_each(self.neurons, [x] if isinstance(x, Value) else list(x))
        return out[0] if len(out) == 1 else out

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
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"
