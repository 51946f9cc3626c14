"""Neural networks, small enough to read: modules, layers, losses and optimizers made of Values.

>>> from scalargrad.nn import MLP, SGD, mse
>>> model = MLP(2, [4, 1], activation="tanh", rng=0)
>>> optimizer = SGD(model.parameters(), lr=0.1)
>>> xs, ys = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]  # exclusive or
>>> for _ in range(500):
...     loss = mse([model(x) for x in xs], ys)
...     optimizer.zero_grad()
...     loss.backward()
...     optimizer.step()
>>> [round(model(x).data) for x in xs]
[0, 1, 1, 0]

`fit(model, xs, ys, mse, optimizer, steps=500)` is this loop; with `compile=True` it runs from Programs.
"""

from scalargrad.nn.layers import Add, Affine, Linear, Mul, ReLU, Sequential, Sigmoid, SoftmaxWithLoss, Tanh
from scalargrad.nn.losses import binary_cross_entropy, hinge, mse, softmax_cross_entropy
from scalargrad.nn.mlp import MLP, Layer, Neuron
from scalargrad.nn.module import Module
from scalargrad.nn.optim import SGD, Adam
from scalargrad.nn.training import fit

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "Add",
    "Affine",
    "Layer",
    "Linear",
    "Module",
    "Mul",
    "Neuron",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "SoftmaxWithLoss",
    "Tanh",
    "binary_cross_entropy",
    "fit",
    "hinge",
    "mse",
    "softmax_cross_entropy",
]
