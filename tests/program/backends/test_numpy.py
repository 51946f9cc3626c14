"""The NumPy backend against the rules on floats, for every rule there is."""

import math
from itertools import product

import numpy as np
import pytest

from scalargrad.namespaces import IEEE, IeeeFloat
from scalargrad.program.backends import named
from scalargrad.program.code import RAISES, TABLE, Code, Row, evaluate
from scalargrad.rules import STEERING

NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -3.0, 0.1, 3.7, 1e200, -1e200, 5e-324, 800.0, math.inf, -math.inf]
NUMBERS += [math.nan]

EXACT = {"add", "sub", "mul", "div", "mod", "neg", "pos", "abs", "sqrt", "fma", "sum", "prod", "dot", "relu"}
EXACT |= {"leaky_relu", "maximum", "minimum", "where", *STEERING, *(rule.name for rule in RAISES.values())}


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("quiet", [False, True])
def test_a_rule_on_arrays_is_the_rule_on_floats(name, quiet):
    rule = TABLE[name]
    count = TABLE[name.removesuffix(" raises")].arity or 2
    first = [1.0] if name.startswith("polygamma") else NUMBERS
    table = np.array(
        [*product(first, *[NUMBERS] * (count - 1))] if count < 3 else [*product(NUMBERS[::2], repeat=count)]
    )
    code = Code(count, 0, (), (Row(rule, tuple(range(count)), quiet),), (count,))
    lanes = named("numpy").prepare(code)(table, np.empty(0))
    for point, found, failed in zip(table.tolist(), lanes.outputs[:, 0].tolist(), lanes.failed, strict=True):
        (expected,), wrong, _ = evaluate(code, IEEE, [*map(IeeeFloat, point)], [])
        assert failed == bool(wrong), point
        if failed:
            continue
        if math.isnan(expected) or name in EXACT:
            assert str(found) == str(float(expected)), point
        else:  # NumPy's own functions may differ in the last places
            assert found == pytest.approx(float(expected), rel=1e-14, abs=1e-300), point
        if expected == 0:
            assert math.copysign(1, found) == math.copysign(1, expected), point


def test_points_are_run_in_blocks_and_none_is_left_out():
    code = Code(1, 1, (1.0,), (Row(TABLE["add"], (0, 2)), Row(TABLE["mul"], (3, 1))), (4, 3, 0, 1, 2))
    run = named("numpy").prepare(code)
    for count in (0, 1, 4095, 4096, 4097, 10_000):
        x = np.arange(float(count))
        lanes = run(x[:, None], np.array([2.0]))
        assert lanes.outputs.shape == (count, 5)
        assert (lanes.outputs == np.column_stack([2 * (x + 1), x + 1, x, x * 0 + 2, x * 0 + 1])).all()
        assert not lanes.failed.any()
        assert not lanes.strayed.any()


@pytest.mark.parametrize(
    "name", [name for name in TABLE if TABLE[name].arity == 2 and not name.startswith("polygamma")]
)
@pytest.mark.parametrize("constant", [*NUMBERS, 2.0])
def test_a_rule_on_an_array_and_a_constant_is_the_rule_on_floats(name, constant):
    code = Code(1, 0, (constant,), (Row(TABLE[name], (0, 1), quiet=True),), (2,))
    found = named("numpy").prepare(code)(np.array(NUMBERS)[:, None], np.empty(0)).outputs[:, 0].tolist()
    expected = [float(evaluate(code, IEEE, [IeeeFloat(x)], [], IeeeFloat)[0][0]) for x in NUMBERS]
    for x, ours, theirs in zip(NUMBERS, found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-14, abs=1e-300, nan_ok=True), x
        assert math.isnan(ours) or math.copysign(1.0, ours) == math.copysign(1.0, theirs), x
