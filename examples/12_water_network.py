"""A water network: equations that have to hold all at once, and what the answer depends on.

At the end you will know how to give the jacobian of a system of equations to `scipy.optimize.root`, and how to
differentiate the *solution* without differentiating the solver.

    pip install scipy matplotlib            (both come with the `examples` extra)
    python examples/12_water_network.py     the picture goes into pictures/, or into the folder you name
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import root

from scalargrad import jacobian

picture = Path(*sys.argv[1:2] or ["pictures"], "12_water_network.png")
picture.parent.mkdir(parents=True, exist_ok=True)

# A reservoir at A feeds five places through seven pipes, which make two meshes. A pipe loses pressure with the square
# of its flow, times a resistance that its length and width give.

places = {"A": (0, 1), "B": (1, 1), "C": (2, 1), "D": (0, 0), "E": (1, 0), "F": (2, 0)}
pipes = {"AB": 2.0, "BC": 5.0, "AD": 3.0, "BE": 6.0, "CF": 8.0, "DE": 4.0, "EF": 5.0}  # metres of head per (10 l/s)²
demands = np.array([2.0, 1.5, 1.0, 2.5, 3.0])  # at B to F, in 10 l/s
meshes = [{"AB": 1, "BE": 1, "DE": -1, "AD": -1}, {"BC": 1, "CF": 1, "EF": -1, "BE": -1}]  # round, and -1 for back


def loss(pipe, flow):
    return pipes[pipe] * flow * abs(flow)  # it has the sign of the flow


# Two laws hold. At a place, the water that comes is the water that goes on or is used. Round a mesh, the pressure
# comes back to where it was. Seven flows are right if these seven numbers are zero:


def imbalance(flows, demands):
    through = dict(zip(pipes, flows, strict=True))
    errors = []
    for place, demand in zip("BCDEF", demands, strict=True):
        comes = sum(flow for pipe, flow in through.items() if pipe[1] == place)
        goes = sum(flow for pipe, flow in through.items() if pipe[0] == place)
        errors.append(comes - goes - demand)
    for mesh in meshes:
        errors.append(sum(sign * loss(pipe, through[pipe]) for pipe, sign in mesh.items()))
    return np.array(errors)


# `root` follows the jacobian: by the flows, the first argument. SciPy hands the demands on, both to the function and to
# its jacobian, and they pass through as they are.

start = np.full(7, 1.0)
found = root(imbalance, start, args=(demands,), jac=jacobian(imbalance), tol=1e-12)
blind = root(imbalance, start, args=(demands,), tol=1e-12)
flows = found.x
assert found.success
assert np.abs(imbalance(flows, demands)).max() < 1e-9
assert np.allclose(flows, blind.x)
print(f"{found.nfev} evaluations and {found.njev} jacobian(s), against {blind.nfev} evaluations without")
assert found.nfev < blind.nfev
assert flows.min() > 0  # all in the direction of the pipe's name

# And if F used more? Nobody has to solve again. Along the solution, imbalance(flows, demands) stays zero: so what a
# demand adds, a change of the flows takes away. That is the theorem of the implicit function, one linear system:
#
#     ∂imbalance/∂flows · dflows/ddemands  =  -∂imbalance/∂demands

by_flows, by_demands = jacobian(imbalance, argnums=(0, 1))(flows, demands)
sensitivity = np.linalg.solve(by_flows, -by_demands)
assert sensitivity.shape == (7, 5)

more = demands + np.array([0, 0, 0, 0, 0.001])
nudged = (root(imbalance, flows, args=(more,), jac=jacobian(imbalance), tol=1e-12).x - flows) / 0.001
print(f"\n{'pipe':8} {'flow':>8} {'head lost':>10} {'share of what F uses more':>27} {'nudged':>8}")
for i, (pipe, flow) in enumerate(zip(pipes, flows, strict=True)):
    print(f"{pipe[0]} → {pipe[1]:4} {flow:8.3f} {loss(pipe, flow):10.2f} {sensitivity[i, 4]:27.3f} {nudged[i]:8.3f}")
assert np.allclose(sensitivity[:, 4], nudged, atol=1e-3)
assert np.isclose(sensitivity[0, 4] + sensitivity[2, 4], 1.0)  # what F uses more leaves A, through two pipes

figure = Figure(figsize=(8, 4.5), layout="constrained")
axes = figure.subplots()
for pipe, flow, share in zip(pipes, flows, sensitivity[:, 4], strict=True):
    (x1, y1), (x2, y2) = places[pipe[0]], places[pipe[1]]
    x, y, dx, dy = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
    axes.plot([x1, x2], [y1, y2], color="#9ecae1", linewidth=3 * flow, zorder=1)
    axes.arrow(
        x - dx / 8, y - dy / 8, dx / 4, dy / 4, head_width=0.04, length_includes_head=True, color="#08519c", zorder=2
    )
    axes.text(x - 0.14 * dy, y + 0.16 * dx, f"{flow:.2f}\n{share:+.0%}", ha="center", va="center")
for (place, (x, y)), demand in zip(places.items(), [-sum(demands), *demands], strict=True):
    axes.scatter(x, y, s=1000, color="#08519c" if place == "A" else "white", edgecolors="#08519c", zorder=3)
    color = "white" if place == "A" else "black"
    axes.text(x, y, f"{place}\n{abs(demand):.1f}", ha="center", va="center", fontsize=9, color=color, zorder=4)
axes.set(title="flows in 10 l/s, and the share in what F uses more", xlim=(-0.2, 2.3), ylim=(-0.2, 1.3), aspect="equal")
axes.axis("off")
figure.savefig(picture, dpi=120)
print(f"picture: {picture}")
