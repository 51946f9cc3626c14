"""Codes at random, points where functions change their mind, and what a Code comes to there, row by row."""

import itertools
import math
import random
import struct
from types import SimpleNamespace

import numpy as np

from scalargrad.namespaces import IEEE, IeeeFloat
from scalargrad.program.backends import llvm
from scalargrad.program.code import Code, Guard, Row, evaluate
from scalargrad.rules import RULES, STEERING

inf, nan = math.inf, math.nan
ALL = {**RULES, **STEERING}
NONE = np.zeros(0)

#: Where functions change their mind.
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 2.5, -1.5, 3.0, inf, -inf, nan, 5e-324, -5e-324, 1e-310, -2.2e-308]
EDGES += [1.7976931348623157e308, -1e300, 1e22, 800.0, -800.0, 0.9999999999999999, -0.9999999999999999, 1 + 2**-52]

EXPECTED = SimpleNamespace(**vars(IEEE))
EXPECTED.where = lambda condition, x, y: IeeeFloat(x if condition else y)  # so that no plain float raises


def expected(code, point, shared=()):
    """The outputs, and whether it failed and strayed, row by row."""
    constants = tuple(map(IeeeFloat, code.constants))
    code = Code(code.inputs, code.shared, constants, code.rows, code.outputs, code.guards)
    outputs, failed, strayed = evaluate(code, EXPECTED, [*map(IeeeFloat, point)], [*map(IeeeFloat, shared)])
    return [float(x) for x in outputs], bool(failed), bool(strayed)


def bits(numbers):
    return ["nan" if math.isnan(x) else struct.pack("<d", x) for x in numbers]


def distance(x, y):
    """How many doubles apart."""
    if math.isnan(x) or math.isnan(y):
        return 0 if math.isnan(x) and math.isnan(y) else inf

    def place(number):
        (found,) = struct.unpack("<q", struct.pack("<d", number))
        return found if found >= 0 else -(2**63) - found

    return abs(place(x) - place(y))


def run(code, points, shared=NONE):
    return llvm.prepare(code)(np.array(points, dtype=float).reshape(-1, code.inputs), np.asarray(shared, dtype=float))


def assert_bits(code, points, shared=NONE):
    """Each point on its own and all of them as lanes have the bits of the evaluation."""
    runner = llvm.prepare(code)
    points, shared = np.array(points, dtype=float).reshape(-1, code.inputs), np.asarray(shared, dtype=float)
    lanes = runner(np.concatenate([points, points]), shared)
    for k, point in enumerate(points):
        outputs, failed, strayed = expected(code, point, shared)
        one = runner(points[k : k + 1], shared)
        for found in ([array[0] for array in one], [array[k] for array in lanes]):
            assert (bool(found[1]), bool(found[2])) == (failed, strayed), (point, outputs)
            if not failed and not strayed:
                assert bits(found[0]) == bits(outputs), point


def points_of(count, seed=0):
    """Edges in every combination (of three operands some), and random ones."""
    rng = random.Random(seed)
    edges = list(itertools.product(EDGES, repeat=count))
    if count > 2:
        edges = rng.sample(edges, 400) if count < 4 else []

    def number():
        kind = rng.randrange(5)
        if kind == 0:
            return struct.unpack("<d", rng.randbytes(8))[0]
        return rng.choice(EDGES) if kind == 1 else rng.uniform(-1, 1) * 10 ** rng.uniform(-3, 3)

    return [*edges, *([number() for _ in range(count)] for _ in range(300))]


def code_of(rule, count=None):
    count = count or rule.arity or 4
    return Code(count, 0, (), (Row(rule, tuple(range(count))),), (count,))


#: Rules whose lanes have the bits of one point, for no function of vectors is in them.
EXACT = ["add", "sub", "mul", "div", "mod", "neg", "pos", "abs", "fma", "sqrt", "relu", "leaky_relu", "maximum"]
EXACT += ["minimum", "where", "sum", "prod", "dot", "atan", "lgamma", *STEERING]


def random_code(rng, rows, inputs=3, shared=2, guards=0, outputs=5):
    constants = tuple(rng.choice([*EDGES, 1.5]) for _ in range(3))
    start = inputs + shared + len(constants)
    made = []
    for at in range(start, start + rows):
        rule = ALL[rng.choice(EXACT)]
        count = rule.arity or 2 * rng.randrange(1, 4)
        made.append(Row(rule, tuple(rng.randrange(at) for _ in range(count)), quiet=rng.random() < 0.9))
    results = tuple(rng.randrange(start + rows) for _ in range(outputs))
    numbers = sorted(rng.randrange(start + rows) for _ in range(guards))
    return Code(
        inputs, shared, constants, tuple(made), results, tuple(Guard(n, float(rng.randrange(2))) for n in numbers)
    )
