"""Layers on batches: those of the textbooks, and Sequential, which is layers one after the other.

Each is called on Values or plain numbers, or run by `forward` and `backward` on plain numbers alone (see Module).
"""

from math import sqrt
from typing import Any, overload

from scalargrad.engine import Value
from scalargrad.functions import dot, relu, sigmoid, tanh
from scalargrad.nn.losses import softmax_cross_entropy
from scalargrad.nn.module import Module
from scalargrad.nn.nests import alike, as_lists, leaves, number, on_each, on_pairs, shape
from scalargrad.nn.sources import Rng, generator, size

__all__ = ["Add", "Affine", "Linear", "Mul", "ReLU", "Sequential", "Sigmoid", "SoftmaxWithLoss", "Tanh"]


class Linear(Module):
    """Rows times a matrix, plus a row: y[i][j] = x[i][0] * W[0][j] + x[i][1] * W[1][j] + … + b[j]. Also named Affine.

    `Linear(nin, nout)` draws W, of nin rows and nout columns, uniform between ±1/√nin, and sets b to 0;
    `Linear(W, b)` takes numbers, or Values that shall be its parameters. `bias=False`, or W alone, leaves b out. `rng`
    is a random.Random or a seed; without it, the generator of the `random` module draws.

    A batch is a list of rows, and gives a list of rows; one row gives one row. A row that is itself nested is flattened.
    Raises ValueError if the lengths do not fit.

    >>> layer = Affine([[1.0, 0.0], [0.0, 2.0]], [10.0, 20.0])
    >>> layer.forward([[1, 2], [3, 4]])
    [[11.0, 24.0], [13.0, 28.0]]
    >>> layer.backward([[1, 0], [0, 1]])
    [[1.0, 0.0], [0.0, 2.0]]
    >>> [[w.grad for w in row] for row in layer.W], [b.grad for b in layer.b]
    ([[1.0, 3.0], [2.0, 4.0]], [1.0, 1.0])
    """

    W: list[list[Value]]
    b: list[Value] | None

    @overload
    def __init__(self, nin: int, nout: int, /, *, bias: bool = True, rng: Rng = None) -> None: ...
    @overload
    def __init__(self, W: Any, b: Any = None, /) -> None: ...
    def __init__(self, W: Any, b: Any = None, /, *, bias: bool = True, rng: Rng = None) -> None:
        if isinstance(W, int):
            nin, nout = size("nin", W), size("nout", b)
            draw, bound = generator(rng).uniform, 1 / sqrt(nin)
            W, b = [[draw(-bound, bound) for _ in range(nout)] for _ in range(nin)], [0.0] * nout if bias else None
        elif rng is not None or not bias:
            raise TypeError("bias= and rng= go with Linear(nin, nout), not with given matrices")
        W, b = as_lists(W), as_lists(b)
        if not leaves(W) or not isinstance(W, list) or not all(alike(row, [0] * len(leaves(W[0]))) for row in W):
            raise ValueError(f"W is a matrix (a row for each input, a column for each output), not of shape {shape(W)}")
        if b is not None and not alike(b, [0] * len(W[0])):
            raise ValueError(f"b has a number for each column of W: not shape {shape(b)} where W has {shape(W)}")
        self.W = [[_parameter(w, f"W[{i}][{j}]") for j, w in enumerate(row)] for i, row in enumerate(W)]
        self.b = None if b is None else [_parameter(x, f"b[{j}]") for j, x in enumerate(b)]

    def compute(self, x: Any) -> Any:
        x = as_lists(x)
        batch = isinstance(x, list) and any(isinstance(row, list) for row in x)
        rows = [leaves(row) for row in x] if batch else [leaves(x)]
        for row in rows:
            if len(row) != len(self.W):
                raise ValueError(f"{self!r} takes {len(self.W)} number(s) in a row, not {len(row)}: x is {shape(x)}")
        columns = list(zip(*self.W, strict=True))
        y = [[dot(row, column) for column in columns] for row in rows]
        if self.b is not None:
            y = [[total + b for total, b in zip(row, self.b, strict=True)] for row in y]
        return y if batch else y[0]

    def __repr__(self) -> str:
        return f"Linear({len(self.W)}, {len(self.W[0])}{', bias=False' if self.b is None else ''})"


#: The textbooks' name for it.
Affine = Linear


def _parameter(x: Any, label: str) -> Value:
    return x if isinstance(x, Value) else Value(number(f"the parameter {label}", x), label=label)


# ── on each number by itself ────────────────────────────────────────────────────────────────────────────────────────


class ReLU(Module):
    """relu of each number in a nest.

    >>> layer = ReLU()
    >>> layer.forward([[1.0, -2.0]]), layer.backward([[5.0, 5.0]])
    ([[1.0, 0.0]], [[5.0, 0.0]])
    """

    def compute(self, x: Any) -> Any:
        return on_each(relu, x)


class Sigmoid(Module):
    """sigmoid of each number in a nest.

    >>> Sigmoid().forward([0.0, 2.0])
    [0.5, 0.8807970779778823]
    """

    def compute(self, x: Any) -> Any:
        return on_each(sigmoid, x)


class Tanh(Module):
    """tanh of each number in a nest.

    >>> Tanh().forward([0.0, 2.0])
    [0.0, 0.9640275800758169]
    """

    def compute(self, x: Any) -> Any:
        return on_each(tanh, x)


# ── of two arguments ────────────────────────────────────────────────────────────────────────────────────────────────


class Add(Module):
    """The sum of two numbers, or number by number of two nests of the same shape, else ValueError.

    >>> layer = Add()
    >>> layer.forward(3.0, 4.0), layer.backward(1.5)
    (7.0, (1.5, 1.5))
    """

    takes_gradient = (True, True)

    def compute(self, x: Any, y: Any) -> Any:
        return on_pairs(lambda a, b: a + b, x, y)


class Mul(Module):
    """The product of two numbers, or number by number of two nests of the same shape, else ValueError.

    >>> layer = Mul()
    >>> layer.forward(100, 2), layer.backward(1)
    (200.0, (2.0, 100.0))
    """

    takes_gradient = (True, True)

    def compute(self, x: Any, y: Any) -> Any:
        return on_pairs(lambda a, b: a * b, x, y)


class SoftmaxWithLoss(Module):
    """The loss softmax_cross_entropy(scores, targets); backward() gives the gradient of the scores.

    >>> layer = SoftmaxWithLoss()
    >>> layer.forward([[0.0, 0.0], [0.0, 0.0]], [0, 1]), layer.backward()
    (0.6931471805599453, [[-0.25, 0.25], [0.25, -0.25]])
    """

    takes_gradient = (True, False)

    def compute(self, scores: Any, targets: Any) -> Any:
        return softmax_cross_entropy(scores, targets)


# ── layers in a row ─────────────────────────────────────────────────────────────────────────────────────────────────


class Sequential(Module):
    """Layers, each on the result of the one before. One of two arguments takes its second from those of the call.

    >>> Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    >>> shopping = Sequential(Mul(), Mul())
    >>> shopping.forward(100, 2, 1.5), shopping.backward()  # 100 * 2 * 1.5
    (300.0, (3.0, 150.0, 200.0))

    So one that ends in SoftmaxWithLoss is called with the batch and the targets. Raises ValueError without any layer.
    """

    def __init__(self, *layers: Module) -> None:
        if not layers:
            raise ValueError("a Sequential has one layer at least")
        for layer in layers:
            if not isinstance(layer, Module):
                raise TypeError(f"a layer is a Module, not {layer!r}")
        self.layers = list(layers)

    @property
    def takes_gradient(self) -> tuple[bool, ...]:  # type: ignore[override]
        first, *others = self.layers
        return first.takes_gradient + tuple(wanted for layer in others for wanted in layer.takes_gradient[1:])

    def compute(self, *xs: Any) -> Any:
        self._check_count(xs)
        x, *rest = xs
        for layer in self.layers:
            taken = len(layer.takes_gradient) - 1
            x, rest = layer(x, *rest[:taken]), rest[taken:]
        return x

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"
