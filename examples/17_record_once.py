"""Record once, run many: a fit, a price and a simulation, from code that was run once on Values.

At the end you will know what `compile` does with a loop and with a branch, how to run ten thousand points at a time, and
what a Program looks like inside.

    pip install numpy matplotlib            (both come with the `examples` extra; the `jit` extra makes it faster)
    python examples/17_record_once.py       the picture goes into pictures/, or into the folder you name
"""

import sys
from math import erf, exp, log, sqrt
from pathlib import Path
from time import perf_counter

import numpy as np
from matplotlib.figure import Figure

import scalargrad
from scalargrad import compile, record, value_and_grad

picture = Path(*sys.argv[1:2] or ["pictures"], "17_record_once.png")
picture.parent.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(1)  # one source of chance, so that every run is the same

# 1. A fit. A cup of tea cools towards the room; from noisy readings of the thermometer, how warm is the room?

minutes = np.arange(0.0, 60.0, 2.0)
readings = 21.0 + 69.0 * np.exp(-0.05 * minutes) + rng.normal(0, 0.5, len(minutes))


def misfit(tea):
    total = 0.0
    for t, reading in zip(minutes, readings, strict=True):
        model = tea["room"] + tea["warmer"] * scalargrad.exp(-tea["rate"] * float(t))
        total = total + (model - float(reading)) ** 2
    return total / len(minutes)


slope = compile(value_and_grad(misfit))
tea = {"room": 15.0, "warmer": 60.0, "rate": 0.03}
step = {"room": 0.3, "warmer": 0.3, "rate": 4e-6}  # as steep as each of them is
for _ in range(3_000):
    loss, gradient = slope(tea)
    tea = {name: tea[name] - step[name] * gradient[name] for name in tea}
print(f"the room has {tea['room']:.1f} °C, and the tea cools by {tea['rate']:.1%} of the difference a minute")
assert abs(tea["room"] - 21.0) < 1.0
assert (loss, gradient) == slope({name: tea[name] + step[name] * gradient[name] for name in tea}) or loss < 0.5

# 2. A price. A call option pays what the share is above 100 after a year, unless the share was ever below 85: then it is
# worth nothing. That is an `if`, and each way through it has its Program; a batch is split among them. The columns are
# the numbers of the arguments, in their order: two of the market and twelve of chance.


def payoff(market, shocks):
    share, spread = market["share"], market["spread"]
    for shock in shocks:
        share = share * scalargrad.exp(-(spread**2) / 24 + spread * shock / 12**0.5)
        if share < 85.0:
            return 0.0 * share
    return share - 100.0 if share > 100.0 else 0.0 * share


paths = 10_000
shocks = rng.normal(size=(paths // 2, 12))
columns = np.hstack([np.tile([100.0, 0.2], (paths, 1)), np.vstack([shocks, -shocks])])
option = compile(value_and_grad(payoff))
like = ({"share": 100.0, "spread": 0.2}, [0.0] * 12)

began = perf_counter()
value, gradient = option.batch(columns, like=like)
took = perf_counter() - began
print(
    f"price {value.mean():.2f}, delta {gradient['share'].mean():.2f}: {paths:,} paths, {len(option.programs)} ways",
    end=" ",
)
print(f"through the code, {took:.1f} s")

d = 0.2 / 2  # what Black and Scholes (1973) say without the barrier, which is more
black_scholes = 100 * erf(d / sqrt(2))
assert 0.9 * black_scholes < value.mean() < black_scholes
some = range(0, paths, 500)  # each point has the very gradient that it has by itself
for i in some:
    alone, gradient_alone = value_and_grad(payoff)(*({"share": 100.0, "spread": 0.2}, list(columns[i, 2:])))
    assert np.isclose(value[i], alone)
    assert np.isclose(gradient["share"][i], gradient_alone["share"])

# 3. A simulation. A ball is thrown at some speed and bounces; where is it after three seconds, and how much does that
# change with the speed? At every bounce the code goes another way, and the derivative jumps.


def height(speed):
    h, v, dt = 1.0, speed, 0.01
    for _ in range(300):
        v = v - 9.81 * dt
        h = h + v * dt
        if h < 0:
            h, v = -h, -0.8 * v
    return h


speeds = np.linspace(0.0, 8.0, 161)
heights, sensitivities = compile(value_and_grad(height), max_paths=200).batch(speeds[:, None])
at = 40
assert heights[at] == height(speeds[at])

# Inside, a Program is its rows. This one is of a Newton step for the square root of x, from 1.

newton = record(lambda x: 0.5 * (1.0 + x / 1.0), 2.0)
print(newton)
assert newton(9.0) == 5.0
assert newton.value_and_grad(9.0) == (5.0, 0.5)
assert log(exp(1.0)) == 1.0

figure = Figure(figsize=(8, 3.2), layout="constrained")
left, right = figure.subplots(1, 2)
left.plot(minutes, readings, "o", color="tab:gray", markersize=3)
left.plot(minutes, tea["room"] + tea["warmer"] * np.exp(-tea["rate"] * minutes), color="tab:orange")
left.set(title="a cup of tea", xlabel="minutes", ylabel="°C")
right.plot(speeds, heights, label="height after 3 s (m)")
right.plot(speeds, sensitivities, ".", markersize=3, label="its derivative by the speed (s)")
right.set(title="a bouncing ball", xlabel="thrown upwards at (m/s)", ylim=(-4, 4))
right.legend(fontsize=8)
figure.savefig(picture, dpi=110)
print(f"the fit and the ball are in {picture}")
