"""An earthquake: where and when it was, from the times at which its waves arrived.

At the end you will know how to give a model's jacobian to `scipy.optimize.least_squares`, how to keep one bad
measurement from spoiling the fit, and how sure one may be of the answer.

    pip install scipy matplotlib            (both come with the `examples` extra)
    python examples/10_earthquake.py        the picture goes into pictures/, or into the folder you name
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from scipy.optimize import least_squares

from scalargrad import jacobian, sqrt

picture = Path(*sys.argv[1:2] or ["pictures"], "10_earthquake.png")
picture.parent.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(5)  # one source of chance, so that every run is the same

# Ten stations (kilometres east and north), and the truth that nobody knows: the place, the depth, the second.

SPEED = 6.0  # kilometres per second, of the first waves in the upper crust
stations = rng.uniform(-60, 60, size=(10, 2))
truth = {"east": 12.0, "north": -8.0, "depth": 10.0, "time": 3.0}


def arrival(quake, station):
    """When the waves of a quake come to a station: written for numbers, and it does for Values."""
    east, north = quake["east"] - station[0], quake["north"] - station[1]
    return quake["time"] + sqrt(east**2 + north**2 + quake["depth"] ** 2) / SPEED


# What the clocks say is off by a twentieth of a second or so. And at one station somebody took the wrong wave for the
# first one: eight seconds late.

clocks = np.array([arrival(truth, station) for station in stations]) + rng.normal(0, 0.05, size=10)
clocks[3] += 8.0


def residuals(x):
    """By how many seconds the quake at x misses each clock. SciPy's unknowns are an array."""
    quake = dict(zip(truth, x, strict=True))
    return np.array([arrival(quake, station) - clock for station, clock in zip(stations, clocks, strict=True)])


# Ten results by four unknowns: an array goes in and one comes out, so the jacobian is an array of shape (10, 4).

start = np.array([0.0, 0.0, 5.0, 0.0])
assert jacobian(residuals)(start).shape == (10, 4)

# Least squares take the wrong clock as seriously as the others, and far more: eight seconds, squared. The second fit
# lets what is far off count for less. Both use the same jacobian: the loss is SciPy's own affair.

plain = least_squares(residuals, start, jac=jacobian(residuals))
robust = least_squares(residuals, start, jac=jacobian(residuals), loss="soft_l1", f_scale=0.1)

print(f"{'':14}" + "".join(f"{name:>9}" for name in truth) + "   off by")
for name, x in [("truth", np.array(list(truth.values()))), ("least squares", plain.x), ("robust", robust.x)]:
    off = np.hypot(x[0] - truth["east"], x[1] - truth["north"])
    print(f"{name:14}" + "".join(f"{number:9.2f}" for number in x) + f" {off:6.2f} km")
misses = np.abs(residuals(robust.x))
others = np.delete(misses, 3)
print(f"\nthe clock of station 3 is {misses[3]:.2f} s off, any other less than {others.max():.2f} s")
assert np.hypot(*(plain.x - list(truth.values()))[:2]) > 5
assert np.hypot(*(robust.x - list(truth.values()))[:2]) < 1
assert misses[3] > 7 > 0.2 > others.max()

# How sure is that? Leave out the station that is found out. A small error of a clock moves the answer by what the
# jacobian says, backwards: the covariance is (JᵀJ)⁻¹ times the variance of the clocks.

J = np.delete(jacobian(residuals)(robust.x), 3, axis=0)
covariance = np.linalg.inv(J.T @ J) * 0.05**2
sigma = dict(zip(truth, np.sqrt(np.diag(covariance)), strict=True))
print("standard errors:  " + ",  ".join(f"{name} {number:.2f}" for name, number in sigma.items()))
assert sigma["depth"] > sigma["east"]  # stations all around say little of what is below them

figure = Figure(figsize=(7, 6.5), layout="constrained")
axes = figure.subplots()
axes.scatter(*stations.T, marker="^", s=90, c=np.where(misses > 1, "#d94801", "#555555"), label="stations")
axes.annotate("the wrong wave", stations[3], (0, 10), textcoords="offset points", ha="center", color="#d94801")
for (x, y), clock in zip(stations, clocks, strict=True):
    reach = np.sqrt(max(0.0, (SPEED * (clock - robust.x[3])) ** 2 - robust.x[2] ** 2))  # as far as its clock says
    axes.add_patch(Ellipse((x, y), 2 * reach, 2 * reach, fill=False, color="#9ecae1", linewidth=0.8))
axes.scatter(*plain.x[:2], marker="x", s=120, c="#8c6d31", label="least squares", zorder=3)
axes.scatter(*robust.x[:2], marker="*", s=220, c="#08519c", label="robust", zorder=3)
axes.scatter(truth["east"], truth["north"], marker="+", s=260, c="black", label="truth", zorder=4)
axes.set(title="an earthquake, from ten clocks of which one is wrong", xlabel="km east", ylabel="km north")
axes.set(xlim=(-75, 75), ylim=(-75, 75), aspect="equal")
axes.legend(loc="lower left")
figure.savefig(picture, dpi=120)
print(f"picture: {picture}")
