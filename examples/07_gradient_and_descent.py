"""Gradient and descent are two steps: first find out where downhill is, then go there.

At the end you will know what happens in one turn of a training loop, which line of it computes and which one moves,
and why neither can stand for the other.

    python examples/07_gradient_and_descent.py      the picture goes into pictures/, or into the folder you name
"""

import sys
from pathlib import Path
from textwrap import fill

from scalargrad import StaleValueError, Value, draw, label, sum

picture = Path(*sys.argv[1:2] or ["pictures"], "07_gradient_and_descent.png")
picture.parent.mkdir(parents=True, exist_ok=True)

# Three points that lie near a line, and a line w·x + b that does not know them yet. How badly it fits is one number,
# the loss: the mean of the squared distances. (Python's own sum does as well. This one makes a tidier picture.)

points = [(-1, -3), (1, 1), (2, 4)]
w, b = Value(-1), Value(1)
label(locals())


def loss_of_the_line():
    return sum((w * x + b - y) ** 2 for x, y in points) / len(points)


# Step one, the gradient. It is knowledge and nothing else: after backward() we know how the loss would change if we
# moved, and no parameter has moved.

loss = loss_of_the_line()
loss.label = "loss"
loss.backward()

print(f"the gradient:  w = {w.data:g}, dloss/dw = {w.grad:.4f};  b = {b.data:g}, dloss/db = {b.grad:.4f}")
assert (w.data, b.data) == (-1, 1)
draw(loss).save(picture)

# Step two, the descent. The loss grows along the gradient, so we go a little way against it. How far is our choice:
# the learning rate belongs to the descent, and the gradient knows nothing of it.

rate = 0.1
w.data -= rate * w.grad
b.data -= rate * b.grad

print(f"the descent:   w = {w.data:.4f}, b = {b.data:.4f};  the loss was {loss.data:.4f}", end="")
print(f" and is now {loss_of_the_line().data:.4f}\n")
assert loss_of_the_line().data < loss.data

# The loss that we recorded is about the line as it was. To ask it for a gradient now would mix two lines, so it
# refuses: after each move, compute the loss again.

try:
    loss.backward()
except StaleValueError as error:
    print(fill(f"the old loss refuses:  {error}", width=100, subsequent_indent=" " * 23), end="\n\n")
else:
    raise AssertionError("the old loss should have refused")

# A training loop is these two steps, over and over. Gradients add up from one backward() to the next, therefore each
# turn begins at zero.

print("step     loss       dloss/dw   dloss/db          w          b")
for step in range(61):
    w.grad = b.grad = 0

    loss = loss_of_the_line()  # the gradient: compute ...
    loss.backward()

    if step % 10 == 0:  #        ... look at it ...
        print(f"{step:4}   {loss.data:8.5f}   {w.grad:10.5f} {b.grad:10.5f} {w.data:10.5f} {b.data:10.5f}")

    w.data -= rate * w.grad  #   ... and the descent: move
    b.data -= rate * b.grad

# Downhill ends where the gradient is zero. For a line, the best answer is known: the least-squares formulas.

n = len(points)
mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
best_w = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
best_b = mean_y - best_w * mean_x

print(f"\nfound:         w = {w.data:.4f}, b = {b.data:.4f}")
print(f"least squares: w = {best_w:.4f}, b = {best_b:.4f}")
assert abs(w.data - best_w) < 1e-3
assert abs(b.data - best_b) < 1e-3
print(f"picture: {picture}")
