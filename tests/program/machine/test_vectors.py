"""Functions of vectors: two last places off at most, whatever the processor."""

import math
import random

import mpmath
import numpy as np
import pytest

from scalargrad.program.backends import llvm
from scalargrad.program.code import Code, Row
from scalargrad.program.machine.formulas import FORMULAS
from scalargrad.program.machine.functions import vectors
from scalargrad.program.machine.host import host
from scalargrad.rules import RULES
from tests.program.codes import NONE, assert_bits, bits, code_of, distance, expected, points_of, random_code, run
from tests.reference import reference

pytestmark = pytest.mark.engine_free


@pytest.mark.parametrize("name", [name for name in RULES if name in {*vectors(host().width), *FORMULAS}])
def test_a_function_of_vectors_is_within_two_units_of_the_true_value(name, width):
    code = code_of(RULES[name])
    rng = random.Random(2)
    points = [p for p in points_of(code.inputs, seed=2) if all(map(math.isfinite, p))]
    for scale in (1e-3, 1.0, 10.0, 1e3, 1e300):
        points += [[rng.uniform(-1, 1) * scale + (rng.random() < 0.3) for _ in range(code.inputs)] for _ in range(150)]
    lanes = run(code, points)
    with mpmath.workprec(200):
        for point, (found,) in zip(points, lanes.outputs, strict=True):
            value = expected(code, point)[0][0]
            if math.isfinite(value) and value != 0:
                true = reference(RULES[name])(*map(mpmath.mpf, point))
                assert abs(mpmath.mpf(float(found)) - true) <= 2 * math.ulp(value), point
            else:
                assert bits([found]) == bits([value]), point


def test_every_width_gives_the_same(width):
    code = random_code(random.Random(3), rows=300)
    rng = np.random.default_rng(3)
    assert_bits(code, rng.normal(size=(11, code.inputs)), rng.normal(size=code.shared))


@pytest.mark.parametrize("exponent", [2.0, 1.0, 0.0, -1.0, 3.0, 0.5, -0.5])
def test_a_constant_exponent(exponent):
    code = Code(1, 0, (exponent,), (Row(RULES["pow_const"], (0, 1)),), (2,))
    points, runner = np.array(points_of(1)), llvm.prepare(code)
    for k, found in enumerate(runner(points, NONE).outputs):
        (value,), failed, _ = expected(code, points[k])
        one = runner(points[k : k + 1], NONE)
        assert distance(found[0], value) <= 4
        assert bits(one.outputs[0]) == bits([value])
        assert one.failed[0] == failed


def test_a_processor_without_fused_multiplication(width, monkeypatch):
    monkeypatch.setattr(host(), "fused", False)
    for name in ("fma", "exp", "sin"):
        code = code_of(RULES[name])
        assert_bits(code, points_of(code.inputs, seed=4)[:60])
