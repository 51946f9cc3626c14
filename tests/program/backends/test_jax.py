"""Programs in JAX: Python's arithmetic to the bit, the table's derivatives and not JAX's, and nan where code cannot raise."""

import itertools
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import scalargrad as sg
from scalargrad import Value, gate, grad, hessian, value_and_grad
from scalargrad.errors import ProgramError
from scalargrad.namespaces import FLOATS
from scalargrad.program import record
from scalargrad.program.code import Code, Row
from scalargrad.program.layout import Layout
from scalargrad.program.program import Program
from scalargrad.rules import RULES, STEERING
from scalargrad.testing.strategies import expressions
from tests.reference import reference
from tests.test_rules import operands


@pytest.fixture(autouse=True)
def _in_64_bits():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


# ── every rule ──────────────────────────────────────────────────────────────────────────────────────────────────────

#: Those that are Python's to the bit.
EXACT = (
    *("add", "sub", "mul", "div", "mod", "neg", "pos", "abs", "sqrt", "relu", "leaky_relu"),
    *("maximum", "minimum", "where", "sum", "prod", "dot"),
)

#: How far the others may be from the truth, in units in the last place, where it is not 4.
ULPS = {
    "erfc": lambda out, *xs: 8,
    "gelu": lambda out, *xs: 8 + 2 * xs[0] ** 2,  # the argument of erfc is rounded
    "lgamma": lambda out, *xs: 40 * max(1.0, 1 / abs(out)) if out else 0,  # it crosses zero; XLA's is off by 33 at most
    "polygamma": lambda out, n, x: 16 + 4 ** (n + 4) / abs(out),
    "pow": lambda out, x, y: 4 + abs(y * math.log(x)) / 100,
    "logsumexp": lambda out, *xs: 4 + (max(map(abs, xs)) + len(xs)) / abs(out),
    "softplus": lambda out, *xs: 6,
}


@cache
def in_jax(name: str, arity: int, order: float | None = None):
    """By points of shape (points, arity), the values of a rule and its derivatives; of polygamma the order is a constant."""
    constants = () if order is None else (order,)
    number = arity + len(constants)
    code = Code(arity, 0, constants, (Row(RULES[name], (*range(arity, number), *range(arity))),), (number,))
    inside = [0.5] * arity if name != "acosh" else [1.5]
    f = Program(code, Layout(((inside,), {})), Layout(1.0), [], name, "numpy").to_jax()
    return jax.jit(jax.vmap(jax.value_and_grad(f)))


@pytest.mark.engine_free
@pytest.mark.parametrize("name", [name for name in RULES if name != "fma"])
@given(data=st.data())
@settings(max_examples=40)
def test_values_and_derivatives_of_a_rule(name, data):
    rule = RULES[name]
    if name in ("sum", "prod", "logsumexp", "dot"):
        xs = data.draw(st.tuples(*[st.floats(-30, 30).filter(lambda x: x == 0 or abs(x) > 1e-3)] * 4))
    else:
        xs = data.draw(operands(rule))
    assume(all(x == 0 or abs(x) > 1e-300 for x in xs))  # XLA takes smaller ones for 0
    order, bare = (xs[0], xs[1:]) if name == "polygamma" else (None, xs)
    found = in_jax(name, len(bare), order)(jnp.array([bare]))
    (out,), (slopes,) = found[0].tolist(), found[1].tolist()
    python = rule.value(FLOATS, *xs)
    if name in EXACT:
        assert out == python
    else:
        with mpmath.workdps(50):
            true = reference(rule)(*map(mpmath.mpf, xs))
            ulps = float(abs(mpmath.mpf(out) - true) / math.ulp(float(true)))
        assert ulps <= ULPS.get(name, lambda out, *xs: 4)(float(true), *xs), (out, python)
    bound = rule.ulps(*xs) if callable(rule.ulps) else rule.ulps
    for slope, expected in zip(slopes, rule.derivatives(FLOATS, *xs, out=python)[-len(bare) :], strict=True):
        ulps = abs(slope - (expected or 0.0)) / math.ulp(expected or 0.0)
        assert ulps <= 8 + 3 * bound, (slope, expected)  # ours and theirs are off, and the parts that they are made of


@pytest.mark.engine_free
@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "round", "floordiv", "lt", "le", "eq", "ne", "and", "or"])
def test_what_steers_is_as_in_python(name):
    rule = STEERING[name]
    arity = 1 if name in ("floor", "ceil", "trunc", "round") else 2
    code = Code(arity, 0, (), (Row(rule, tuple(range(arity))),), (arity,))
    f = Program(code, Layout((([1.0] * arity,), {})), Layout(1.0), [], name, "numpy").to_jax()
    numbers = [-3.7, -2.5, -0.5, -0.1, 0.0, 0.1, 0.5, 1.0, 1.5, 2.5, 49.0, 1e17]
    points = [xs for xs in itertools.product(numbers, repeat=arity) if name != "floordiv" or xs[1] != 0]
    found = jax.jit(jax.vmap(f))(jnp.array(points))
    assert found.tolist() == [rule.value(FLOATS, *xs) for xs in points]


@pytest.mark.engine_free
def test_arithmetic_is_rounded_row_by_row():
    def f(x, y, z):
        return [x * y - z, x / 49.0 + y / z, sg.dot([x, y], [y, z]) - sg.prod([x, y, z]), x % y, 1.0 / (x * x + 1.0)]

    p = record(f, 1.0, 2.0, 3.0)
    points = np.random.default_rng(0).uniform(1, 100, size=(10_000, 3)).round(1)
    found = jax.jit(jax.vmap(p.to_jax(), in_axes=(0, 0, None)))(points[:, 0], points[:, 1], 7.0)
    points[:, 2] = 7.0
    assert (np.asarray(found) == p.batch(points)).all()


# ── arguments and results ───────────────────────────────────────────────────────────────────────────────────────────


def test_it_gives_what_the_program_gives_in_its_nest():
    def f(model, x):
        return {
            "loss": model["w"] @ x * model["b"],
            "parts": (model["w"] * x, [x[0], 2.0, x[1]]),
            "kind": model["kind"],
        }

    example = {"w": np.array([1.0, 2.0]), "b": 3.0, "kind": "linear"}, np.array([4.0, 5.0])
    p = record(f, *example)
    found, expected = p.to_jax()(*example), p(*example)
    assert found["loss"] == expected["loss"]
    assert found["parts"][0].tolist() == expected["parts"][0].tolist()
    assert found["parts"][1].tolist() == expected["parts"][1]
    assert found["kind"] == "linear"


def test_a_list_of_numbers_may_be_given_as_an_array():
    f = record(lambda xs: sg.dot(xs, xs), [1.0, 2.0]).to_jax()
    assert f([3.0, 4.0]) == f(jnp.array([3.0, 4.0])) == f((3, 4)) == 25.0
    assert jax.grad(f)(jnp.array([3.0, 4.0])).tolist() == [6.0, 8.0]
    assert jax.grad(f)([3.0, 4.0]) == [6.0, 8.0]


def test_arguments_by_name():
    f = record(lambda x, *, scale: x * scale, 2.0, scale=3.0).to_jax()
    assert f(5.0, scale=7.0) == 35.0


def test_a_dataclass_comes_back_as_one():
    @dataclass
    class Point:
        x: float
        y: float

    point = record(lambda x: Point(x, 2 * x), 1.0).to_jax()(3.0)
    assert (point.x, point.y) == (3.0, 6.0)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((1.0, [1.0, 2.0], "mean"), r"shape \(\) .* shape \(2, 2\)"),
        ((np.eye(3), [1.0, 2.0], "mean"), r"shape \(3, 3\) .* shape \(2, 2\)"),
        ((np.eye(2), [1.0], "mean"), "a list where something with"),
        ((np.eye(2), np.ones(3), "mean"), r"shape \(3,\)"),
        ((np.eye(2), [1.0, 1j], "mean"), "real numbers"),
        ((np.eye(2), [1.0, 2.0], "sum"), "recorded with 'mean'"),
        ((np.eye(2), [1.0, "a"], "mean"), "takes real numbers, not 'a'"),
        (
            (np.eye(2),),
            "takes 3 .*, a, xs, how, given as at its recording, and was given 1 by position and none by name",
        ),
        ((np.eye(2), [1.0, 2.0], {"how": "mean"}), "was given 2 by position and how by name"),
    ],
)
def test_other_arguments_are_refused(args, message):
    f = record(lambda a, xs, how: a[0, 1] * xs[0], np.eye(2), [1.0, 2.0], "mean").to_jax()
    *args, last = args
    args, named = (args, last) if isinstance(last, dict) else ((*args, last), {})
    with pytest.raises(TypeError, match=message):
        f(*args, **named)


def test_results_that_are_inputs_or_constants():
    f = record(lambda x: [x, 2.0, x], 1.0).to_jax()
    assert f(3.0).tolist() == [3.0, 2.0, 3.0]
    assert jax.jacrev(f)(3.0).tolist() == [1.0, 0.0, 1.0]


def test_no_results_and_no_numbers():
    assert record(lambda x: {"none": None}, 1.0).to_jax()(3.0) == {"none": None}
    assert record(lambda kind: 2.0, "constant").to_jax()("constant") == 2.0


# ── parameters ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_parameters_come_first():
    w, b = Value(2.0), Value(3.0)
    p = record(lambda x: w * x + b, 5.0)
    f = jax.jit(p.to_jax())
    assert f(np.array([2.0, 3.0]), 5.0) == 13.0
    assert f(np.array([4.0, 3.0]), 5.0) == 23.0
    slopes, slope = jax.grad(f, argnums=(0, 1))(np.array([2.0, 3.0]), 5.0)
    assert (slopes.tolist(), float(slope)) == ([5.0, 1.0], 2.0)


@pytest.mark.parametrize("args", [(), (5.0,), (np.ones(3), 5.0)])
def test_without_the_numbers_of_its_parameters_it_does_not_run(args):
    w, b = Value(2.0), Value(3.0)
    f = record(lambda x: w * x + b, 5.0).to_jax()
    with pytest.raises(TypeError, match="has 2 parameters, and in JAX their numbers come first"):
        f(*args)


# ── derivatives ─────────────────────────────────────────────────────────────────────────────────────────────────────


def bumps(v):
    return sg.exp(-(v[0] ** 2)) * sg.sin(v[1] * v[2]) + v[0] * sg.log(1.0 + v[1] ** 2) / v[2]


def test_gradients_of_many_points_at_once():
    points = np.random.default_rng(1).uniform(0.5, 2.0, size=(50, 3))
    f = record(bumps, [1.0, 1.0, 1.0]).to_jax()
    found = jax.jit(jax.vmap(jax.grad(f)))(points)
    assert np.allclose(found, [grad(bumps)(point) for point in points.tolist()], rtol=1e-13, atol=1e-15)


def test_derivatives_of_derivatives():
    point = [0.7, 1.1, 1.3]
    f = record(bumps, point).to_jax()
    hessian_of_f = jax.jacrev(jax.jacrev(f))
    assert np.allclose(jax.jit(hessian_of_f)(jnp.array(point)), hessian(bumps)(point), rtol=1e-12)
    third = jax.grad(lambda v: hessian_of_f(v)[0, 1])(jnp.array(point))
    assert np.allclose(third, grad(lambda v: hessian(bumps)(v)[0][1])(point), rtol=1e-12)


def test_a_vector_may_follow_the_jacobian():
    f = record(lambda v: [v[0] * v[1], sg.exp(v[0])], [1.0, 2.0]).to_jax()
    _, pull = jax.vjp(f, jnp.array([0.0, 3.0]))
    assert pull(jnp.array([2.0, 10.0]))[0].tolist() == [16.0, 0.0]


def test_derivatives_that_are_programs_already():
    f = record(bumps, [0.7, 1.1, 1.3])
    value, slopes = f.value_and_grad.to_jax()([0.7, 1.1, 1.3])
    assert np.allclose([value, *slopes], [bumps([0.7, 1.1, 1.3]), *grad(bumps)([0.7, 1.1, 1.3])], rtol=1e-14)
    assert np.allclose(f.hessian.to_jax()([0.7, 1.1, 1.3]), hessian(bumps)([0.7, 1.1, 1.3]), rtol=1e-12)


def test_forward_it_says_that_it_does_not():
    with pytest.raises(TypeError, match="forward-mode"):
        jax.hessian(record(bumps, [0.7, 1.1, 1.3]).to_jax())(jnp.ones(3))


KINKS = {
    "max": (lambda v: sg.maximum(v[0], v[1]), [2.0, 2.0], [1.0, 0.0]),
    "min": (lambda v: sg.minimum(v[0], v[1]), [2.0, 2.0], [1.0, 0.0]),
    "max of three": (lambda v: sg.maximum(sg.maximum(v[0], v[1]), v[1]), [2.0, 2.0], [1.0, 0.0]),
    "relu": (lambda v: sg.relu(v[0]) + v[1], [0.0, 0.0], [0.0, 1.0]),
    "relu of a difference": (lambda v: sg.relu(v[0] * v[1] - 1.0), [0.1, 10.0], [0.0, 0.0]),
    "leaky_relu": (lambda v: sg.leaky_relu(v[0], 0.25) + v[1], [0.0, 0.0], [0.25, 1.0]),
    "abs": (lambda v: abs(v[0]) + v[1], [0.0, 0.0], [0.0, 1.0]),
    "where": (lambda v: sg.where(v[0] > 0, v[0] * v[1], v[1]), [0.0, 3.0], [0.0, 1.0]),
    "what is not chosen": (lambda v: sg.where(v[0] > 0, sg.sqrt(v[0] + v[1]), v[0] * 3.0), [0.0, 0.0], [3.0, 0.0]),
    "0 ** 1": (lambda v: v[0] ** 1 + v[1], [0.0, 0.0], [1.0, 1.0]),
    "edge": (lambda v: sg.sqrt(v[0]) + v[1], [0.0, 0.0], [math.inf, 1.0]),
}


@pytest.mark.parametrize("name", KINKS)
def test_at_ties_and_kinks_the_derivatives_are_the_tables(name):
    f, point, slopes = KINKS[name]
    assert grad(f)(point) == slopes
    assert jax.jit(jax.grad(record(f, point).to_jax()))(jnp.array(point)).tolist() == slopes


# ── where a Program would raise ─────────────────────────────────────────────────────────────────────────────────────


def test_on_another_way_all_is_nan():
    def f(x, y):
        return {"a": x * y if x > 0 else x - y, "b": y}

    g = record(f, 1.0, 2.0).to_jax()
    found = jax.jit(jax.vmap(g))(jnp.array([3.0, -3.0]), jnp.array([5.0, 5.0]))
    assert found["a"][0] == 15.0
    assert np.isnan([found["a"][1], found["b"][1]]).all()
    slopes = jax.vmap(jax.grad(lambda x, y: g(x, y)["b"], argnums=(0, 1)))(
        jnp.array([3.0, -3.0]), jnp.array([5.0, 5.0])
    )
    assert [float(slope[0]) for slope in slopes] == [0.0, 1.0]
    assert np.isnan([float(slope[1]) for slope in slopes]).all()


def test_a_guard_of_an_argument_itself():
    f = record(lambda n, x: x * n if n else x, 2.0, 3.0).to_jax()
    assert f(3.0, 5.0) == 15.0
    assert np.isnan(f(0.0, 5.0))


@pytest.mark.parametrize(
    ("f", "inside", "outside"),
    [
        (lambda x: sg.log(x), 1.0, [0.0, -1.0]),
        (lambda x: 1 / x, 1.0, [0.0]),
        (lambda x: x / (x - 1), 2.0, [1.0]),
        (lambda x: sg.exp(x), 1.0, [710.0]),
        (lambda x: sg.sqrt(x), 1.0, [-1.0]),
        (lambda x: x % (x - 1), 3.5, [1.0]),
        (lambda x: x**0.5, 1.0, [-1.0]),
        (lambda x: sg.atanh(x), 0.5, [1.0, -1.0, 2.0]),
        (lambda x: sg.lgamma(x), 0.5, [0.0, -1.0]),
        (lambda x: sg.polygamma(1, x), 0.5, [0.0, -1.0]),
        (lambda x: sg.sin(x), 0.5, [math.inf]),
        (lambda x: 0.0 * sg.log(x) + 1.0, 0.5, [0.0, -1.0]),
    ],
)
def test_where_python_raises_there_is_nan(f, inside, outside):
    g = record(lambda x: [f(x), 2.0], inside).to_jax()
    assert np.isfinite(g(inside)).all()
    for x in outside:
        with pytest.raises((ValueError, ArithmeticError)):
            f(Value(x))
        assert np.isnan(g(x)).all()
        assert np.isnan(jax.jacrev(g)(x)).all()


def test_where_python_does_not_raise_there_is_what_it_gives():
    f = record(lambda x, y: [x * y, x + y, sg.atan(x * y), x / y], 1.0, 2.0).to_jax()
    assert f(1e300, 1e300).tolist() == [math.inf, 2e300, math.pi / 2, 1.0]
    assert np.isnan(f(math.nan, 1.0)[0])


# ── what it refuses ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_gate_of_the_packages_functions_runs_with_its_own_derivatives():
    @gate(derivatives=lambda x: (100.0 * sg.cos(x),))
    def wave(x):
        return sg.sin(x)

    f = record(lambda x: 2 * wave(x), 1.0).to_jax()
    assert abs(f(0.5) - 2 * math.sin(0.5)) < 1e-15
    assert abs(jax.grad(f)(0.5) - 200 * math.cos(0.5)) < 1e-12


def test_other_gates_are_refused_by_name():
    @gate(derivatives=lambda x: (math.cos(x),))
    def opaque(x):
        return math.sin(x)

    with pytest.raises(ProgramError, match="the gate opaque cannot run in JAX"):
        record(lambda x: opaque(x), 1.0).to_jax()


def test_fma_is_refused():
    with pytest.raises(ProgramError, match="fma cannot run in JAX"):
        record(lambda x: sg.fma(x, x, 1.0), 1.0).to_jax()


def test_it_wants_64_bits():
    f = record(lambda x: x * x, 1.0).to_jax()
    jax.config.update("jax_enable_x64", False)
    with pytest.raises(ProgramError, match="jax_enable_x64"):
        jax.jit(f)(2.0)


def test_without_jax_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ProgramError, match=r'pip install "scalargrad-tape\[jax\]"'):
        record(lambda x: x * x, 1.0).to_jax()


# ── devices ─────────────────────────────────────────────────────────────────────────────────────────────────────────

ON_FOUR = """
import jax, numpy
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from scalargrad import exp, where
from scalargrad.program import record

jax.config.update("jax_enable_x64", True)
assert jax.device_count() == 4
p = record(lambda w, x: where(x > w, exp(x) * w, w / 3.0), 0.5, 1.0)
f = jax.vmap(jax.value_and_grad(p.to_jax()), in_axes=(None, 0))
points = numpy.linspace(-2.0, 2.0, 1000)
mesh = Mesh(numpy.array(jax.devices()), ("points",))
spread = jax.device_put(points, NamedSharding(mesh, PartitionSpec("points")))
values, slopes = jax.jit(f)(0.5, spread)
assert len(values.sharding.device_set) == len(slopes.sharding.device_set) == 4
assert [shard.data.shape for shard in slopes.addressable_shards] == [(250,)] * 4
alone = jax.jit(f)(0.5, points)
assert (numpy.asarray(values) == alone[0]).all() and (numpy.asarray(slopes) == alone[1]).all()
total = jax.jit(lambda w, xs: f(w, xs)[1].sum())(0.5, spread)
assert numpy.isclose(float(total), p.value_and_grad.batch(numpy.c_[numpy.full(1000, 0.5), points])[1][0].sum())
"""


def test_points_may_be_spread_over_devices():
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", ON_FOUR], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ── random programs ─────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=30)
@given(expressions(2, [name for name in RULES if name != "fma"], 8, smooth=True))
def test_random_programs_have_the_values_and_gradients_of_the_engine(e):
    value, gradient = value_and_grad(e, argnums=(0, 1))(*e.inputs)
    f = record(e, *e.inputs).to_jax()
    found, slopes = jax.value_and_grad(f, argnums=(0, 1))(*e.inputs)
    assert_allclose(found, value, rtol=1e-9, atol=1e-9)
    assert_allclose(slopes, gradient, rtol=1e-9, atol=1e-9)
