"""By which arguments, in which nests, and with what else beside them."""

import functools
import inspect
from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import pytest

from scalargrad import Value, sin
from scalargrad.transforms import derivative, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp


def f(x, y, *, z=1.0):
    return x**2 * y * z


# ── argnums ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("argnums", "found"),
    [
        (0, 12.0),
        (1, 9.0),
        (-1, 9.0),
        (-2, 12.0),
        ("x", 12.0),
        ("y", 9.0),
        ((0, 1), (12.0, 9.0)),
        ((1, 0), (9.0, 12.0)),
        (("y", 0), (9.0, 12.0)),
        ([0], (12.0,)),
    ],
)
def test_argnums_by_position_or_name(argnums, found):
    assert grad(f, argnums=argnums)(3.0, 2.0) == found


def test_arguments_given_by_name():
    assert grad(f)(x=3.0, y=2.0) == 12.0
    assert grad(f, argnums=1)(3.0, y=2.0) == 9.0
    assert grad(f, argnums="y")(x=3.0, y=2.0) == 9.0


def test_a_keyword_only_argument():
    assert grad(f, argnums="z")(3.0, 2.0, z=1.0) == 18.0
    assert grad(f, argnums=("z", 0))(3.0, 2.0, z=1.0) == (18.0, 12.0)


def test_a_function_of_any_number_of_arguments():
    def g(*xs, **named):
        return xs[0] * xs[2] + named["w"]

    assert grad(g, argnums=2)(3.0, 4.0, 5.0, w=1.0) == 3.0
    assert grad(g, argnums=-1)(3.0, 4.0, 5.0, w=1.0) == 3.0
    assert grad(g, argnums="w")(3.0, 4.0, 5.0, w=1.0) == 1.0


def test_a_builtin_whose_signature_is_unknown():
    assert grad(max)(3.0, 2.0) == 1.0
    with pytest.raises(TypeError, match="max was given no argument 'x'"):
        grad(max, argnums="x")(3.0, 2.0)


@pytest.mark.parametrize(
    ("argnums", "message"),
    [
        (2, "f was given no argument 2 .* called with 2 argument.s. by position and none by name"),
        (-3, "f was given no argument -3"),
        ("w", "f was given no argument 'w'"),
        ("z", "f was given no argument 'z'"),
        ((0, 0), "means one argument of f twice"),
        ((0, "x"), "means one argument of f twice"),
        ((1, -1), "means one argument of f twice"),
        (0.5, "a position, a name or a tuple of them, not 0.5"),
        (None, "a position, a name or a tuple of them, not None"),
        ((), "in which is no number"),
    ],
)
def test_wrong_argnums(argnums, message):
    with pytest.raises(TypeError, match=message):
        grad(f, argnums=argnums)(3.0, 2.0)


def test_a_negative_position_does_not_mean_an_argument_given_by_name():
    with pytest.raises(TypeError, match="no argument -2"):
        grad(f, argnums=-2)(3.0, y=2.0)


def test_argnums_of_every_transform():
    assert value_and_grad(f, argnums="y")(3.0, 2.0) == (18.0, 9.0)
    assert jacobian(f, argnums=(0, 1))(3.0, 2.0) == (12.0, 9.0)
    assert hessian(f, argnums=(0, "y"))(3.0, 2.0) == ((4.0, 6.0), (6.0, 0.0))
    assert hvp(f, argnums=(0, 1))(3.0, 2.0, (1.0, 10.0)) == (64.0, 6.0)
    assert jvp(f, argnums=(0, 1))(3.0, 2.0, (1.0, 10.0)) == (18.0, 102.0)
    assert jvp(f, argnums="z")(3.0, 2.0, 10.0, z=5.0)[1] == 180.0
    assert vjp(f, argnums=1)(3.0, 2.0)[1](2.0) == 18.0
    assert derivative(f, order=2, argnums="x")(3.0, 2.0) == 4.0


# ── decorators ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_transforms_are_decorators():
    @grad
    def slope(x):
        """Of a cube."""
        return x**3

    @value_and_grad(argnums=1)
    def both(x, y):
        return x * y

    @derivative(order=2)
    def curvature(x):
        return x**3

    assert (slope(2.0), both(3.0, 4.0), curvature(2.0)) == (12.0, (12.0, 3.0), 12.0)
    assert (slope.__name__, slope.__doc__) == ("slope", "Of a cube.")
    assert list(inspect.signature(both).parameters) == ["x", "y"]


def test_the_zeroth_derivative_is_the_function_and_leaves_it_alone():
    def g(x):
        return x**2

    same = derivative(g, order=0)
    assert same(3.0) == 9.0
    assert same(Value(3.0)) == 9.0
    assert not hasattr(g, "__wrapped__")


def test_methods_partials_and_objects_are_functions_too():
    class Model:
        weight = 3.0

        def __call__(self, x):
            return self.weight * x**2

        def method(self, x):
            return self.weight * x

        @grad(argnums=1)
        def slope(self, x):
            return self.weight * x**3

    model = Model()
    assert grad(model)(2.0) == 12.0
    assert grad(model.method)(2.0) == 3.0
    assert model.slope(2.0) == 36.0
    assert grad(functools.partial(f, 3.0))(2.0) == 9.0
    assert grad(sin)(0.0) == 1.0


# ── nests ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Pair(NamedTuple):
    a: object
    b: object


@dataclass
class Layer:
    weights: list
    bias: float
    name: str = "layer"


@dataclass(frozen=True, slots=True)
class Frozen:
    x: float
    inner: Layer


def test_the_gradient_is_a_nest_like_the_argument():
    nest = {"b": [1.0, (2.0, 3.0)], "a": Pair(4.0, {"deep": 5})}
    gradient = grad(lambda p: p["b"][0] * p["b"][1][1] + p["a"].a * p["a"].b["deep"] ** 2)(nest)
    assert gradient == {"b": [3.0, (0.0, 1.0)], "a": Pair(25.0, {"deep": 40.0})}
    assert list(gradient) == ["b", "a"]
    assert type(gradient["a"]) is Pair


def test_dataclasses():
    gradient = grad(lambda p: p.x * p.inner.weights[1] + p.inner.bias)(Frozen(2.0, Layer([3.0, 4.0], 5.0)))
    assert gradient == Frozen(4.0, Layer([0.0, 2.0], 1.0))


def test_kinds_of_dicts_stay_what_they_are():
    ordered = OrderedDict(b=1.0, a=2.0)
    filled = defaultdict(lambda: 7.0, x=3.0)
    counted = Counter(x=3)
    assert grad(lambda p: p["b"] * p["a"])(ordered) == OrderedDict(b=2.0, a=1.0)
    gradient = grad(lambda p: p["x"] * p["missing"])(filled)
    assert gradient == {"x": 7.0}
    assert gradient["other"] == 7.0
    assert grad(lambda p: p["x"] ** 2)(counted) == Counter(x=6.0)


def test_what_is_not_a_number_passes_through_untouched():
    switch, thing = {"on": True}, object()

    def g(p, mode, *, thing):
        assert mode is switch
        assert thing is p["thing"]
        assert p["train"] is True
        return p["x"] ** 2 if p["kind"] == "square" else 0.0

    nest = {"x": 3.0, "kind": "square", "train": True, "none": None, "thing": thing}
    assert grad(g)(nest, switch, thing=thing) == {**nest, "x": 6.0}


def test_every_kind_of_number():
    assert grad(lambda v: v[0] * v[1] * v[2])([2, Fraction(1, 2), Value(3.0)]) == [1.5, 6.0, 1.0]


def test_results_in_a_nest():
    def g(x):
        return {"square": x**2, "list": [x, 5.0], "pair": Pair(3 * x, "text")}

    assert jacobian(g)(2.0) == {"square": 4.0, "list": [1.0, 0.0], "pair": Pair(3.0, "text")}
    value, speed = jvp(g)(2.0, 10.0)
    assert value == {"square": 4.0, "list": [2.0, 5.0], "pair": Pair(6.0, "text")}
    assert speed == {"square": 40.0, "list": [10.0, 0.0], "pair": Pair(30.0, "text")}
    seeds = {"square": 1.0, "list": [1.0, 1.0], "pair": Pair(1.0, None)}
    assert vjp(g)(2.0)[1](seeds) == 8.0


def test_the_jacobian_is_a_nest_of_the_result_with_nests_of_the_argument():
    result = jacobian(lambda p: [p["a"] * p["b"], p["b"]])({"a": 2.0, "b": 3.0})
    assert result == [{"a": 3.0, "b": 2.0}, {"a": 0.0, "b": 1.0}]
    assert hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 2.0, "b": 3.0}) == {
        "a": {"a": 6.0, "b": 4.0},
        "b": {"a": 4.0, "b": 0.0},
    }


def test_a_curve_has_a_velocity_and_an_acceleration():
    def curve(t):
        return {"x": t**2, "y": [t**3, 1.0]}

    assert derivative(curve)(2.0) == {"x": 4.0, "y": [12.0, 0.0]}
    assert derivative(curve, order=2)(2.0) == {"x": 2.0, "y": [12.0, 0.0]}


# ── vectors and seeds are nests like something ──────────────────────────────────────────────────────────────────────


def test_the_keys_of_a_vector_may_be_in_any_order():
    def g(p):
        return 2 * p["a"] + 3 * p["b"]

    assert jvp(g)({"a": 1.0, "b": 1.0}, {"b": 1.0, "a": 0.0})[1] == 3.0


def test_lists_and_tuples_stand_for_each_other():
    assert hvp(lambda v: v[0] ** 2 * v[1])([1.0, 2.0], (1.0, 0.0)) == [4.0, 2.0]


@pytest.mark.parametrize(
    ("argument", "vector", "message"),
    [
        ([1.0, 2.0], [1.0], "there is a list where something with the parts"),
        ([1.0, 2.0], 1.0, "there is a float where something with the parts"),
        (1.0, [1.0], "there is a list where one number is to be"),
        ({"a": 1.0}, {"b": 1.0}, r"parts \['a'\] is to be"),
        ({"a": 1.0}, {"a": "x"}, "there is a str where one number is to be"),
        (1.0, None, "there is a NoneType where one number is to be"),
    ],
)
def test_a_vector_that_is_not_like_the_argument(argument, vector, message):
    for transform in (jvp, hvp):
        with pytest.raises(
            TypeError, match=f"the vector is to be a nest like what square is differentiated by, but .*{message}"
        ):
            transform(square)(argument, vector)


def square(p):
    while not isinstance(p, Value):
        p = next(iter(p.values() if isinstance(p, dict) else p))
    return p**2


def test_the_vector_follows_the_argument_as_in_scipy():
    assert hvp(f)(3.0, 10.0, 2.0) == 40.0  # hessp(x, p, *args)
    assert hvp(f)(3.0, 10.0, y=2.0) == 40.0
    assert hvp(f)(3.0, 10.0, 2.0, z=3.0) == 120.0
    assert jvp(f)(3.0, 10.0, 2.0) == (18.0, 120.0)
    assert jvp(f, argnums=1)(3.0, 2.0, 10.0) == (18.0, 90.0)
    assert jvp(f, argnums=-2)(3.0, 10.0, 2.0) == (18.0, 120.0)
    assert jvp(f, argnums=(1, 0))(3.0, 2.0, (10.0, 1.0)) == (18.0, 102.0)
    assert jvp(f, argnums="y")(10.0, x=3.0, y=2.0) == (18.0, 90.0)
    assert jvp(lambda *xs: xs[0] * xs[2])(2.0, 10.0, 3.0, 4.0) == (8.0, 40.0)


def test_a_vector_that_was_forgotten():
    with pytest.raises(TypeError, match="the last argument by position is the vector, and square was given none"):
        jvp(square)(p=1.0)
    with pytest.raises(TypeError, match="square was given no argument 0"):
        jvp(square)(1.0)


def test_seeds_that_are_not_like_the_result():
    _, pull = vjp(lambda x: [x, x])(1.0)
    with pytest.raises(TypeError, match="the seeds are to be a nest like the result of <lambda>, but there is a float"):
        pull(1.0)


def test_a_dataclass_is_rebuilt_of_its_fields_alone():
    @dataclass
    class Circle:
        radius: float
        area: float = field(init=False)

        def __post_init__(self):
            if self.radius < 0:
                raise ValueError
            self.area = 3.0 * self.radius**2

    gradient = grad(lambda c: -c.radius + c.area)(Circle(2.0))
    assert (gradient.radius, gradient.area) == (-1.0, 1.0)


def test_a_cached_property_is_computed_anew():
    @dataclass
    class Vector:
        x: float
        y: float

        @functools.cached_property
        def squared(self):
            return self.x**2 + self.y**2

    v = Vector(3.0, 4.0)
    assert v.squared == 25.0
    assert grad(lambda v: v.squared)(v) == Vector(6.0, 8.0)
