"""Points and outputs as squares of lanes: any number of either comes out as it should."""

import numpy as np
import pytest

from scalargrad.program.backends import llvm
from scalargrad.program.code import Code, Row
from scalargrad.rules import RULES
from tests.program.codes import NONE, run

pytestmark = pytest.mark.engine_free


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 15, 16, 17, 1000])
@pytest.mark.parametrize("inputs", [1, 3, 8, 19])
def test_any_number_of_points_of_any_number_of_inputs(count, inputs):
    rows = tuple(Row(RULES["mul"], (i, (i + 1) % inputs)) for i in range(inputs))
    code = Code(inputs, 0, (), rows, tuple(range(inputs, 2 * inputs)))
    points = np.random.default_rng(count).normal(size=(count, inputs))
    assert np.array_equal(run(code, points).outputs, points * np.roll(points, -1, axis=1))


@pytest.mark.parametrize("count", [8, 9, 1000])
@pytest.mark.parametrize("outputs", [7, 56, 57, 64, 107])
def test_outputs_that_go_past_the_cache_are_the_same(count, outputs, width, monkeypatch):
    rows = tuple(Row(RULES["mul"], (i, (i + 1) % outputs)) for i in range(outputs))
    code = Code(outputs, 0, (), rows, tuple(range(outputs, 2 * outputs)))
    points = np.random.default_rng(count).normal(size=(count, outputs))
    monkeypatch.setattr(llvm, "_NEAR", 0)
    assert np.array_equal(run(code, points).outputs, points * np.roll(points, -1, axis=1))


def test_an_input_is_an_output_beside_others_that_are_done_long_before_it():
    rows = [Row(RULES["neg"], (0,)), *[Row(RULES["sin"], (at,)) for at in range(1, 2_500)]]
    code = Code(1, 0, (), tuple(rows), (*[1] * 15, 0, 2_500))  # the inputs are stored in the end
    points = np.linspace(1.0, 2.0, 16)[:, None]
    outputs = llvm.prepare(code)(points, NONE).outputs
    assert outputs[:, :16].tolist() == [[-x] * 15 + [x] for x in points[:, 0].tolist()]
