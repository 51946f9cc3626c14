"""Transforms within transforms: the classic cases of perturbation confusion, and functions that differentiate."""

import math

import pytest

from scalargrad import Value, cos, exp, gradients, log, sin, tanh
from scalargrad.transforms import derivative, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

# ── perturbation confusion ──────────────────────────────────────────────────────────────────────────────────────────


def test_siskind_and_pearlmutters_case():
    # d/dx (x · d/dy (x + y)) is 1; confused, it comes out as 2 (Siskind and Pearlmutter 2005)
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0


def test_their_case_forward():
    assert jvp(lambda x: x * jvp(lambda y: x + y)(1.0, 1.0)[1])(1.0, 1.0)[1] == 1.0


def test_their_case_mixed():
    assert grad(lambda x: x * jvp(lambda y: x + y)(1.0, 1.0)[1])(1.0) == 1.0
    assert jvp(lambda x: x * grad(lambda y: x + y)(1.0))(1.0, 1.0)[1] == 1.0


def test_a_product_of_inner_and_outer():
    # d/dx (x · d/dy (x · y)) = d/dx x² = 2 x
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0


def test_the_inner_variable_at_the_outer_ones_number():
    # d/dy (x² y³) at y = x is 3 x⁴, and its derivative 12 x³
    assert grad(lambda x: grad(lambda y: x**2 * y**3)(x))(2.0) == 96.0


def test_three_levels():
    # d/dx (x · d/dy (y · d/dz (x y z²)))  with y = x, z = y:  the innermost is 2 x y z
    def f(x):
        def g(y):
            return y * grad(lambda z: x * y * z**2)(y)  # y · 2 x y²  =  2 x y³

        return x * grad(g)(x)  # x · 6 x · x²  =  6 x⁴

    assert grad(f)(2.0) == 24 * 2.0**3


def test_an_inner_function_that_ignores_the_outer_variable():
    assert grad(lambda x: x * grad(lambda y: y**2)(3.0))(2.0) == 6.0
    assert grad(lambda x: grad(lambda y: y**2)(3.0))(2.0) == 0.0


def test_an_inner_function_that_ignores_its_own_variable():
    assert grad(lambda x: x * grad(lambda y: x**2)(3.0))(2.0) == 0.0


def test_the_shift_of_the_amazing_bug():
    # s(u)(f)(x) = f(x + u); the derivative of s at 0, applied to itself and exp, is the second derivative (Manzyuk 2012)
    def shifted_slope(f):
        return lambda x: grad(lambda u: f(x + u))(0.0)

    assert shifted_slope(shifted_slope(exp))(1.0) == pytest.approx(math.e, rel=1e-15)


# ── every transform in every other ──────────────────────────────────────────────────────────────────────────────────


def to_the_fourth(x):
    return x**4


def slope_by_gradients(f):
    def slope(x):
        x = +x if isinstance(x, Value) else Value(x)
        return gradients(f(x), [x], create_graph=True)[0]

    return slope


ONE_STEP = {  # each makes f' out of f
    "grad": grad,
    "value_and_grad": lambda f: lambda x: value_and_grad(f)(x)[1],
    "jacobian": jacobian,
    "tall jacobian": lambda f: lambda x: jacobian(lambda x: [f(x), x])(x)[0],
    "jvp": lambda f: lambda x: jvp(f)(x, 1.0)[1],
    "vjp": lambda f: lambda x: vjp(f)(x)[1](1.0),
    "derivative": derivative,
    "gradients": slope_by_gradients,
}


@pytest.mark.parametrize("outer", ONE_STEP)
@pytest.mark.parametrize("inner", ONE_STEP)
def test_one_in_another(inner, outer):
    f = ONE_STEP[outer](ONE_STEP[inner](to_the_fourth))
    assert f(2.0) == 48.0


@pytest.mark.parametrize("outermost", ONE_STEP)
@pytest.mark.parametrize("outer", ONE_STEP)
def test_three_in_a_row(outer, outermost):
    f = ONE_STEP[outermost](ONE_STEP[outer](grad(to_the_fourth)))
    assert f(2.0) == 48.0


def test_hessian_of_what_calls_grad():
    def f(v):
        slope = grad(lambda x: x**3 * v[1])(v[0])  # 3 v0² v1
        return slope * v[1]

    assert hessian(f)([2.0, 5.0]) == [[150.0, 120.0], [120.0, 24.0]]


def test_hvp_of_what_calls_hvp():
    def f(x):
        return hvp(lambda y: y**4)(x, 2.0)  # 24 x²

    assert hvp(f)(3.0, 1.0) == 48.0


def test_the_value_is_carried_through_both():
    inner = value_and_grad(lambda x: x**3)
    value, slope = value_and_grad(lambda x: inner(x)[0] * inner(x)[1])(2.0)
    assert (value, slope) == (96.0, 240.0)  # 3 x⁵


def test_jacobian_of_jacobian_of_jacobian():
    third = jacobian(jacobian(jacobian(lambda v: [v[0] ** 2 * v[1] * 3, v[1] ** 3])))([1.0, 2.0])
    assert third[0] == [[[0.0, 6.0], [6.0, 0.0]], [[6.0, 0.0], [0.0, 0.0]]]
    assert third[1][1][1][1] == 6.0


def test_a_pull_is_linear_so_its_push_is_itself():
    _, pull = vjp(lambda v: [v[0] * v[1], sin(v[0])])([0.5, 2.0])
    seeds, speeds = [1.0, 2.0], [3.0, -1.0]
    assert jvp(pull)(seeds, speeds) == (pull(seeds), pull(speeds))


def test_the_transpose_of_a_pull_is_a_push():
    f, v = (lambda v: [v[0] * v[1], sin(v[0])]), [0.5, 2.0]
    _, pull = vjp(f)(v)
    _, push = vjp(pull)([0.0, 0.0])
    assert push([3.0, -1.0]) == pytest.approx(jvp(f)(v, [3.0, -1.0])[1])


# ── functions that differentiate, to a purpose ──────────────────────────────────────────────────────────────────────


def test_a_minimiser_inside():
    # the x that minimises (x - a)² + x² is a / 2, so the least value is a² / 2, with slope a and curvature 1
    def least(a):
        x = 0.0
        for _ in range(60):
            x = x - 0.2 * grad(lambda x: (x - a) ** 2 + x**2)(x)
        return (x - a) ** 2 + x**2

    assert grad(least)(3.0) == pytest.approx(3.0)
    assert derivative(least, order=2)(3.0) == pytest.approx(1.0)


def test_newtons_method_inside():
    def root(a):  # of x + exp(x) = a
        def f(x):
            return x + exp(x) - a

        x = 0.0
        for _ in range(8):
            value, slope = value_and_grad(f)(x)
            x = x - value / slope
        return x

    x = root(2.0)
    assert grad(root)(2.0) == pytest.approx(1 / (1 + math.exp(x)))
    assert hessian(root)(2.0) == pytest.approx(-math.exp(x) / (1 + math.exp(x)) ** 3)


def test_a_saddle_found_by_two_players():
    def play(bet):
        def stake(x, y):
            return x**2 - y**2 + bet * x * y

        x = y = 0.1
        for _ in range(40):
            x, y = x - 0.2 * grad(stake)(x, y), y + 0.2 * grad(stake, argnums=1)(x, y)
        return x + y

    assert grad(play)(0.5) == pytest.approx(0.0, abs=1e-6)


def test_euler_and_lagrange():
    # of a pendulum: d/dt ∂L/∂v = ∂L/∂q gives the acceleration -sin(q)
    def lagrangian(q, v):
        return v**2 / 2 + cos(q)

    def acceleration(q, v):
        curvature = hessian(lagrangian, argnums=1)(q, v)
        mixed = grad(grad(lagrangian, argnums=1), argnums=0)(q, v)
        return (grad(lagrangian, argnums=0)(q, v) - mixed * v) / curvature

    assert acceleration(0.5, 2.0) == pytest.approx(-math.sin(0.5))
    assert grad(acceleration)(0.5, 2.0) == pytest.approx(-math.cos(0.5))


def test_a_function_that_calls_backward_on_a_graph_of_its_own():
    def f(x):
        helper = Value(3.0)
        (helper**2).backward()
        return x * helper.grad

    assert grad(f)(2.0) == 6.0


def test_a_function_that_calls_backward_on_its_argument_and_returns_a_value():
    def f(x):
        y = x**3
        y.backward()
        return y

    assert value_and_grad(f)(2.0) == (8.0, 12.0)
    assert hessian(f)(2.0) == 12.0


def test_gradients_inside_a_transform():
    def f(x):
        y = x**3
        (slope,) = gradients(y, [x], create_graph=True)
        return slope * x

    assert grad(f)(2.0) == 36.0


def test_transforms_of_values_then_backward():
    x = Value(0.5)
    (grad(tanh)(x) + log(grad(exp)(x))).backward()
    t = math.tanh(0.5)
    assert x.grad == pytest.approx(-2 * t * (1 - t * t) + 1.0)


@pytest.mark.parametrize("x", [0.0, -0.0, 2.0])
def test_the_derivative_within_has_the_bits_that_it_has_of_plain_numbers(x):
    def slope(a):
        return grad(lambda t: a + a * t)(a)

    assert value_and_grad(slope)(x)[0].hex() == slope(x).hex()
