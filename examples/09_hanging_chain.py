"""A hanging chain: nature minimises energy, and so does SciPy, given the derivatives.

At the end you will know how to hand a function's gradient, its hessian or its products with the hessian to
`scipy.optimize.minimize`, and what each of them is worth.

    pip install scipy matplotlib            (both come with the `examples` extra)
    python examples/09_hanging_chain.py     the picture goes into pictures/, or into the folder you name
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import brentq, minimize

from scalargrad import grad, hessian, hvp, hypot, value_and_grad

picture = Path(*sys.argv[1:2] or ["pictures"], "09_hanging_chain.png")
picture.parent.mkdir(parents=True, exist_ok=True)

# Thirteen links join twelve balls, and the two ends are nailed to posts 2 m apart. A link is a stiff spring. The energy
# has two parts: what the weights have on account of their height, and what is in the springs.

COUNT, LENGTH, WEIGHT, STIFFNESS = 12, 3.0, 1.0, 2000.0  # balls; metres; newtons; newtons per metre
LEFT, RIGHT = (0.0, 0.0), (2.0, 0.5)
LINK = LENGTH / (COUNT + 1)


def energy(places):
    """Of a chain whose balls are at places = x1, y1, x2, y2 …: written for numbers, and it does for Values."""
    points = [LEFT, *zip(places[::2], places[1::2], strict=True), RIGHT]
    stretched = [hypot(x2 - x1, y2 - y1) - LINK for (x1, y1), (x2, y2) in pairwise(points)]
    return WEIGHT * sum(places[1::2]) + STIFFNESS / 2 * sum(s * s for s in stretched)


# We begin with the balls in a half circle. They are 24 numbers in an array, and so is the gradient.

angles = np.linspace(0, np.pi, COUNT + 2)[1:-1]
start = np.column_stack([1 - np.cos(angles), -np.sin(angles)]).ravel()
assert grad(energy)(start).shape == start.shape == (24,)

# SciPy can do without derivatives: it then nudges each of the 24 numbers to see what happens. With jac=True the function
# returns the gradient beside the value. The last two use the curvature, as the whole hessian, or as its product with
# one vector after another, which never builds the 24 × 24 numbers.

ways = {
    "BFGS, no derivatives": minimize(energy, start, method="BFGS"),
    "BFGS, gradient": minimize(value_and_grad(energy), start, method="BFGS", jac=True),
    "trust-ncg, + hessian": minimize(energy, start, method="trust-ncg", jac=grad(energy), hess=hessian(energy)),
    "Newton-CG, + hvp": minimize(energy, start, method="Newton-CG", jac=grad(energy), hessp=hvp(energy)),
}
print(f"{'way':24} {'energy':>10}  {'steps':>5}  {'values':>6}  {'gradients':>9}  {'largest slope left':>18}")
for name, found in ways.items():
    slope = np.abs(grad(energy)(found.x)).max()
    gradients = 0 if "no" in name else found.njev
    print(f"{name:24} {found.fun:10.6f}  {found.nit:5}  {found.nfev:6}  {gradients:9}  {slope:18.1e}")

best = ways["trust-ncg, + hessian"]
assert all(abs(found.fun - best.fun) < 1e-4 for found in ways.values())
assert ways["BFGS, gradient"].nfev < ways["BFGS, no derivatives"].nfev / 10
assert best.nit < ways["BFGS, gradient"].nit

# At rest all forces balance: a tiny gradient. And a hessian without negative directions says that it is a rest which
# lasts, a valley and not a pass.

assert np.abs(grad(energy)(best.x)).max() < 1e-4
assert np.linalg.eigvalsh(hessian(energy)(best.x)).min() > 0

# The curve of a chain without end many links was found in 1691: a hyperbolic cosine, the catenary. Ours has 13.

(width, height) = np.subtract(RIGHT, LEFT)
a = brentq(lambda a: 2 * a * np.sinh(width / 2 / a) - np.sqrt(LENGTH**2 - height**2), 0.1, 10)
middle = width / 2 - a * np.arctanh(height / LENGTH)
xs = np.linspace(0, width, 200)
curve = a * (np.cosh((xs - middle) / a) - np.cosh(middle / a))
below = np.interp(best.x[::2], xs, curve) - best.x[1::2]
print(f"\nthe balls hang at most {1000 * np.abs(below).max():.0f} mm off the catenary of {LENGTH:g} m")
assert np.abs(below).max() < 0.03

figure = Figure(figsize=(7, 5.5), layout="constrained")
axes = figure.subplots()
for places, color, name in [(start, "#bbbbbb", "where it began"), (best.x, "#d94801", "the least energy")]:
    points = np.vstack([LEFT, places.reshape(-1, 2), RIGHT])
    axes.plot(*points.T, "o-", color=color, label=name)
axes.plot(xs, curve, "--", color="#08519c", label="catenary", zorder=3)
axes.set(title="a hanging chain", xlabel="metres", ylabel="metres", aspect="equal")
axes.legend(loc="upper center")
figure.savefig(picture, dpi=120)
print(f"picture: {picture}")
