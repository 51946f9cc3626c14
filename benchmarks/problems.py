"""The problems: functions of a list of numbers, written once, for any kind of number.

`m` is the mathematics of that kind: exp, log, sqrt, and dot, relu and logsumexp, which are written out where a kind of
number has none of its own. Anything else is ordinary Python, loops and branches included.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin
from random import Random
from typing import Any

Function = Callable[[list[Any], Any], Any]

SEED = 1  # one source of chance for each list of numbers, so that every run has the same


@dataclass(frozen=True)
class Problem:
    """A function f(x, m), and where its gradient is taken."""

    name: str
    about: str
    f: Function
    x: list[float]

    def __str__(self) -> str:
        return f"{self.name} {len(self.x):,}"


PROBLEMS: list[Problem] = []


def problem(at: Iterable[list[float]]) -> Callable[[Function], Function]:
    """Make a problem of a function, for each of these points; its name and what it is about are its docstring's."""

    def define(f: Function) -> Function:
        name, _, about = (f.__doc__ or f.__name__).partition(": ")
        PROBLEMS.extend(Problem(name, about, f, x) for x in at)
        return f

    return define


def uniform(n: int, low: float = 0.5, high: float = 1.5) -> list[float]:
    """A point whose n coordinates are drawn between low and high."""
    draw = Random(SEED).uniform
    return [draw(low, high) for _ in range(n)]


def normal(n: int) -> list[float]:
    """n numbers drawn from the normal distribution."""
    draw = Random(SEED).gauss
    return [draw(0, 1) for _ in range(n)]


# ── functions of many numbers ───────────────────────────────────────────────────────────────────────────────────────


@problem(at=[uniform(n) for n in (20, 200, 2_000, 20_000)])
def rosenbrock(x, m):
    """Rosenbrock: the valley with a bend, eight operations for each number."""
    total = 0.0
    for a, b in pairwise(x):
        bend = b - a * a
        rest = 1.0 - a
        total = total + (100.0 * (bend * bend) + rest * rest)
    return total


@problem(at=[uniform(1_000, -2.0, 2.0)])
def log_sum_exp(x, m):
    """log-sum-exp: of a thousand numbers, a term at a time."""
    total = 0.0
    for a in x:
        total = total + m.exp(a)
    return m.log(total)


@problem(at=[uniform(1_000, -2.0, 2.0)])
def log_sum_exp_at_once(x, m):
    """log-sum-exp at once: by the function that a system has for it, if it has one."""
    return m.logsumexp(x)


# ── linear algebra, dynamics, statistics, finance ───────────────────────────────────────────────────────────────────


@problem(at=[uniform(25)])
def determinant(x, m):
    """determinant: of a 5×5 matrix, by minors."""

    def expanded(rows):
        if len(rows) == 1:
            return rows[0][0]
        first, *rest = rows
        total = first[0] * expanded([row[1:] for row in rest])
        for j in range(1, len(first)):
            term = first[j] * expanded([row[:j] + row[j + 1 :] for row in rest])
            total = total - term if j % 2 else total + term
        return total

    return expanded([x[5 * i : 5 * i + 5] for i in range(5)])


@problem(at=[[0.66, 1.33, 1.0, 1.0, 1.5, 0.8]])
def runge_kutta(x, m):
    """Runge–Kutta: predators and prey for 100 explicit steps of order 4, by rates and start."""
    growth, hunt, loss, gain, prey, hunters = x
    h = 0.05

    def speed(u, v):
        meetings = u * v
        return growth * u - hunt * meetings, gain * meetings - loss * v

    for _ in range(100):
        du1, dv1 = speed(prey, hunters)
        du2, dv2 = speed(prey + h / 2 * du1, hunters + h / 2 * dv1)
        du3, dv3 = speed(prey + h / 2 * du2, hunters + h / 2 * dv2)
        du4, dv4 = speed(prey + h * du3, hunters + h * dv3)
        prey = prey + h / 6 * (du1 + 2.0 * (du2 + du3) + du4)
        hunters = hunters + h / 6 * (dv1 + 2.0 * (dv2 + dv3) + dv4)
    return prey * prey + hunters * hunters


SAMPLES = [2.0 * z + (3.0 if i % 3 else -2.0) for i, z in enumerate(normal(200))]


@problem(at=[[0.2, -0.1, 0.3, -2.0, 0.5, 3.0, 0.1, 0.4, -0.2]])
def mixture(x, m):
    """mixture: the log-likelihood of 200 samples under three normal distributions, by weights, means and widths."""
    weights, means, widths = [m.exp(a) for a in x[:3]], x[3:6], [m.exp(a) for a in x[6:]]
    total = weights[0] + weights[1] + weights[2]
    heights = [w / (total * width * 2.5066282746310002) for w, width in zip(weights, widths)]
    likelihood = 0.0
    for sample in SAMPLES:
        density = 0.0
        for height, mean, width in zip(heights, means, widths):
            z = (sample - mean) / width
            density = density + height * m.exp(-0.5 * (z * z))
        likelihood = likelihood + m.log(density)
    return likelihood


PATHS, STEPS = 20, 50
SHOCKS = normal(2 * PATHS * STEPS)


@problem(at=[[100.0, 0.04, 1.5, 0.04, 0.5, -0.7, 0.03]])
def heston(x, m):
    """Heston: a down-and-out call by Monte Carlo, 20 paths of 50 steps, with branches; by price, variance and model."""
    price, variance, speed, level, wildness, correlation, rate = x
    dt, strike, barrier = 1 / STEPS, 100.0, 85.0
    rest = m.sqrt(1.0 - correlation * correlation)
    shocks, payoffs = iter(SHOCKS), 0.0
    for _ in range(PATHS):
        s, v, alive = price, variance, True
        for _ in range(STEPS):
            z, w = next(shocks), next(shocks)
            if v > 0.0:
                deviation = m.sqrt(v * dt)
                s = s * m.exp((rate - 0.5 * v) * dt + deviation * z)
                v = v + speed * (level - v) * dt + wildness * deviation * (correlation * z + rest * w)
            else:  # no variance: a drift without noise
                s = s * m.exp(rate * dt)
                v = v + speed * level * dt
            if s < barrier:  # knocked out; the other shocks of the path are drawn all the same
                alive = False
        if alive and s > strike:
            payoffs = payoffs + (s - strike)
    return m.exp(-rate) * payoffs / float(PATHS)


# ── for Programs, measured by themselves: see programs.py ───────────────────────────────────────────────────────────


def barrier_option(model, shocks, m, dates):
    """What one path of Heston's model pays, a down-and-out call: knocked out where it is too low on one of the dates.

    A knock-out is an `if` and ends the path. A variance below zero counts as zero, by relu, which is no other way.
    """
    price, variance, speed, level, wildness, correlation, rate = model
    dt, strike, barrier = 1 / STEPS, 100.0, 90.0
    rest = m.sqrt(1.0 - correlation * correlation)
    s, v = price, variance
    for step in range(STEPS):
        z, w = shocks[2 * step], shocks[2 * step + 1]
        positive = m.relu(v) + 1e-12  # of which the root has a derivative
        deviation = m.sqrt(positive * dt)
        s = s * m.exp((rate - 0.5 * positive) * dt + deviation * z)
        v = v + speed * (level - positive) * dt + wildness * deviation * (correlation * z + rest * w)
        if step in dates and s < barrier:
            return 0.0 * price
    return m.exp(-rate) * (s - strike) if s > strike else 0.0 * price


HESTON = [100.0, 0.04, 1.5, 0.04, 0.5, -0.7, 0.03]
QUARTERS = frozenset(range(STEPS // 4, STEPS, STEPS // 4))
EVERY_STEP = frozenset(range(STEPS))


# ── the step of training a network, measured by itself: see training.py ─────────────────────────────────────────────


def moons(n: int) -> list[tuple[list[float], int]]:
    """Points of two crescents that reach into each other, and on which side each is: 1 or -1."""
    rng, points = Random(SEED), []
    for i in range(n):
        angle, side = rng.uniform(0, pi), 1 if i % 2 else -1
        x, y = (cos(angle), sin(angle)) if side == 1 else (1 - cos(angle), 0.5 - sin(angle))
        points.append(([x + rng.gauss(0, 0.1), y + rng.gauss(0, 0.1)], side))
    return points


MOONS = moons(100)
SIZES = (2, 16, 16, 1)


def network(x, m):
    """network: the mean hinge loss of a 2-16-16-1 network on 100 points of two moons, by its 337 parameters.

    They are neuron by neuron: weights, then bias.
    """
    parameters = iter(x)
    layers = [
        [([next(parameters) for _ in range(nin)], next(parameters)) for _ in range(nout)]
        for nin, nout in pairwise(SIZES)
    ]
    total = 0.0
    for point, side in MOONS:
        row = point
        for layer in layers:
            row = [m.dot(weights, row) + bias for weights, bias in layer]
            if layer is not layers[-1]:
                row = [m.relu(a) for a in row]
        total = total + m.relu(1.0 - float(side) * row[0])
    return total / float(len(MOONS))


WEIGHTS = uniform(sum((nin + 1) * nout for nin, nout in pairwise(SIZES)), -0.5, 0.5)
NETWORK = Problem("network", "", network, WEIGHTS)
