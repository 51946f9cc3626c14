"""The functions on which the transforms are held against JAX, each written once for both.

`m` is the mathematics: the scalargrad module, or the same names in JAX; `m.np` is numpy or jax.numpy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

# ── the operations of the rule table, on lists of numbers ───────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Operation:
    """One operation as a function of a list of numbers, and where to look at it."""

    rule: str
    function: Callable[[Any, Any], Any]
    points: list[list[float]]
    edges: Sequence[list[float]] = ()  # kinks and edges of the domain, where the two libraries may differ


def unary(rule: str, points: list[float], edges: tuple[float, ...] = ()) -> Operation:
    return Operation(rule, lambda m, v: getattr(m, rule)(v[0]), [[x] for x in points], [[x] for x in edges])


def binary(rule: str, points: list[list[float]], edges: tuple[list[float], ...] = ()) -> Operation:
    return Operation(rule, lambda m, v: getattr(m, rule)(v[0], v[1]), points, list(edges))


ALL = [-2.5, -0.7, 0.0, 0.3, 1.0, 2.5]  # for functions of any number
PAIRS = [[1.5, 2.5], [-1.5, 2.5], [1.5, -0.5], [-2.5, -1.25]]

OPERATIONS = {
    "add": Operation("add", lambda m, v: v[0] + v[1], PAIRS),
    "sub": Operation("sub", lambda m, v: v[0] - v[1], PAIRS),
    "mul": Operation("mul", lambda m, v: v[0] * v[1], [*PAIRS, [0.0, 0.0]]),
    "div": Operation("div", lambda m, v: v[0] / v[1], [*PAIRS, [0.0, 2.0]]),
    "mod": Operation("mod", lambda m, v: v[0] % v[1], [[5.5, 2.0], [-5.5, 2.0], [5.5, -2.0], [-5.5, -2.0], [0.5, 2.0]]),
    "neg": Operation("neg", lambda m, v: -v[0], [[x] for x in ALL]),
    "pos": Operation("pos", lambda m, v: +v[0], [[x] for x in ALL]),
    "abs": Operation("abs", lambda m, v: abs(v[0]), [[x] for x in ALL if x], [[0.0]]),
    "fma": Operation("fma", lambda m, v: m.fma(v[0], v[1], v[2]), [[1.5, 2.5, 0.5], [-1.5, 0.0, 3.0]]),
    "pow": Operation(
        "pow",
        lambda m, v: v[0] ** v[1],
        [[1.5, 2.5], [2.5, -1.5], [0.3, 0.0], [1.0, 3.0], [3.0, 1.0], [0.2, 7.0]],
        [[0.0, 2.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.5], [-2.0, 2.0], [-2.0, 3.0]],
    ),
    "pow 2": Operation("pow_const", lambda m, v: v[0] ** 2, [[x] for x in ALL]),
    "pow 3": Operation("pow_const", lambda m, v: v[0] ** 3, [[x] for x in ALL]),
    "pow 1": Operation("pow_const", lambda m, v: v[0] ** 1, [[x] for x in ALL]),
    "pow 0": Operation("pow_const", lambda m, v: v[0] ** 0, [[x] for x in ALL]),
    "pow -2": Operation("pow_const", lambda m, v: v[0] ** -2, [[x] for x in ALL if x]),
    "pow 2.5": Operation("pow_const", lambda m, v: v[0] ** 2.5, [[x] for x in ALL if x > 0], [[0.0]]),
    "pow 0.5": Operation("pow_const", lambda m, v: v[0] ** 0.5, [[x] for x in ALL if x > 0], [[0.0]]),
    "2 pow": Operation("const_pow", lambda m, v: 2.0 ** v[0], [[x] for x in ALL]),
    "0.3 pow": Operation("const_pow", lambda m, v: 0.3 ** v[0], [[x] for x in ALL]),
    "sqrt": unary("sqrt", [0.01, 0.5, 1.0, 4.0], edges=(0.0,)),
    "cbrt": unary("cbrt", [-2.5, -0.2, 0.01, 1.0, 8.0], edges=(0.0,)),
    "hypot": binary("hypot", [*PAIRS, [0.0, 2.0], [-2.0, 0.0]], edges=([0.0, 0.0],)),
    **{rule: unary(rule, ALL) for rule in ("exp", "exp2", "expm1", "sin", "cos", "sinh", "cosh", "atan", "asinh")},
    "log": unary("log", [0.01, 0.5, 1.0, 40.0]),
    "log1p": unary("log1p", [-0.9, -0.1, 0.0, 1e-9, 3.0]),
    "log2": unary("log2", [0.01, 0.5, 1.0, 40.0]),
    "log10": unary("log10", [0.01, 0.5, 1.0, 40.0]),
    "tan": unary("tan", [-1.2, -0.5, 0.0, 0.7, 1.4, 2.5]),
    "asin": unary("asin", [-0.9, -0.3, 0.0, 0.5, 0.95], edges=(-1.0, 1.0)),
    "acos": unary("acos", [-0.9, -0.3, 0.0, 0.5, 0.95], edges=(-1.0, 1.0)),
    "atan2": binary("atan2", [*PAIRS, [0.0, 2.0], [2.0, 0.0], [-2.0, 0.0]], edges=([0.0, 0.0],)),
    "tanh": unary("tanh", [*ALL, -8.0, 4.0], edges=(20.0, -400.0)),
    "acosh": unary("acosh", [1.01, 1.5, 2.5, 40.0], edges=(1.0,)),
    "atanh": unary("atanh", [-0.9, -0.3, 0.0, 0.5, 0.95]),
    "erf": unary("erf", [*ALL, 5.0]),
    "erfc": unary("erfc", [*ALL, 5.0]),
    "lgamma": unary("lgamma", [0.1, 0.5, 1.0, 2.0, 3.7, 30.0]),
    "polygamma 0": Operation("polygamma", lambda m, v: m.polygamma(0, v[0]), [[0.1], [0.5], [1.0], [3.7], [30.0]]),
    "polygamma 1": Operation("polygamma", lambda m, v: m.polygamma(1, v[0]), [[0.1], [0.5], [1.0], [3.7], [30.0]]),
    "relu": unary("relu", [x for x in ALL if x], edges=(0.0,)),
    "leaky_relu": binary("leaky_relu", [[1.5, 0.1], [-1.5, 0.1], [-0.5, 0.3]], edges=([0.0, 0.1],)),
    "sigmoid": unary("sigmoid", [*ALL, -30.0, 8.0], edges=(40.0, -800.0, 800.0)),
    "softplus": unary("softplus", [*ALL, -30.0, 8.0], edges=(40.0, -800.0, 800.0)),
    "gelu": unary("gelu", [*ALL, -5.0, 5.0], edges=(-40.0, 40.0)),
    "maximum": binary("maximum", PAIRS, edges=([2.0, 2.0],)),
    "minimum": binary("minimum", PAIRS, edges=([2.0, 2.0],)),
    "where": Operation("where", lambda m, v: m.where(v[0] > 1, v[0] * v[1], v[1] ** 3), PAIRS),
    "sum": Operation("sum", lambda m, v: m.sum(v), [[1.5, -2.5, 0.0]]),
    "prod": Operation("prod", lambda m, v: m.prod(v), [[1.5, -2.5, 0.5], [0.0, 2.0, 3.0], [0.0, 2.0, 0.0], [0.0] * 3]),
    "dot": Operation("dot", lambda m, v: m.dot(v[:2], v[2:]), [[1.5, -2.5, 0.5, 3.0], [0.0, 1.0, 2.0, 0.0]]),
    "logsumexp": Operation(
        "logsumexp",
        lambda m, v: m.logsumexp(v),
        [[1.5, -2.5, 0.5], [1.0, 1.0], [0.3], [700.0, 701.0], [-900.0, -899.0]],
    ),
}


# ── whole functions, of scalars, nests and arrays ───────────────────────────────────────────────────────────────────


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass(frozen=True)
class Function:
    """A function of one argument, the argument, a vector like it, and for several results seeds like them."""

    function: Callable[[Any, Any], Any]
    argument: Any
    vector: Any
    seeds: Any = None


def wave(m: Any, x: Any) -> Any:
    return m.exp(m.sin(x)) * x**3 / (1 + x * x)


def logistic_map(m: Any, r: Any) -> Any:
    x = 0.4
    for _ in range(6):
        x = r * x * (1 - x)
    return x


def square_root_by_newton(m: Any, a: Any) -> Any:
    x = a
    for _ in range(7):
        x = (x + a / x) / 2
    return x


def black_scholes(m: Any, p: Any) -> Any:
    """The price of a call option: spot, strike, rate, volatility, time."""
    s, k, r, v, t = p["spot"], p["strike"], p["rate"], p["volatility"], p["time"]
    d1 = (m.log(s / k) + (r + v * v / 2) * t) / (v * m.sqrt(t))
    d2 = d1 - v * m.sqrt(t)
    return s * m.erfc(-d1 / 2**0.5) / 2 - k * m.exp(-r * t) * m.erfc(-d2 / 2**0.5) / 2


def network(m: Any, p: Any) -> Any:
    """Two inputs, a hidden layer of two tanh neurons, a sigmoid: its cross entropy on three points."""
    total = 0.0
    for xs, target in [((1.0, 2.0), 1.0), ((-1.5, 0.5), 0.0), ((0.5, -1.0), 1.0)]:
        hidden = [m.tanh(m.dot(row, xs) + b) for row, b in zip(p["weights"], p["biases"], strict=True)]
        score = m.dot(p["out"], hidden)
        total = total + m.softplus(score) - target * score
    return total + 0.01 * p["out"][0] ** 2


def distance(m: Any, p: Any) -> Any:
    return m.hypot(p[0].x - p[1].x, p[0].y - p[1].y) * m.atan2(p[0].y, p[0].x)


def polar(m: Any, p: Any) -> Any:
    return {"x": p[0] * m.cos(p[1]), "y": p[0] * m.sin(p[1]), "both": [p[0] * p[1], p[0] ** 2]}


def rosenbrock(m: Any, x: Any) -> Any:
    return m.np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def energy(m: Any, x: Any) -> Any:
    a = np.array([[2.0, -0.5, 0.1], [-0.5, 1.5, 0.3], [0.1, 0.3, 1.0]])
    return x @ a @ x / 2 + m.np.sum(m.np.tanh(x) ** 3)


def lorenz(m: Any, x: Any) -> Any:
    return m.np.stack([10.0 * (x[1] - x[0]), x[0] * (28.0 - x[2]) - x[1], x[0] * x[1] - 8.0 / 3.0 * x[2]])


def tall(m: Any, x: Any) -> Any:
    """Fewer inputs than outputs."""
    return m.np.exp(-x[0] * np.array([0.0, 0.5, 1.0, 1.5, 2.0])) * x[1] ** 2


def wide(m: Any, x: Any) -> Any:
    """Fewer outputs than inputs."""
    return m.np.stack([m.np.sum(x * x), m.np.sum(m.np.sin(x)) * x[0]])


def square(m: Any, a: Any) -> Any:
    return a @ a + m.np.exp(a)


def mixed(m: Any, p: Any) -> Any:
    """An array, a list and a number in; a dictionary out."""
    scaled = p["matrix"] @ p["vector"] * p["scale"]
    return {"sum": m.np.sum(scaled**2), "first": [scaled[0] * p["pair"][0], p["pair"][0] * p["pair"][1]], "all": scaled}


def array(*numbers: Any) -> Any:
    return np.array(numbers)


FUNCTIONS = {
    "wave": Function(wave, 1.3, 0.7),
    "logistic map": Function(logistic_map, 3.2, -1.5),
    "square root by Newton": Function(square_root_by_newton, 2.0, 3.0),
    "Black and Scholes": Function(
        black_scholes,
        {"spot": 105.0, "strike": 100.0, "rate": 0.05, "volatility": 0.2, "time": 0.5},
        {"spot": 1.0, "strike": -2.0, "rate": 0.5, "volatility": 0.1, "time": -1.0},
    ),
    "network": Function(
        network,
        {"weights": [[0.5, -0.3], [0.8, 0.2]], "biases": (0.1, -0.2), "out": [1.5, -0.7]},
        {"weights": [[1.0, 2.0], [-1.0, 0.5]], "biases": (0.0, 1.0), "out": [-0.5, 0.25]},
    ),
    "distance": Function(distance, (Point(1.0, 2.0), Point(-0.5, 0.3)), (Point(0.5, -1.0), Point(1.5, 2.0))),
    "polar": Function(polar, [2.0, 0.5], [1.0, -2.0], {"x": 1.0, "y": 2.0, "both": [-1.0, 0.5]}),
    "Rosenbrock": Function(rosenbrock, array(-1.2, 1.0, 0.7, 1.1), array(1.0, -0.5, 0.0, 2.0)),
    "energy": Function(energy, array(0.5, -1.0, 2.0), array(1.0, 2.0, -1.0)),
    "Lorenz": Function(lorenz, array(1.0, 2.0, 20.0), array(0.5, -1.0, 1.0), array(1.0, 0.0, -2.0)),
    "tall": Function(tall, array(0.7, 1.5), array(1.0, -1.0), array(1.0, 2.0, 3.0, -4.0, 0.5)),
    "wide": Function(wide, array(0.7, 1.5, -0.3), array(1.0, -1.0, 2.0), array(1.0, -0.5)),
    "square": Function(
        square, array([0.5, 1.0], [-1.0, 0.3]), array([1.0, 0.0], [2.0, -1.0]), array([1.0, -1.0], [0.0, 2.0])
    ),
    "mixed": Function(
        mixed,
        {"matrix": array([1.0, 2.0], [0.5, -1.0]), "vector": array(1.5, -0.5), "pair": [2.0, 3.0], "scale": 0.5},
        {"matrix": array([0.0, 1.0], [1.0, 0.0]), "vector": array(1.0, 1.0), "pair": [-1.0, 0.5], "scale": 2.0},
        {"sum": 0.5, "first": [1.0, -1.0], "all": array(2.0, 3.0)},
    ),
}
