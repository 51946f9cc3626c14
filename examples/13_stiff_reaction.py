"""A stiff reaction: fast and slow chemistry at once, solved over eleven powers of ten of time.

At the end you will know why an implicit solver wants the jacobian, how to give it to `scipy.integrate.solve_ivp`, and
how to ask what a rate constant does to the outcome.

    pip install scipy matplotlib            (both come with the `examples` extra)
    python examples/13_stiff_reaction.py    the picture goes into pictures/, or into the folder you name
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.integrate import solve_ivp

from scalargrad import jacobian, jvp

picture = Path(*sys.argv[1:2] or ["pictures"], "13_stiff_reaction.png")
picture.parent.mkdir(parents=True, exist_ok=True)

# Robertson's reaction (1966): A turns into B slowly, B into C very fast, and B and C together back into A and C. Between
# the slowest rate and the fastest there are nine powers of ten.

RATES = np.array([0.04, 3e7, 1e4])
START = np.array([1.0, 0.0, 0.0])


def reaction(t, y, rates=RATES):
    """How fast the three amounts change."""
    a, b, c = y
    slow, fast, back = rates[0] * a, rates[1] * b * b, rates[2] * b * c
    return np.array([back - slow, slow - fast - back, fast])


# The eigenvalues of the jacobian are the speeds that the solver meets. One is thousands of times the other: a method
# that only looks at slopes has to keep up with the fast one, long after nothing fast happens any more. An implicit
# method need not, but it solves equations at each step, and for these it wants the jacobian: by y, argument 1.

slopes = jacobian(reaction, argnums=1)
speeds = np.sort(np.abs(np.linalg.eigvals(slopes(0.0, np.array([0.7, 9e-6, 0.3])))))
print(f"speeds of the reaction: {speeds[1]:.2g} and {speeds[2]:.2g} per second")
assert speeds[2] / speeds[1] > 1000

calls = []


def counted(t, y):
    calls.append(t)
    return reaction(t, y)


print(f"\n{'method':6} {'jacobian':8} {'to t':>5} {'steps':>6} {'calls':>7}   {'A':>9} {'B':>11} {'C':>9}")
counts = []
for method, jac, end in [("RK45", "none", 4), ("Radau", "nudged", 40), ("Radau", "exact", 40)]:
    calls.clear()
    options = {"jac": slopes} if jac == "exact" else {}
    solved = solve_ivp(counted, (0, end), START, method=method, rtol=1e-6, atol=1e-10, **options)
    counts.append(len(calls))
    a, b, c = solved.y[:, -1]
    print(f"{method:6} {jac:8} {end:5} {solved.t.size - 1:6} {len(calls):7}   {a:9.6f} {b:11.4e} {c:9.6f}")
assert np.allclose([a, c], [0.7158271, 0.2841637], atol=1e-5)  # as the literature has it at t = 40
assert counts[2] < counts[1] < counts[0] / 20  # and the first had only a tenth of the way to go

# So the jacobian pays where it is needed most: from a millionth of a second to a hundred thousand.

far = solve_ivp(reaction, (0, 1e5), START, method="Radau", rtol=1e-8, atol=1e-12, jac=slopes, dense_output=True)
assert far.success
assert np.allclose(far.y.sum(axis=0), 1.0)  # nothing is lost, nothing comes
print(f"\nto t = 100,000 it is {far.t.size - 1} steps, at a precision a hundred times better")

# And what if the back reaction were faster by one per cent? By how much the amounts then differ, d, obeys an equation
# of its own: it grows as the slopes change when y moves by d and the rates by that per cent. That is one jvp, by both
# arguments; and the solver takes the jacobian of what calls it.

ONE_PER_CENT = RATES * [0.0, 0.0, 0.01]


def with_difference(t, y_and_d):
    y, d = y_and_d[:3], y_and_d[3:]
    return np.concatenate(jvp(reaction, argnums=(1, 2))(t, y, RATES, (d, ONE_PER_CENT)))


both = np.concatenate([START, np.zeros(3)])
jac = jacobian(with_difference, argnums=1)
solved = solve_ivp(with_difference, (0, 1e5), both, method="Radau", rtol=1e-7, atol=1e-11, jac=jac)
difference = solved.y[3:, -1]
assert np.isclose(difference.sum(), 0.0, atol=1e-8)

nudged = solve_ivp(reaction, (0, 1e5), START, args=(RATES + ONE_PER_CENT / 10,), method="Radau", rtol=1e-9, atol=1e-13)
by_nudging = 10 * (nudged.y[0, -1] - far.y[0, -1])
print(f"a back reaction faster by a per cent leaves {difference[0]:.6f} more as A ({by_nudging:.6f} by nudging)")
assert np.isclose(difference[0], by_nudging, rtol=0.01)

times = np.geomspace(1e-6, 1e5, 300)
figure = Figure(figsize=(8, 4.5), layout="constrained")
axes = figure.subplots()
a, b, c = far.sol(times)
axes.semilogx(times, a, label="A", color="#08519c")
axes.semilogx(times, 20_000 * b, label="B × 20,000", color="#d94801")
axes.semilogx(times, c, label="C", color="#238b45")
axes.semilogx(far.t[1:], np.full(far.t.size - 1, -0.06), "|", color="#777777", label="steps of the solver")
axes.set(title="Robertson's reaction", xlabel="seconds", ylabel="amount")
axes.legend(loc="center left")
figure.savefig(picture, dpi=120)
print(f"picture: {picture}")
