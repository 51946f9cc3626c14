"""Two moons: a small network learns to tell two crescents apart.

At the end you will have trained a network of 337 parameters, every one of them a number on the tape, and seen its
decision boundary: the border that it draws between the two crescents.

    pip install matplotlib tqdm             (both come with the `examples` extra)
    python examples/08_two_moons.py         the picture goes into pictures/, or into the folder you name
"""

import sys
from math import cos, pi, sin
from pathlib import Path
from random import Random

from matplotlib.figure import Figure
from tqdm import trange

from scalargrad import no_grad, sum
from scalargrad.nn import MLP, SGD, hinge

picture = Path(*sys.argv[1:2] or ["pictures"], "08_two_moons.png")
picture.parent.mkdir(parents=True, exist_ok=True)
rng = Random(1)  # one source of chance, so that every run is the same

# The data: an upper crescent (class 1) and a lower one (class -1) that reach into each other, and a little noise.


def moon_point(i):
    angle, side = rng.uniform(0, pi), 1 if i % 2 else -1
    x, y = (cos(angle), sin(angle)) if side == 1 else (1 - cos(angle), 0.5 - sin(angle))
    return [x + rng.gauss(0, 0.1), y + rng.gauss(0, 0.1)], side


data = [moon_point(i) for i in range(100)]

# The network: two numbers in, two layers of 16 neurons, one score out. Its sign is the class. The max-margin loss asks
# for more than the right sign: a point costs something as long as its score is not 1 at least on its side.

model = MLP(2, [16, 16, 1], rng=rng)
parameters = model.parameters()
optimizer = SGD(parameters, lr=0.1, momentum=0.9)


def report(when):
    with no_grad():  # just to look at scores, nothing need be recorded
        scores = [model(point).data for point, _ in data]
    accuracy = sum(side * score > 0 for score, (_, side) in zip(scores, data)) / len(data)
    print(f"  {when:9}   accuracy {accuracy:4.0%}   max-margin loss {hinge(scores, [side for _, side in data]):.3f}")
    return accuracy


print(f"{len(data)} points, {len(parameters)} parameters\n")
assert len(parameters) == 337
report("untrained")

# The training: a small batch of points, the gradient, and a step against it. A little of each weight's square is
# added to the loss: of two borders that do as well, take the smoother one.

STEPS = 200
bar = trange(STEPS, desc="training", unit="step")
for step in bar:
    batch = rng.sample(data, 16)
    max_margin = hinge([model(point) for point, _ in batch], [side for _, side in batch])
    loss = max_margin + 1e-4 * sum(p * p for p in parameters)

    optimizer.zero_grad()
    loss.backward()
    optimizer.lr = 0.1 * (1 - step / STEPS)  # smaller and smaller steps
    optimizer.step()
    bar.set_postfix(loss=f"{loss.data:.3f}", refresh=False)

assert report("trained") >= 0.95

# The picture: the score at each place of a grid. It is 0 along the border, and ±1 along the two margins.

xs = [-1.6 + 4.2 * i / 60 for i in range(61)]
ys = [-1.2 + 2.9 * i / 45 for i in range(46)]
with no_grad():
    scores = [[model([x, y]).data for x in xs] for y in ys]

figure = Figure(figsize=(8, 5.5), layout="constrained")
axes = figure.subplots()
axes.contourf(xs, ys, scores, levels=[-1e9, -1, 0, 1, 1e9], colors=["#9ecae1", "#deebf7", "#fee6ce", "#fdae6b"])
axes.contour(xs, ys, scores, levels=[0], colors="#333333", linewidths=2)
axes.contour(xs, ys, scores, levels=[-1, 1], colors="#333333", linewidths=0.8, linestyles="dashed")
for side, color, name in [(1, "#d94801", "upper moon"), (-1, "#08519c", "lower moon")]:
    points = [point for point, its_side in data if its_side == side]
    axes.scatter(*zip(*points), c=color, edgecolors="white", s=45, label=name, zorder=3)
axes.set(title="decision boundary of a 2-16-16-1 network, and its margins", aspect="equal", xlabel="x", ylabel="y")
axes.legend(loc="upper right")

figure.savefig(picture, dpi=120)
print(f"\npicture: {picture}")
