"""Layers: forward through a list, backward through the list reversed.

At the end you will know what a framework does when you call backward(): nothing that you could not do by hand, layer
by layer. You will do both, and get the same numbers.

    python examples/06_layers.py            the picture goes into pictures/, or into the folder you name
"""

import sys
from math import exp, isclose
from pathlib import Path

from scalargrad import draw, label
from scalargrad.nn import Affine, ReLU, SoftmaxWithLoss

picture = Path(*sys.argv[1:2] or ["pictures"], "06_layers.png")
picture.parent.mkdir(parents=True, exist_ok=True)


def show(name, rows):
    print(f"  {name!s:18}", "  ".join("[" + " ".join(f"{x:7.4f}" for x in row) + "]" for row in rows))


# Two points, and for each the number of its class. The first Affine (the textbooks' name of a Linear layer) asks to
# which side a point leans, ReLU drops the noes, and the second Affine makes three scores of the answers, one for each
# class. The last layer compares the scores with the classes.

points, classes = [[2, 1], [1, 2]], [2, 0]
layers = [
    Affine([[1, -1], [-1, 1]], [0, 0]),
    ReLU(),
    Affine([[0.3, 2.9, 4.0], [1.0, -2.0, 0.5]], [0, 0, 0]),
    SoftmaxWithLoss(),
]
*body, last = layers
parameters = [p for layer in layers for p in layer.parameters()]

# Forward, each layer takes what the one before it gave.

print("forward by hand: what each layer gives\n")
y = points
show("the points", y)
for layer in body:
    y = layer.forward(y)
    show(layer, y)
scores = y
loss = last.forward(scores, classes)
print(f"  {last!s:18}   {loss:.6f}\n")
assert scores == [[0.3, 2.9, 4.0], [1.0, -2.0, 0.5]]
assert isclose(loss, 0.40515568357736775, rel_tol=1e-15)

# Backward, the list is reversed. Each layer takes the gradient of what it gave, and returns that of what it took. On
# the way, it adds to the gradients of its own parameters.

print("backward by hand: the gradient of what each layer took\n")
gradient, gradients = 1, {}
for layer in reversed(layers):
    gradient = gradients[layer] = layer.backward(gradient)
    show(layer, gradient)
by_hand = [p.grad for p in parameters]

# The gradient of the scores has a simple form, which is why softmax and the loss are one layer: the probabilities,
# less 1 at the right class, over the number of points.

for row, right, found in zip(scores, classes, gradients[last]):
    softmax = [exp(score) / sum(map(exp, row)) for score in row]
    for i, g in enumerate(found):
        assert isclose(g, (softmax[i] - (i == right)) / len(points), rel_tol=1e-12)

# Now without the reversed loop. Called like functions, the layers give Values. The tape knows the order in which they
# were made, so one backward() is enough.

for p in parameters:
    p.grad = 0

y = points
for layer in body:
    y = layer(y)
scores, loss_value = y, last(y, classes)
loss_value.backward()

at_once = [p.grad for p in parameters]
print(f"\nby one backward(): {len(parameters)} parameters, and their gradients are the same, to the last digit:\n")
print(" ", " ".join(f"{g:.4f}" for g in by_hand))
print(" ", " ".join(f"{g:.4f}" for g in at_once))
assert loss_value.data == loss
assert [[score.grad for score in row] for row in scores] == gradients[last]
assert at_once == by_hand

# The picture follows the first point through both Affine layers to its scores, with the gradients that came back. (Those
# of the parameters have in them the shares of both points. For all of it at once, draw loss_value.)

label({"scores": scores})
draw(scores[0]).save(picture)
print(f"\npicture: {picture}")
