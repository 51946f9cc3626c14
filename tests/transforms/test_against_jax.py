"""Every transform finds what JAX finds in 64 bits: on each operation of the table, and on functions of many shapes."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import scalargrad
from scalargrad import Tape, Value
from scalargrad.rules import RULES
from scalargrad.transforms import derivative, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tests.transforms.cases import FUNCTIONS, OPERATIONS

REFERENCE = json.loads(Path(__file__).with_name("jax_reference.json").read_text())
OURS = SimpleNamespace(**{name: getattr(scalargrad, name) for name in scalargrad.__all__}, np=np)

#: Where one of the two loses digits: a relative error that counts as agreement. Elsewhere it is 1e-12.
TOLERANCE = {
    ("tanh", -8.0): 1e-9,  # 1 - tanh² is taken from the rounded tanh, in both
}

ORDERS = {0: lambda f: f, 1: grad, 2: hessian, 3: lambda f: jacobian(hessian(f))}
ONE_RESULT = [name for name, case in FUNCTIONS.items() if case.seeds is None]


def numbers(nest):
    """From left to right, by sorted keys, so that both libraries' nests come out in one order."""
    if isinstance(nest, dict):
        return [x for key in sorted(nest) for x in numbers(nest[key])]
    if isinstance(nest, (list, tuple, np.ndarray)):
        return [x for part in nest for x in numbers(part)]
    return [nest]


def assert_agree(ours, jax, tolerance=1e-12):
    ours, jax = numbers(ours), numbers(jax)
    assert all(isinstance(x, float) for x in ours)
    assert ours == pytest.approx(jax, rel=tolerance, abs=1e-300, nan_ok=True)


def case(name):
    return (lambda p: FUNCTIONS[name].function(OURS, p)), FUNCTIONS[name], REFERENCE["functions"][name]


def test_the_reference_is_of_all_operations_and_functions_here():
    assert {operation.rule for operation in OPERATIONS.values()} == set(RULES)
    assert set(REFERENCE["operations"]) == set(OPERATIONS)
    assert set(REFERENCE["functions"]) == set(FUNCTIONS)
    for name, operation in OPERATIONS.items():
        for kind, points in [("points", operation.points), ("edges", operation.edges)]:
            assert [entry["at"] for entry in REFERENCE["operations"][name][kind]] == list(points)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_function_of_an_operation_records_that_operation(name):
    with Tape() as t:
        y = OPERATIONS[name].function(OURS, [Value(x) for x in OPERATIONS[name].points[0]])
        assert OPERATIONS[name].rule in [row.rule.name for row in t if row.rule]
        assert isinstance(y, Value)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_to_third_order(name, order):
    ours = ORDERS[order](lambda v: OPERATIONS[name].function(OURS, v))
    for entry in REFERENCE["operations"][name]["points"]:
        tolerance = TOLERANCE.get((name, entry["at"][0]), 1e-12)
        assert_agree(ours(entry["at"]), entry["derivatives"][order], tolerance)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if len(OPERATIONS[name].points[0]) == 1])
def test_derivative_of_an_operation_to_third_order(name):
    for entry in REFERENCE["operations"][name]["points"]:
        tolerance = TOLERANCE.get((name, entry["at"][0]), 1e-12)
        for order, expected in enumerate(entry["derivatives"]):
            ours = derivative(lambda x: OPERATIONS[name].function(OURS, [x]), order=order)
            assert_agree(ours(entry["at"][0]), expected, tolerance)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobian(name):
    f, case_, reference = case(name)
    assert_agree(f(case_.argument), reference["value"])
    assert_agree(jacobian(f)(case_.argument), reference["jacobian"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobian_of_jacobian(name):
    f, case_, reference = case(name)
    assert_agree(jacobian(jacobian(f))(case_.argument), reference["second"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jvp(name):
    f, case_, reference = case(name)
    value, speed = jvp(f)(case_.argument, case_.vector)
    assert_agree(value, reference["value"])
    assert_agree(speed, reference["jvp"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_vjp(name):
    f, case_, reference = case(name)
    value, pull = vjp(f)(case_.argument)
    assert_agree(value, reference["value"])
    assert_agree(pull(2.0 if case_.seeds is None else case_.seeds), reference["vjp"])


@pytest.mark.parametrize("name", ONE_RESULT)
def test_value_and_grad(name):
    f, case_, reference = case(name)
    value, gradient = value_and_grad(f)(case_.argument)
    assert_agree(value, reference["value"])
    assert_agree(gradient, reference["jacobian"])


@pytest.mark.parametrize("name", ONE_RESULT)
def test_hessian(name):
    f, case_, reference = case(name)
    assert_agree(hessian(f)(case_.argument), reference["second"])


@pytest.mark.parametrize("name", ONE_RESULT)
def test_hvp(name):
    f, case_, reference = case(name)
    assert_agree(hvp(f)(case_.argument, case_.vector), reference["hvp"])


@pytest.mark.parametrize("name", ONE_RESULT)
def test_third_derivatives(name):
    f, case_, reference = case(name)
    assert_agree(jacobian(hessian(f))(case_.argument), reference["third"])


# ── kinks and edges, where the two may differ ───────────────────────────────────────────────────────────────────────

#: Where we find finite numbers that JAX does not: by operation, point and order, all of ours.
OTHERWISE = {
    # the kinks: ours are 0 for abs, the slope for leaky_relu, and all to the first of a tie
    ("abs", (0.0,), 1): [0.0],
    ("leaky_relu", (0.0, 0.1), 1): [0.1, 0.0],
    ("leaky_relu", (0.0, 0.1), 2): [0.0, 1.0, 1.0, 0.0],
    ("maximum", (2.0, 2.0), 1): [1.0, 0.0],
    ("minimum", (2.0, 2.0), 1): [1.0, 0.0],
    # far out, where JAX says 0.0
    ("sigmoid", (40.0,), 1): [4.248354255291589e-18],
    ("sigmoid", (40.0,), 2): [-4.248354255291589e-18],
    ("sigmoid", (40.0,), 3): [4.248354255291589e-18],
    ("softplus", (40.0,), 2): [4.248354255291589e-18],
    ("softplus", (40.0,), 3): [-4.248354255291589e-18],
    # a negative base, where JAX says nan: along the base these are those of x² and x³
    ("pow", (-2.0, 2.0), 2): [2.0, math.nan, math.nan, math.nan],
    ("pow", (-2.0, 2.0), 3): [0.0] + [math.nan] * 7,
    ("pow", (-2.0, 3.0), 2): [-12.0, math.nan, math.nan, math.nan],
    ("pow", (-2.0, 3.0), 3): [6.0] + [math.nan] * 7,
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", [name for name in OPERATIONS if OPERATIONS[name].edges])
def test_at_an_edge_a_derivative_may_be_nan_or_infinite_but_never_a_wrong_number(name, order):
    f = ORDERS[order](lambda v: OPERATIONS[name].function(OURS, v))
    for entry in REFERENCE["operations"][name]["edges"]:
        ours, jax = numbers(f(entry["at"])), numbers(entry["derivatives"][order])
        otherwise = OTHERWISE.get((name, tuple(entry["at"]), order))
        if otherwise is not None:
            assert ours == pytest.approx(otherwise, rel=1e-12, nan_ok=True)
            continue
        for x, y in zip(ours, jax, strict=True):
            assert not math.isfinite(x) or x == pytest.approx(y, rel=1e-12, abs=1e-300)
